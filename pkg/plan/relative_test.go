package plan

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go4.org/netipx"
)

const relativeHomelab = head + `metadata: {name: homelab}
spec:
  lan:
    ipv4: 192.168.16.0/24
    ipv6: "+0:0:0:16::/64"
    interface: eno1
    reserved: [192.168.16.1-192.168.16.99]
  routed: [+::99:0:0:0:0/64]
  pods:
    ipv4: 10.244.0.0/16
    ipv6: +0:0:0:99:cafe::/96
    nodeMask: {ipv4: 24, ipv6: 112}
  services:
    ipv4: 10.96.0.0/16
    ipv6: +0:0:0:99:cafe:1::/112
  loadBalancers:
    - name: lan
      announce: l2
      addresses: [192.168.16.100-192.168.16.119, "+0:0:0:16:ffff:fac:ade::/112"]
  egress: {ipv4: masquerade, ipv6: routed}
  delegated: {ipv6: "2001:db8:7653:200::/56"} # comes after its uses
`

func TestRelativePlanIsTheOther(t *testing.T) {
	got, want := readPlan(t, relativeHomelab), readPlan(t, homelab(t))
	if diff := cmp.Diff(want, got, sameContent); diff != "" {
		t.Errorf("(-in full +relative):\n%s", diff)
	}
	if written, ok := got.Relative("spec.pods.ipv6"); !ok || written != "+0:0:0:99:cafe::/96" {
		t.Errorf("the pods are written %q (%t)", written, ok)
	}
	if _, ok := got.Relative("spec.pods.ipv4"); ok {
		t.Error("an IPv4 range is relative")
	}
}

// A plan is written as it was read, and one in full can be written relative. The
// change of the provider's prefix is then one line.
func TestRelativePlanIsWritten(t *testing.T) {
	for name, p := range map[string]*Plan{"read": readPlan(t, relativeHomelab), "made": readPlan(t, homelab(t)).ToRelative()} {
		text := string(p.Format(nil))
		back := readPlan(t, text)
		if diff := cmp.Diff(p, back, sameContent); diff != "" {
			t.Errorf("%s: (-written +read):\n%s", name, diff)
		}
		if n := strings.Count(text, "2001:db8:7653:"); n != 1 {
			t.Errorf("%s: the prefix stands in %d places:\n%s", name, n, text)
		}
		moved := readPlan(t, strings.ReplaceAll(text, "2001:db8:7653:200::/56", "2001:db8:beef:4400::/56"))
		if want := "2001:db8:beef:4499:cafe:1::/112"; moved.Services.V6.String() != want {
			t.Errorf("%s: Services in the new prefix are %s, want %s", name, moved.Services.V6, want)
		}
	}
}

func TestFormatOffset(t *testing.T) {
	for prefix, want := range map[string]string{
		"2001:db8:7653:216::/64":            "+0:0:0:16::/64",
		"2001:db8:7653:299:cafe::/96":       "+0:0:0:99:cafe::/96",
		"2001:db8:7653:299:cafe:1::/112":    "+0:0:0:99:cafe:1::/112",
		"2001:db8:7653:200::/64":            "+0:0:0::/64",
		"2001:db8:7653:2ff:1:2:3:4/128":     "+0:0:0:ff:1:2:3:4/128",
		"2001:db8:7653:216:0:0:1:0/112":     "+0:0:0:16::1:0/112",
		"2001:db8:7653:216:0:1:0:0/112":     "+0:0:0:16:0:1::/112",
		"2001:db8:7653:216:ffff:0:ade:0/96": "+0:0:0:16:ffff:0:ade:0/96",
	} {
		p := netip.MustParsePrefix(prefix)
		if got := FormatOffset(p, oldSite); got != want {
			t.Errorf("%s: %s, want %s", p, got, want)
		}
	}
	r := netipx.MustParseIPRange("2001:db8:7653:216:ffff:fac:ade:100-2001:db8:7653:216:ffff:fac:ade:119")
	if got, want := FormatOffsets(r, oldSite), "+0:0:0:16:ffff:fac:ade:100-+0:0:0:16:ffff:fac:ade:119"; got != want {
		t.Errorf("%s: %s, want %s", r, got, want)
	}
}

func TestRelativeRangesOfPools(t *testing.T) {
	for _, text := range []string{
		"+0:0:0:16::100-+0:0:0:16::119", "+0:0:0:16::100-0:0:0:16::119", "+0:0:0:16::100 - + 0:0:0:16::119", "+::16:0:0:0:100 - +::16:0:0:0:119",
	} {
		p, problems := Parse("plan.yaml", []byte(head+"spec: {delegated: {ipv6: \"2001:db8:7653:200::/56\"}, loadBalancers: [{name: a, addresses: [\""+text+"\"]}]}\n"))
		if strings.Contains(text, "+ ") {
			if p != nil {
				t.Errorf("%q is taken", text)
			}
			continue
		}
		if p == nil {
			t.Errorf("%q: %v", text, problems)
			continue
		}
		if got, want := p.LoadBalancers[0].Addresses[0].String(), "2001:db8:7653:216::100-2001:db8:7653:216::119"; got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestBadRelativeRanges(t *testing.T) {
	const site = "delegated: {ipv6: \"2001:db8:7653:200::/56\"}, "
	for _, test := range []struct{ name, spec, message, fix string }{
		{"no prefix", `pods: {ipv6: "+0:0:0:99::/96"}`,
			`"+0:0:0:99::/96" is relative to the delegated prefix, and there is no spec.delegated.ipv6 that can be read`, "write spec.delegated.ipv6, or the range in full"},
		{"bits of the prefix", site + `pods: {ipv6: "+2001:db8:7653:299:cafe::/96"}`,
			`"+2001:db8:7653:299:cafe::/96" has bits before the /56 of the delegated prefix 2001:db8:7653:200::/56`, `write 0 there: "+0:0:0:99:cafe::" for 2001:db8:7653:299:cafe::`},
		{"other bits", site + `lan: {ipv6: "+0:0:0:100::/64"}`,
			`"+0:0:0:100::/64" has bits before the /56 of the delegated prefix 2001:db8:7653:200::/56`, `write 0 there: "+0:0:0::" for 0:0:0:100::`},
		{"too wide", site + `routed: ["+::/48"]`,
			`"+::/48" is wider than the delegated prefix 2001:db8:7653:200::/56`, "write /56 or longer"},
		{"itself", `delegated: {ipv6: "+::/56"}`,
			`"+::/56" is relative to the delegated prefix, which this is`, "write the prefix that the provider routes to the site"},
		{"one end", site + `lan: {reserved: ["2001:db8:7653:216::1-+0:0:0:16::9"]}`,
			`"2001:db8:7653:216::1-+0:0:0:16::9" begins with an address and ends relative to the delegated prefix`, `write + before both: "+2001:db8:7653:216::1-+0:0:0:16::9"`},
		{"IPv4", site + `pods: {ipv4: "+10.0.0.0/8"}`,
			`"+10.0.0.0/8" is no range of the delegated prefix: "10.0.0.0" is no IPv6 address`, `write +ADDRESS/LENGTH, with 0 where the delegated prefix has its own bits: "+0:0:0::/64"`},
		{"wrong family", site + `pods: {ipv4: "+0:0:0:99::/64"}`, "2001:db8:7653:299::/64 is an IPv6 prefix; want an IPv4 prefix", "write it under ipv6"},
		{"no length", site + `pods: {ipv6: "+0:0:0:99::"}`, `"+0:0:0:99::" is no prefix: it has no length; want /0 to /128`, ""},
		{"bad length", site + `pods: {ipv6: "+0:0:0:99::/129"}`, `"+0:0:0:99::/129" is no prefix: /129 is no length; want /0 to /128`, ""},
		{"empty", site + `pods: {ipv6: "+"}`, `"+" is no range of the delegated prefix: "" is no IPv6 address`, `write +ADDRESS/LENGTH, with 0 where the delegated prefix has its own bits: "+0:0:0::/64"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, problems := Parse("plan.yaml", []byte(head+"spec: {"+test.spec+"}\n"))
			if p != nil || len(problems) != 1 || problems[0].Message != test.message || problems[0].Fix != test.fix {
				t.Errorf("got %+v\nwant %s\nfix %s", problems, test.message, test.fix)
			}
		})
	}
}

// What is written relative is read as the same range, for every site and range.
func FuzzOffset(f *testing.F) {
	f.Add("2001:db8:7653:200::", uint8(56), "2001:db8:7653:216::5", uint8(64))
	f.Add("::", uint8(0), "::ffff:10.0.0.1", uint8(120))
	f.Add("ffff::", uint8(128), "::", uint8(128))
	f.Fuzz(func(t *testing.T, site string, siteBits uint8, address string, bits uint8) {
		s, err1 := netip.ParseAddr(site)
		a, err2 := netip.ParseAddr(address)
		if err1 != nil || err2 != nil || s.Zone()+a.Zone() != "" || !s.Is6() || !a.Is6() {
			return
		}
		in := netip.PrefixFrom(s, int(siteBits%129)).Masked()
		p := netip.PrefixFrom(join6(in, a), max(in.Bits(), int(bits%129)))
		text := FormatOffset(p, in)
		absolute, wrong := resolve(text, in)
		if wrong != nil {
			t.Fatalf("%s in %s is written %s: %+v", p, in, text, wrong)
		}
		if back := netip.MustParsePrefix(absolute); back != p {
			t.Errorf("%s in %s is written %s and read as %s", p, in, text, back)
		}
	})
}
