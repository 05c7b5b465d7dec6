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

// Service is what MetalLB looks at in a Service that has no address yet.
type Service struct {
	Namespace string
	Name      string
	// Families is those of .spec.clusterIPs, in that order. MetalLB goes by the
	// addresses and not by .spec.ipFamilies: internal/ipfamily/ipfamily.go.
	Families  []ipfam.Family
	Policy    string       // .spec.ipFamilyPolicy
	Pool      string       // annotation address-pool
	Requested []netip.Addr // see Requested
}

func (s Service) dual() bool { return ipfam.SetOf(s.Families...).Dual() }

// Outcome is what a Service gets.
type Outcome struct {
	Addrs []netip.Addr // IPv4 first
	Pool  string       // the pool that they are from
	Why   string       // MetalLB's words, when there is none
	// OneOf is whether another pool would do as well: MetalLB then takes any.
	OneOf bool
	// Unsure is whether a pool was passed over that labels may open to the Service.
	Unsure bool
}

// Families is the families of the addresses.
func (o Outcome) Families() ipfam.Set { return ipfam.SetOfAddrs(o.Addrs) }

// Taken is the addresses that Services have, and the namespace/name of a Service that
// has it.
type Taken map[netip.Addr]string

func (t Taken) has(a netip.Addr) bool { return t[a] != "" }

// Predict is what MetalLB of version v gives the Service out of pools when the
// addresses in taken are other Services', whose namespace/name it tells. It is for a configuration that MetalLB
// takes; see Refusal. Sharing of addresses is not looked at.
// Source: metallb v0.16.2 and v0.14.8, controller/service.go allocateIPs and
// internal/allocator/allocator.go.
func Predict(s Service, pools []Pool, taken Taken, v release.Version) Outcome {
	v = v.Or(Latest)
	if v.Before(DualStack) && len(s.Families) > 1 {
		s.Families = s.Families[:1]
	}
	if len(s.Families) == 0 {
		return Outcome{Why: "no ClusterIP"}
	}
	switch {
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
	for _, a := range s.Requested {
		if taken.has(a) {
			return Outcome{Why: fmt.Sprintf("can't change sharing key for %q, address also in use by %s", s.Namespace+"/"+s.Name, taken[a]), Unsure: !known}
		}
	}
	if s.Pool != "" && s.Pool != p.Name {
		return Outcome{Why: fmt.Sprintf("requested loadBalancer IP(s) %s is not compatible with requested address pool %s", list, s.Pool), Unsure: !known}
	}
	return Outcome{Addrs: sorted(s.Requested), Pool: p.Name, Unsure: !known}
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
	found := p.lowest(taken, s.Families)
	matches, known := p.matches(s.Namespace, v)
	switch {
	case len(found) < len(s.Families) && (len(found) == 0 || !s.contentWithOne(v)):
		return Outcome{Why: s.noneIn(p, taken, v), Unsure: !known}
	case !matches && known:
		return Outcome{Why: p.closed()}
	}
	return Outcome{Addrs: found, Pool: s.Pool, Unsure: !known}
}

// noneIn is MetalLB's words about a pool that is asked for by name and has not all of
// the Service's families free.
func (s Service) noneIn(p Pool, taken Taken, v release.Version) string {
	family := "dual"
	if !s.dual() {
		family = strings.ToLower(s.Families[0].String())
	}
	switch {
	case v.Before(PreferOne):
		return fmt.Sprintf("no available IPs in pool %q for %s IPFamily", p.Name, family)
	case len(p.lowest(taken, ipfam.All[:])) == 0:
		return "no available IPs in pool " + p.Name
	case !s.dual() && v.From(assignsNil):
		return `["<nil>"] is not allowed in config`
	}
	return fmt.Sprintf("no available IPs in pool %s for %s IPFamily", p.Name, family)
}

// anyOf is what the first pool of the group that has all families gives or, for a
// Service that is content with one, the first that has its primary family, or
// else the other.
func (s Service) anyOf(group []Pool, taken Taken, v release.Version) Outcome {
	var full, single Outcome
	for _, p := range group {
		found := p.lowest(taken, s.Families)
		switch {
		case len(found) == len(s.Families) && full.Addrs == nil:
			full = Outcome{Addrs: found, Pool: p.Name}
		case len(found) == len(s.Families):
			full.OneOf = full.OneOf || sameRank(group, full.Pool, p)
		case len(found) == 1 && s.contentWithOne(v):
			if single.Addrs == nil || ipfam.Of(found[0]) == s.Families[0] && ipfam.Of(single.Addrs[0]) != s.Families[0] {
				single = Outcome{Addrs: found, Pool: p.Name}
			}
		}
	}
	if full.Addrs != nil {
		return full
	}
	return single
}

func sameRank(group []Pool, name string, p Pool) bool {
	i := slices.IndexFunc(group, func(q Pool) bool { return q.Name == name })
	return i >= 0 && rank(group[i]) == rank(p)
}

// contentWithOne reports whether one address will do for a dual-stack Service.
func (s Service) contentWithOne(v release.Version) bool {
	return s.dual() && s.Policy == "PreferDualStack" && v.From(PreferOne)
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

// lowest is the first free address of each of the families, IPv4 first; a family
// of which the pool has none free is left out.
func (p Pool) lowest(taken Taken, families []ipfam.Family) []netip.Addr {
	var found []netip.Addr
	for _, f := range ipfam.All {
		if !slices.Contains(families, f) {
			continue
		}
		if a, ok := p.free(f, taken); ok {
			found = append(found, a)
		}
	}
	return found
}

// free is the first address of family f that is not taken, in the order of the
// pool's entries.
func (p Pool) free(f ipfam.Family, taken Taken) (netip.Addr, bool) {
	for _, e := range p.Of(f) {
		for a := e.Range.From(); a.IsValid() && e.Range.Contains(a); a = a.Next() {
			if !taken.has(a) && !(p.AvoidBuggyIPs && buggy(a)) {
				return a, true
			}
		}
	}
	return netip.Addr{}, false
}

func sorted(as []netip.Addr) []netip.Addr {
	return slices.SortedFunc(slices.Values(as), netip.Addr.Compare)
}

// quoted is as the way MetalLB prints them: ["192.0.2.5" "2001:db8::5"].
func quoted(as []netip.Addr) string {
	texts := make([]string, len(as))
	for i, a := range as {
		texts[i] = a.String()
	}
	return fmt.Sprintf("%q", texts)
}
