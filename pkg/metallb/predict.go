package metallb

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// Predict is what MetalLB of version v makes of the addresses of the Service, which has
// none yet or those in Current, when the addresses in taken are in use. It is for a
// configuration that MetalLB takes; see Refusal.
// Source: metallb v0.16.2 and v0.14.8, controller/service.go convergeBalancer,
// allocateIPs and internal/allocator/allocator.go.
func Predict(s Service, pools []Pool, taken Taken, v release.Version) Outcome {
	v = v.Or(Latest)
	if v.Before(DualStack) && len(s.Families) > 1 {
		s.Families = s.Families[:1]
	}
	o, kept := s.keep(pools, taken, v)
	if !kept || s.flaps(o.Choice, pools, taken, v) {
		o = s.allocate(pools, taken, v)
	}
	o.Flaps = slices.ContainsFunc(o.choices(), func(c Choice) bool { return s.flaps(c, pools, taken, v) })
	o.Changes = o.changes(s)
	return o
}

// keep is what the Service has if MetalLB leaves its addresses to it. They must be of
// its families, except that since PreferOne a dual-stack Service of PreferDualStack may
// have one, which the other is added to out of the same pool. They must also be what a
// new Service could ask for and what this one asks for, if it does.
// Source: metallb v0.16.2, controller/service.go convergeBalancer,
// serviceFamilyChanged; v0.14.8 compares the families alone.
func (s Service) keep(pools []Pool, taken Taken, v release.Version) (o Outcome, kept bool) {
	has := ipfam.SetOfAddrs(s.Current)
	ofFamilies := has == ipfam.SetOf(s.Families...) || s.contentWithOne(v)
	if has.Empty() || len(s.Current) != len(has.List()) || !ofFamilies || s.starved(v) {
		return Outcome{}, false
	}
	i := slices.IndexFunc(pools, func(p Pool) bool { return p.ownsAll(s.Current) })
	if i < 0 || s.Pool != "" && s.Pool != pools[i].Name {
		return Outcome{}, false
	}
	p := pools[i]
	matches, known := p.matches(s.Namespace, v)
	if !matches && known || taken.refusalOf(s, s.Current) != "" {
		return Outcome{}, false
	}
	o = Outcome{Choice: Choice{Addrs: slices.Clone(s.Current), Pool: p.Name}, Unsure: !known, Kept: true}
	if one, single := has.Single(); single && s.dual() {
		o.Addrs = append(o.Addrs, p.lowest(s, []ipfam.Family{one.Other()}, taken, v)...)
	}
	if len(s.Requested) == 0 {
		return o, true
	}
	// An address that MetalLB has added was not asked for, so it takes both back.
	asked := byText(s.Requested)
	kept = slices.Equal(asked, byText(s.Current)) && len(o.Addrs) == len(asked)
	o.Addrs = asked
	return o, kept
}

// starved reports whether MetalLB refuses to look at a Service that requires two
// families and has one ClusterIP, which the API server does not let be.
func (s Service) starved(v release.Version) bool {
	return s.Policy == requireDual && !s.dual() && v.From(countsClusterIPs)
}

// flaps reports whether MetalLB adds an address of the other family to c and then finds
// that they do not fit the one ClusterIP.
// Source: metallb v0.16.2, internal/allocator/allocator.go
// AllocateFromPoolForAdditionalFamily, which does not look at ClusterIPs (#2724).
func (s Service) flaps(c Choice, pools []Pool, taken Taken, v release.Version) bool {
	i := slices.IndexFunc(pools, func(p Pool) bool { return p.Name == c.Pool })
	return i >= 0 && s.Policy == preferDual && !s.dual() && v.From(PreferOne) &&
		len(pools[i].lowest(s, []ipfam.Family{s.Families[0].Other()}, taken, v)) > 0
}

// allocate is what the Service gets when it has no address, or none any more.
func (s Service) allocate(pools []Pool, taken Taken, v release.Version) Outcome {
	switch {
	case len(s.Families) == 0:
		return Outcome{Why: "no ClusterIP"}
	case s.starved(v):
		return Outcome{Why: "Service requires dual stack but not enough clusterips"}
	case len(s.Requested) > 0:
		return s.requested(pools, taken, v)
	case s.Pool != "":
		return s.named(pools, taken, v)
	}
	pinned, open, unsure := groups(s, pools, v)
	for _, group := range [][]Pool{pinned, open} {
		if o := s.anyOf(group, taken, v); len(o.Addrs) > 0 {
			o.Unsure = unsure
			return o
		}
	}
	return Outcome{Why: "no available IPs", Unsure: unsure}
}

// requested is the addresses that the Service asks for, if it may have them. Having
// given them, MetalLB sorts them by their text.
func (s Service) requested(pools []Pool, taken Taken, v release.Version) Outcome {
	list := quoted(s.Requested)
	if ipfam.SetOfAddrs(s.Requested) != ipfam.SetOf(s.Families...) || len(s.Requested) != len(s.Families) {
		return Outcome{Why: fmt.Sprintf("requested loadBalancer IP(s) %s does not match the ipFamily of the service", list)}
	}
	i := slices.IndexFunc(pools, func(p Pool) bool { return p.ownsAll(s.Requested) })
	if i < 0 {
		return Outcome{Why: list + " is not allowed in config"}
	}
	p := pools[i]
	matches, known := p.matches(s.Namespace, v)
	if !matches && known {
		return Outcome{Why: p.closed()}
	}
	if words := taken.refusalOf(s, s.Requested); words != "" {
		return Outcome{Why: words, Unsure: !known}
	}
	if s.Pool != "" && s.Pool != p.Name {
		return Outcome{Why: fmt.Sprintf("requested loadBalancer IP(s) %s is not compatible with requested address pool %s", list, s.Pool), Unsure: !known}
	}
	return Outcome{Choice: Choice{Addrs: byText(s.Requested), Pool: p.Name}, Unsure: !known}
}

// closed is MetalLB's words about a Service that a pool is not for.
func (p Pool) closed() string { return "pool " + p.Name + " not compatible for ip assignment" }

// named is what the pool of the annotation gives. With PreferDualStack the first
// family there is IPv4, whatever the Service's primary family.
func (s Service) named(pools []Pool, taken Taken, v release.Version) Outcome {
	i := slices.IndexFunc(pools, func(p Pool) bool { return p.Name == s.Pool })
	if i < 0 {
		return Outcome{Why: fmt.Sprintf("unknown pool %q", s.Pool)}
	}
	p := pools[i]
	found := p.lowest(s, s.Families, taken, v)
	matches, known := p.matches(s.Namespace, v)
	switch {
	case len(found) < len(s.Families) && (len(found) == 0 || !s.contentWithOne(v)):
		return Outcome{Why: s.noneIn(p, taken, v), Unsure: !known}
	case !matches && known:
		return Outcome{Why: p.closed()}
	}
	return Outcome{Choice: Choice{Addrs: found, Pool: p.Name}, Unsure: !known}
}

// noneIn is MetalLB's words about a pool that is asked for by name and has not all of
// the Service's families free.
func (s Service) noneIn(p Pool, taken Taken, v release.Version) string {
	family := "dual"
	if !s.dual() {
		family = strings.ToLower(s.Families[0].String())
	}
	switch {
	case v.Before(DualStack):
		return fmt.Sprintf("no available IPs in pool %q", p.Name)
	case v.Before(PreferOne):
		return fmt.Sprintf("no available IPs in pool %q for %s IPFamily", p.Name, family)
	case len(p.lowest(s, ipfam.All[:], taken, v)) == 0 && v.From(seesEmptyPools):
		return "no available IPs in pool " + p.Name
	case !s.dual() && v.From(assignsNil):
		return `["<nil>"] is not allowed in config`
	}
	return fmt.Sprintf("no available IPs in pool %s for %s IPFamily", p.Name, family)
}

// anyOf is what the first pool of the group that has all families gives or, for a
// Service that is content with one, the first that has its primary family, or
// else the other. Of pools with the same rank any may be the first.
func (s Service) anyOf(group []Pool, taken Taken, v release.Version) Outcome {
	var all, primary, other []Pool
	for _, p := range group {
		switch found := ipfam.SetOfAddrs(p.lowest(s, s.Families, taken, v)); {
		case found == ipfam.SetOf(s.Families...):
			all = append(all, p)
		case !s.contentWithOne(v):
		case found.Has(s.Families[0]):
			primary = append(primary, p)
		case !found.Empty():
			other = append(other, p)
		}
	}
	for _, pools := range [][]Pool{all, primary, other} {
		var choices []Choice
		for _, p := range pools {
			if rank(p) == rank(pools[0]) {
				choices = append(choices, Choice{Addrs: p.lowest(s, s.Families, taken, v), Pool: p.Name})
			}
		}
		if len(choices) > 0 {
			return Outcome{Choice: choices[0], Others: choices[1:]}
		}
	}
	return Outcome{}
}

// groups is the pools that are open to the Service without its asking: first
// those that are pinned to it, the best priority first, then those that are
// pinned to none.
func groups(s Service, pools []Pool, v release.Version) (pinned, open []Pool, unsure bool) {
	for _, p := range pools {
		if !p.AutoAssign {
			continue
		}
		switch matches, known := p.matches(s.Namespace, v); {
		case !p.Restricted:
			open = append(open, p)
		case matches && known:
			pinned = append(pinned, p)
		case !known:
			unsure = true
		}
	}
	slices.SortStableFunc(pinned, func(a, b Pool) int { return cmp.Compare(rank(a), rank(b)) })
	return pinned, open, unsure
}

// rank is the pool's place by priority: a lower number is better, and 0 is last.
func rank(p Pool) int {
	if p.Priority == 0 {
		return int(^uint(0) >> 1)
	}
	return p.Priority
}

// matches reports whether serviceAllocation opens the pool to Services of the
// namespace; known is false when labels decide.
func (p Pool) matches(namespace string, v release.Version) (matches, known bool) {
	switch {
	case !p.Restricted:
		return true, true
	case len(p.Namespaces) > 0 && !slices.Contains(p.Namespaces, namespace):
		// namespaceSelectors may open it all the same.
		return false, !p.ServiceSelectors
	case p.ServiceSelectors:
		return false, false
	case len(p.Namespaces) == 0:
		return v.From(emptyMatchesAll), v.From(emptyMatchesAll)
	}
	return true, true
}

// OpenTo reports whether a Service of the namespace may get addresses of the
// pool, asked for by name or not; unsure is whether labels decide.
func (p Pool) OpenTo(namespace, asked string, v release.Version) (open, unsure bool) {
	if !p.AutoAssign && p.Name != asked {
		return false, false
	}
	matches, known := p.matches(namespace, v.Or(Latest))
	return matches, !known
}

// lowest is the first address of each of the families that s may have of the pool; a
// family of which there is none is left out. IPv4 comes first, and before PreferOne
// what the pool's entries have first.
func (p Pool) lowest(s Service, families []ipfam.Family, taken Taken, v release.Version) []netip.Addr {
	var found []netip.Addr
	for _, e := range p.Addresses {
		f := ipfam.Of(e.Range.From())
		if !slices.Contains(families, f) || ipfam.SetOfAddrs(found).Has(f) {
			continue
		}
		if a, ok := p.free(s, e, taken); ok {
			found = append(found, a)
		}
	}
	if v.From(PreferOne) {
		slices.SortFunc(found, netip.Addr.Compare)
	}
	return found
}

// free is the first address of an entry of the pool that s may have.
func (p Pool) free(s Service, e Addresses, taken Taken) (netip.Addr, bool) {
	for a := e.Range.From(); a.IsValid() && e.Range.Contains(a); a = a.Next() {
		if taken.refusal(s, a) == "" && !(p.AvoidBuggyIPs && buggy(a)) {
			return a, true
		}
	}
	return netip.Addr{}, false
}

// byText is as in the order of their texts: 192.0.2.5 is before 2001:db8::5, and
// 46.4.1.1 after 2a01::1.
func byText(as []netip.Addr) []netip.Addr {
	return slices.SortedFunc(slices.Values(as), func(a, b netip.Addr) int { return strings.Compare(a.String(), b.String()) })
}

// quoted is as the way MetalLB prints them: ["192.0.2.5" "2001:db8::5"].
func quoted(as []netip.Addr) string {
	texts := make([]string, len(as))
	for i, a := range as {
		texts[i] = a.String()
	}
	return fmt.Sprintf("%q", texts)
}
