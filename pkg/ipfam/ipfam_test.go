package ipfam

import (
	"encoding/json"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOf(t *testing.T) {
	for text, want := range map[string]Family{
		"192.0.2.1":             V4,
		"::ffff:192.0.2.1":      V4, // IPv4-mapped: the kernel sends IPv4
		"2001:db8::1":           V6,
		"::":                    V6,
		"fe80::1%eth0":          V6,
		"64:ff9b::192.0.2.1":    V6, // NAT64 stands for an IPv4 address and is none
		"0.0.0.0":               V4,
		"2002:c000:0201::1":     V6,
		"::ffff:0:0:192.0.2.1":  V6,
		"ffff:ffff:ffff::ffff":  V6,
		"255.255.255.255":       V4,
		"::192.0.2.1":           V6,
		"0:0:0:0:0:ffff:c000:1": V4,
	} {
		if got := Of(netip.MustParseAddr(text)); got != want {
			t.Errorf("Of(%s) = %s, want %s", text, got, want)
		}
	}
	if got := Of(netip.Addr{}); got.Valid() {
		t.Errorf("Of(the zero address) = %s, want no family", got)
	}
	if got := OfPrefix(netip.Prefix{}); got.Valid() {
		t.Errorf("OfPrefix(the zero prefix) = %s, want no family", got)
	}
}

func TestFamily(t *testing.T) {
	for _, f := range All {
		if f.Other() == f || f.Other().Other() != f {
			t.Errorf("the other of %s is %s", f, f.Other())
		}
		parsed, err := Parse(f.String())
		if err != nil || parsed != f {
			t.Errorf("Parse(%q) = %s, %v", f, parsed, err)
		}
		data, err := json.Marshal(f)
		var back Family
		if err != nil || json.Unmarshal(data, &back) != nil || back != f {
			t.Errorf("%s became %s in JSON and %s after it (%v)", f, data, back, err)
		}
	}
	var none Family
	if none.Valid() || none.Other() != 0 || none.Bits() != 0 {
		t.Error("the zero Family is some family")
	}
	for _, text := range []string{"", "IPv5", "4", "IPv4 "} {
		if f, err := Parse(text); err == nil {
			t.Errorf("Parse(%q) = %s, want an error", text, f)
		}
	}
}

func TestSet(t *testing.T) {
	for _, test := range []struct {
		set    Set
		text   string
		list   []Family
		dual   bool
		single Family
	}{
		{SetOf(), "no family", nil, false, 0},
		{SetOf(V4), "IPv4", []Family{V4}, false, V4},
		{SetOf(V6, V6), "IPv6", []Family{V6}, false, V6},
		{SetOf(V6, V4), "IPv4 and IPv6", []Family{V4, V6}, true, 0},
		{SetOf(0).With(V6), "IPv6", []Family{V6}, false, V6},
		{SetOf(V4, V6).Minus(SetOf(V4)), "IPv6", []Family{V6}, false, V6},
		{SetOf(V4).Minus(SetOf(V6)), "IPv4", []Family{V4}, false, V4},
	} {
		single, ok := test.set.Single()
		if test.set.String() != test.text || test.set.Dual() != test.dual || single != test.single || ok != single.Valid() {
			t.Errorf("%s: dual %t, single %s", test.set, test.set.Dual(), single)
		}
		if diff := cmp.Diff(test.list, test.set.List()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.text, diff)
		}
		for _, f := range All {
			if test.set.Has(f) != (f == test.single || test.dual) {
				t.Errorf("%s: Has(%s) = %t", test.text, f, test.set.Has(f))
			}
		}
	}
}

// TestSplit holds both lists to one another: what Split gives of each family, in
// order, is what was put in, and the zero value gets lost, not misfiled.
func TestSplit(t *testing.T) {
	as := []netip.Addr{
		netip.MustParseAddr("2001:db8::2"), netip.MustParseAddr("192.0.2.9"), {},
		netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("192.0.2.1"),
	}
	got := SplitAddrs(as)
	want := Pair[[]netip.Addr]{V4: []netip.Addr{as[1], as[4]}, V6: []netip.Addr{as[0], as[3]}}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Errorf("SplitAddrs (-want +got):\n%s", diff)
	}
	ps := make([]netip.Prefix, len(as))
	for i, a := range as {
		ps[i] = netip.PrefixFrom(a, a.BitLen())
	}
	split := Split(ps)
	for _, f := range All {
		if len(split.Of(f)) != 2 || split.Of(f)[0].Addr() != got.Of(f)[0] {
			t.Errorf("Split of %s: %v", f, split.Of(f))
		}
	}
	if SetOfAddrs(as) != SetOfPrefixes(ps) || !SetOfAddrs(as).Dual() || !SetOfAddrs(as[2:3]).Empty() {
		t.Errorf("the families of %v are %s", as, SetOfAddrs(as))
	}
}

func TestPair(t *testing.T) {
	var p Pair[int]
	for i, f := range All {
		*p.At(f) = i + 1
	}
	if p.V4 != 1 || p.V6 != 2 || p.Of(V4) != 1 || p.Of(V6) != 2 {
		t.Errorf("pair is %+v", p)
	}
	if p.At(0) != nil || p.Of(0) != 0 {
		t.Error("a pair has something for no family")
	}
}
