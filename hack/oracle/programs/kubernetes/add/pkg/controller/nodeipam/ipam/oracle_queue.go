//go:build !before_1_31

package ipam

// OracleClose ends the queue of an allocator, which would tick for ever.
func OracleClose(a CIDRAllocator) { a.(*rangeAllocator).queue.ShutDown() }
