package nodeipam

import "k8s.io/kubernetes/pkg/controller/nodeipam/ipam"

// OracleAllocator is the allocator of a controller.
func OracleAllocator(c *Controller) ipam.CIDRAllocator { return c.cidrAllocator }
