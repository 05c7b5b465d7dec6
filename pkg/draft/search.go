package draft

import (
	"net/netip"

	"go4.org/netipx"
)

// rangesOf is the addresses of prefixes; those that are none are left out.
func rangesOf(ps ...netip.Prefix) (rs []netipx.IPRange) {
	for _, p := range ps {
		if p.IsValid() {
			rs = append(rs, netipx.RangeOfPrefix(p.Masked()))
		}
	}
	return rs
}

// firstFree is the first prefix of the length bits in space, from the one that
// hint is in on and then from the start of space, that shares no address with
// taken. An invalid hint is the start.
//
//	space  |--------------------------------|
//	taken     |===|        |======|
//	hint                     ^
//	free                          |--|
func firstFree(space netip.Prefix, bits int, hint netip.Addr, taken []netipx.IPRange) (netip.Prefix, bool) {
	space = space.Masked()
	if bits < space.Bits() {
		return netip.Prefix{}, false
	}
	start := space.Addr()
	if hint.IsValid() && space.Contains(hint) {
		start = netip.PrefixFrom(hint, bits).Masked().Addr()
	}
	if p, ok := freeFrom(space, start, bits, taken); ok {
		return p, true
	}
	return freeFrom(space, space.Addr(), bits, taken)
}

// freeFrom goes up from start. Each step is past the end of a range of taken, so
// that there are no more steps than those.
func freeFrom(space netip.Prefix, start netip.Addr, bits int, taken []netipx.IPRange) (netip.Prefix, bool) {
	candidate := netip.PrefixFrom(start, bits)
	for range len(taken) + 1 {
		blocking, blocked := blocker(candidate, taken)
		if !blocked {
			return candidate, true
		}
		last := netipx.PrefixLastIP(netip.PrefixFrom(blocking.To(), bits).Masked())
		next := last.Next()
		if !next.IsValid() || !space.Contains(next) {
			return netip.Prefix{}, false
		}
		candidate = netip.PrefixFrom(next, bits)
	}
	return netip.Prefix{}, false
}

// lastFree is firstFree from the end of space down.
func lastFree(space netip.Prefix, bits int, taken []netipx.IPRange) (netip.Prefix, bool) {
	space = space.Masked()
	if bits < space.Bits() {
		return netip.Prefix{}, false
	}
	candidate := netip.PrefixFrom(netipx.PrefixLastIP(space), bits).Masked()
	for range len(taken) + 1 {
		blocking, blocked := blocker(candidate, taken)
		if !blocked {
			return candidate, true
		}
		previous := netip.PrefixFrom(blocking.From(), bits).Masked().Addr().Prev()
		if !previous.IsValid() || !space.Contains(previous) {
			return netip.Prefix{}, false
		}
		candidate = netip.PrefixFrom(previous, bits).Masked()
	}
	return netip.Prefix{}, false
}

// blocker is a range of taken that p shares addresses with.
func blocker(p netip.Prefix, taken []netipx.IPRange) (netipx.IPRange, bool) {
	r := netipx.RangeOfPrefix(p)
	for _, t := range taken {
		if t.Overlaps(r) {
			return t, true
		}
	}
	return netipx.IPRange{}, false
}
