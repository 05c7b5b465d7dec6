package plan

import (
	"fmt"
	"math/bits"

	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
)

// capacity holds the ranges to what is expected of them, by family: the one that
// has less runs out first, and the other does not help.
func (v *validation) capacity() {
	c, want := v.plan.Capacity(), v.plan.Expect
	for _, f := range v.plan.Want().List() {
		v.hosts(f)
		if pods := v.plan.Pods.Prefixes.Of(f); pods.IsValid() {
			mask := v.plan.NodeMask(f)
			v.enough("spec.pods."+key(f), fmt.Sprintf("node blocks of /%d", mask), "nodes", want.Nodes, c.Nodes, f,
				fmt.Sprintf("write a pod range of /%d or shorter, or a longer node mask", mask-bitsFor(want.Nodes)))
			v.enough("spec.pods.nodeMask."+key(f), fmt.Sprintf("pod addresses in a block of /%d", mask), "pods per node", want.PodsPerNode, c.PodsPerNode, f,
				fmt.Sprintf("write a node mask of /%d or shorter", f.Bits()-bitsFor(want.PodsPerNode+reservedInBlock)))
		}
		if v.plan.Services.Of(f).IsValid() {
			v.enough("spec.services."+key(f), "addresses", "Services", want.Services, c.Services, f,
				fmt.Sprintf("write a range of /%d or shorter", f.Bits()-bitsFor(want.Services+2)))
		}
		if v.plan.poolFamilies().Has(f) {
			v.enough("spec.loadBalancers", "addresses", "LoadBalancer Services", want.LoadBalancers, c.LoadBalancers, f,
				fmt.Sprintf("add %s addresses to a pool", f))
		}
	}
}

// hosts asks whether the network of the nodes has an address for each of them. Other hosts
// there are not counted, and nodes may be among what is reserved. It is no error: nodes may
// be on more networks than a plan has room for.
func (v *validation) hosts(f ipfam.Family) {
	lan := v.plan.LAN.Prefixes.Of(f)
	if !lan.IsValid() {
		return
	}
	n := v.plan.hostAddresses(f)
	if nodes := uint64(v.plan.Expect.Nodes); nodes > n {
		v.add(Enough, severity.Warning, "spec.lan."+key(f),
			fmt.Sprintf("%s holds %s of %d nodes, beside the load balancers and a router", lan.Masked(), FormatCount(n), nodes),
			fmt.Sprintf("write a network of /%d or shorter", min(f.Bits()-bitsFor(v.plan.Expect.Nodes), lan.Bits()-1)))
	}
}

// hostAddresses is the addresses of the LAN for hosts beside one router: not those of
// pools, and not those that the network has for itself, its first and in IPv4 its last.
func (p *Plan) hostAddresses(f ipfam.Family) uint64 {
	lan := netipx.RangeOfPrefix(p.LAN.Prefixes.Of(f).Masked())
	n := minus(Count(lan), 2)
	if f == ipfam.V4 {
		n = minus(n, 1)
	}
	for _, pool := range p.LoadBalancers {
		for _, r := range pool.Addresses {
			if Within(r, lan) {
				n = minus(n, Count(r))
			}
		}
	}
	return n
}

// enough compares what family f has with what is expected; 0 expects nothing.
func (v *validation) enough(field, what, of string, want int, have ipfam.Pair[uint64], f ipfam.Family, fix string) {
	n := have.Of(f)
	if want == 0 || !Scarce(uint64(want), n) {
		return
	}
	bad := severity.Warning
	if uint64(want) > n {
		bad = severity.Error
	}
	message := fmt.Sprintf("has %s %s %s for %d %s", FormatCount(n), f, what, want, of)
	if other := have.Of(f.Other()); other > n && !Scarce(uint64(want), other) {
		message += fmt.Sprintf("; %s has %s", f.Other(), FormatCount(other))
	}
	v.add(Enough, bad, field, message, fix)
}

// bitsFor is how many bits it takes to have n of something and a fifth to spare.
func bitsFor(n int) int { return bits.Len64(uint64(n) + uint64(n)/4) }
