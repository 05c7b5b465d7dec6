package plan

import (
	"fmt"
	"math"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
)

// Resource is something that a plan has room for a number of.
type Resource string

// The resources, in the order in which they are printed.
const (
	NodeBlocks        Resource = "nodes"
	PodAddrs          Resource = "pods"
	ServiceAddrs      Resource = "services"
	LoadBalancerAddrs Resource = "loadBalancers"
)

// String is the resource as it stands in a sentence.
func (r Resource) String() string {
	switch r {
	case ServiceAddrs:
		return "Services"
	case LoadBalancerAddrs:
		return "load balancers"
	}
	return string(r)
}

// Supply is how much of a resource a plan has in one family, and how much of it is
// used and expected.
type Supply struct {
	Of       Resource
	Family   ipfam.Family
	Capacity uint64 // at most math.MaxUint64
	Used     uint64
	Known    bool   // whether Used is known
	Expected uint64 // 0 when the plan expects nothing
}

// Need is what is used, or what the plan expects where that is more.
func (s Supply) Need() uint64 { return max(s.Used, s.Expected) }

// Left is how many more than needed there are.
func (s Supply) Left() uint64 { return minus(s.Capacity, s.Need()) }

// Horizon is the supply of each resource in each family that the plan has a range
// of for it, by resource and then by family.
func (p *Plan) Horizon(u *Usage) []Supply {
	var list []Supply
	c := p.Capacity()
	add := func(of Resource, f ipfam.Family, capacity uint64, expected int) {
		used, known := p.used(u, of, f)
		list = append(list, Supply{Of: of, Family: f, Capacity: capacity, Used: used, Known: known, Expected: uint64(expected)})
	}
	pods := func(of Resource, capacity func(ipfam.Family) uint64, expected int) {
		for _, f := range ipfam.All {
			if p.Pods.Prefixes.Of(f).IsValid() {
				add(of, f, capacity(f), expected)
			}
		}
	}
	pods(NodeBlocks, c.Nodes.Of, p.Expect.Nodes)
	pods(PodAddrs, func(f ipfam.Family) uint64 { return times(c.Nodes.Of(f), c.PodsPerNode.Of(f)) }, p.Expect.Nodes*p.Expect.PodsPerNode)
	for _, f := range ipfam.All {
		if p.Services.Of(f).IsValid() {
			add(ServiceAddrs, f, c.Services.Of(f), p.Expect.Services)
		}
	}
	for _, f := range ipfam.All {
		if p.poolFamilies().Has(f) {
			add(LoadBalancerAddrs, f, c.LoadBalancers.Of(f), p.Expect.LoadBalancers)
		}
	}
	return list
}

// used is how many of a resource a cluster has taken out of the plan's ranges.
func (p *Plan) used(u *Usage, of Resource, f ipfam.Family) (n uint64, known bool) {
	use := map[Resource]Use{NodeBlocks: Pods, ServiceAddrs: Services, LoadBalancerAddrs: LoadBalancers}[of]
	if of == PodAddrs {
		if u == nil {
			return 0, false
		}
		return u.Pods.Of(f), u.PodsKnown
	}
	taken, known := u.Of(use)
	if !known {
		return u.nodes(of)
	}
	for _, r := range p.Ranges() {
		if r.Use == use && r.Family() == f {
			n = Sum(n, in(r.Addrs, taken))
		}
	}
	return n, true
}

// nodes is how many nodes there are, where blocks of theirs are asked for and are
// not known.
func (u *Usage) nodes(of Resource) (n uint64, known bool) {
	if u == nil || of != NodeBlocks {
		return 0, false
	}
	return u.Nodes, u.NodesKnown
}

// First is the supply that runs out first when all that is needed grows by the
// same factor: the one of which the largest part is needed. There is none when
// nothing is known to be needed.
func First(list []Supply) (first Supply, ok bool) {
	most := 0.0
	for _, s := range list {
		if part := part(s); part > most {
			first, most, ok = s, part, true
		}
	}
	return first, ok
}

// part is which part of a supply is needed; of a supply of nothing it is more than
// any other.
func part(s Supply) float64 {
	if s.Need() == 0 {
		return 0
	}
	return float64(s.Need()) / float64(s.Capacity)
}

// times is the product of a and b, at most math.MaxUint64.
func times(a, b uint64) uint64 {
	if a == 0 || b == 0 {
		return 0
	}
	if a > math.MaxUint64/b {
		return math.MaxUint64
	}
	return a * b
}

// field is the field of the plan that has the ranges of a resource.
func (s Supply) field() string {
	switch s.Of {
	case ServiceAddrs:
		return "spec.services." + key(s.Family)
	case LoadBalancerAddrs:
		return "spec.loadBalancers"
	}
	return "spec.pods." + key(s.Family)
}

// Strain is what is wrong with the plan for what a cluster has taken: a supply
// that is soon at its end, and addresses that no range of the plan has. What the
// plan itself expects, Validate judges.
func (p *Plan) Strain(u *Usage) []Problem {
	v := validation{plan: p}
	for _, s := range p.Horizon(u) {
		if !s.Known || s.Used == 0 || !Scarce(s.Used, s.Capacity) || s.Of == PodAddrs {
			continue
		}
		bad := severity.Warning
		if s.Used > s.Capacity {
			bad = severity.Error
		}
		v.add(Enough, bad, s.field(), fmt.Sprintf("has room for %s %s in %s, and the cluster has %s", FormatCount(s.Capacity), s.Of, s.Family, FormatCount(s.Used)),
			"take a wider range, or a further one; plan show has what is free")
	}
	for _, use := range []Use{Pods, Services, LoadBalancers} {
		v.outside(use, u)
	}
	for i := range v.problems {
		v.problems[i].At = p.Position(v.problems[i].Field)
	}
	sortProblems(v.problems)
	return v.problems
}

// outside tells of what is taken of a use and in none of its ranges: the first of
// it, and how much more there is.
func (v *validation) outside(use Use, u *Usage) {
	var found []Range
	for _, r := range v.plan.Outside(u) {
		if r.Use == use {
			found = append(found, r)
		}
	}
	if len(found) == 0 {
		return
	}
	more := ""
	if n := len(found) - 1; n > 0 {
		more = fmt.Sprintf(", and %d more", n)
	}
	v.add(InPlan, severity.Warning, "spec."+string(use), fmt.Sprintf("has no range with %s of %s%s", found[0], found[0].Name, more),
		"add the range that the cluster has, or move what is in it")
}

// InPlan is the rule that what a cluster has taken is in the ranges of its plan.
const InPlan Rule = "in-plan"
