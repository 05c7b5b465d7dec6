package plan

import (
	"cmp"
	"encoding/binary"
	"math"
	"math/bits"
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
)

// Tree is the ranges of a plan as they nest, by family: each stands within the
// smallest that holds all of it, and those that nothing holds are the roots. So
// a pool is in the LAN and the LAN in the delegated prefix; ranges that share only
// a part of their addresses stand side by side, and are among the Overlaps.
type Tree struct {
	Roots    ipfam.Pair[[]*Branch]
	Overlaps []Overlap
	Outside  []Range // taken in the cluster, and in no range of the plan
}

// Branch is a range in the tree and what is within it, in the order of addresses.
type Branch struct {
	Range
	Offset   float64           // which part of the branch around it comes before it; 0 for a root
	Share    float64           // which part of the branch around it it is, up to 1; 0 for a root
	Worst    severity.Severity // of the overlaps that the range has part in; zero for none
	Room     Room
	Spare    Spare
	Branches []*Branch
}

// Block reports whether the branch is the block of a node, which is no range of
// the plan but one that the cluster has cut out of the pods'.
func (b *Branch) Block() bool { return b.Use == Pods && b.Name != "" }

// Overlap is two ranges that share addresses though neither is there to hold the
// other, the one that comes later in the plan first.
type Overlap struct {
	Severity severity.Severity
	Range    Range
	With     Range
}

// Room is how many of what its use is about a range has room for: nodes for the
// pods', pods for a node's block, Services, load-balancer addresses. Need is how
// many of them the cluster has or, when none was asked, the plan expects; of a
// block it is not known. The zero Room is that of a range out of which nothing is
// given to single objects.
type Room struct {
	Capacity uint64 // at most math.MaxUint64
	Need     uint64
	Known    bool // whether Need is known
}

// Scarce reports whether so much is needed that the rest is soon gone.
func (r Room) Scarce() bool { return r.Known && r.Need > 0 && Scarce(r.Need, r.Capacity) }

// Spare is what of a range nothing within it has. It is zero for ranges that are
// not there to hold others.
type Spare struct {
	Unit    int          // the length of the blocks that are counted: of one address, a node's block or the largest branch
	Blocks  uint64       // of that length that are free; at most math.MaxUint64
	Of      uint64       // of how many
	Largest netip.Prefix // the largest prefix that is free, the first of them; invalid when there is none
}

// Tree is the tree of the plan's ranges, with the blocks of nodes and all that is
// taken if u is known.
func (p *Plan) Tree(u *Usage) Tree {
	t := Tree{Outside: p.Outside(u)}
	ranges := p.Ranges()
	for i, r := range ranges {
		for _, other := range ranges[:i] {
			if s := p.Conflict(r, other); s != 0 {
				t.Overlaps = append(t.Overlaps, Overlap{Severity: s, Range: r, With: other})
			}
		}
	}
	outside := map[Range]bool{}
	for _, r := range t.Outside {
		outside[r] = true
	}
	blocks, _ := u.Of(Pods)
	for _, b := range blocks {
		if !outside[b] {
			ranges = append(ranges, b)
		}
	}
	for _, f := range ipfam.All {
		*t.Roots.At(f) = p.nest(ranges, f, u, t.Overlaps)
	}
	return t
}

// nest is the roots of family f, and below them all other ranges of it. In the
// order of their first addresses, wider ones before those within, what holds a
// range comes before it and has not ended yet:
//
//	|--------- LAN ---------|
//	   |-- pool --|  |-- pool --|   the second is cut off, and stands beside the LAN
func (p *Plan) nest(ranges []Range, f ipfam.Family, u *Usage, overlaps []Overlap) []*Branch {
	var all, roots, open []*Branch
	for _, r := range ranges {
		if r.Family() == f {
			all = append(all, &Branch{Range: r, Worst: worst(r, overlaps), Room: p.room(r, u)})
		}
	}
	slices.SortStableFunc(all, func(a, b *Branch) int {
		return cmp.Or(a.Addrs.From().Compare(b.Addrs.From()), b.Addrs.To().Compare(a.Addrs.To()), cmp.Compare(rank(a.Use), rank(b.Use)))
	})
	for _, b := range all {
		open = slices.DeleteFunc(open, func(o *Branch) bool { return o.Addrs.To().Less(b.Addrs.From()) })
		if holder := smallest(open, b.Range); holder != nil {
			holder.Branches = append(holder.Branches, b)
			b.Share = extent(b.Addrs) / extent(holder.Addrs)
			b.Offset = span(holder.Addrs.From(), b.Addrs.From()) / extent(holder.Addrs)
		} else {
			roots = append(roots, b)
		}
		open = append(open, b)
	}
	for _, b := range all {
		b.Spare = p.spare(b)
	}
	return roots
}

// smallest is the branch that holds r most closely; nil when none does.
func smallest(open []*Branch, r Range) *Branch {
	var best *Branch
	for _, b := range open {
		if b.Contains(r) && (best == nil || extent(b.Addrs) <= extent(best.Addrs)) {
			best = b
		}
	}
	return best
}

func worst(r Range, overlaps []Overlap) severity.Severity {
	var s severity.Severity
	for _, o := range overlaps {
		if o.Range == r || o.With == r {
			s = max(s, o.Severity)
		}
	}
	return s
}

// extent is the number of addresses of r, to be compared and divided only.
func extent(r netipx.IPRange) float64 { return span(r.From(), r.To()) + 1 }

// span is how many addresses b comes after a, as exactly as a float64 has it.
func span(a, b netip.Addr) float64 {
	from, to := a.As16(), b.As16()
	low, borrow := bits.Sub64(binary.BigEndian.Uint64(to[8:]), binary.BigEndian.Uint64(from[8:]), 0)
	high, _ := bits.Sub64(binary.BigEndian.Uint64(to[:8]), binary.BigEndian.Uint64(from[:8]), borrow)
	return math.Ldexp(float64(high), 64) + float64(low)
}

// room is how many single objects r is for, and how many need something of it.
func (p *Plan) room(r Range, u *Usage) Room {
	prefix, _ := r.Prefix()
	switch {
	case r.Use == Pods && r.Name != "": // a node's block, which is taken as a whole
		return Room{Capacity: PodAddresses(r.Family(), prefix.Bits(), p.Versions.Cilium)}
	case !slices.Contains([]Use{Pods, Services, LoadBalancers}, r.Use):
		return Room{}
	}
	taken, known := u.Of(r.Use)
	room := Room{Need: in(r.Addrs, taken), Known: known}
	expected, of := 0, 1 // the ranges that the expectation is about
	switch r.Use {
	case Pods:
		room.Capacity, expected = Blocks(prefix, p.NodeMask(r.Family())), p.Expect.Nodes
		if !known && u != nil && u.NodesKnown {
			room.Need, room.Known = u.Nodes, true
		}
	case Services:
		room.Capacity, expected = ServiceAddresses(prefix, p.kubernetes()), p.Expect.Services
	case LoadBalancers:
		room.Capacity, expected, of = Count(r.Addrs), p.Expect.LoadBalancers, p.poolRanges(r.Family())
	}
	if u == nil && expected > 0 && of == 1 {
		room.Need, room.Known = uint64(expected), true
	}
	return room
}

// poolRanges is how many ranges of family f the pools have.
func (p *Plan) poolRanges(f ipfam.Family) int {
	n := 0
	for _, pool := range p.LoadBalancers {
		for _, r := range pool.Addresses {
			if ipfam.Of(r.From()) == f {
				n++
			}
		}
	}
	return n
}

// spare is what of b none of its branches has.
func (p *Plan) spare(b *Branch) Spare {
	whole, ok := b.Prefix()
	holds := slices.Contains([]Use{Delegated, Routed, LAN}, b.Use)
	if !ok || !holds && len(b.Branches) == 0 {
		return Spare{}
	}
	var set netipx.IPSetBuilder
	set.AddRange(b.Addrs)
	for _, inner := range b.Branches {
		set.RemoveRange(inner.Addrs)
	}
	rest, err := set.IPSet()
	if err != nil {
		return Spare{} // no range of the plan is invalid
	}
	s := Spare{Unit: p.unit(b, whole)}
	s.Of = Blocks(whole, s.Unit)
	for _, prefix := range rest.Prefixes() {
		s.Blocks = Sum(s.Blocks, Blocks(prefix, s.Unit))
		if !s.Largest.IsValid() || prefix.Bits() < s.Largest.Bits() {
			s.Largest = prefix
		}
	}
	return s
}

// fewAddresses is up to which size, in host bits, a range is counted by addresses.
const fewAddresses = 16

// unit is the length of the blocks that a range is counted by: nodes' blocks for
// pods, single addresses in a small range, and otherwise blocks as large as the
// largest branch, since that is what one looks for room for.
func (p *Plan) unit(b *Branch, whole netip.Prefix) int {
	family := b.Family()
	if b.Use == Pods {
		return p.NodeMask(family)
	}
	if hostBits(whole) <= fewAddresses {
		return family.Bits()
	}
	unit := 0
	for _, inner := range b.Branches {
		if bits := around(inner.Addrs).Bits(); unit == 0 || bits < unit {
			unit = bits
		}
	}
	if unit == 0 && whole.Bits() < subnetBits {
		return min(subnetBits, family.Bits())
	}
	if unit == 0 {
		return family.Bits()
	}
	return unit
}

// subnetBits is the length of the prefix of a network, where the rest is the
// interface's. Source: RFC 4291, 2.5.1.
const subnetBits = 64

// around is the longest prefix that holds all of r.
func around(r netipx.IPRange) netip.Prefix {
	for bits := r.From().BitLen(); bits > 0; bits-- {
		if p := netip.PrefixFrom(r.From(), bits).Masked(); p.Contains(r.To()) {
			return p
		}
	}
	return netip.PrefixFrom(r.From(), 0).Masked()
}
