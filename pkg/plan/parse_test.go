package plan

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
)

func readPlan(t *testing.T, data string) *Plan {
	t.Helper()
	p, problems := Parse("plan.yaml", []byte(data))
	for _, problem := range problems {
		t.Error(problem)
	}
	if p == nil {
		t.FailNow()
	}
	return p
}

func homelab(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("testdata/homelab.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestParseHomelab(t *testing.T) {
	p := readPlan(t, homelab(t))
	want := Plan{
		Name:      "homelab",
		Families:  []ipfam.Family{ipfam.V4, ipfam.V6},
		Delegated: ipfam.Pair[netip.Prefix]{V6: netip.MustParsePrefix("2001:db8:7653:200::/56")},
		LAN: Network{
			Prefixes:  ipfam.Pair[netip.Prefix]{V4: netip.MustParsePrefix("192.168.16.0/24"), V6: netip.MustParsePrefix("2001:db8:7653:216::/64")},
			Interface: "eno1",
			Reserved:  []netipx.IPRange{netipx.MustParseIPRange("192.168.16.1-192.168.16.99")},
		},
		Routed: []netip.Prefix{netip.MustParsePrefix("2001:db8:7653:299::/64")},
		Pods: PodRanges{
			Prefixes: ipfam.Pair[netip.Prefix]{V4: netip.MustParsePrefix("10.244.0.0/16"), V6: netip.MustParsePrefix("2001:db8:7653:299:cafe::/96")},
			NodeMask: ipfam.Pair[int]{V4: 24, V6: 112},
		},
		Services: ipfam.Pair[netip.Prefix]{V4: netip.MustParsePrefix("10.96.0.0/16"), V6: netip.MustParsePrefix("2001:db8:7653:299:cafe:1::/112")},
		LoadBalancers: []Pool{{Name: "lan", Announce: "l2", Addresses: []netipx.IPRange{
			netipx.MustParseIPRange("192.168.16.100-192.168.16.119"),
			netipx.RangeOfPrefix(netip.MustParsePrefix("2001:db8:7653:216:ffff:fac:ade:0/112")),
		}}},
		Egress: ipfam.Pair[Egress]{V4: Masquerade, V6: RoutedEgress},
	}
	if got, want := fmt.Sprintf("%+v", public(*p)), fmt.Sprintf("%+v", want); got != want {
		t.Errorf("(-want +got):\n%s", cmp.Diff(want, got))
	}
}

// public is p without what only Parse writes.
func public(p Plan) Plan {
	p.source, p.positions, p.texts = "", nil, nil
	return p
}

func TestParsePositions(t *testing.T) {
	p := readPlan(t, homelab(t))
	for field, want := range map[string]Position{
		"spec.delegated.ipv6":                {7, 11},
		"spec.lan":                           {8, 3},
		"spec.lan.reserved[0]":               {12, 16},
		"spec.routed[0]":                     {13, 12},
		"spec.pods.ipv6":                     {16, 11},
		"spec.pods.nodeMask.ipv6":            {17, 32},
		"spec.loadBalancers[0]":              {22, 7},
		"spec.loadBalancers[0].addresses[1]": {24, 50},
		"spec.egress.ipv6":                   {27, 11},
		"spec.expect.nodes":                  {5, 1}, // not there: what it would stand in
		"no.such.field":                      {1, 1},
	} {
		if got := p.Position(field); got != want {
			t.Errorf("%s: %v, want %v", field, got, want)
		}
	}
	if p.Source() != "plan.yaml" {
		t.Errorf("source %q", p.Source())
	}
}

func TestParseOptional(t *testing.T) {
	p := readPlan(t, `
# a comment before
---
apiVersion: dualstack/v1alpha1
kind: AddressPlan
spec:
  families: [IPv6, IPv4]
  echo: ifconfig.example
  expect: {nodes: 12, podsPerNode: 110, services: 500, loadBalancers: 20}
  versions: {kubernetes: v1.37.2, cilium: 1.20, metallb: "0.16.2"}
---
# and one after
`)
	if want := []ipfam.Family{ipfam.V6, ipfam.V4}; !slices.Equal(p.Families, want) {
		t.Errorf("families %v, want %v", p.Families, want)
	}
	if want := (Expectation{12, 110, 500, 20}); p.Expect != want {
		t.Errorf("expect %+v, want %+v", p.Expect, want)
	}
	want := Versions{release.V(1, 37, 2), release.V(1, 20), release.V(0, 16, 2)}
	if p.Versions != want || p.Echo != "ifconfig.example" {
		t.Errorf("versions %+v, echo %q", p.Versions, p.Echo)
	}
}

const head = "apiVersion: dualstack/v1alpha1\nkind: AddressPlan\n"

func TestParseProblems(t *testing.T) {
	for _, test := range []struct{ name, data, want string }{
		{"empty", "", `1:1: the file has no document`},
		{"comment only", "# nothing\n---\n...\n", `1:1: the file has no document`},
		{"syntax", head + "spec:\n  pods: [1, 2\n", "4:1: the file is not YAML: did not find expected ',' or ']'"},
		{"syntax of the scanner", head + "spec:\n  echo: a: b\n", "4:1: the file is not YAML: mapping values are not allowed in this context"},
		{"two", head + "spec: {}\n---\nkind: AddressPlan\n", "5:1: the file has more than one document"},
		{"text", "homelab", `1:1: the document is "homelab"; want a mapping with apiVersion, kind and spec`},
		{"other kind", "apiVersion: v1\nkind: Service\nspec: {type: ClusterIP}\n", "1:1: the document is a Service of v1; want AddressPlan of dualstack/v1alpha1"},
		{"other version", "apiVersion: dualstack/v2\nkind: AddressPlan\nspec: {}\n", `1:13: apiVersion: is "dualstack/v2"; want dualstack/v1alpha1`},
		{"nothing said", "metadata: {name: x}\n", "1:1: apiVersion: is missing\n1:1: kind: is missing\n1:1: spec: is missing"},
		{"unknown", head + "spec:\n  pod: {}\n", "4:3: spec.pod: is no field of a plan | write pods"},
		{"unknown, nothing near", head + "spec:\n  lan: {gateway: x}\n", "4:9: spec.lan.gateway: is no field of a plan here; want ipv4, ipv6, interface, reserved"},
		{"duplicate", head + "spec:\n  echo: a\n  echo: b\n", "5:3: spec.echo: stands here a second time; the first is on line 4"},
		{"duplicate pool", head + "spec:\n  loadBalancers:\n  - {name: a, addresses: [192.0.2.0/28]}\n  - {name: a, addresses: [192.0.2.16/28]}\n",
			`6:12: spec.loadBalancers[1].name: "a" is also the name of spec.loadBalancers[0]`},
		{"pool without", head + "spec:\n  loadBalancers:\n  - announce: arp\n", "5:5: spec.loadBalancers[0].name: is missing\n" +
			"5:5: spec.loadBalancers[0].addresses: is missing\n" +
			`5:15: spec.loadBalancers[0].announce: is "arp"; want one of [l2 bgp none]`},
		{"pool empty", head + "spec:\n  loadBalancers:\n  - {name: a, addresses: []}\n", "5:26: spec.loadBalancers[0].addresses: has no addresses"},
		{"types", head + "spec:\n  pods: 10.244.0.0/16\n  routed: 2001:db8::/64\n  services:\n    ipv4: [10.96.0.0/16]\n    ipv6:\n",
			`4:9: spec.pods: is "10.244.0.0/16"; want a mapping with ipv4, ipv6, nodeMask` + "\n" +
				`5:11: spec.routed: is "2001:db8::/64"; want a list` + "\n" +
				`7:11: spec.services.ipv4: is a list; want an IPv4 prefix` + "\n" +
				`8:10: spec.services.ipv6: is empty; want an IPv6 prefix`},
		{"prefixes", head + `spec:
  delegated: {ipv4: 10.0.0.0, ipv6: "2001:db8::/129"}
  lan: {ipv4: 2001:db8::/64, ipv6: "fe80::%eth0/64"}
  pods: {ipv4: 10.0.0.256/16, ipv6: "::ffff:10.0.0.0/104"}
`, `4:21: spec.delegated.ipv4: "10.0.0.0" is no prefix: it has no length; want /0 to /32` + "\n" +
			`4:37: spec.delegated.ipv6: "2001:db8::/129" is no prefix: /129 is no length; want /0 to /128` + "\n" +
			`5:15: spec.lan.ipv4: 2001:db8::/64 is an IPv6 prefix; want an IPv4 prefix | write it under ipv6` + "\n" +
			`5:36: spec.lan.ipv6: "fe80::%eth0/64" is no prefix: a prefix has no zone` + "\n" +
			`6:16: spec.pods.ipv4: "10.0.0.256/16" is no prefix: "10.0.0.256" is no address` + "\n" +
			`6:37: spec.pods.ipv6: ::ffff:10.0.0.0/104 is an IPv4-mapped prefix; want an IPv6 prefix | write 10.0.0.0/8 under ipv4`},
		{"ranges", head + "spec:\n  lan:\n    reserved: [10.0.0.9-10.0.0.1, 10.0.0.1-2001:db8::1, 10.0.0.1-9, x]\n",
			`5:16: spec.lan.reserved[0]: "10.0.0.9-10.0.0.1": start is after end` + "\n" +
				`5:35: spec.lan.reserved[1]: "10.0.0.1-2001:db8::1": start is IPv4 and end is IPv6` + "\n" +
				`5:57: spec.lan.reserved[2]: "10.0.0.1-9": end: "9" is not an address` + "\n" +
				`5:69: spec.lan.reserved[3]: "x": want PREFIX/LENGTH or FROM-TO`},
		{"masks", head + "spec:\n  pods:\n    nodeMask: {ipv4: 33, ipv6: \"112\"}\n",
			`5:22: spec.pods.nodeMask.ipv4: is "33"; want a whole number from 1 to 32` + "\n" +
				`5:32: spec.pods.nodeMask.ipv6: is "112"; want a whole number from 1 to 128 | write 112 without quotes`},
		{"words", head + "spec:\n  egress: {ipv4: snat}\n  families: [IPv4, ipv4, IPv5]\n  versions: {cilium: latest}\n  expect: {nodes: 0}\n",
			`4:18: spec.egress.ipv4: is "snat"; want one of [masquerade routed none]` + "\n" +
				`5:20: spec.families[1]: names IPv4 a second time` + "\n" +
				`5:26: spec.families[2]: is "IPv5"; want IPv4 or IPv6` + "\n" +
				`6:22: spec.versions.cilium: is "latest"; want a release such as 1.20 or 1.20.2` + "\n" +
				`7:19: spec.expect.nodes: is "0"; want a whole number from 1 to 1000000000`},
		{"no families", head + "spec:\n  families: []\n", "4:13: spec.families: names no family; want IPv4, IPv6 or both, the primary first | leave the field out, for both"},
		{"key", head + "spec:\n  ? [a]\n  : b\n", "4:5: spec: a key is a list; want families, delegated, lan, routed, pods, services, loadBalancers, egress, echo, expect, versions"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, problems := Parse("plan.yaml", []byte(test.data))
			if p != nil {
				t.Error("there is a plan all the same")
			}
			var got []string
			for _, problem := range problems {
				line := problem.Error()
				if problem.Fix != "" && test.name != "empty" && test.name != "comment only" && test.name != "two" && !strings.HasPrefix(problem.Fix, "write dualstack") {
					line += " | " + problem.Fix
				}
				got = append(got, line)
				if problem.Severity != severity.Error {
					t.Errorf("%s has severity %s", problem, problem.Severity)
				}
			}
			if diff := cmp.Diff(test.want, strings.Join(got, "\n")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A file of a few lines may stand for millions of values.
func TestParseBoundsAliases(t *testing.T) {
	var b strings.Builder
	b.WriteString(head + "spec:\n  lan:\n    reserved: &r [")
	for range 2000 {
		b.WriteString("192.0.2.1/32,")
	}
	b.WriteString("]\n  loadBalancers:\n")
	for i := range 2000 {
		fmt.Fprintf(&b, "  - {name: p%d, addresses: *r}\n", i)
	}
	p, problems := Parse("plan.yaml", []byte(b.String()))
	if p != nil || len(problems) != 1 || !strings.Contains(problems[0].Message, "more than 100000 values") {
		t.Errorf("plan %v, problems %v", p != nil, problems)
	}
}

func TestParseAliases(t *testing.T) {
	p := readPlan(t, head+"spec:\n  lan: {ipv4: &p 10.0.0.0/24}\n  services: {ipv4: *p}\n")
	if p.Services.V4 != p.LAN.Prefixes.V4 {
		t.Errorf("services %s", p.Services.V4)
	}
	for _, deep := range []string{strings.Repeat("[", 20_000), strings.Repeat("{a: ", 20_000), "spec: &a {pods: *a, lan: *a}", "&a [*a]"} {
		if p, problems := Parse("plan.yaml", []byte(deep)); p != nil || len(problems) == 0 {
			t.Errorf("%.20s…: no problem", deep)
		}
	}
}
