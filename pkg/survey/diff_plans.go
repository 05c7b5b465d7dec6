package survey

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// Between is what has to change for a cluster that is run by the plan now to be run by
// the plan want: each field that differs, once for each setting that it decides about.
func Between(now, want *plan.Plan) Diff {
	d := &planDiff{now: now, want: want, versions: plan.Versions{
		Kubernetes: want.Versions.Kubernetes.Or(now.Versions.Kubernetes),
		Cilium:     want.Versions.Cilium.Or(now.Versions.Cilium),
		MetalLB:    want.Versions.MetalLB.Or(now.Versions.MetalLB),
	}}
	d.word("metadata.name", 0, now.Name, want.Name)
	d.families()
	for _, f := range ipfam.All {
		d.prefix("spec.delegated", f, now.Delegated.Of(f), want.Delegated.Of(f))
	}
	for _, f := range ipfam.All {
		d.prefix("spec.lan", f, now.LAN.Prefixes.Of(f), want.LAN.Prefixes.Of(f))
		d.ranges("spec.lan.reserved", f, rangesOf(now, plan.Reserved, f), rangesOf(want, plan.Reserved, f))
	}
	d.word("spec.lan.interface", 0, now.LAN.Interface, want.LAN.Interface)
	for _, f := range ipfam.All {
		d.ranges("spec.routed", f, rangesOf(now, plan.Routed, f), rangesOf(want, plan.Routed, f))
	}
	for _, f := range ipfam.All {
		d.prefix("spec.pods", f, now.Pods.Prefixes.Of(f), want.Pods.Prefixes.Of(f))
		d.word("spec.pods.nodeMask."+key(f), f, length(now.Pods.NodeMask.Of(f)), length(want.Pods.NodeMask.Of(f)))
	}
	for _, f := range ipfam.All {
		d.prefix("spec.services", f, now.Services.Of(f), want.Services.Of(f))
	}
	d.pools()
	for _, f := range ipfam.All {
		d.word("spec.egress."+key(f), f, string(now.Egress.Of(f)), string(want.Egress.Of(f)))
	}
	d.rest()
	d.diff.sort()
	return d.diff
}

// planDiff compares two plans.
type planDiff struct {
	now, want *plan.Plan
	versions  plan.Versions
	diff      Diff
}

// field notes one field: the same, or different for each setting that hangs on it.
func (d *planDiff) field(field string, f ipfam.Family, now, want []string, change plan.Change) {
	if change == "" {
		d.diff.Same++
		return
	}
	one := Difference{Field: field, Family: f, Now: now, Plan: want, Change: change, Objects: 1}
	var costs []plan.Cost
	if field != "spec.lan.reserved" { // which nothing is told
		costs = plan.CostsOf(field, change, d.versions)
	}
	for _, cost := range costs {
		one.Component, one.Setting = cost.Component, familySetting(cost.Setting, f)
		one.Cost = &cost
		d.diff.Differences = append(d.diff.Differences, one)
	}
	if len(costs) == 0 {
		d.diff.Differences = append(d.diff.Differences, one)
	}
}

// familySetting is the setting of a family in the list of those that a rule is for.
func familySetting(list string, f ipfam.Family) string {
	if one, ok := plan.SettingOf(list, f); ok {
		return one
	}
	return strings.ReplaceAll(list, "|", ", ")
}

func (d *planDiff) ranges(field string, f ipfam.Family, now, want []netipx.IPRange) {
	if len(now)+len(want) > 0 {
		d.field(field, f, formatAll(now), formatAll(want), changeOf(now, want))
	}
}

func (d *planDiff) prefix(field string, f ipfam.Family, now, want netip.Prefix) {
	d.ranges(field+"."+key(f), f, one(now), one(want))
}

func one(p netip.Prefix) []netipx.IPRange {
	if !p.IsValid() {
		return nil
	}
	return []netipx.IPRange{netipx.RangeOfPrefix(p.Masked())}
}

// word compares a field that is no range; one that neither plan has says nothing.
func (d *planDiff) word(field string, f ipfam.Family, now, want string) {
	var is, wanted []string
	change := plan.Replace
	if now == "" {
		change = plan.Add
	} else {
		is = []string{now}
	}
	if want == "" {
		change = plan.Remove
	} else {
		wanted = []string{want}
	}
	switch {
	case now == "" && want == "":
		return
	case now == want:
		change = ""
	}
	d.field(field, f, is, wanted, change)
}

func length(mask int) string {
	if mask == 0 {
		return ""
	}
	return "/" + strconv.Itoa(mask)
}

func (d *planDiff) families() {
	now, want := d.now.Families, d.want.Families
	change := plan.Change("")
	switch a, b := ipfam.SetOf(now...), ipfam.SetOf(want...); {
	case orderText(now) == orderText(want):
	case a == b:
		change = plan.Reorder
	case !b.Minus(a).Empty():
		change = plan.Add
	default:
		change = plan.Remove
	}
	d.field("spec.families", 0, []string{orderText(now)}, []string{orderText(want)}, change)
}

// pools compares the pools, each with that of its name, or of its addresses.
func (d *planDiff) pools() {
	var there []pool
	for _, p := range d.now.LoadBalancers {
		there = append(there, pool{Pool: p})
	}
	partners := pair(d.want.LoadBalancers, there)
	used := map[int]bool{}
	for i, want := range d.want.LoadBalancers {
		field := fmt.Sprintf("spec.loadBalancers[%d]", i)
		var now plan.Pool
		if at := partners[i]; at >= 0 {
			now, used[at] = d.now.LoadBalancers[at], true
			d.rename(field+".name", now.Name, want.Name)
			d.word(field+".announce", 0, announced(now), announced(want))
		}
		for _, f := range ipfam.All {
			d.ranges(field+".addresses", f, poolRanges(now.Addresses, f), poolRanges(want.Addresses, f))
		}
	}
	for i, now := range d.now.LoadBalancers {
		if !used[i] {
			for _, f := range now.Families().List() {
				d.ranges("spec.loadBalancers", f, poolRanges(now.Addresses, f), nil)
			}
		}
	}
}

// rename notes a pool of another name. What that costs is not known: Services and
// advertisements may name it.
func (d *planDiff) rename(field, now, want string) {
	if now == want {
		d.diff.Same++
		return
	}
	d.diff.Differences = append(d.diff.Differences, Difference{
		Component: "load balancer", Setting: "name", Field: field, Now: []string{now}, Plan: []string{want}, Change: plan.Replace, Objects: 1,
	})
}

// rest compares what nothing is configured by.
func (d *planDiff) rest() {
	d.word("spec.echo", 0, d.now.Echo, d.want.Echo)
	number := func(n int) string {
		if n == 0 {
			return ""
		}
		return strconv.Itoa(n)
	}
	for _, e := range []struct {
		name      string
		now, want int
	}{
		{"nodes", d.now.Expect.Nodes, d.want.Expect.Nodes}, {"podsPerNode", d.now.Expect.PodsPerNode, d.want.Expect.PodsPerNode},
		{"services", d.now.Expect.Services, d.want.Expect.Services}, {"loadBalancers", d.now.Expect.LoadBalancers, d.want.Expect.LoadBalancers},
	} {
		d.word("spec.expect."+e.name, 0, number(e.now), number(e.want))
	}
	version := func(v release.Version) string {
		if !v.Known() {
			return ""
		}
		return v.String()
	}
	for _, v := range []struct {
		name      string
		now, want release.Version
	}{
		{"kubernetes", d.now.Versions.Kubernetes, d.want.Versions.Kubernetes}, {"cilium", d.now.Versions.Cilium, d.want.Versions.Cilium},
		{"metallb", d.now.Versions.MetalLB, d.want.Versions.MetalLB},
	} {
		d.word("spec.versions."+v.name, 0, version(v.now), version(v.want))
	}
}
