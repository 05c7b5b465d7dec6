package plan

import (
	"fmt"
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
)

// Intersect is the addresses that a and b share; invalid when there are none.
//
//	a  |-----------|
//	b        |-----------|
//	         |-----|
func Intersect(a, b netipx.IPRange) netipx.IPRange {
	if !a.Overlaps(b) {
		return netipx.IPRange{}
	}
	from, to := a.From(), a.To()
	if from.Less(b.From()) {
		from = b.From()
	}
	if b.To().Less(to) {
		to = b.To()
	}
	return netipx.IPRangeFrom(from, to)
}

// Conflict is how bad it is that a and b share addresses. It is zero when they
// share none, or when one of the two is there to hold the other.
func Conflict(a, b Range) severity.Severity {
	if !a.Addrs.IsValid() || !b.Addrs.IsValid() || !a.Addrs.Overlaps(b.Addrs) {
		return 0
	}
	if rank(b.Use) < rank(a.Use) {
		a, b = b, a
	}
	switch a.Use {
	case Delegated:
		return 0
	case Routed:
		if slices.Contains([]Use{Routed, LAN, Reserved}, b.Use) {
			return severity.Warning // the router has two ways to the same addresses
		}
		return 0
	case LAN:
		return lanConflict(a, b)
	case Reserved, Nodes:
		if b.Use == Reserved || b.Use == Nodes {
			return 0 // nodes are hosts that a reserved range may hold
		}
	case Pods, Services:
		switch {
		case a.Use == b.Use:
			return 0 // two statements about one thing, not two things
		case a.Use == Pods && b.Use == Services && a.Addrs != b.Addrs && a.Contains(b):
			return severity.Warning // until a node's block is cut out of the Services' part
		}
	}
	return severity.Error
}

// lanConflict is Conflict for the network of the nodes, lan. Inside of it, pods
// and Services hide only the hosts that have the same addresses; around it, they
// hide the nodes.
func lanConflict(lan, r Range) severity.Severity {
	switch {
	case r.Use != Pods && r.Use != Services:
		return 0
	case lan.Contains(r) && lan.Addrs != r.Addrs:
		return severity.Warning
	}
	return severity.Error
}

func rank(u Use) int {
	return slices.Index([]Use{Delegated, Routed, LAN, Reserved, Nodes, Pods, Services, LoadBalancers}, u)
}

// DescribeOverlap is how r lies to other, as a predicate of r: "10.96.0.0/16
// lies in pods 10.0.0.0/8". The two are to share addresses.
func DescribeOverlap(r, other Range) string {
	name := fmt.Sprintf("%s %s", other.Use, other)
	if other.Name != "" {
		name = fmt.Sprintf("%s %s %s", other.Use, other.Name, other)
	}
	switch {
	case r.Addrs == other.Addrs:
		return fmt.Sprintf("%s is also %s", r, name)
	case other.Contains(r):
		return fmt.Sprintf("%s lies in %s", r, name)
	case r.Contains(other):
		return fmt.Sprintf("%s holds %s", r, name)
	}
	return fmt.Sprintf("%s shares %s with %s", r, FormatAddrs(Intersect(r.Addrs, other.Addrs)), name)
}

// Free is a prefix as long as p that shares no address with any of taken, out of
// the space that p is in: the longest of spaces that holds it, or else its
// private prefix, or else another private one. Ranges that are there to hold
// others do not count as taken.
func Free(p netip.Prefix, spaces []netip.Prefix, taken []Range) (netip.Prefix, bool) {
	p = p.Masked()
	if space := containing(spaces, netipx.RangeOfPrefix(p)); space.IsValid() {
		return freeIn(space, p, taken)
	}
	own := containing(privates, netipx.RangeOfPrefix(p))
	if !own.IsValid() {
		return p, false
	}
	if free, ok := freeIn(own, p, taken); ok {
		return free, true
	}
	for _, space := range privates {
		if ipfam.OfPrefix(space) == ipfam.OfPrefix(p) && space.Bits() <= p.Bits() {
			if free, ok := freeIn(space, p, taken); ok {
				return free, true
			}
		}
	}
	return p, false
}

// freeIn is the first free prefix as long as p after p, or from the start of
// space on. It passes over each taken range at once.
func freeIn(space, p netip.Prefix, taken []Range) (netip.Prefix, bool) {
	wrapped := false
	last := p.Addr() // of what is passed over
	for {
		next := netipx.PrefixLastIP(netip.PrefixFrom(last, p.Bits()).Masked()).Next()
		if !next.IsValid() || !space.Contains(next) {
			if wrapped {
				return p, false
			}
			next, wrapped = space.Addr(), true
		}
		candidate := netip.PrefixFrom(next, p.Bits())
		if wrapped && space.Contains(p.Addr()) && p.Addr().Less(candidate.Addr()) {
			return p, false // all of the space was seen
		}
		i := blocking(candidate, taken)
		if i < 0 {
			return candidate, true
		}
		last = taken[i].Addrs.To()
	}
}

// blocking is the index of a taken range that p shares addresses with, or -1.
func blocking(p netip.Prefix, taken []Range) int {
	r := netipx.RangeOfPrefix(p)
	return slices.IndexFunc(taken, func(t Range) bool {
		return t.Use != Delegated && t.Use != Routed && t.Addrs.Overlaps(r)
	})
}

// spaces is the prefixes that ranges of the plan come out of.
func (p *Plan) spaces() []netip.Prefix {
	spaces := slices.Clone(p.Routed)
	for _, f := range ipfam.All {
		if d := p.Delegated.Of(f); d.IsValid() {
			spaces = append(spaces, d)
		}
	}
	return spaces
}

// FreePrefix is a prefix as long as r that neither the plan nor one of others has
// a use for, out of the same routed, delegated or private prefix.
func (p *Plan) FreePrefix(r netip.Prefix, others ...Range) (netip.Prefix, bool) {
	return Free(r, p.spaces(), append(p.Ranges(), others...))
}
