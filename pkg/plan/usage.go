package plan

import (
	"slices"

	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
)

// Usage is what a cluster has given out of its ranges. A nil Usage is that no
// cluster was asked.
type Usage struct {
	// Taken is, by its Use, the block of a node (Pods), a ClusterIP (Services) or
	// an address of a load balancer (LoadBalancers). Name is whose it is, Owner
	// where that was read. No address or block is in it twice.
	Taken []Range
	// Nodes is how many nodes there are, each of which takes a block, also where
	// it is not known which. It is known when NodesKnown is.
	Nodes      uint64
	NodesKnown bool
	// Pods is how many addresses of the pod ranges Pods have. It is known when
	// PodsKnown is: Pods are not always read.
	Pods      ipfam.Pair[uint64]
	PodsKnown bool
	// Unknown is why it is not known what is taken, by use.
	Unknown map[Use]string
}

// Of is what is taken of a use, and whether that is known.
func (u *Usage) Of(use Use) (taken []Range, known bool) {
	if u == nil {
		return nil, false
	}
	if _, unknown := u.Unknown[use]; unknown {
		return nil, false
	}
	for _, r := range u.Taken {
		if r.Use == use {
			taken = append(taken, r)
		}
	}
	return taken, true
}

// in is how much of taken lies in r.
func in(r netipx.IPRange, taken []Range) uint64 {
	var n uint64
	for _, t := range taken {
		if Within(t.Addrs, r) {
			n++
		}
	}
	return n
}

// Outside is what is taken of a use and lies in none of the plan's ranges for it:
// the cluster is not, or no longer, that of the plan.
func (p *Plan) Outside(u *Usage) []Range {
	if u == nil {
		return nil
	}
	ranges := p.Ranges()
	return slices.DeleteFunc(slices.Clone(u.Taken), func(t Range) bool {
		return slices.ContainsFunc(ranges, func(r Range) bool { return r.Use == t.Use && r.Contains(t) })
	})
}
