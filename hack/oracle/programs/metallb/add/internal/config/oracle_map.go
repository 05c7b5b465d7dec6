//go:build before_0_15

package config

// OraclePools is the pools of the resources.
func OraclePools(r ClusterResources) (map[string]*Pool, error) { return poolsFor(r) }
