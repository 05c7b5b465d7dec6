package trace

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
)

func pairOf(v4, v6 string) ipfam.Pair[netip.Addr] {
	var p ipfam.Pair[netip.Addr]
	for _, f := range ipfam.All {
		if text := (ipfam.Pair[string]{V4: v4, V6: v6}).Of(f); text != "" {
			*p.At(f) = netip.MustParseAddr(text)
		}
	}
	return p
}

func answersOf(texts ...string) ipfam.Pair[[]netip.Addr] {
	var all []netip.Addr
	for _, text := range texts {
		all = append(all, netip.MustParseAddr(text))
	}
	return ipfam.SplitAddrs(all)
}

func written(programs []Program) string {
	var lines []string
	for _, p := range programs {
		lines = append(lines, fmt.Sprintf("%s %v %s", strings.Join(p.Names, ","), p.Order, p.Rule))
	}
	return strings.Join(lines, " | ")
}

func TestProgramsOf(t *testing.T) {
	const (
		global  = "2001:db8:7653:299::1"
		private = "10.244.0.7"
		local   = "fd00:10:244::7"
	)
	for _, tc := range []struct {
		name    string
		sources ipfam.Pair[netip.Addr]
		answers ipfam.Pair[[]netip.Addr]
		want    string
	}{
		{"both global", pairOf(private, global), answersOf("203.0.113.80", "2001:db8:ffff::80"),
			"glibc,musl,Go [IPv6 IPv4] rule 6: higher precedence"},
		{"unique local Pods, masqueraded", pairOf(private, local), answersOf("203.0.113.80", "2001:db8:ffff::80"),
			"glibc,musl,Go [IPv4 IPv6] rule 5: labels match"},
		// The difference between the tables: a Service of a cluster with unique local ranges.
		{"unique local Service", pairOf(private, local), answersOf("10.96.0.10", "fd00:10:96::10"),
			"glibc [IPv6 IPv4] rule 6: higher precedence | musl,Go [IPv4 IPv6] rule 6: higher precedence"},
		{"unique local answers, global Pods", pairOf(private, global), answersOf("10.96.0.10", "fd00:10:96::10"),
			"glibc,musl,Go [IPv4 IPv6] rule 5: labels match"},
		{"of several answers the best counts", pairOf(private, local), answersOf("10.96.0.10", "2001:db8::1", "fd00:10:96::10"),
			"glibc [IPv6 IPv4] rule 6: higher precedence | musl,Go [IPv4 IPv6] rule 6: higher precedence"},
		{"no source of IPv6", pairOf(private, ""), answersOf("203.0.113.80", "2001:db8:ffff::80"),
			"glibc,musl,Go [IPv4] rule 1: no source of IPv6"},
		{"no answer of IPv4", pairOf(private, global), answersOf("2001:db8:ffff::80"),
			"glibc,musl,Go [IPv6] the name has no address of IPv4"},
		{"nothing in common", pairOf(private, ""), answersOf("2001:db8:ffff::80"),
			"glibc,musl,Go [] the name has no address of IPv4, rule 1: no source of IPv6"},
		{"no answers", pairOf(private, global), answersOf(), ""},
		// RFC 6724, section 10.2. The second differs for musl, to which all of IPv4 is global.
		{"RFC: matching scope", pairOf("198.51.100.117", "fe80::1"), answersOf("2001:db8:1::1", "198.51.100.121"),
			"glibc,musl,Go [IPv4 IPv6] rule 2: scopes match"},
		{"RFC: matching scope of IPv6", pairOf("169.254.13.78", "2001:db8:1::2"), answersOf("2001:db8:1::1", "198.51.100.121"),
			"glibc,musl,Go [IPv6 IPv4] rule 2: scopes match; rule 6: higher precedence"},
		{"RFC: higher precedence", pairOf("10.1.2.4", "2001:db8:1::2"), answersOf("2001:db8:1::1", "10.1.2.3"),
			"glibc,musl,Go [IPv6 IPv4] rule 6: higher precedence"},
		{"6to4", pairOf("10.1.2.4", "2002:c633:6401::2"), answersOf("2002:c633:6401::1", "10.1.2.3"),
			"glibc [IPv6 IPv4] rule 6: higher precedence | musl,Go [IPv4 IPv6] rule 6: higher precedence"},
		{"Teredo", pairOf("10.1.2.4", "2001::2"), answersOf("2001::1", "10.1.2.3"),
			"glibc [IPv6 IPv4] rule 6: higher precedence | musl,Go [IPv4 IPv6] rule 6: higher precedence"},
	} {
		if got := written(ProgramsOf(tc.sources, tc.answers)); got != tc.want {
			t.Errorf("%s:\n got %s\nwant %s", tc.name, got, tc.want)
		}
	}
}

// TestTables: whatever address is looked up, the row that is taken is the longest that
// has it, whichever place it has in the table.
func TestTables(t *testing.T) {
	random := rand.New(rand.NewPCG(6724, 3484))
	for _, r := range resolvers {
		for _, rows := range [][]policyEntry{r.labels, r.precedence} {
			for range 2000 {
				a := someAddress(random, rows)
				want, bits := 0, -1
				for _, row := range rows {
					if sameBits(a.As16(), row.prefix.Addr().As16(), row.prefix.Bits()) && row.prefix.Bits() > bits {
						want, bits = row.value, row.prefix.Bits()
					}
				}
				if got := lookUp(rows, a); got != want {
					t.Fatalf("%s: %s has %d, want %d", r.name, a, got, want)
				}
			}
		}
	}
}

// someAddress is an address of one of rows, or of IPv4.
func someAddress(random *rand.Rand, rows []policyEntry) netip.Addr {
	if random.IntN(4) == 0 {
		return netip.AddrFrom4([4]byte{byte(random.Uint32()), byte(random.Uint32()), 3, 4})
	}
	p := rows[random.IntN(len(rows))].prefix
	b := p.Addr().As16()
	for bit := p.Bits(); bit < 128; bit++ {
		b[bit/8] |= byte(random.UintN(2)) << (7 - bit%8)
	}
	return netip.AddrFrom16(b)
}

func sameBits(a, b [16]byte, n int) bool {
	for bit := range n {
		if (a[bit/8]^b[bit/8])>>(7-bit%8)&1 == 1 {
			return false
		}
	}
	return true
}

// TestOrderOfOneKey holds the rules to musl's way of writing them: as bits of one number,
// the largest first.
func TestOrderOfOneKey(t *testing.T) {
	musl := resolvers[1]
	random := rand.New(rand.NewPCG(1, 2))
	key := func(c candidate) int {
		n := c.precedence<<20 | (15-c.scope)<<16
		if c.scopes {
			n |= 0x20000000
		}
		if c.labels {
			n |= 0x10000000
		}
		return n
	}
	for range 5000 {
		a := musl.candidate(someAddress(random, musl.labels), someAddress(random, musl.labels))
		b := musl.candidate(someAddress(random, musl.labels), someAddress(random, musl.labels))
		order, rule := compareCandidates(a, b)
		if want := key(b) - key(a); order*want < 0 || (order == 0) != (want == 0) {
			t.Fatalf("%+v and %+v: %d by %s, want the sign of %d", a, b, order, rule, want)
		}
	}
}
