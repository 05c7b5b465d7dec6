package plan

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
)

// hostBits holds every prefix to its canonical form. FROM-TO ranges have no
// other, and prefixes of pools lose their host bits when they are read, so that
// what was written has to tell.
func (v *validation) hostBits() {
	for _, r := range v.plan.Ranges() {
		p := v.plan.Written(r)
		if !p.IsValid() || p == p.Masked() {
			continue
		}
		v.add(HostBits, HostBitsSeverity(r.Use), r.Field,
			fmt.Sprintf("%s has host bits; the range is %s", p, p.Masked()), "write "+p.Masked().String())
	}
}

// HostBitsSeverity is how much host bits matter: programs drop them, and in a
// pool that makes many addresses of what may have been meant for one.
func HostBitsSeverity(u Use) severity.Severity {
	if u == LoadBalancers || u == Reserved {
		return severity.Warning
	}
	return severity.Info
}

// Written is r as the file has it, with host bits; it is invalid for FROM-TO.
func (p *Plan) Written(r Range) netip.Prefix {
	if text, absolute := p.text(r.Field); text != "" {
		prefix, err := netip.ParsePrefix(absolute)
		if err != nil {
			return netip.Prefix{}
		}
		return prefix
	}
	return p.prefixAt(r)
}

// prefixAt is the prefix of r's use and family with its host bits, for a plan
// that no file has; invalid for ranges that are not kept as a prefix.
func (p *Plan) prefixAt(r Range) netip.Prefix {
	switch f := r.Family(); r.Use {
	case Delegated:
		return p.Delegated.Of(f)
	case LAN:
		return p.LAN.Prefixes.Of(f)
	case Pods:
		return p.Pods.Prefixes.Of(f)
	case Services:
		return p.Services.Of(f)
	}
	return netip.Prefix{}
}

// families asks for a range of each family of the plan, and of no other, for
// pods and Services, and for the network and the pools where the plan has any.
func (v *validation) families() {
	p := v.plan
	want := p.Want()
	for _, use := range []struct {
		field    string
		have     ipfam.Set
		optional bool
	}{
		{"spec.lan", setOf(p.LAN.Prefixes), true},
		{"spec.pods", setOf(p.Pods.Prefixes), false},
		{"spec.services", setOf(p.Services), false},
		{"spec.loadBalancers", p.poolFamilies(), true},
	} {
		if use.optional && use.have.Empty() {
			continue
		}
		bad := severity.Error
		if use.optional {
			bad = severity.Warning
		}
		for _, f := range want.Minus(use.have).List() {
			v.add(HasFamilies, bad, use.field,
				fmt.Sprintf("has no %s range; the plan's families are %s", f, want), familyFix(use.field, f))
		}
		for _, f := range use.have.Minus(want).List() {
			v.add(HasFamilies, severity.Warning, use.field,
				fmt.Sprintf("has an %s range; the plan's only family is %s", f, want), "add "+f.String()+" to spec.families, or drop the range")
		}
	}
}

func familyFix(field string, f ipfam.Family) string {
	if field == "spec.loadBalancers" {
		return fmt.Sprintf("add %s addresses to a pool, or leave %s out of spec.families", f, f)
	}
	return fmt.Sprintf("write %s.%s, or leave %s out of spec.families", field, key(f), f)
}

func setOf(ps ipfam.Pair[netip.Prefix]) ipfam.Set {
	var s ipfam.Set
	for _, f := range ipfam.All {
		if ps.Of(f).IsValid() {
			s = s.With(f)
		}
	}
	return s
}

func (p *Plan) poolFamilies() ipfam.Set {
	var s ipfam.Set
	for _, pool := range p.LoadBalancers {
		for _, f := range pool.Families().List() {
			s = s.With(f)
		}
	}
	return s
}

// containment asks that public ranges are the site's own, and that what is to be
// on the nodes' network is.
func (v *validation) containment() {
	for _, r := range v.plan.Ranges() {
		v.inDelegated(r)
		v.inLAN(r)
	}
}

func (v *validation) inDelegated(r Range) {
	if s, message, fix := v.plan.Foreign(r); s != 0 {
		v.add(InDelegated, s, r.Field, message, fix)
	}
}

// Owns reports whether the site may use r, as far as the plan tells: r is not
// public, or lies in the delegated prefix, or there is none.
func (p *Plan) Owns(r netipx.IPRange) bool {
	site := p.Delegated.Of(ipfam.Of(r.From()))
	return !site.IsValid() || !Public(r) || Within(r, netipx.RangeOfPrefix(site.Masked()))
}

// Foreign says of a public range that the provider does not route it to the
// site. The severity is zero when it does.
func (p *Plan) Foreign(r Range) (s severity.Severity, message, fix string) {
	if r.Use == Delegated || p.Owns(r.Addrs) {
		return 0, "", ""
	}
	s = severity.Error
	if r.Use == Services || r.Use == Reserved {
		s = severity.Warning // nobody outside is to answer to these
	}
	site := p.Delegated.Of(r.Family()).Masked()
	return s, fmt.Sprintf("%s lies outside of %s, which is all that the provider routes to this site", r, site),
		fmt.Sprintf("take a range out of %s", site)
}

func (v *validation) inLAN(r Range) {
	lan := v.plan.LAN.Prefixes.Of(r.Family())
	if !lan.IsValid() || Within(r.Addrs, netipx.RangeOfPrefix(lan.Masked())) {
		return
	}
	switch {
	case r.Use == Reserved:
		v.add(InLAN, severity.Warning, r.Field, fmt.Sprintf("%s lies outside of the LAN %s", r, lan.Masked()),
			fmt.Sprintf("take a range out of %s", lan.Masked()))
	case r.Use == LoadBalancers && v.plan.announces(r.Name) == "l2":
		v.add(InLAN, severity.Error, r.Field,
			fmt.Sprintf("%s lies outside of the LAN %s; hosts there do not ask for it by ARP or NDP", r, lan.Masked()),
			fmt.Sprintf("take a range out of %s, or write announce: bgp", lan.Masked()))
	}
}

// announces is how the pool of this name is announced.
func (p *Plan) announces(pool string) string {
	i := slices.IndexFunc(p.LoadBalancers, func(lb Pool) bool { return lb.Name == pool })
	if i < 0 || p.LoadBalancers[i].Announce == "" {
		return "l2"
	}
	return p.LoadBalancers[i].Announce
}

// egress asks that pods that leave with their own address get an answer.
func (v *validation) egress() {
	for _, f := range ipfam.All {
		r := v.plan.Pods.Prefixes.Of(f)
		if !r.IsValid() {
			continue
		}
		if s, message, fix := v.plan.PodEgress(r); s != 0 {
			v.add(PodsReachable, s, "spec.pods."+key(f), message, fix)
		}
	}
}

// PodEgress says what becomes of packets of pods of range r by the plan, and how
// to mend it, when they get no answers: they leave with the pods' own addresses,
// and nothing sends the answers to the nodes. The severity is zero when they do.
func (p *Plan) PodEgress(r netip.Prefix) (s severity.Severity, message, fix string) {
	f := ipfam.OfPrefix(r)
	if p.Egress.Of(f) != RoutedEgress {
		return 0, "", ""
	}
	egress := "spec.egress." + key(f)
	addrs := netipx.RangeOfPrefix(r.Masked())
	if !p.Owns(addrs) {
		return 0, "", "" // the fault is that the site does not have them
	}
	reached := containing(append(slices.Clone(p.Routed), p.LAN.Prefixes.Of(f)), addrs).IsValid()
	switch {
	case Public(addrs) && !reached:
		return severity.Error,
			fmt.Sprintf("%s is neither on the LAN nor routed to the nodes, and %s is routed: answers do not come back", r.Masked(), egress),
			fmt.Sprintf("have the upstream router send %s to the nodes and add it to spec.routed, or write %s: masquerade", r.Masked(), egress)
	case !Public(addrs) && f == ipfam.V6:
		return severity.Warning,
			fmt.Sprintf("%s is not routed on the internet, and %s is routed: pods reach the site only", r.Masked(), egress),
			fmt.Sprintf("write %s: masquerade, or give the pods a range of the delegated prefix", egress)
	case !Public(addrs) && !reached:
		return severity.Warning,
			fmt.Sprintf("%s is not in spec.routed, and %s is routed: the upstream router does not know the way back", r.Masked(), egress),
			fmt.Sprintf("add %s to spec.routed, or write %s: masquerade", r.Masked(), egress)
	}
	return 0, "", ""
}

// overlaps compares every range with every one before it.
func (v *validation) overlaps() {
	ranges := v.plan.Ranges()
	for i, r := range ranges {
		for _, other := range ranges[:i] {
			s := v.plan.Conflict(r, other)
			if s == 0 {
				continue
			}
			v.add(Disjoint, s, r.Field,
				fmt.Sprintf("%s (%s, line %d)", DescribeOverlap(r, other), other.Field, v.plan.Position(other.Field).Line),
				v.plan.overlapFix(s, r, other))
		}
	}
}

// Conflict is Conflict by the plan's own words: pods that leave with their own
// address may lie in the LAN, where the nodes answer for them; and where the pods
// have one block only, kube-controller-manager never cuts it while the Services
// are in it.
// Source: kubernetes v1.37.2, pkg/controller/nodeipam/ipam/range_allocator.go
// filterOutServiceRange.
func (p *Plan) Conflict(a, b Range) severity.Severity {
	s, f := Conflict(a, b), a.Family()
	uses := []Use{a.Use, b.Use}
	if s != severity.Warning || !slices.Contains(uses, Pods) {
		return s
	}
	switch {
	case slices.Contains(uses, LAN) && p.Egress.Of(f) == RoutedEgress:
		return severity.Info
	case slices.Contains(uses, Services) && Blocks(p.Pods.Prefixes.Of(f), p.NodeMask(f)) == 1:
		return severity.Error
	}
	return s
}

// overlapFix is what to write for r, which shares addresses with other.
func (p *Plan) overlapFix(s severity.Severity, r, other Range) string {
	if s == severity.Info { // pods of the LAN
		return "have the nodes answer for the pods on the LAN; Cilium does, in IPv6, with enable-ipv6-ndp: \"true\""
	}
	if r.Use == LoadBalancers {
		if rest := Subtract(r.Addrs, other.Addrs); len(rest) > 0 {
			return "write " + strings.Join(rest, ", ")
		}
	}
	if prefix, ok := r.Prefix(); ok {
		if free, ok := p.FreePrefix(prefix); ok {
			return fmt.Sprintf("take a free range, such as %s", free)
		}
	}
	return fmt.Sprintf("take a range outside of %s", other)
}

// Subtract is what is left of r without s, as it would be written in a pool.
func Subtract(r, s netipx.IPRange) []string {
	var b netipx.IPSetBuilder
	b.AddRange(r)
	b.RemoveRange(s)
	set, err := b.IPSet()
	if err != nil {
		return nil
	}
	var rest []string
	for _, left := range set.Ranges() {
		rest = append(rest, FormatAddrs(left))
	}
	return rest
}

// specials looks for prefixes that have a purpose of their own. Those of
// documentation are one problem each, however often they are used.
func (v *validation) specials() {
	fields := map[string][]string{}
	var documentation []SpecialPrefix
	for _, r := range v.plan.Ranges() {
		s, ok := SpecialOf(r)
		switch {
		case !ok:
		case s.ForDocumentation():
			if fields[s.Prefix.String()] == nil {
				documentation = append(documentation, s)
			}
			fields[s.Prefix.String()] = append(fields[s.Prefix.String()], r.Field)
		default:
			v.add(SpecialPurpose, s.Severity, r.Field, s.Describe(r), "take a range of the site's own")
		}
	}
	for _, s := range documentation {
		places := fields[s.Prefix.String()]
		v.add(Documentation, severity.Info, places[0],
			fmt.Sprintf("is out of %s, %s%s", s.Prefix, s.Name, others(places[1:])), "take a prefix that was assigned to the site")
	}
}

// others is the further places of a prefix, for a message.
func others(places []string) string {
	switch len(places) {
	case 0:
		return ""
	case 1:
		return ", as " + places[0] + " is"
	default:
		return fmt.Sprintf(", as %d other ranges are", len(places))
	}
}

// Describe is that r lies in s, as a predicate.
func (s SpecialPrefix) Describe(r Range) string {
	if s.Default {
		return fmt.Sprintf("%s is %s, which %s", r, s.Name, s.Why)
	}
	return fmt.Sprintf("%s lies in %s, %s; its addresses %s", r, s.Prefix, s.Name, s.Why)
}

// pools asks for one pool of both families, and looks in each for addresses that
// the network uses for itself.
func (v *validation) pools() {
	var held []string
	dual := false
	for i, pool := range v.plan.LoadBalancers {
		held = append(held, fmt.Sprintf("%s has %s", pool.Name, pool.Families()))
		dual = dual || pool.Families().Dual()
		for j, r := range pool.Addresses {
			v.poolEdges(index(index("spec.loadBalancers", i)+".addresses", j), r)
		}
	}
	if !dual && v.plan.Want().Dual() && v.plan.poolFamilies().Dual() {
		v.add(PoolFamilies, severity.Warning, "spec.loadBalancers",
			fmt.Sprintf("no pool has addresses of both families: %s; MetalLB 0.12 and later takes both addresses of a Service from one pool", strings.Join(held, ", ")),
			"write addresses of both families into one pool")
	}
}

// poolEdges looks for the first and the last address of the LAN in a pool: in
// IPv4 they are nobody's and everybody's, in IPv6 the first is that of all
// routers (RFC 4291, 2.6.1).
func (v *validation) poolEdges(field string, r netipx.IPRange) {
	lan := v.plan.LAN.Prefixes.Of(ipfam.Of(r.From()))
	if !lan.IsValid() || lan.IsSingleIP() {
		return
	}
	whole := netipx.RangeOfPrefix(lan.Masked())
	first, last := whole.From(), whole.To()
	switch {
	case ipfam.OfPrefix(lan) == ipfam.V6 && r.Contains(first):
		v.add(PoolEdges, severity.Info, field, fmt.Sprintf("%s has %s, the anycast address of all routers of the LAN", FormatAddrs(r), first),
			fmt.Sprintf("begin at %s", first.Next()))
	case ipfam.OfPrefix(lan) == ipfam.V4 && r.Contains(first):
		v.add(PoolEdges, severity.Warning, field, fmt.Sprintf("%s has %s, the network address of the LAN", FormatAddrs(r), first),
			fmt.Sprintf("begin at %s", first.Next()))
	case ipfam.OfPrefix(lan) == ipfam.V4 && r.Contains(last):
		v.add(PoolEdges, severity.Warning, field, fmt.Sprintf("%s has %s, the broadcast address of the LAN", FormatAddrs(r), last),
			fmt.Sprintf("end at %s", last.Prev()))
	}
}
