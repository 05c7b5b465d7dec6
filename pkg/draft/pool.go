package draft

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"

	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
)

// pool makes the one pool of the plan. It has addresses of every family, since
// MetalLB takes both addresses of a Service from one pool.
func (w *work) pool() {
	d := w.demand
	if d.LoadBalancers < 0 {
		return
	}
	pool := plan.Pool{Name: poolName(d.Announce), Announce: d.Announce}
	for _, f := range d.want().List() {
		given := w.givenPool(f)
		w.enough(f, given)
		if len(given) == 0 {
			least := leastAddresses(w.loadBalancers())
			if d.Announce == "bgp" {
				given = w.poolOfItsOwn(f, least)
			} else {
				given = w.poolInLAN(f, least, pool.Addresses)
			}
		}
		pool.Addresses = append(pool.Addresses, given...)
	}
	if len(pool.Addresses) > 0 {
		w.plan.LoadBalancers = []plan.Pool{pool}
	}
	if d.LoadBalancers == 0 {
		w.plan.Expect.LoadBalancers = w.roomOfPool()
	}
}

func poolName(announce string) string {
	if announce == "bgp" {
		return "bgp"
	}
	return "lan"
}

// givenPool is the addresses of family f that were asked for.
func (w *work) givenPool(f ipfam.Family) (rs []netipx.IPRange) {
	for _, r := range w.demand.Pool {
		if ipfam.Of(r.From()) == f {
			rs = append(rs, r)
		}
	}
	return rs
}

// enough holds a pool that was asked for to the number of Services.
func (w *work) enough(f ipfam.Family, given []netipx.IPRange) {
	room := uint64(0)
	for _, r := range given {
		room = plan.Sum(room, plan.Count(r))
	}
	if n := max(w.demand.LoadBalancers, 0); len(given) > 0 && n > 0 && (uint64(n) > room || plan.Scarce(uint64(n), room)) {
		w.refuse(Refusal{Flag: "--load-balancers", Family: f, field: "spec.loadBalancers, as given",
			Message: fmt.Sprintf("%s LoadBalancer Services need %s %s addresses, with a fifth to spare, and the pool has %s",
				number(n), number(leastAddresses(n)), f, number(room)),
			Fix: "--pool with more addresses, or a smaller number"})
	}
}

// roomOfPool is how many Services the pool has room for with a fifth to spare.
func (w *work) roomOfPool() int {
	least := uint64(1 << 30)
	c := w.plan.Capacity().LoadBalancers
	for _, f := range w.demand.want().List() {
		least = min(least, c.Of(f))
	}
	n := least - least/5
	if n > 0 {
		n-- // from four fifths on it is scarce
	}
	return int(min(n, 1_000_000))
}

// leastAddresses is the fewest addresses that have room for n Services and a fifth
// to spare.
func leastAddresses(n int) int {
	has := uint64(n)
	for plan.Scarce(uint64(n), has) {
		has += 1 + has/100
	}
	for has > 0 && !plan.Scarce(uint64(n), has-1) && has > uint64(n) {
		has--
	}
	return int(has)
}

// poolInLAN is least free addresses of the LAN, or a few more to make the number
// round: one run of them if there is one, otherwise several.
func (w *work) poolInLAN(f ipfam.Family, least int, so []netipx.IPRange) []netipx.IPRange {
	lan := w.plan.LAN.Prefixes.Of(f)
	if !lan.IsValid() {
		if !hasFlag(w.refusals, f, "--lan", "--delegated") {
			w.refuse(Refusal{Flag: "--lan", Family: f, field: "spec.lan",
				Message: fmt.Sprintf("load balancers that are announced by ARP and NDP have addresses of the LAN, and no %s network of it is given", f),
				Fix:     "--lan with that network, or --announce bgp"})
		}
		return nil
	}
	runs := w.freeInLAN(f, lan)
	if f == ipfam.V6 {
		if r, ok := besideIPv4(lan, least, so); ok && slices.ContainsFunc(runs, func(run netipx.IPRange) bool { return plan.Within(r, run) }) {
			return []netipx.IPRange{r}
		}
	}
	reserved := slices.ContainsFunc(w.plan.LAN.Reserved, func(r netipx.IPRange) bool { return ipfam.Of(r.From()) == f })
	for _, n := range []int{(least + 9) / 10 * 10, least} {
		if r, ok := oneRun(runs, n, reserved); ok {
			return []netipx.IPRange{r}
		}
	}
	several, room := manyRuns(runs, least)
	if room < uint64(least) {
		w.refuse(Refusal{Flag: "--load-balancers", Family: f, field: "spec.loadBalancers",
			Message: fmt.Sprintf("%s LoadBalancer Services need %s addresses of the LAN %s, with a fifth to spare; %s are free",
				number(w.loadBalancers()), number(least), lan, number(room))})
		return nil
	}
	return several
}

func hasFlag(rs []Refusal, f ipfam.Family, flags ...string) bool {
	return slices.ContainsFunc(rs, func(r Refusal) bool { return r.Family == f && slices.Contains(flags, r.Flag) })
}

// freeInLAN is what of the LAN is neither reserved nor the network's own: the first
// and the last address in IPv4, the first in IPv6.
func (w *work) freeInLAN(f ipfam.Family, lan netip.Prefix) []netipx.IPRange {
	var b netipx.IPSetBuilder
	b.AddPrefix(lan)
	for _, r := range append(slices.Clone(w.plan.LAN.Reserved), w.demand.Pool...) {
		b.RemoveRange(r)
	}
	for _, p := range w.demand.Avoid {
		if p.Bits() > lan.Bits() {
			b.RemovePrefix(p) // a host of the LAN; what holds the LAN is the LAN's own route
		}
	}
	for _, p := range []netip.Prefix{w.plan.Pods.Prefixes.Of(f), w.plan.Services.Of(f)} {
		if p.IsValid() {
			b.RemovePrefix(p)
		}
	}
	whole := netipx.RangeOfPrefix(lan)
	if !lan.IsSingleIP() {
		b.Remove(whole.From())
	}
	if f == ipfam.V4 && !lan.IsSingleIP() {
		b.Remove(whole.To())
	}
	set, err := b.IPSet()
	if err != nil {
		return nil
	}
	return set.Ranges()
}

// besideIPv4 is the IPv6 addresses that read like the pool's IPv4 addresses:
// ...:ade:100 to ...:ade:119 beside .100 to .119; from 1 on when there are none. They
// are far from what hosts of the LAN give themselves or are given by hand.
func besideIPv4(lan netip.Prefix, least int, so []netipx.IPRange) (netipx.IPRange, bool) {
	const most = 0xffff
	if lan.Bits() > blockBits || least >= most {
		return netipx.IPRange{}, false
	}
	from, to := uint64(1), uint64(least)
	if len(so) == 1 && ipfam.Of(so[0].From()) == ipfam.V4 {
		a, b := so[0].From().As4(), so[0].To().As4()
		if a[0] == b[0] && a[1] == b[1] && a[2] == b[2] {
			from, to = asHex(a[3]), asHex(b[3])
		}
	}
	at := func(n uint64) netip.Addr {
		a := lan.Masked().Addr().As16()
		copy(a[8:], []byte{0xff, 0xff, 0x0f, 0xac, 0x0a, 0xde, byte(n >> 8), byte(n)})
		return netip.AddrFrom16(a)
	}
	r := netipx.IPRangeFrom(at(from), at(to))
	return r, plan.Count(r) >= uint64(least)
}

// asHex is the number whose hexadecimal digits are the decimal ones of n.
func asHex(n byte) uint64 {
	h, err := strconv.ParseUint(strconv.Itoa(int(n)), 16, 16)
	if err != nil {
		return 0
	}
	return h
}

// oneRun is n addresses in one run: the first that fits when it is known what of
// the LAN is in use, and otherwise the last, since hosts and DHCP servers begin at
// the start; a few addresses at the very end are left to routers.
func oneRun(runs []netipx.IPRange, n int, first bool) (netipx.IPRange, bool) {
	want := uint64(n)
	if first {
		for _, r := range runs {
			if plan.Count(r) >= want {
				return netipx.IPRangeFrom(r.From(), plus(r.From(), want-1)), true
			}
		}
		return netipx.IPRange{}, false
	}
	for _, r := range slices.Backward(runs) {
		has := plan.Count(r)
		if has < want {
			continue
		}
		margin := min(has-want, marginOf(r))
		to := back(r.To(), margin)
		return netipx.IPRangeFrom(back(to, want-1), to), true
	}
	return netipx.IPRange{}, false
}

// marginOf is how many addresses at the end of a run are left alone. In IPv6 the
// last 128 of a network are anycast addresses (RFC 2526).
func marginOf(r netipx.IPRange) uint64 {
	if ipfam.Of(r.From()) == ipfam.V6 {
		return 128
	}
	return 4
}

// manyRuns is the runs from the first on that have n addresses together.
func manyRuns(runs []netipx.IPRange, n int) (several []netipx.IPRange, room uint64) {
	want := uint64(n)
	for _, r := range runs {
		has := plan.Count(r)
		if room = plan.Sum(room, has); room >= want {
			return append(several, netipx.IPRangeFrom(r.From(), back(r.To(), room-want))), room
		}
		several = append(several, r)
	}
	return several, room
}

// plus is the address n after a; the caller knows that there is one.
func plus(a netip.Addr, n uint64) netip.Addr { return step(a, n, 1) }

// back is the address n before a.
func back(a netip.Addr, n uint64) netip.Addr { return step(a, n, -1) }

func step(a netip.Addr, n uint64, sign int) netip.Addr {
	bytes := a.As16()
	carry := 0
	for i := 15; i >= 0; i-- {
		sum := int(bytes[i]) + sign*int(n&0xff) + carry
		n >>= 8
		bytes[i] = byte(sum)
		carry = sum >> 8
	}
	moved := netip.AddrFrom16(bytes)
	if a.Is4() {
		return moved.Unmap()
	}
	return moved
}

// poolBits is the length of the range that load balancers of family f get beside
// the pods and Services, because they are announced by BGP; 0 when they get none there.
func (w *work) poolBits(f ipfam.Family) int {
	d := w.demand
	if d.Announce != "bgp" || d.LoadBalancers < 0 || len(w.givenPool(f)) > 0 || f == ipfam.V6 && w.poolIsOutside() {
		return 0
	}
	return bgpBits(f, leastAddresses(w.loadBalancers()))
}

// poolIsOutside is whether load balancers have addresses of the delegated prefix
// while pods and Services have none: those outside are to reach them.
func (w *work) poolIsOutside() bool { return w.demand.Delegated.IsValid() && w.demand.ULASeed != "" }

// loadBalancers is how many Services the pool is to have room for.
func (w *work) loadBalancers() int {
	if n := w.demand.LoadBalancers; n > 0 {
		return n
	}
	return DefaultLoadBalancers
}

// bgpBits is the length of a range of least addresses, without its first and last:
// a /24 or a /112 at least.
func bgpBits(f ipfam.Family, least int) int {
	bits := f.Bits() - ipfam.Pair[int]{V4: 8, V6: 16}.Of(f)
	for 1<<(f.Bits()-bits) < least+2 {
		bits--
	}
	return bits
}

// poolOfItsOwn is the range for load balancers that are announced by BGP: outside of
// the LAN, for the router to learn the way there.
func (w *work) poolOfItsOwn(f ipfam.Family, least int) []netipx.IPRange {
	p := w.ownPool.Of(f)
	if f == ipfam.V6 && w.poolIsOutside() {
		bits, ok := bgpBits(f, least), false
		if p, ok = lastFree(w.demand.Delegated, bits, w.taken()); !ok {
			w.refuse(Refusal{Flag: "--load-balancers", Family: f, field: "spec.loadBalancers",
				Message: fmt.Sprintf("%s LoadBalancer Services need a /%d, and %s has none that is free", number(w.loadBalancers()), bits, w.demand.Delegated),
				Fix:     "--pool with addresses for them"})
		}
	}
	if !p.IsValid() {
		return nil // which is said already
	}
	r := netipx.RangeOfPrefix(p)
	return []netipx.IPRange{netipx.IPRangeFrom(r.From().Next(), r.To().Prev())}
}
