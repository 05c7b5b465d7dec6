// Package plan is the address plan: the ranges that a cluster draws addresses
// from, what each is for, and the arithmetic over them. It is pure: it reads no
// file and no cluster.
package plan

import (
	"net/netip"

	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// APIVersion and Kind are the first two lines of every plan file.
const (
	APIVersion = "dualstack/v1alpha1"
	Kind       = "AddressPlan"
)

// Plan is an address plan as its file says it. Prefixes are as written, host
// bits included; Validate says what is wrong with them.
type Plan struct {
	Name          string
	Families      []ipfam.Family // primary first; both, unless the file says otherwise
	Delegated     ipfam.Pair[netip.Prefix]
	LAN           Network
	Routed        []netip.Prefix
	Pods          PodRanges
	Services      ipfam.Pair[netip.Prefix]
	LoadBalancers []Pool
	Egress        ipfam.Pair[Egress]
	Echo          string // a host that answers with the caller's address, for trace; may be empty
	Expect        Expectation
	Versions      Versions

	source    string
	positions map[string]Position
	texts     map[string]string // ranges as written, by field; some may be relative
}

// Network is the on-link network of the nodes.
type Network struct {
	Prefixes  ipfam.Pair[netip.Prefix]
	Interface string
	Reserved  []netipx.IPRange // routers, DHCP, other hosts: never for a load balancer
}

// PodRanges is the ranges of the pods and the size of the block that each node
// gets out of them. A mask of 0 was not given.
type PodRanges struct {
	Prefixes ipfam.Pair[netip.Prefix]
	NodeMask ipfam.Pair[int]
}

// Pool is a named set of load-balancer ranges.
type Pool struct {
	Name      string
	Announce  string // "l2", "bgp" or "none"; empty is l2
	Addresses []netipx.IPRange
}

// Families is the families that the pool has addresses of.
func (p Pool) Families() ipfam.Set {
	var s ipfam.Set
	for _, r := range p.Addresses {
		s = s.With(ipfam.Of(r.From()))
	}
	return s
}

// Egress is how pods' packets are to leave the cluster. Empty was not given.
type Egress string

// The ways out.
const (
	Masquerade   Egress = "masquerade" // with the address of a node
	RoutedEgress Egress = "routed"     // with the pod's own address
	NoEgress     Egress = "none"
)

// Expectation is the size that the cluster is planned for. Zero was not given.
type Expectation struct {
	Nodes         int
	PodsPerNode   int
	Services      int
	LoadBalancers int
}

// Versions is the releases that the plan is for; limits differ between them.
type Versions struct {
	Kubernetes release.Version
	Cilium     release.Version
	MetalLB    release.Version
}

// Position is a place in a file, counted from 1. The zero Position is unknown.
type Position struct {
	Line, Column int
}

// Source is the name of the file that the plan was read from.
func (p *Plan) Source() string { return p.source }

// Position is where field ("spec.pods.ipv6", "spec.loadBalancers[0].addresses[1]")
// stands in the file, or else the nearest field around it.
func (p *Plan) Position(field string) Position {
	for field != "" {
		if at, ok := p.positions[field]; ok {
			return at
		}
		field = parentField(field)
	}
	return Position{Line: 1, Column: 1}
}

func parentField(field string) string {
	for i := len(field) - 1; i > 0; i-- {
		if field[i] == '.' || field[i] == '[' {
			return field[:i]
		}
	}
	return ""
}

// Want is the set of the families of the plan.
func (p *Plan) Want() ipfam.Set { return ipfam.SetOf(p.Families...) }

// Ranges is every range of the plan, each with its field, in the file's order of
// uses. Host bits are masked off.
func (p *Plan) Ranges() []Range {
	var rs []Range
	add := func(use Use, name, field string, r netipx.IPRange) {
		if r.IsValid() {
			rs = append(rs, Range{Use: use, Name: name, Addrs: r, Owner: "plan", Field: field})
		}
	}
	pair := func(use Use, field string, ps ipfam.Pair[netip.Prefix]) {
		for _, f := range ipfam.All {
			add(use, "", field+"."+key(f), netipx.RangeOfPrefix(ps.Of(f).Masked()))
		}
	}
	pair(Delegated, "spec.delegated", p.Delegated)
	for i, r := range p.Routed {
		add(Routed, "", index("spec.routed", i), netipx.RangeOfPrefix(r.Masked()))
	}
	pair(LAN, "spec.lan", p.LAN.Prefixes)
	for i, r := range p.LAN.Reserved {
		add(Reserved, "", index("spec.lan.reserved", i), r)
	}
	pair(Pods, "spec.pods", p.Pods.Prefixes)
	pair(Services, "spec.services", p.Services)
	for i, pool := range p.LoadBalancers {
		for j, r := range pool.Addresses {
			add(LoadBalancers, pool.Name, index(index("spec.loadBalancers", i)+".addresses", j), r)
		}
	}
	return rs
}

// key is the name of a family's field in a plan.
func key(f ipfam.Family) string {
	if f == ipfam.V4 {
		return "ipv4"
	}
	return "ipv6"
}
