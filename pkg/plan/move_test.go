package plan

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	oldSite = netip.MustParsePrefix("2001:db8:7653:200::/56")
	newSite = netip.MustParsePrefix("2001:db8:beef:4400::/56")
)

func TestMove(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"prefix", "podSubnet: 10.244.0.0/16,2001:db8:7653:299:cafe:0::/96", "podSubnet: 10.244.0.0/16,2001:db8:beef:4499:cafe:0::/96"},
		{"the prefix itself", "ip -6 route add 2001:db8:7653:200::/56 dev eno1", "ip -6 route add 2001:db8:beef:4400::/56 dev eno1"},
		{"address", "tls-san: [2001:db8:7653:216::10]", "tls-san: [2001:db8:beef:4416::10]"},
		{"range", `- 2001:db8:7653:216:ffff:fac:ade:100-2001:db8:7653:216:ffff:fac:ade:119`, `- 2001:db8:beef:4416:ffff:fac:ade:100-2001:db8:beef:4416:ffff:fac:ade:119`},
		{"brackets and port", "http://[2001:db8:7653:216::1]:8080/x", "http://[2001:db8:beef:4416::1]:8080/x"},
		{"capitals", "2001:DB8:7653:2AB::1 is", "2001:DB8:BEEF:44AB::1 is"},
		{"expanded", "2001:0db8:7653:0216:0000:0000:0000:0001", "2001:0db8:beef:4416:0000:0000:0000:0001"},
		{"half expanded", "2001:db8:7653:0216::1", "2001:db8:beef:4416::1"},
		{"a key", "2001:db8:7653:216::5: web\n2001:db8:7653:216::: lan", "2001:db8:beef:4416::5: web\n2001:db8:beef:4416::: lan"},
		{"end of a sentence", "It is 2001:db8:7653:216::5.", "It is 2001:db8:beef:4416::5."},
		{"quoted", `address: "2001:db8:7653:216::5"`, `address: "2001:db8:beef:4416::5"`},
		{"IPv4 inside", "2001:db8:7653:264::192.0.2.33", "2001:db8:beef:4464::192.0.2.33"},
		{"zone", "2001:db8:7653:216::5%eno1", "2001:db8:beef:4416::5%eno1"},
		{"other prefixes", "2001:db8:7653:300::1 fd00::1 10.0.0.1 ::1 fe80::1%eno1", "2001:db8:7653:300::1 fd00::1 10.0.0.1 ::1 fe80::1%eno1"},
		{"no address", "02:00:00:ff:fe:01 12:30:45 a::b::c x2001:db8:7653:216::5 2001:db8:7653:216::5z v1.2.3", "02:00:00:ff:fe:01 12:30:45 a::b::c x2001:db8:7653:216::5 2001:db8:7653:216::5z v1.2.3"},
		{"after a path", "2001:db8:7653:216::/64abc", "2001:db8:beef:4416::/64abc"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := Move(test.text, oldSite, newSite)
			if m.Text != test.want || len(m.Left) > 0 {
				t.Errorf("got  %s\nwant %s\nleft %+v", m.Text, test.want, m.Left)
			}
			if back := Move(m.Text, newSite, oldSite); back.Text != test.text {
				if diff := cmp.Diff(addrsIn(test.text), addrsIn(back.Text), sameAddr); diff != "" {
					t.Errorf("there and back (-before +after):\n%s", diff)
				}
			}
		})
	}
}

// Groups that a text does not write out have to be, when they change.
func TestMoveUncompresses(t *testing.T) {
	m := Move("2001:db8::/56 and 2001:db8::1 and 2001:db8:0:16::/64", netip.MustParsePrefix("2001:db8::/56"), newSite)
	if want := "2001:db8:beef:4400::/56 and 2001:db8:beef:4400::1 and 2001:db8:beef:4416::/64"; m.Text != want {
		t.Errorf("got  %s\nwant %s", m.Text, want)
	}
}

func TestMoveIntoAnotherLength(t *testing.T) {
	text := "a 2001:db8:7653:200::/56\nb 2001:db8:7653:216::/64, 2001:db8:7653:206::9\nc 2001:db8:7653::/48\n"
	shorter := Move(text, oldSite, netip.MustParsePrefix("2001:db8:aaaa::/48"))
	if want := "a 2001:db8:aaaa::/48\nb 2001:db8:aaaa:16::/64, 2001:db8:aaaa:6::9\nc 2001:db8:7653::/48\n"; shorter.Text != want {
		t.Errorf("into a /48:\n%s", shorter.Text)
	}
	longer := Move(text, oldSite, netip.MustParsePrefix("2001:db8:aaaa:bbb0::/60"))
	if want := "a 2001:db8:aaaa:bbb0::/60\nb 2001:db8:7653:216::/64, 2001:db8:aaaa:bbb6::9\nc 2001:db8:7653::/48\n"; longer.Text != want {
		t.Errorf("into a /60:\n%s", longer.Text)
	}
	want := []Place{
		{Line: 2, Column: 3, Was: "2001:db8:7653:216::/64", Why: "has no room in 2001:db8:aaaa:bbb0::/60"},
		{Line: 3, Column: 3, Was: "2001:db8:7653::/48", Why: "reaches beyond the old prefix"},
	}
	if diff := cmp.Diff(want, longer.Left); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
}

var sameAddr = cmp.Comparer(func(a, b netip.Addr) bool { return a == b })

// addrsIn is every address of a text.
func addrsIn(text string) (as []netip.Addr) {
	for t := range tokens(text) {
		as = append(as, t.addr)
	}
	return as
}

// Whatever the text is: what was moved was in the old prefix and is at the same
// place in the new one, all else is byte for byte what it was, and the way back
// leads to the same addresses.
func FuzzMove(f *testing.F) {
	for _, text := range []string{
		"a: 2001:db8:7653:216::/64\n", "[2001:DB8:7653:0216::1]:80", "2001:db8:7653:200::/56", "2001:db8:7653::/48 2001:db8:7653:299:cafe:0::/96",
		"::1 ::: :::: 1:2:3 2001:db8:7653:2ff:ffff:ffff:ffff:ffff/128", "2001:db8:7653:264::192.0.2.33.", "2001:db8:7653:216::5: x", "é2001:db8:7653:216::5é",
	} {
		f.Add(text, uint8(56), uint8(56))
		f.Add(text, uint8(56), uint8(48))
		f.Add(text, uint8(48), uint8(60))
	}
	f.Fuzz(func(t *testing.T, text string, oldBits, newBits uint8) {
		old := netip.PrefixFrom(oldSite.Addr(), int(oldBits%129)).Masked()
		to := netip.PrefixFrom(netip.MustParseAddr("3fff:1234:5678:9a00::"), int(newBits%129)).Masked()
		m := Move(text, old, to)
		if back := unmoved(t, text, m); back != m.Text {
			t.Fatalf("%q became %q, and its places say %q", text, m.Text, back)
		}
		for _, p := range m.Moved {
			was, is := addrsIn(p.Was), addrsIn(p.Is)
			if len(was) != 1 || len(is) != 1 || !old.Contains(was[0]) || !to.Contains(is[0]) {
				t.Fatalf("%+v is not from %s to %s", p, old, to)
			}
			if back, ok := MoveAddr(is[0], to, old); !ok || back != was[0] {
				t.Fatalf("%+v comes back as %s", p, back)
			}
		}
		before := addrsIn(text)
		for _, a := range before {
			if to.Contains(a) || old.Overlaps(to) {
				return // the way back takes it along
			}
		}
		if diff := cmp.Diff(before, addrsIn(Move(m.Text, to, old).Text), sameAddr); diff != "" {
			t.Errorf("%q and back (-before +after):\n%s", text, diff)
		}
	})
}

// unmoved is the text with the places of m put in by their lines and columns.
func unmoved(t *testing.T, text string, m Moving) string {
	t.Helper()
	lines := strings.SplitAfter(text, "\n")
	for _, p := range slices.Backward(m.Moved) {
		line := lines[p.Line-1]
		rest, ok := strings.CutPrefix(line[p.Column-1:], p.Was)
		if !ok {
			t.Fatalf("%+v is not there", p)
		}
		lines[p.Line-1] = line[:p.Column-1] + p.Is + rest
	}
	return strings.Join(lines, "")
}
