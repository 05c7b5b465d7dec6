package survey

import (
	"cmp"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// Diff is what has to change for a cluster, or a plan, to become what a plan says.
type Diff struct {
	// Differences is in the order of the plan's fields, and of each by component.
	Differences []Difference
	// Same is how many settings are what the plan says.
	Same int
	// Unknown is what could not be compared. It is never the same.
	Unknown []Unknown
	// Unknowable is the fields of the plan that no component of a cluster has.
	Unknowable []string
}

// Difference is one setting of one component, or one field of a plan, that is not what
// the plan says.
type Difference struct {
	Component string // as a Claim has it; empty where two plans differ in what no component has
	Setting   string // the component's own word, empty with Component
	Field     string // of the plan: "spec.services.ipv6"
	Family    ipfam.Family
	Source    Source // where the setting is; zero between plans
	Objects   int    // how many objects have it so
	Now, Plan []string
	Change    plan.Change
	Cost      *plan.Cost // nil when no rule is known
}

// Unknown is something that could not be compared, and why.
type Unknown struct {
	Field  string // of the plan; empty for a gap that is about several
	Reason string
}

// differ gathers differences.
type differ struct {
	*surveyor // for the places of settings
	diff      Diff
	versions  plan.Versions
}

// setting is one setting of one component.
type setting struct {
	component, name, field string
	family                 ipfam.Family
	source                 Source
	objects                int
}

// compare notes whether a setting is what the plan says, and by which change it becomes
// that; the empty change is none.
func (d *differ) compare(s setting, now, want []string, change plan.Change) {
	if change == "" {
		d.diff.Same++
		return
	}
	one := Difference{
		Component: s.component, Setting: s.name, Field: s.field, Family: s.family, Source: s.source, Objects: max(s.objects, 1),
		Now: now, Plan: want, Change: change,
	}
	if cost, ok := plan.CostOf(s.component, s.name, change, d.versions); ok {
		one.Cost = &cost
	}
	d.diff.Differences = append(d.diff.Differences, one)
}

func (d *differ) unknown(field, reason string) {
	u := Unknown{field, reason}
	if !slices.Contains(d.diff.Unknown, u) {
		d.diff.Unknown = append(d.diff.Unknown, u)
	}
}

// changeOf is how the ranges now become the ranges want; empty when they are the same
// addresses, in whatever order and form.
func changeOf(now, want []netipx.IPRange) plan.Change {
	is, wanted := setOf(now), setOf(want)
	switch {
	case is.Equal(wanted):
		return ""
	case len(now) == 0:
		return plan.Add
	case len(want) == 0:
		return plan.Remove
	case holdsAll(wanted, now):
		return plan.Widen
	case len(want) < len(now) && !slices.ContainsFunc(want, func(r netipx.IPRange) bool { return !slices.Contains(now, r) }):
		return plan.Remove // entries of a list, of which some stay
	}
	return plan.Replace
}

func setOf(ranges []netipx.IPRange) *netipx.IPSet {
	var b netipx.IPSetBuilder
	for _, r := range ranges {
		b.AddRange(r)
	}
	set, err := b.IPSet()
	if err != nil { // an invalid range: it has no addresses
		return &netipx.IPSet{}
	}
	return set
}

func holdsAll(set *netipx.IPSet, ranges []netipx.IPRange) bool {
	return !slices.ContainsFunc(ranges, func(r netipx.IPRange) bool { return !set.ContainsRange(r) })
}

func formatAll(ranges []netipx.IPRange) []string {
	texts := []string{}
	for _, r := range ranges {
		texts = append(texts, plan.FormatAddrs(r))
	}
	return texts
}

// rangesOf is the ranges of use and family in p, in its order.
func rangesOf(p *plan.Plan, use plan.Use, f ipfam.Family) []netipx.IPRange {
	var ranges []netipx.IPRange
	for _, r := range p.Ranges() {
		if r.Use == use && r.Family() == f {
			ranges = append(ranges, r.Addrs)
		}
	}
	return ranges
}

func poolRanges(addresses []netipx.IPRange, f ipfam.Family) []netipx.IPRange {
	var ranges []netipx.IPRange
	for _, r := range addresses {
		if ipfam.Of(r.From()) == f {
			ranges = append(ranges, r)
		}
	}
	return ranges
}

// announced is how a pool of a plan is announced.
func announced(p plan.Pool) string {
	if p.Announce == "" {
		return "l2"
	}
	return p.Announce
}

func orderText(families []ipfam.Family) string {
	var names []string
	for _, f := range families {
		names = append(names, f.String())
	}
	return strings.Join(names, ", ")
}

// fieldOrder is the fields of a plan in their order.
var fieldOrder = []string{
	"metadata.name", "spec.families", "spec.delegated", "spec.lan", "spec.routed", "spec.pods.ip", "spec.pods", "spec.services", "spec.loadBalancers", "spec.egress",
	"spec.echo", "spec.expect", "spec.versions",
}

// sort puts the differences in the order of the plan's fields; those of one field stay
// in theirs.
func (d *Diff) sort() {
	rank := func(x Difference) int {
		return slices.IndexFunc(fieldOrder, func(field string) bool { return strings.HasPrefix(x.Field, field) })
	}
	slices.SortStableFunc(d.Differences, func(a, b Difference) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a.Field, b.Field))
	})
}

// withVersions is the releases that costs are of: those that run, or else those that
// the plan is for.
func withVersions(snap *snapshot.Snapshot, p *plan.Plan) plan.Versions {
	return plan.Versions{
		Kubernetes: snap.Kubernetes.Or(p.Versions.Kubernetes),
		Cilium:     snap.Cilium.Version.Or(p.Versions.Cilium),
		MetalLB:    snap.MetalLB.Version.Or(p.Versions.MetalLB),
	}
}
