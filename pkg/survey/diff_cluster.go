package survey

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// Against is what has to change for the cluster that snap is of to become what p says.
func Against(p *plan.Plan, snap *snapshot.Snapshot) Diff {
	c := &clusterDiff{differ: differ{surveyor: &surveyor{snap: snap, notes: map[string]string{}}, versions: withVersions(snap, p)}, plan: p}
	c.network()
	for _, use := range []plan.Use{plan.Pods, plan.Services} {
		c.ranges(use)
	}
	c.pools()
	c.egress()
	for _, g := range snap.SortedGaps() {
		if slices.Contains(Kinds, g.Kind) && !g.Absent() {
			c.unknown("", g.String())
		}
	}
	c.unknowable()
	c.diff.sort()
	return c.diff
}

// clusterDiff compares a cluster with a plan.
type clusterDiff struct {
	differ
	plan *plan.Plan
}

// settingOf is the setting that a claim is about, without the family.
func (d *clusterDiff) settingOf(c snapshot.Claim, f ipfam.Family) setting {
	s := setting{component: c.Source, name: c.Field, family: f, source: d.claimSource(c, f), objects: 1}
	s.field = fmt.Sprintf("spec.%s.%s", c.Use, key(f))
	switch {
	case c.Source == "cilium" && c.Use == plan.Pods:
		s.name = cilium.Key(cilium.PoolKey, f)
	case c.Source == "cilium":
		s.name = strings.TrimPrefix(c.Field, ".data.")
	}
	return s
}

// ranges compares what each component says about the ranges of use.
func (d *clusterDiff) ranges(use plan.Use) {
	claims := d.snap.Claims(use)
	if use == plan.Pods { // those that are read, and not what a ConfigMap was made of
		claims, _ = d.podClaims()
		claims = slices.DeleteFunc(claims, func(c snapshot.Claim) bool { return c.Source == ciliumValues })
	}
	if d.silent(use, len(claims)) {
		return
	}
	for _, f := range ipfam.All {
		want := rangesOf(d.plan, use, f)
		told := false
		for _, c := range alikeClaims(claims) {
			if c.Blocks || besides(c.Claim) || optional(c.Claim) && len(c.Of(f)) == 0 {
				continue
			}
			now := maskedRanges(c.Of(f))
			if len(now) == 0 && len(want) == 0 {
				continue
			}
			told = told || len(now) > 0
			s := d.settingOf(c.Claim, f)
			s.objects = c.objects
			d.compare(s, formatAll(now), formatAll(want), changeOf(now, want))
			if use == plan.Pods && len(want) > 0 && len(now) > 0 {
				d.mask(c, f)
			}
		}
		if use == plan.Pods && len(want) > 0 {
			told = d.blocks(claims, f, want[0]) || told
		}
		if len(want) > 0 && !told {
			d.untold(fmt.Sprintf("spec.%s.%s", use, key(f)), claims, snapshot.ClaimKinds[use])
		}
	}
	d.order(claims)
}

// silent reports whether the plan says nothing of a use that the cluster has ranges of,
// in either family: that is no wish to have none.
func (d *clusterDiff) silent(use plan.Use, there int) bool {
	if slices.ContainsFunc(d.plan.Ranges(), func(r plan.Range) bool { return r.Use == use }) {
		return false
	}
	if there > 0 {
		d.unknown("spec."+string(use), "the plan says nothing of it, and the cluster does")
	}
	return true
}

// untold says that no component was found that would have the range of a field: a
// component that says nothing of the family is a difference of its own.
func (d *clusterDiff) untold(field string, claims []snapshot.Claim, kinds []snapshot.Kind) {
	if len(claims) > 0 {
		return
	}
	var missing []string
	for _, k := range kinds {
		if g, gap := d.snap.Gap(k); gap {
			missing = append(missing, g.String())
		}
	}
	reason := "no component tells"
	if len(missing) > 0 {
		reason += ": " + strings.Join(missing, "; ")
	}
	d.unknown(field, reason)
}

// claims is a claim and how many objects of its source make it.
type claims struct {
	snapshot.Claim
	objects int
}

// alikeClaims makes one of the claims of one source that say the same.
func alikeClaims(list []snapshot.Claim) []claims {
	var merged []claims
	for _, c := range list {
		i := slices.IndexFunc(merged, func(m claims) bool {
			return m.Source == c.Source && m.Field == c.Field && slices.Equal(m.Prefixes, c.Prefixes) && m.NodeMask == c.NodeMask
		})
		if i < 0 {
			merged = append(merged, claims{c, 1})
			continue
		}
		merged[i].objects++
	}
	return merged
}

// optional reports whether the source may be silent: Cilium asks the API server for the
// Service ranges unless it is told one.
func optional(c snapshot.Claim) bool { return c.Use == plan.Services && c.Source == "cilium" }

func maskedRanges(ps []netip.Prefix) []netipx.IPRange {
	var ranges []netipx.IPRange
	for _, p := range ps {
		ranges = append(ranges, netipx.RangeOfPrefix(p.Masked()))
	}
	return ranges
}

// mask compares the size of a node's block, where the plan has one.
func (d *clusterDiff) mask(c claims, f ipfam.Family) {
	want, now := d.plan.Pods.NodeMask.Of(f), c.NodeMask.Of(f)
	if want == 0 || now == 0 || c.Intent && len(d.snap.ControlPlane) > 0 {
		return // what kubeadm was told comes out in the flags
	}
	s := d.settingOf(c.Claim, f)
	s.field = "spec.pods.nodeMask." + key(f)
	s.source = d.maskSource(c.Claim, f)
	s.name = cilium.Key("--node-cidr-mask-size-%s", f)
	if c.Source == "cilium" {
		s.name = cilium.Key(cilium.MaskKey, f)
	}
	s.objects = c.objects
	d.compare(s, []string{fmt.Sprintf("/%d", now)}, []string{fmt.Sprintf("/%d", want)}, changed(now != want))
}

func changed(differs bool) plan.Change {
	if differs {
		return plan.Replace
	}
	return ""
}

// blocks compares the blocks that nodes have got with the range that they are to be out
// of, and reports whether there are any. Objects with no block at all get theirs from
// another program.
func (d *clusterDiff) blocks(list []snapshot.Claim, f ipfam.Family, want netipx.IPRange) bool {
	told := false
	for _, source := range []string{"nodes", "ciliumnodes"} {
		var first *snapshot.Claim
		var outside []string
		none, all := 0, 0
		for i, c := range list {
			if c.Source != source {
				continue
			}
			all++
			blocks := c.Of(f)
			bad := len(blocks) == 0
			if bad {
				none++
			}
			for _, b := range blocks {
				if !plan.Within(netipx.RangeOfPrefix(b.Masked()), want) || d.plan.Pods.NodeMask.Of(f) != 0 && b.Bits() != d.plan.Pods.NodeMask.Of(f) {
					outside, bad = append(outside, b.String()), true
				}
			}
			if bad && first == nil {
				first = &list[i]
			}
		}
		if all == 0 {
			continue
		}
		told = told || none < all
		s := setting{component: source, field: "spec.pods." + key(f), family: f}
		wanted := []string{plan.FormatAddrs(want)}
		if mask := d.plan.Pods.NodeMask.Of(f); mask != 0 {
			wanted = []string{fmt.Sprintf("/%d of %s", mask, plan.FormatAddrs(want))}
		}
		if first == nil {
			d.compare(s, nil, nil, "")
			continue
		}
		s.name, s.source = first.Field, d.source(source, first.Field, first.Ref)
		if len(outside) > 0 {
			s.objects = len(outside)
			d.compare(s, some(outside), wanted, plan.Replace)
		}
		if none > 0 {
			s.objects = none
			d.compare(s, nil, wanted, plan.Add)
		}
	}
	return told
}

// order compares which family stands first where that has a meaning.
func (d *clusterDiff) order(list []snapshot.Claim) {
	if len(d.plan.Families) < 2 {
		return
	}
	for _, c := range alikeClaims(list) {
		if c.Blocks || !c.Families().Dual() || besides(c.Claim) || c.Source == "cilium" || c.Source == "kube-proxy" {
			continue
		}
		first := ipfam.OfPrefix(c.Prefixes[0])
		if first == d.plan.Families[0] {
			continue // counted with the ranges
		}
		s := d.settingOf(c.Claim, 0)
		s.field, s.family, s.source, s.objects = "spec.families", 0, d.source(c.Source, c.Field, c.Ref), c.objects
		d.compare(s, []string{orderText([]ipfam.Family{first, first.Other()})}, []string{orderText(d.plan.Families)}, plan.Reorder)
	}
}

// network compares the nodes' addresses with the network that they are to be in, and
// the interface that Cilium is told.
func (d *clusterDiff) network() {
	for _, f := range ipfam.All {
		lan := d.plan.LAN.Prefixes.Of(f)
		field := "spec.lan." + key(f)
		switch {
		case !lan.IsValid():
			continue
		case len(d.snap.Nodes) == 0:
			d.unknown(field, "no node is known")
			continue
		}
		var outside []string
		var first snapshot.Ref
		none := 0
		for _, n := range d.snap.Nodes {
			a := hostIP(n, f)
			if a.IsValid() && lan.Masked().Contains(a) {
				continue
			}
			if first == (snapshot.Ref{}) {
				first = n.Ref
			}
			if a.IsValid() {
				outside = append(outside, a.String())
			} else {
				none++
			}
		}
		s := setting{component: "kubelet", name: "--node-ip", field: field, family: f, source: d.source("nodes", ".status.addresses", first)}
		wanted := []string{"in " + lan.Masked().String()}
		if len(outside) > 0 {
			s.objects = len(outside)
			d.compare(s, some(outside), wanted, plan.Replace)
		}
		if none > 0 {
			s.objects = none
			d.compare(s, nil, wanted, plan.Add)
		}
		if len(outside)+none == 0 {
			d.compare(s, nil, nil, "")
		}
	}
	const device = "ipv6-mcast-device"
	if now, want := d.snap.Cilium.Config[device], d.plan.LAN.Interface; want != "" && now != "" {
		d.compare(setting{component: "cilium", name: device, field: "spec.lan.interface", source: d.ciliumSource(device)}, []string{now}, []string{want}, changed(now != want))
	}
}

func hostIP(n snapshot.Node, f ipfam.Family) netip.Addr {
	for _, a := range n.HostIPs() {
		if ipfam.Of(a) == f {
			return a
		}
	}
	return netip.Addr{}
}

// egress compares how pods leave.
func (d *clusterDiff) egress() {
	c := d.snap.Cilium
	for _, f := range ipfam.All {
		want, field := d.plan.Egress.Of(f), "spec.egress."+key(f)
		if want == "" {
			continue
		}
		if c.ConfigRef == (snapshot.Ref{}) {
			d.unknown(field, "no component tells how pods leave")
			continue
		}
		for _, line := range d.overridden() {
			d.unknown(field, line)
		}
		name := cilium.Key("enable-%s-masquerade", f)
		on, wanted := c.Config.Masquerade(f) != cilium.NoMasquerade, want == plan.Masquerade
		d.compare(setting{component: "cilium", name: name, field: field, family: f, source: d.ciliumSource(name)},
			[]string{strconv.FormatBool(on)}, []string{strconv.FormatBool(wanted)}, changed(on != wanted))
	}
}

// unknowable is the fields that the plan has and no component knows of.
func (d *clusterDiff) unknowable() {
	for _, one := range []struct {
		field string
		has   bool
	}{
		{"spec.delegated", d.plan.Delegated != ipfam.Pair[netip.Prefix]{}},
		{"spec.lan.interface", d.plan.LAN.Interface != "" && d.snap.Cilium.Config["ipv6-mcast-device"] == ""},
		{"spec.lan.reserved", len(d.plan.LAN.Reserved) > 0},
		{"spec.routed", len(d.plan.Routed) > 0},
		{"spec.echo", d.plan.Echo != ""},
		{"spec.expect", d.plan.Expect != plan.Expectation{}},
	} {
		if one.has {
			d.diff.Unknowable = append(d.diff.Unknowable, one.field)
		}
	}
}
