package ipam

import "k8s.io/kubernetes/pkg/controller/nodeipam/ipam/cidrset"

// OracleSets is the blocks of each pod range of the range allocator.
func OracleSets(a CIDRAllocator) []*cidrset.CidrSet { return a.(*rangeAllocator).cidrSets }

// OracleClose ends the queue of an allocator, which would tick for ever.
func OracleClose(a CIDRAllocator) { a.(*rangeAllocator).queue.ShutDown() }
