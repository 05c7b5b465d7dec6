//go:build before_1_31

package ipam

// OracleClose has nothing to end: an allocator has no queue before 1.31.
func OracleClose(CIDRAllocator) {}
