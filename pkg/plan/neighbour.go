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

// The rules of Collisions, beside those of Validate.
const (
	HostFree     Rule = "host"     // no range is one that this host reaches by itself
	DockerFree   Rule = "docker"   // no range is one that Docker gives to containers
	NAT64Free    Rule = "nat64"    // no range holds a prefix of NAT64
	DefaultsFree Rule = "defaults" // no range is one that other clusters have, too
	PeerFree     Rule = "peer"     // no range is one of the cluster to be joined
)

// Neighbour is a range that something beside the cluster has a use for.
type Neighbour struct {
	Rule  Rule
	Addrs netipx.IPRange
	What  string // what it is, to stand after "is also" or "lies in": "the default of flannel for pods"
	Why   string // what comes of it, as a sentence without a stop; may be empty
	Fix   string // instead of a free range for the plan; may be empty
	// Severity is how bad it is to share addresses with it.
	Severity severity.Severity
	// OnLink is whether it is a network with hosts in it, and so may well be the
	// plan's LAN.
	OnLink bool
	// Site is whether it is a route, and so may well be how the plan's own ranges
	// are reached.
	Site bool
	// Uses is what it is compared with; empty for all.
	Uses []Use
}

// Collisions is the ranges of the plan that neighbours have a use for, in the
// order of the file. Ranges that are there to hold others collide with nobody:
// what is in them may. Neighbours of one kind are one problem of a range.
func (p *Plan) Collisions(neighbours []Neighbour) []Problem {
	v := validation{plan: p}
	for _, r := range p.Ranges() {
		for _, kind := range alike(neighbours) {
			var told []string
			var first Neighbour
			for _, n := range kind {
				if !p.collides(r, n) {
					continue
				}
				if told = append(told, n.describe(r)); len(told) == 1 {
					first = n
				}
			}
			if len(told) == 0 {
				continue
			}
			message := fmt.Sprintf("%s %s", r, strings.Join(told, ", "))
			if first.Why != "" {
				message += ": " + first.Why
			}
			v.add(first.Rule, first.Severity, r.Field, message, p.moveFix(r, first, neighbours))
		}
	}
	for i := range v.problems {
		v.problems[i].At = p.Position(v.problems[i].Field)
	}
	sortProblems(v.problems)
	return v.problems
}

// alike is neighbours by rule, severity and reason, in the order of the first of
// each.
func alike(neighbours []Neighbour) [][]Neighbour {
	var kinds [][]Neighbour
	for _, n := range neighbours {
		i := slices.IndexFunc(kinds, func(kind []Neighbour) bool {
			first := kind[0]
			return first.Rule == n.Rule && first.Severity == n.Severity && first.Why == n.Why && first.Fix == n.Fix
		})
		if i < 0 {
			kinds = append(kinds, []Neighbour{n})
		} else {
			kinds[i] = append(kinds[i], n)
		}
	}
	return kinds
}

// collides reports whether it is a fault that r and n share addresses.
func (p *Plan) collides(r Range, n Neighbour) bool {
	if !n.Addrs.IsValid() || !r.Addrs.Overlaps(n.Addrs) || len(n.Uses) > 0 && !slices.Contains(n.Uses, r.Use) {
		return false
	}
	if n.OnLink && p.onLAN(n.Addrs) {
		return false // it is the LAN of the plan, of which Validate judges
	}
	switch r.Use {
	case Pods, Services:
		return !n.Site || !p.reachedBy(r, n)
	case LoadBalancers:
		// Inside of the LAN its neighbours are the LAN's.
		return !p.heldByLAN(r) || !p.holdsLAN(n.Addrs)
	case LAN:
		return !p.holdsLAN(n.Addrs)
	}
	return false
}

// reachedBy reports whether n is how the site reaches r: a route to a prefix of
// the plan that holds r, to one around it, or to a part of pods that leave with
// their own addresses.
func (p *Plan) reachedBy(r Range, n Neighbour) bool {
	space := containing(p.spaces(), r.Addrs)
	switch {
	case space.IsValid():
		whole := netipx.RangeOfPrefix(space)
		return Within(whole, n.Addrs) || Within(n.Addrs, whole)
	case r.Use == Pods && p.Egress.Of(r.Family()) == RoutedEgress:
		return Within(n.Addrs, r.Addrs)
	}
	return false
}

// onLAN reports whether n is the LAN, a part of it, or holds it.
func (p *Plan) onLAN(n netipx.IPRange) bool {
	lan := p.LAN.Prefixes.Of(ipfam.Of(n.From()))
	return lan.IsValid() && (Within(n, netipx.RangeOfPrefix(lan.Masked())) || p.holdsLAN(n))
}

func (p *Plan) heldByLAN(r Range) bool {
	lan := p.LAN.Prefixes.Of(r.Family())
	return lan.IsValid() && Within(r.Addrs, netipx.RangeOfPrefix(lan.Masked()))
}

func (p *Plan) holdsLAN(n netipx.IPRange) bool {
	lan := p.LAN.Prefixes.Of(ipfam.Of(n.From()))
	return lan.IsValid() && Within(netipx.RangeOfPrefix(lan.Masked()), n)
}

// describe is how r lies to n, as a predicate of r.
func (n Neighbour) describe(r Range) string {
	switch {
	case r.Addrs == n.Addrs:
		return "is also " + n.What
	case Within(r.Addrs, n.Addrs):
		return fmt.Sprintf("lies in %s, %s", FormatAddrs(n.Addrs), n.What)
	case Within(n.Addrs, r.Addrs):
		return fmt.Sprintf("holds %s, %s", FormatAddrs(n.Addrs), n.What)
	}
	return fmt.Sprintf("shares %s with %s, %s", FormatAddrs(Intersect(r.Addrs, n.Addrs)), FormatAddrs(n.Addrs), n.What)
}

// moveFix is what to write for r, which n has a use for.
func (p *Plan) moveFix(r Range, n Neighbour, all []Neighbour) string {
	if n.Fix != "" {
		return n.Fix
	}
	var taken []Range
	for _, other := range all {
		taken = append(taken, Range{Use: r.Use, Addrs: other.Addrs})
	}
	if r.Use == LoadBalancers {
		if rest := Subtract(r.Addrs, n.Addrs); len(rest) > 0 {
			return "write " + strings.Join(rest, ", ")
		}
	}
	if prefix, ok := r.Prefix(); ok && r.Use != LAN {
		if free, ok := p.FreePrefix(prefix, taken...); ok {
			return fmt.Sprintf("take a free range, such as %s", free)
		}
	}
	return fmt.Sprintf("take a range outside of %s", FormatAddrs(n.Addrs))
}

// Peer is what another plan has a use for, to be compared with the plan of a
// cluster that is to be joined with its: by Cilium's cluster mesh, or by routes
// between them. Both may be on the same LAN, and of the same site. Service ranges
// may be the same: packets to a ClusterIP never leave their cluster.
// Source: cilium v1.20.2, Documentation/network/clustermesh/setup.rst: «PodCIDR
// ranges in all clusters and all nodes must be non-conflicting».
func (p *Plan) Peer() []Neighbour {
	var list []Neighbour
	for _, r := range p.Ranges() {
		n := Neighbour{Rule: PeerFree, Addrs: r.Addrs, Severity: severity.Error, What: p.called(r), OnLink: r.Use == LAN,
			Why: "joined clusters do not reach one another's"}
		switch r.Use {
		case Delegated, Routed, Reserved:
		case LoadBalancers:
			n.Uses = []Use{Pods, Services, LoadBalancers} // it is in the LAN that both have
			list = append(list, n)
		case Services:
			n.Uses = []Use{LAN, Pods, LoadBalancers}
			list = append(list, n)
			n.Uses, n.Severity, n.Why = []Use{Services}, severity.Info, "a ClusterIP does not tell whose it is"
			list = append(list, n)
		default:
			list = append(list, n)
		}
	}
	return list
}

// called is such as "pods 10.244.0.0/16 of homelab".
func (p *Plan) called(r Range) string {
	name := p.Name
	if name == "" {
		name = p.source
	}
	use := string(r.Use)
	if r.Use == LoadBalancers {
		use = "pool " + r.Name
	}
	return fmt.Sprintf("%s of %s", use, name)
}

// nat64 is the prefixes that stand for IPv4 addresses wherever packets are
// translated. That a range lies in one of them Validate says.
// Source: RFC 6052, 2.1; RFC 8215.
var nat64 = []netip.Prefix{netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48")}

// NAT64 is the prefixes of NAT64 that ranges of the plan hold.
func (p *Plan) NAT64() []Neighbour {
	var list []Neighbour
	for _, prefix := range nat64 {
		addrs := netipx.RangeOfPrefix(prefix)
		if slices.ContainsFunc(p.Ranges(), func(r Range) bool { return r.Addrs != addrs && Within(addrs, r.Addrs) }) {
			list = append(list, Neighbour{Rule: NAT64Free, Addrs: addrs, Severity: severity.Error, What: "a prefix of NAT64",
				Why: "its addresses stand for IPv4 addresses"})
		}
	}
	return list
}
