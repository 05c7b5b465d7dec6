//go:build !before_0_15

package allocator

import "go.universe.tf/metallb/internal/config"

// OracleCount is how many addresses a pool has.
func OracleCount(p *config.Pool) int64 {
	all, _, _ := poolCount(p)
	return all
}
