package survey

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// pools compares the pools of the load balancers with those of the plan. A pool is that
// of the same name, or else one of the same addresses, or of some.
func (d *clusterDiff) pools() {
	there := append(d.metallbPools(), d.lbipamPools()...)
	if d.silent(plan.LoadBalancers, len(there)) {
		return
	}
	partners := pair(d.plan.LoadBalancers, there)
	for i, want := range d.plan.LoadBalancers {
		field := fmt.Sprintf("spec.loadBalancers[%d]", i)
		if at := partners[i]; at >= 0 {
			d.pool(field, there[at], want)
			continue
		}
		component, name, known := d.balancer()
		if !known {
			d.unknown(field, "no load balancer is known")
			continue
		}
		for _, f := range want.Families().List() {
			s := setting{component: component, name: name, field: field, family: f}
			d.compare(s, nil, formatAll(poolRanges(want.Addresses, f)), plan.Add)
		}
	}
	for i, p := range there {
		if !slices.Contains(partners, i) {
			for _, f := range p.Families().List() {
				d.compare(poolSetting(p, "spec.loadBalancers", f), formatAll(poolRanges(p.Addresses, f)), nil, plan.Remove)
			}
		}
	}
}

// pair is for each pool of a plan the index of the one that it is in there, or -1.
func pair(wanted []plan.Pool, there []pool) []int {
	partners := make([]int, len(wanted))
	for i := range partners {
		partners[i] = -1
	}
	for _, same := range []func(a plan.Pool, b pool) bool{
		func(a plan.Pool, b pool) bool { return a.Name == b.Name },
		func(a plan.Pool, b pool) bool { return setOf(a.Addresses).Equal(setOf(b.Addresses)) },
		func(a plan.Pool, b pool) bool { return setOf(a.Addresses).Overlaps(setOf(b.Addresses)) },
	} {
		for i, want := range wanted {
			for at, p := range there {
				if partners[i] < 0 && !slices.Contains(partners, at) && same(want, p) {
					partners[i] = at
				}
			}
		}
	}
	return partners
}

// pool compares one pool.
func (d *clusterDiff) pool(field string, now pool, want plan.Pool) {
	// An import gives the second of two pools of one name another.
	if now.Name != want.Name && !strings.HasPrefix(want.Name, now.Name+"-"+now.source.Name) {
		// What that costs is not known: Services and advertisements may name it.
		d.compare(setting{component: now.source.Name, name: ".metadata.name", field: field + ".name", source: now.source}, []string{now.Name}, []string{want.Name}, plan.Replace)
	}
	for _, f := range ipfam.All {
		is, wanted := poolRanges(now.Addresses, f), poolRanges(want.Addresses, f)
		if len(is)+len(wanted) > 0 {
			d.compare(poolSetting(now, field+".addresses", f), formatAll(is), formatAll(wanted), changeOf(is, wanted))
		}
	}
	field += ".announce"
	values := distinct(now.announce)
	switch {
	case now.unsure != "":
		d.unknown(field, now.unsure)
		return
	case now.source.Name == "lb-ipam" && len(values) > 1:
		d.unknown(field, "Cilium has L2 announcements and BGP on, and which pools they are about is not known")
		return
	}
	name := "L2Advertisement"
	if announced(want) == "bgp" || slices.Contains(values, "bgp") && announced(want) == "none" {
		name = "BGPAdvertisement"
	}
	s := setting{component: now.source.Name, name: name, field: field, source: now.announce[0].Source}
	if s.component == "lb-ipam" {
		s.name = "announcements"
	}
	d.compare(s, values, []string{announced(want)}, changed(!slices.Equal(values, []string{announced(want)})))
}

func poolSetting(p pool, field string, f ipfam.Family) setting {
	s := setting{component: p.source.Name, name: p.source.Field, field: field, family: f, source: p.source}
	if s.component == "metallb" { // a ConfigMap has them under another name, and the rules are those of the release
		s.name = ".spec.addresses"
	}
	return s
}

// balancer is the component that a new pool would be of.
func (d *clusterDiff) balancer() (component, name string, known bool) {
	switch {
	case d.snap.MetalLB.Present() || d.snap.MetalLB.CRDs:
		return "metallb", ".spec.addresses", true
	case len(d.snap.LBIPAMPools) > 0:
		return "lb-ipam", ".spec.blocks", true
	}
	if _, gap := d.snap.Gap(snapshot.LBIPAMPools); !gap && d.snap.Cilium.Present() {
		return "lb-ipam", ".spec.blocks", true
	}
	return "", "", false
}
