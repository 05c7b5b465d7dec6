//go:build !before_0_15

package config

// OraclePools is the pools of the resources.
func OraclePools(r ClusterResources) (*Pools, error) { return poolsFor(r) }
