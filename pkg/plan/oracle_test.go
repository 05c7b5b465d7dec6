package plan

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"testing"

	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// The oracle counts addresses one by one: slow, and obviously right.
type oracle map[netip.Addr]bool

func addressesOf(r netipx.IPRange) oracle {
	all := oracle{}
	for a := r.From(); ; a = a.Next() {
		all[a] = true
		if a == r.To() {
			return all
		}
	}
}

func (o oracle) shared(p oracle) oracle {
	both := oracle{}
	for a := range o {
		if p[a] {
			both[a] = true
		}
	}
	return both
}

// smallRange is a random range of at most 64 addresses out of 128 of a family,
// so that two of them often meet.
func smallRange(rnd *rand.Rand, f ipfam.Family) netipx.IPRange {
	base := netip.MustParseAddr("192.0.2.0")
	if f == ipfam.V6 {
		base = netip.MustParseAddr("2001:db8::ff80") // crosses a byte
	}
	from := base
	for range rnd.IntN(100) {
		from = from.Next()
	}
	to := from
	for range rnd.IntN(64) {
		to = to.Next()
	}
	return netipx.IPRangeFrom(from, to)
}

func TestRangesAgainstOracle(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		f := ipfam.All[rnd.IntN(2)]
		a, b := smallRange(rnd, f), smallRange(rnd, f)
		as, bs := addressesOf(a), addressesOf(b)
		shared := as.shared(bs)
		if got := Count(a); got != uint64(len(as)) {
			t.Fatalf("Count(%s) = %d, want %d", a, got, len(as))
		}
		if got := Within(a, b); got != (len(shared) == len(as)) {
			t.Fatalf("Within(%s, %s) = %t", a, b, got)
		}
		both := Intersect(a, b)
		if got := Count(both); got != uint64(len(shared)) {
			t.Fatalf("Intersect(%s, %s) = %s with %d addresses, want %d", a, b, both, got, len(shared))
		}
		if both.IsValid() && !(shared[both.From()] && shared[both.To()]) {
			t.Fatalf("Intersect(%s, %s) = %s", a, b, both)
		}
		left := 0
		for _, text := range Subtract(a, b) {
			r, _, err := ParseAddrs(text)
			if err != nil {
				t.Fatal(err)
			}
			for x := range addressesOf(r) {
				if left++; !as[x] || bs[x] {
					t.Fatalf("Subtract(%s, %s) has %s", a, b, x)
				}
			}
		}
		if left != len(as)-len(shared) {
			t.Fatalf("Subtract(%s, %s) has %d addresses, want %d", a, b, left, len(as)-len(shared))
		}
	}
}

func TestBlocksAgainstOracle(t *testing.T) {
	for _, f := range ipfam.All {
		base := map[ipfam.Family]string{ipfam.V4: "10.0.0.0", ipfam.V6: "2001:db8::"}[f]
		for length := f.Bits() - 8; length <= f.Bits(); length++ {
			r := netip.PrefixFrom(netip.MustParseAddr(base), length)
			for mask := f.Bits() - 8; mask <= f.Bits(); mask++ {
				// A block begins wherever masking leaves an address as it is.
				blocks, inBlock := uint64(0), uint64(0)
				if mask >= length {
					for a := range addressesOf(netipx.RangeOfPrefix(r)) {
						block := netip.PrefixFrom(a, mask).Masked()
						if block.Addr() == a {
							blocks++
						}
						if block.Addr() == r.Addr() {
							inBlock++
						}
					}
				}
				if got := Blocks(r, mask); got != blocks {
					t.Errorf("Blocks(%s, %d) = %d, want %d", r, mask, got, blocks)
				}
				pods := PodAddresses(f, mask, release.Version{})
				if inBlock > 2 && pods != inBlock-2 {
					t.Errorf("PodAddresses(%s, %d) = %d, want %d", f, mask, pods, inBlock-2)
				}
			}
		}
	}
}

func TestServiceAddressesAgainstOracle(t *testing.T) {
	for length := 112; length <= 128; length++ {
		r := netip.PrefixFrom(netip.MustParseAddr("2001:db8::"), length)
		want := uint64(len(addressesOf(netipx.RangeOfPrefix(r)))) - 1
		for _, v := range []release.Version{{}, release.V(1, 30), release.V(1, 37)} {
			if got := ServiceAddresses(r, v); got != want {
				t.Errorf("%s in %s: %d, want %d", r, v, got, want)
			}
		}
	}
	for length := 20; length <= 32; length++ {
		r := netip.PrefixFrom(netip.MustParseAddr("10.96.0.0"), length)
		want := max(len(addressesOf(netipx.RangeOfPrefix(r))), 2) - 2
		if got := ServiceAddresses(r, LatestKubernetes); got != uint64(want) {
			t.Errorf("%s: %d, want %d", r, got, want)
		}
	}
	if got := ServiceAddresses(netip.MustParsePrefix("2001:db8::/108"), release.V(1, 32)); got != 65535 {
		t.Errorf("a /108 before 1.33 has %d addresses, want 65535", got)
	}
	if got := ServiceAddresses(netip.MustParsePrefix("2001:db8::/108"), release.V(1, 33)); got != 1<<20-1 {
		t.Errorf("a /108 in 1.33 has %d addresses", got)
	}
}

func TestCountOfWideRanges(t *testing.T) {
	for text, want := range map[string]uint64{
		"::/0":                              math.MaxUint64,
		"2001:db8::/64":                     math.MaxUint64,
		"2001:db8::/65":                     1 << 63,
		"2001:db8::-2001:db8::fffe":         65535,
		"0.0.0.0/0":                         1 << 32,
		"::1-::1:0:0:0:0":                   math.MaxUint64,
		"::ffff:ffff:ffff:ffff-::1:0:0:0:0": 2,
	} {
		r, _, err := ParseAddrs(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := Count(r); got != want {
			t.Errorf("Count(%s) = %d, want %d", text, got, want)
		}
	}
	if Count(netipx.IPRange{}) != 0 {
		t.Error("the zero range has addresses")
	}
}

// The limits were worked out by hand from the sources that they name.
func TestLimits(t *testing.T) {
	prefix := netip.MustParsePrefix
	old, latest := release.V(1, 33), release.V(1, 34)
	for _, test := range []struct {
		got   string
		fails bool
	}{
		{ServiceRangeLimit(prefix("10.96.0.0/12"), old), false},
		{ServiceRangeLimit(prefix("10.0.0.0/11"), old), true},
		{ServiceRangeLimit(prefix("10.0.0.0/8"), latest), false},
		{ServiceRangeLimit(prefix("fd00::/108"), old), false},
		{ServiceRangeLimit(prefix("fd00::/107"), old), true},
		{ServiceRangeLimit(prefix("fd00::/64"), latest), false},
		{ServiceRangeLimit(prefix("fd00::/63"), latest), true},
		{ServiceRangeLimit(prefix("10.0.0.0/8"), release.Version{}), true},
		{PrimaryServiceLimit(prefix("10.0.0.0/29")), false},
		{PrimaryServiceLimit(prefix("10.0.0.0/30")), true},
		{KubeadmServiceLimit(prefix("10.0.0.0/28")), false},
		{KubeadmServiceLimit(prefix("10.0.0.0/29")), true},
		{KubeadmServiceLimit(prefix("fd00::/108")), false},
		{KubeadmServiceLimit(prefix("fd00::/64")), true},
		{KubeadmPodLimit(prefix("10.0.0.0/28")), false},
		{KubeadmPodLimit(prefix("10.0.0.0/29")), true},
		{NodeMaskLimit(prefix("fd00::/48"), 64), false},
		{NodeMaskLimit(prefix("fd00::/47"), 64), true},
		{NodeMaskLimit(prefix("2001:db8::/96"), 112), false},
		{NodeMaskLimit(prefix("fd00::/112"), 64), true},
		{NodeMaskLimit(prefix("10.0.0.0/8"), 25), false},
		{NodeMaskLimit(prefix("10.0.0.0/8"), 33), true},
		{NodeMaskLimit(prefix("10.0.0.0/24"), 16), true},
		{KubeadmNodeMaskLimit(prefix("10.0.0.0/8"), 24), false},
		{KubeadmNodeMaskLimit(prefix("10.0.0.0/8"), 25), true},
	} {
		if (test.got != "") != test.fails {
			t.Errorf("%q, want a limit: %t", test.got, test.fails)
		}
	}
}

// What a fix proposes is taken.
func TestFixesAreTaken(t *testing.T) {
	for _, f := range ipfam.All {
		for length := 0; length <= f.Bits(); length++ {
			for _, v := range []release.Version{release.V(1, 30), release.V(1, 33), LatestKubernetes} {
				shortest, longest := ServiceBits(f, v)
				r := netip.PrefixFrom(map[ipfam.Family]netip.Addr{ipfam.V4: netip.IPv4Unspecified(), ipfam.V6: netip.IPv6Unspecified()}[f], length)
				taken := ServiceRangeLimit(r, v) == "" && PrimaryServiceLimit(r) == ""
				if taken != (length >= shortest && length <= longest) {
					t.Errorf("%s in %s: taken %t, lengths /%d to /%d", r, v, taken, shortest, longest)
				}
				widest, smallest := KubeadmServiceBits(f)
				if taken := KubeadmServiceLimit(r) == ""; taken != (length >= widest && length <= smallest) {
					t.Errorf("%s by kubeadm: taken %t, lengths /%d to /%d", r, taken, widest, smallest)
				}
				least, most := NodeMasks(r)
				for mask := 1; mask <= f.Bits(); mask++ {
					if taken := NodeMaskLimit(r, mask) == ""; taken != (mask >= least && mask <= most) {
						t.Fatalf("%s with mask /%d: taken %t, masks /%d to /%d", r, mask, taken, least, most)
					}
				}
			}
		}
	}
}

func TestCapacity(t *testing.T) {
	got := readPlan(t, homelab(t)).Capacity()
	want := Capacity{
		Nodes:         ipfam.Pair[uint64]{V4: 256, V6: 65536},
		PodsPerNode:   ipfam.Pair[uint64]{V4: 254, V6: 65534},
		Services:      ipfam.Pair[uint64]{V4: 65534, V6: 65535},
		LoadBalancers: ipfam.Pair[uint64]{V4: 20, V6: 65536},
	}
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	for _, test := range []struct {
		used, capacity uint64
		scarce         bool
	}{{79, 100, false}, {80, 100, true}, {1, 1, true}, {0, 1, false}, {3, 4, false}, {4, 5, true}, {0, 0, true}, {1, math.MaxUint64, false}} {
		if got := Scarce(test.used, test.capacity); got != test.scarce {
			t.Errorf("Scarce(%d, %d) = %t", test.used, test.capacity, got)
		}
	}
}

func TestFree(t *testing.T) {
	prefix := netip.MustParsePrefix
	for _, test := range []struct {
		p, want string
		spaces  []netip.Prefix
		taken   []string
	}{
		{"10.96.0.0/16", "10.97.0.0/16", nil, []string{"10.96.0.0/16"}},
		{"10.96.0.0/16", "172.16.0.0/16", nil, []string{"10.0.0.0/8"}},
		{"2001:db8:1::/112", "2001:db8:1::1:0/112", []netip.Prefix{prefix("2001:db8:1::/64"), prefix("2001:db8::/32")}, []string{"2001:db8:1::/112"}},
		{"2001:db8:1::3/128", "2001:db8:1::/128", []netip.Prefix{prefix("2001:db8:1::/126")}, []string{"2001:db8:1::1-2001:db8:1::3"}},
		{"2001:db8:1::/64", "", []netip.Prefix{prefix("2001:db8:1::/64")}, []string{"2001:db8:1::/96"}},
		{"192.0.2.0/24", "", nil, nil},
	} {
		var taken []Range
		for _, text := range test.taken {
			r, _, err := ParseAddrs(text)
			if err != nil {
				t.Fatal(err)
			}
			taken = append(taken, Range{Use: Pods, Addrs: r})
		}
		got := ""
		if free, ok := Free(prefix(test.p), test.spaces, taken); ok {
			got = free.String()
		}
		if got != test.want {
			t.Errorf("%s with %v taken: %q, want %q", test.p, test.taken, got, test.want)
		}
	}
}

func TestConflictIsSymmetric(t *testing.T) {
	uses := []Use{Delegated, Routed, LAN, Reserved, Nodes, Pods, Services, LoadBalancers}
	small, large := RangeOf("", netip.MustParsePrefix("10.1.0.0/16")).Addrs, RangeOf("", netip.MustParsePrefix("10.0.0.0/8")).Addrs
	far := RangeOf("", netip.MustParsePrefix("192.0.2.0/24")).Addrs
	for _, u := range uses {
		for _, w := range uses {
			a, b := Range{Use: u, Addrs: small}, Range{Use: w, Addrs: large}
			if Conflict(a, b) != Conflict(b, a) {
				t.Errorf("%s in %s: %s one way and %s the other", u, w, Conflict(a, b), Conflict(b, a))
			}
			if Conflict(a, Range{Use: w, Addrs: far}) != 0 {
				t.Errorf("%s and %s: a conflict without a shared address", u, w)
			}
		}
	}
	for pair, want := range map[[2]Use]string{
		{Pods, Delegated}: "none", {Pods, Routed}: "none", {LAN, Routed}: "warning", {LoadBalancers, LAN}: "none",
		{Pods, LAN}: "warning", {LAN, Pods}: "error", {Services, Pods}: "warning", {Pods, Services}: "error", {LoadBalancers, Services}: "error",
		{Nodes, Reserved}: "none", {LoadBalancers, Reserved}: "error", {LoadBalancers, Nodes}: "error",
		{LoadBalancers, LoadBalancers}: "error", {Pods, Pods}: "none",
	} {
		got := fmt.Sprint(Conflict(Range{Use: pair[0], Addrs: small}, Range{Use: pair[1], Addrs: large}))
		if got != want {
			t.Errorf("%s in %s: %s, want %s", pair[0], pair[1], got, want)
		}
	}
}
