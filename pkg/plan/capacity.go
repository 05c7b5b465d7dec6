package plan

import (
	"math"
	"net/netip"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// Capacity is how much of everything a plan has room for, by family. A number is
// at most math.MaxUint64, and 0 where the plan has no range of the family.
type Capacity struct {
	Nodes         ipfam.Pair[uint64] // blocks of the node mask in the pod range
	PodsPerNode   ipfam.Pair[uint64] // addresses of one block
	Services      ipfam.Pair[uint64]
	LoadBalancers ipfam.Pair[uint64]
}

// Capacity is how much the plan has room for, with the releases that it names.
func (p *Plan) Capacity() Capacity {
	var c Capacity
	for _, f := range ipfam.All {
		if r := p.Pods.Prefixes.Of(f); r.IsValid() {
			mask := p.NodeMask(f)
			*c.Nodes.At(f) = Blocks(r, mask)
			*c.PodsPerNode.At(f) = PodAddresses(f, mask, p.Versions.Cilium)
		}
		if r := p.Services.Of(f); r.IsValid() {
			*c.Services.At(f) = ServiceAddresses(r, p.kubernetes())
		}
	}
	for _, pool := range p.LoadBalancers {
		for _, r := range pool.Addresses {
			at := c.LoadBalancers.At(ipfam.Of(r.From()))
			*at = Sum(*at, Count(r))
		}
	}
	return c
}

// NodeMask is the node mask of family f: the plan's, or what
// kube-controller-manager takes without one.
func (p *Plan) NodeMask(f ipfam.Family) int {
	if mask := p.Pods.NodeMask.Of(f); mask != 0 {
		return mask
	}
	return DefaultNodeMask.Of(f)
}

func (p *Plan) kubernetes() release.Version { return p.Versions.Kubernetes.Or(LatestKubernetes) }

// reservedInBlock is the addresses of a node's block that no pod gets: the first
// and the last. It is Cilium's number, and that of others.
// Source: cilium v1.20.2, pkg/ipam/service/ipallocator/allocator.go NewCIDRRange.
const reservedInBlock = 2

// maxBlockAddresses6 is how much of an IPv6 block a Cilium agent looks at, whatever
// its length. Source: cilium v1.20.2, pkg/ipam/service/ipallocator/allocator.go
// RangeSize.
const maxBlockAddresses6 = 65536

// ciliumSmallBlocks is the first release whose agents give the one or two addresses
// of a block of /32, /31, /128 or /127; earlier ones give none.
var ciliumSmallBlocks = release.V(1, 17)

// PodAddresses is how many pods a block of mask has addresses for, by an agent of
// Cilium version v, or of the latest when it is unknown. Of an IPv6 block there are
// never more than 65,534, and of a /0 or a /1 there are none.
func PodAddresses(f ipfam.Family, mask int, v release.Version) uint64 {
	if mask < minCountedBits {
		return 0
	}
	n := powerOfTwo(f.Bits() - mask)
	if f == ipfam.V6 {
		n = min(n, maxBlockAddresses6)
	}
	if n <= reservedInBlock && !v.Before(ciliumSmallBlocks) {
		return n
	}
	return minus(n, reservedInBlock)
}

// ServiceAddresses is how many addresses kube-apiserver of version v gives out of
// the Service range r: not the first, not the last of an IPv4 range, and before
// 1.33 none beyond the first 65,536 of an IPv6 range.
// Source: kubernetes v1.37.2, pkg/registry/core/service/ipallocator/{ipallocator,bitmap}.go.
func ServiceAddresses(r netip.Prefix, v release.Version) uint64 {
	n := size(r)
	if ipfam.OfPrefix(r) == ipfam.V4 {
		return minus(n, 2)
	}
	if v.Before(ServiceCIDRsFrom) {
		n = min(n, maxBitmapAddresses6)
	}
	return minus(n, 1)
}

func powerOfTwo(bits int) uint64 {
	switch {
	case bits < 0:
		return 0
	case bits > 63:
		return math.MaxUint64
	}
	return 1 << bits
}

// Sum is a and b, at most math.MaxUint64.
func Sum(a, b uint64) uint64 {
	if a > math.MaxUint64-b {
		return math.MaxUint64
	}
	return a + b
}

// minus is a without b; what is too large to count stays so.
func minus(a, b uint64) uint64 {
	switch {
	case a == math.MaxUint64:
		return a
	case a < b:
		return 0
	}
	return a - b
}

// Scarce reports whether used of capacity is so much that the rest is soon gone:
// four fifths or more.
func Scarce(used, capacity uint64) bool {
	return used >= capacity-capacity/5
}
