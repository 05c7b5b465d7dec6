//go:build before_1_31

package ipam

import "time"

// Before 1.31 a new allocator waits this long before it first asks for nodes.
func init() { nodePollInterval = time.Nanosecond }

// OracleClose has nothing to end: an allocator has no queue before 1.31.
func OracleClose(CIDRAllocator) {}
