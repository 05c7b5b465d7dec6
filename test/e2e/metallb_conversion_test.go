//go:build e2e

package e2e

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// conversion is a case of the test: the last of the requests is changed by a merge patch,
// perhaps after the first is gone.
type conversion struct {
	name     string
	pools    []*unstructured.Unstructured
	requests []request
	leaves   bool // the first
	patch    string
	want     string
	kept     bool   // whether MetalLB leaves it the addresses that it had
	changes  string // the families in which it has, or may have, another address then, or none
}

func conversions() []conversion {
	seed := []*unstructured.Unstructured{addressPool("ipv4", ranges(seedV4)), addressPool("ipv6", ranges(seedV6))}
	one := []*unstructured.Unstructured{addressPool("lan", ranges(seedV4, seedV6))}
	two := []*unstructured.Unstructured{one[0], addressPool("other", ranges("192.168.16.120/30", "2001:db8:7653:216::120/126"))}
	of := func(policy string, families ...any) func(port string, annotations ...string) request {
		return func(port string, annotations ...string) request {
			return request{with(loadBalancer(policy, families...), "ports", portList(port)), pairs(annotations)}
		}
	}
	four, six := of("SingleStack", "IPv4"), of("SingleStack", "IPv6")
	require, prefer := of("RequireDualStack", bothKinds...), of("PreferDualStack", bothKinds...)
	policy := func(policy string, families string) string {
		return fmt.Sprintf(`{"spec":{"ipFamilyPolicy":%q,"ipFamilies":%s}}`, policy, families)
	}
	toPrefer, toRequire := policy("PreferDualStack", `["IPv4","IPv6"]`), policy("RequireDualStack", `["IPv4","IPv6"]`)
	const toSingle = `{"spec":{"ipFamilyPolicy":"SingleStack"}}`
	const share, addresses = "metallb.io/allow-shared-ip", "metallb.io/loadBalancerIPs"
	annotate := func(key, value string) string {
		return fmt.Sprintf(`{"metadata":{"annotations":{%q:%s}}}`, key, value)
	}
	const web, tls = "TCP/80", "TCP/443"
	const ofBoth = "192.168.16.100 2001:db8:7653:216:ffff:fac:ade:0"

	return []conversion{
		{"single to prefer", one, []request{four(web), four(web)}, true, toPrefer, "192.168.16.101 2001:db8:7653:216:ffff:fac:ade:0", true, ""},
		{"single IPv6 to prefer", one, []request{six(web), six(web)}, true, policy("PreferDualStack", `["IPv6","IPv4"]`), "2001:db8:7653:216:ffff:fac:ade:1 192.168.16.100", true, ""},
		{"single to prefer, pool of one family", seed, []request{four(web), four(web)}, true, toPrefer, "192.168.16.101", true, ""},
		{"single to prefer, its one asked for", one, []request{four(web, addresses, "192.168.16.105")}, false, toPrefer, `requested loadBalancer IP(s) ["192.168.16.105"] does not match the ipFamily of the service`, false, "IPv4"},
		{"single to prefer, its one asked for, pool of one family", seed, []request{four(web, addresses, "192.168.16.105")}, false, toPrefer, "192.168.16.105", true, ""},
		{"single to require, the address moves", one, []request{four(web), four(web)}, true, toRequire, ofBoth, false, "IPv4"},
		{"single to require, nothing lower is free", one, []request{four(web), four(web)}, false, toRequire, "192.168.16.101 2001:db8:7653:216:ffff:fac:ade:0", false, ""},
		{
			"single to require, both asked for", one,
			[]request{four(web), four(web)},
			true, `{"metadata":{"annotations":{"metallb.io/loadBalancerIPs":"192.168.16.101,2001:db8:7653:216:ffff:fac:ade:5"}},"spec":{"ipFamilyPolicy":"RequireDualStack","ipFamilies":["IPv4","IPv6"]}}`,
			"192.168.16.101 2001:db8:7653:216:ffff:fac:ade:5", false, "",
		},
		{"single to require, pool of one family", seed, []request{four(web)}, false, toRequire, "no available IPs", false, "IPv4"},
		{"require to single, the address moves", one, []request{four(web), require(web)}, true, toSingle, "192.168.16.100", false, "IPv4"},
		{"require to single", one, []request{require(web)}, false, toSingle, "192.168.16.100", false, ""},
		{"prefer with both to single, the address moves", one, []request{four(web), prefer(web)}, true, toSingle, "192.168.16.100", false, "IPv4"},
		{"prefer with one to single", seed, []request{four(web), prefer(web)}, true, toSingle, "192.168.16.101", true, ""},
		{"prefer with both to require", one, []request{four(web), prefer(web)}, true, `{"spec":{"ipFamilyPolicy":"RequireDualStack"}}`, "192.168.16.101 2001:db8:7653:216:ffff:fac:ade:0", true, ""},
		{"prefer with one to require", seed, []request{prefer(web)}, false, `{"spec":{"ipFamilyPolicy":"RequireDualStack"}}`, "no available IPs", false, "IPv4"},
		{"require to prefer", one, []request{four(web), require(web)}, true, `{"spec":{"ipFamilyPolicy":"PreferDualStack"}}`, "192.168.16.101 2001:db8:7653:216:ffff:fac:ade:0", true, ""},
		{"other pool asked for", two, []request{require(web, "metallb.io/address-pool", "lan")}, false, annotate("metallb.io/address-pool", `"other"`), "192.168.16.120 2001:db8:7653:216::120", false, "IPv4 and IPv6"},
		{"its own addresses asked for", one, []request{four(web), require(web)}, true, annotate(addresses, `"2001:db8:7653:216:ffff:fac:ade:0,192.168.16.101"`), "192.168.16.101 2001:db8:7653:216:ffff:fac:ade:0", true, ""},
		{"addresses no longer asked for", one, []request{require(web, addresses, "192.168.16.105,2001:db8:7653:216:ffff:fac:ade:5")}, false, annotate(addresses, "null"), "192.168.16.105 2001:db8:7653:216:ffff:fac:ade:5", true, ""},
		{"sharing, the key goes", one, []request{four(web, share, "k"), four(tls, share, "k")}, false, annotate(share, "null"), "192.168.16.101", false, "IPv4"},
		{"sharing, the key changes when the other is gone", one, []request{four(web, share, "k"), four(tls, share, "k")}, true, annotate(share, `"l"`), "192.168.16.100", true, ""},
		{"sharing, to Local", one, []request{four(web, share, "k"), four(tls, share, "k")}, false, `{"spec":{"externalTrafficPolicy":"Local","selector":{"app":"web"}}}`, "192.168.16.101", false, "IPv4"},
		{"sharing, to Local without a selector", one, []request{four(web, share, "k"), four(tls, share, "k")}, false, `{"spec":{"externalTrafficPolicy":"Local"}}`, "192.168.16.100", true, ""},
		{"sharing, the port of the other", one, []request{four(web, share, "k"), four(tls, share, "k")}, false, `{"spec":{"ports":[{"port":80}]}}`, "192.168.16.101", false, "IPv4"},
		{"sharing, single to prefer", one, []request{require(web, share, "k"), four(tls, share, "k")}, false, toPrefer, ofBoth, true, ""},
		{"sharing, single to require", one, []request{require(web, share, "k"), four(tls, share, "k")}, false, toRequire, ofBoth, false, ""},
		{
			"sharing, single to require, the other's port", one,
			[]request{four(web, share, "k"), six("UDP/53", share, "k"), four("UDP/53", share, "k")},
			false, toRequire, "192.168.16.100 2001:db8:7653:216:ffff:fac:ade:1", false, "",
		},
	}
}

// test makes the Services, changes the last, and holds Predict and MetalLB to the case.
func (change conversion) test(c *cluster) {
	c.t.Helper()
	s := c.begin(change.pools)
	defer s.end()
	last := ""
	for i, r := range change.requests {
		last = fmt.Sprintf("service-%d", i)
		s.make(last, r)
	}
	if change.leaves {
		s.drop("service-0")
	}
	c.eventually("MetalLB to tell what it gave", func() bool { return c.allocated(last) > 0 })
	s.rest()
	before := c.allocated(last)
	got, o := s.change(last, change.patch)
	changes := o.Changes.String()
	if o.Changes.Empty() {
		changes = ""
	}
	if got != change.want || o.Kept != change.kept || changes != change.changes {
		c.t.Errorf("MetalLB: %s\nwant %s\nkept %t, changes %q; want %t, %q", got, change.want, o.Kept, changes, change.kept, change.changes)
	}
	if !change.kept && len(o.Addrs) > 0 {
		c.eventually("MetalLB to tell what it gave instead", func() bool { return c.allocated(last) > before })
	} else if c.allocated(last) != before {
		c.t.Errorf("MetalLB gave addresses anew")
	}
}
