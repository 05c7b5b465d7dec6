package ipam

import "k8s.io/kubernetes/pkg/controller/nodeipam/ipam/cidrset"

// OracleSets is the blocks of each pod range of the range allocator.
func OracleSets(a CIDRAllocator) []*cidrset.CidrSet { return a.(*rangeAllocator).cidrSets }
