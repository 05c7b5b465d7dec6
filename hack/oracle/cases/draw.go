package cases

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"

	"go4.org/netipx"
)

// drawer draws cases. Lengths and masks are mostly those at which some component
// changes its mind, and their neighbours.
type drawer struct{ *rand.Rand }

// oneIn is true once in n draws.
func (d drawer) oneIn(n int) bool { return d.IntN(n) == 0 }

func pick[T any](d drawer, from []T) T { return from[d.IntN(len(from))] }

func (d drawer) draw() Case {
	c := Case{Families: pick(d, [][]string{{"ipv4"}, {"ipv6"}, {"ipv4", "ipv6"}, {"ipv6", "ipv4"}, {"ipv4", "ipv6"}, {"ipv6", "ipv4"}})}
	for _, f := range c.Families {
		v6 := f == "ipv6"
		pods := d.prefix(v6, podLengths)
		services := d.prefix(v6, serviceLengths)
		if d.oneIn(8) {
			services = d.near(pods, services.Bits())
		}
		c.Services = append(c.Services, d.text(services))
		c.Pods = append(c.Pods, d.text(pods))
		c.Masks = append(c.Masks, d.mask(v6, pods.Bits()))
	}
	if d.oneIn(8) {
		texts := pick(d, [][]string{c.Services, c.Pods})
		i := d.IntN(len(texts))
		texts[i] = d.spoiled(texts[i])
	}
	c.Pools = d.pools()
	return c
}

// The lengths at which limits lie, by family.
var (
	serviceLengths = [2][]int{
		{0, 1, 8, 10, 11, 12, 13, 15, 16, 17, 20, 24, 26, 27, 28, 29, 30, 31, 32},
		{0, 8, 32, 48, 56, 62, 63, 64, 65, 66, 96, 106, 107, 108, 109, 110, 111, 112, 113, 116, 120, 123, 124, 125, 126, 127, 128},
	}
	podLengths = [2][]int{
		{0, 1, 7, 8, 9, 10, 12, 15, 16, 17, 20, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32},
		{0, 1, 32, 44, 46, 47, 48, 49, 52, 56, 60, 62, 63, 64, 65, 80, 95, 96, 97, 100, 104, 108, 111, 112, 113, 120, 123, 124, 125, 127, 128},
	}
)

func index(v6 bool) int {
	if v6 {
		return 1
	}
	return 0
}

// prefix is a prefix of which one in eight has host bits.
func (d drawer) prefix(v6 bool, favoured [2][]int) netip.Prefix {
	a := d.address(v6)
	length := d.IntN(a.BitLen() + 1)
	if !d.oneIn(6) {
		length = pick(d, favoured[index(v6)])
	}
	p := netip.PrefixFrom(a, length)
	if d.oneIn(8) {
		return p
	}
	return p.Masked()
}

// address is mostly out of the prefixes that people use.
func (d drawer) address(v6 bool) netip.Addr {
	var b [16]byte
	for i := range b {
		b[i] = byte(d.IntN(256))
	}
	if !v6 {
		if !d.oneIn(4) {
			b[0] = 10
		}
		return netip.AddrFrom4([4]byte(b[:4]))
	}
	switch d.IntN(4) {
	case 0:
		b[0] = 0xfd
	case 1, 2:
		copy(b[:], []byte{0x20, 0x01, 0x0d, 0xb8, 0x76, 0x53, 0x02})
	}
	return netip.AddrFrom16(b)
}

// near is a prefix of this length that shares addresses with p.
func (d drawer) near(p netip.Prefix, length int) netip.Prefix {
	if length <= p.Bits() {
		return netip.PrefixFrom(p.Addr(), length).Masked()
	}
	a := p.Masked().Addr().AsSlice()
	for bit := p.Bits(); bit < length; bit++ {
		if d.oneIn(2) {
			a[bit/8] |= 0x80 >> (bit % 8)
		}
	}
	inner, _ := netip.AddrFromSlice(a)
	return netip.PrefixFrom(inner, length)
}

// maxBlocks is the most blocks of an IPv4 pod range, in bits: the components
// take more, and then take minutes over one plan.
const maxBlocks = 17

// mask is a node mask for a pod range of this length. It is now and then one that
// no family has.
func (d drawer) mask(v6 bool, length int) int {
	mask := d.anyMask([]int{32, 128}[index(v6)], length)
	if !v6 && mask > length+maxBlocks {
		return length + maxBlocks
	}
	return mask
}

func (d drawer) anyMask(whole, length int) int {
	switch d.IntN(12) {
	case 0, 1, 2:
		return 0 // which is 24 and 64
	case 3:
		return 1 + d.IntN(whole)
	case 4:
		return pick(d, []int{whole - 2, whole - 1, whole, whole, whole + 1})
	default:
		return min(max(length+pick(d, []int{-1, 0, 1, 4, 8, 12, 15, 16, 16, 17, 18}), 1), whole)
	}
}

// text is p in one of the ways that people write it.
func (d drawer) text(p netip.Prefix) string {
	if !p.Addr().Is6() || !d.oneIn(10) {
		return p.String()
	}
	if d.oneIn(2) {
		return strings.ToUpper(p.String())
	}
	return p.Addr().StringExpanded() + "/" + strconv.Itoa(p.Bits())
}

// spoiled is s with a mistake in it, which some components overlook.
func (d drawer) spoiled(s string) string {
	address, length, _ := strings.Cut(s, "/")
	switch d.IntN(9) {
	case 0:
		return address
	case 1:
		return s + " "
	case 2:
		return " " + s
	case 3:
		return address + "/129"
	case 4:
		return address + "/0" + length
	case 5:
		return "0" + s // 010.0.0.0/8 and 0fd00::/8
	case 6:
		if a, err := netip.ParseAddr(address); err == nil && a.Is4() {
			n, _ := strconv.Atoi(length)
			return fmt.Sprintf("::ffff:%s/%d", address, 96+n)
		}
		return address + "%eth0/" + length
	case 7:
		return address + "/-1"
	}
	return address + "-" + address
}

// pools is up to three pools, whose entries lie close together.
func (d drawer) pools() [][]string {
	pools := make([][]string, d.IntN(4))
	base := [2]netip.Addr{d.address(false), d.address(true)}
	for i := range pools {
		for range 1 + d.IntN(3) {
			pools[i] = append(pools[i], d.entry(base))
		}
	}
	return pools
}

// entry is an entry of a pool, a prefix or FROM-TO, within some hundred addresses
// of base.
func (d drawer) entry(base [2]netip.Addr) string {
	v6 := d.oneIn(2)
	from := step(base[index(v6)], d.IntN(2000))
	if d.oneIn(3) {
		bits := pick(d, []int{0, 0, 1, 2, 3, 4, 4, 5, 6, 7, 8, 9, 12, 16, 24})
		if v6 && d.oneIn(4) {
			bits = pick(d, []int{62, 63, 64, 65, 80, 100})
		}
		p := netip.PrefixFrom(from, from.BitLen()-bits)
		if d.oneIn(3) {
			return d.entrySpoiled(p.String())
		}
		return d.entrySpoiled(p.Masked().String())
	}
	to := step(from, pick(d, []int{0, 1, 2, 3, 9, 19, 63, 127, 254, 255, 256, 511, 70_000}))
	if d.oneIn(12) {
		from, to = edges(netip.PrefixFrom(from, from.BitLen()-8))
	}
	if d.oneIn(30) {
		from, to = to, from
	}
	if d.oneIn(40) {
		to = base[index(!v6)]
	}
	return d.entrySpoiled(from.String() + pick(d, []string{"-", "-", "-", " - ", "- "}) + to.String())
}

func edges(p netip.Prefix) (from, to netip.Addr) {
	r := netipx.RangeOfPrefix(p.Masked())
	return r.From(), r.To()
}

// entrySpoiled is s, and once in 25 times s with a mistake.
func (d drawer) entrySpoiled(s string) string {
	if !d.oneIn(25) {
		return s
	}
	switch d.IntN(7) {
	case 0:
		return s + " "
	case 1:
		return "0" + s
	case 2:
		return "::ffff:" + s
	case 3:
		return s + "%eth0"
	case 4:
		return s + "-"
	case 5:
		return strings.ReplaceAll(s, "/", "")
	}
	return s + "/33"
}

// step is the n-th address after a, round the end to the first one.
func step(a netip.Addr, n int) netip.Addr {
	b := a.AsSlice()
	for i := len(b) - 1; i >= 0 && n > 0; i-- {
		n += int(b[i])
		b[i] = byte(n)
		n >>= 8
	}
	a, _ = netip.AddrFromSlice(b)
	return a
}
