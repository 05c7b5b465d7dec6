package plan

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"

	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
)

// Use is what the addresses of a range are for.
type Use string

// The uses of a range, in the order in which they are printed.
const (
	Delegated     Use = "delegated"
	Routed        Use = "routed"
	LAN           Use = "lan"
	Reserved      Use = "reserved"
	Nodes         Use = "nodes"
	Pods          Use = "pods"
	Services      Use = "services"
	LoadBalancers Use = "loadBalancers"
)

// Range is a run of addresses of one family, what it is for, and where that was
// learned. A plan has ranges, and so has every component of a cluster.
type Range struct {
	Use   Use
	Name  string // of a load-balancer pool; otherwise empty
	Addrs netipx.IPRange
	Owner string // who says so: "plan", "kube-apiserver", "IPAddressPool metallb-system/lan"
	Field string // where in the owner's document: "spec.pods.ipv6"
}

// RangeOf is the range of all addresses of p.
func RangeOf(use Use, p netip.Prefix) Range {
	return Range{Use: use, Addrs: netipx.RangeOfPrefix(p.Masked())}
}

// Family is the family of the range; a range never has two.
func (r Range) Family() ipfam.Family { return ipfam.Of(r.Addrs.From()) }

// Prefix is the range as one prefix, if it is one.
func (r Range) Prefix() (netip.Prefix, bool) { return r.Addrs.Prefix() }

// Contains reports whether every address of s is in r.
func (r Range) Contains(s Range) bool { return Within(s.Addrs, r.Addrs) }

// String is the prefix when the range is one, otherwise FROM-TO.
func (r Range) String() string { return FormatAddrs(r.Addrs) }

// Within reports whether every address of inner is in outer.
//
//	outer  |---------------|
//	inner      |------|
func Within(inner, outer netipx.IPRange) bool {
	return inner.IsValid() && outer.Contains(inner.From()) && outer.Contains(inner.To())
}

// FormatAddrs is r as a prefix when it is one, otherwise FROM-TO.
func FormatAddrs(r netipx.IPRange) string {
	if p, ok := r.Prefix(); ok {
		return p.String()
	}
	return r.String()
}

// Count is the number of addresses of r, at most math.MaxUint64.
func Count(r netipx.IPRange) uint64 {
	if !r.IsValid() {
		return 0
	}
	from, to := r.From().As16(), r.To().As16()
	var high, low uint64
	borrow := uint64(0)
	for i := 15; i >= 0; i-- {
		d := uint64(to[i]) - uint64(from[i]) - borrow
		borrow = (d >> 8) & 1
		if i >= 8 {
			low |= (d & 0xff) << (8 * (15 - i))
		} else {
			high |= (d & 0xff) << (8 * (7 - i))
		}
	}
	if high != 0 || low == math.MaxUint64 {
		return math.MaxUint64
	}
	return low + 1
}

// FormatCount is n, which may have been too large to count.
func FormatCount(n uint64) string {
	if n == math.MaxUint64 {
		return "more than 10^18"
	}
	return strconv.FormatUint(n, 10)
}

// ParseAddrs reads a prefix or FROM-TO, the two forms of a load-balancer pool.
// A prefix with host bits is masked, as MetalLB does (metallb v0.16.2,
// internal/config/config.go); masked tells. Spaces around the two addresses of
// FROM-TO are dropped, around a prefix they are an error, both as there.
// IPv4-mapped addresses become IPv4.
func ParseAddrs(s string) (r netipx.IPRange, masked bool, err error) {
	if from, to, ok := strings.Cut(s, "-"); ok {
		r, err = parseFromTo(s, strings.TrimSpace(from), strings.TrimSpace(to))
		return r, false, err
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return r, false, fmt.Errorf("%q: want PREFIX/LENGTH or FROM-TO", s)
	}
	if p.Addr().Is4In6() {
		if p.Bits() < 96 {
			return r, false, fmt.Errorf("%q: an IPv4-mapped prefix is /96 or longer", s)
		}
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return netipx.RangeOfPrefix(p.Masked()), p != p.Masked(), nil
}

func parseFromTo(s, from, to string) (netipx.IPRange, error) {
	var zero netipx.IPRange
	a, err := parseAddr(from)
	if err != nil {
		return zero, fmt.Errorf("%q: start: %w", s, err)
	}
	b, err := parseAddr(to)
	if err != nil {
		return zero, fmt.Errorf("%q: end: %w", s, err)
	}
	switch {
	case ipfam.Of(a) != ipfam.Of(b):
		return zero, fmt.Errorf("%q: start is %s and end is %s", s, ipfam.Of(a), ipfam.Of(b))
	case b.Less(a):
		return zero, fmt.Errorf("%q: start is after end", s)
	}
	return netipx.IPRangeFrom(a, b), nil
}

var errZone = errors.New("an address with a zone is no plan address")

func parseAddr(s string) (netip.Addr, error) {
	a, err := netip.ParseAddr(s)
	if err != nil {
		return a, fmt.Errorf("%q is not an address", s)
	}
	if a.Zone() != "" {
		return a, errZone
	}
	return a.Unmap(), nil
}
