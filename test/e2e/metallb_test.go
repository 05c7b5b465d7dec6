//go:build e2e

package e2e

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
)

const metallbNamespace = "metallb-system"

var (
	services  = schema.GroupVersionResource{Version: "v1", Resource: "services"}
	events    = schema.GroupVersionResource{Version: "v1", Resource: "events"}
	poolsOf   = schema.GroupVersionResource{Group: "metallb.io", Version: "v1beta1", Resource: "ipaddresspools"}
	statesOf  = schema.GroupVersionResource{Group: "metallb.io", Version: "v1beta1", Resource: "configurationstates"}
	bothKinds = []any{"IPv4", "IPv6"}
)

// addressPool is an IPAddressPool of MetalLB's namespace.
func addressPool(name string, spec map[string]any) *unstructured.Unstructured {
	return object("metallb.io/v1beta1", "IPAddressPool", metallbNamespace, name, map[string]any{"spec": spec})
}

func ranges(entries ...string) map[string]any {
	list := make([]any, len(entries))
	for i, entry := range entries {
		list[i] = entry
	}
	return map[string]any{"addresses": list}
}

// with is spec with a field more.
func with(spec map[string]any, key string, value any) map[string]any {
	spec[key] = value
	return spec
}

// loadBalancer is a Service of type LoadBalancer with the policy and families.
func loadBalancer(policy string, families ...any) map[string]any {
	return map[string]any{
		"type": "LoadBalancer", "ipFamilyPolicy": policy, "ipFamilies": families,
		"ports": portList("TCP/80"),
	}
}

// portList is ports of a Service, which are written as MetalLB does: TCP/80.
func portList(ports ...string) []any {
	list := make([]any, len(ports))
	for i, p := range ports {
		protocol, number, _ := strings.Cut(p, "/")
		n, err := strconv.ParseInt(number, 10, 32)
		if err != nil {
			panic(err) // a mistake in the test
		}
		list[i] = map[string]any{"name": strings.ToLower(protocol) + "-" + number, "protocol": protocol, "port": n}
	}
	return list
}

const (
	seedV4 = "192.168.16.100-192.168.16.119"
	seedV6 = "2001:db8:7653:216:ffff:fac:ade::/112"
)

// request is a Service as somebody applies it, to be given addresses.
type request struct {
	spec        map[string]any
	annotations map[string]string
}

// allocations is Services and the pools that they are to get addresses of.
func allocations() []allocation {
	seed := []*unstructured.Unstructured{addressPool("ipv4", ranges(seedV4)), addressPool("ipv6", ranges(seedV6))}
	one := []*unstructured.Unstructured{addressPool("lan", ranges(seedV4, seedV6))}
	small := []*unstructured.Unstructured{addressPool("small", ranges("192.168.16.100/32", "2001:db8:7653:216::10/126"))}
	require := func(annotations ...string) request {
		return request{loadBalancer("RequireDualStack", bothKinds...), pairs(annotations)}
	}
	prefer := func(annotations ...string) request {
		return request{loadBalancer("PreferDualStack", bothKinds...), pairs(annotations)}
	}
	single := func(family string, annotations ...string) request {
		return request{loadBalancer("SingleStack", family), pairs(annotations)}
	}
	sixFirst := func(policy string) request { return request{loadBalancer(policy, "IPv6", "IPv4"), nil} }
	const pool, addresses, share = "metallb.io/address-pool", "metallb.io/loadBalancerIPs", "metallb.io/allow-shared-ip"
	on := func(r request, ports ...string) request {
		r.spec["ports"] = portList(ports...)
		return r
	}
	local := func(app string, r request) request {
		r.spec["externalTrafficPolicy"], r.spec["selector"] = "Local", map[string]any{"app": app}
		return r
	}
	const first, both = "192.168.16.100", "192.168.16.100,2001:db8:7653:216:ffff:fac:ade:0"
	return []allocation{
		{"the seed's two pools, required", seed, []request{require()}, "no available IPs"},
		{"the seed's two pools, preferred", seed, []request{prefer()}, "192.168.16.100"},
		{"the seed's two pools, IPv6 preferred", seed, []request{sixFirst("PreferDualStack")}, "2001:db8:7653:216:ffff:fac:ade:0"},
		{"the seed's two pools, single-stack", seed, []request{single("IPv4"), single("IPv6")}, "2001:db8:7653:216:ffff:fac:ade:0"},
		{"the seed's two pools, one of each asked for", seed, []request{require(addresses, "192.168.16.105,2001:db8:7653:216:ffff:fac:ade:5")}, "is not allowed in config"},
		{"one pool, required", one, []request{require(), require()}, "192.168.16.101 2001:db8:7653:216:ffff:fac:ade:1"},
		{"one pool, the first", one, []request{require()}, "192.168.16.100 2001:db8:7653:216:ffff:fac:ade:0"},
		{"one pool, IPv6 first", one, []request{sixFirst("RequireDualStack")}, "192.168.16.100 2001:db8:7653:216:ffff:fac:ade:0"},
		{"one pool, preferred", one, []request{prefer()}, "192.168.16.100 2001:db8:7653:216:ffff:fac:ade:0"},
		{"one pool, single-stack", one, []request{single("IPv6")}, "2001:db8:7653:216:ffff:fac:ade:0"},
		{"one pool, both asked for", one, []request{require(addresses, "192.168.16.105,2001:db8:7653:216:ffff:fac:ade:5")}, "192.168.16.105 2001:db8:7653:216:ffff:fac:ade:5"},
		{"one pool, one asked for", one, []request{require(addresses, "192.168.16.105")}, "does not match the ipFamily of the service"},
		{"one pool, one asked for, preferred", one, []request{prefer(addresses, "192.168.16.105")}, "does not match the ipFamily of the service"},
		{"one pool, one asked for in the old field", one, []request{{with(loadBalancer("RequireDualStack", bothKinds...), "loadBalancerIP", "192.168.16.105"), nil}}, "does not match the ipFamily of the service"},
		{"one pool, asked for twice", one, []request{{with(loadBalancer("SingleStack", "IPv4"), "loadBalancerIP", "192.168.16.105"), pairs([]string{addresses, "192.168.16.106"})}}, "service can not have both"},
		{"one pool, what is asked for is no address", one, []request{require(addresses, "192.168.16.105,none")}, "invalid metallb.io/loadBalancerIPs"},
		{"one pool, what is asked for is in use", one, []request{single("IPv4", addresses, "192.168.16.105"), single("IPv4", addresses, "192.168.16.105")}, "address also in use by allocation/service-0"},
		{"one pool, what is asked for is of none", one, []request{single("IPv4", addresses, "192.168.16.99")}, "is not allowed in config"},
		{"by name", append(seed[:1:1], addressPool("both", ranges("192.168.16.120/30", "2001:db8:7653:216::120/126"))), []request{require(pool, "both")}, "192.168.16.120 2001:db8:7653:216::120"},
		{"by name, of one family, required", seed, []request{require(pool, "ipv6")}, "no available IPs in pool ipv6 for dual IPFamily"},
		{"by name, of one family, preferred", seed, []request{prefer(pool, "ipv6")}, "2001:db8:7653:216:ffff:fac:ade:0"},
		{"by name, of the other family", seed, []request{single("IPv4", pool, "ipv6")}, `["<nil>"] is not allowed in config`},
		{"by name, without such a pool", seed, []request{single("IPv4", pool, "lan")}, `unknown pool "lan"`},
		{"by name and by address of another", seed, []request{single("IPv4", pool, "ipv6", addresses, "192.168.16.105")}, "is not compatible with requested address pool ipv6"},
		{"not by itself", []*unstructured.Unstructured{addressPool("manual", with(ranges(seedV4, seedV6), "autoAssign", false))}, []request{require()}, "no available IPs"},
		{"not by itself, by name", []*unstructured.Unstructured{addressPool("manual", with(ranges(seedV4, seedV6), "autoAssign", false))}, []request{require(pool, "manual")}, "192.168.16.100 2001:db8:7653:216:ffff:fac:ade:0"},
		{"IPv4 used up, required", small, []request{require(), require()}, "no available IPs"},
		{"IPv4 used up, preferred", small, []request{require(), prefer()}, "2001:db8:7653:216::11"},
		{"IPv4 used up, by name", small, []request{require(), require(pool, "small")}, "no available IPs in pool small for dual IPFamily"},
		{"used up, by name", []*unstructured.Unstructured{addressPool("tiny", ranges("192.168.16.100/32", "2001:db8:7653:216::10/128"))}, []request{require(), require(pool, "tiny")}, "no available IPs in pool tiny"},
		{"host bits", []*unstructured.Unstructured{addressPool("bits", ranges("192.168.16.200/28", "2001:db8:7653:216::1:5/112"))}, []request{require()}, "192.168.16.192 2001:db8:7653:216::1:0"},
		{"addresses that old clients avoid", []*unstructured.Unstructured{addressPool("avoid", with(ranges("192.168.17.0/24", "2001:db8:7653:216::/120"), "avoidBuggyIPs", true))}, []request{require()}, "192.168.17.1 2001:db8:7653:216::"},
		{"for another namespace", []*unstructured.Unstructured{addressPool("others", with(ranges(seedV4, seedV6), "serviceAllocation", forNamespaces("others")))}, []request{require()}, "no available IPs"},
		{"for this namespace, of one family, required", []*unstructured.Unstructured{
			addressPool("ours", with(ranges("192.168.16.120/30"), "serviceAllocation", forNamespaces("allocation"))), one[0],
		}, []request{require()}, "192.168.16.100 2001:db8:7653:216:ffff:fac:ade:0"},
		{"for this namespace, of one family, preferred", []*unstructured.Unstructured{
			addressPool("ours", with(ranges("192.168.16.120/30"), "serviceAllocation", forNamespaces("allocation"))), one[0],
		}, []request{prefer()}, "192.168.16.120"},
		{"shared, other ports", one, []request{single("IPv4", share, "k"), on(single("IPv4", share, "k"), "TCP/443")}, "192.168.16.100"},
		{"shared, other protocol", one, []request{on(single("IPv4", share, "k"), "TCP/53"), on(single("IPv4", share, "k"), "UDP/53")}, "192.168.16.100"},
		{"shared, same port", one, []request{single("IPv4", share, "k"), single("IPv4", share, "k")}, "192.168.16.101"},
		{"shared, same port, asked for", one, []request{single("IPv4", share, "k"), on(single("IPv4", share, "k", addresses, first), "TCP/443", "TCP/80")}, `port TCP/80 is already in use on "192.168.16.100"`},
		{"shared, other key", one, []request{single("IPv4", share, "k"), on(single("IPv4", share, "l"), "TCP/443")}, "192.168.16.101"},
		{"shared, other key, asked for", one, []request{single("IPv4", share, "k"), on(single("IPv4", share, "l", addresses, first), "TCP/443")}, `can't change sharing key for "allocation/service-1", address also in use by allocation/service-0`},
		{"shared, one without a key, asked for", one, []request{single("IPv4", share, "k"), on(single("IPv4", addresses, first), "TCP/443")}, "address also in use by allocation/service-0"},
		{"shared by two, other key, asked for", one, []request{single("IPv4", share, "k"), on(single("IPv4", share, "k"), "TCP/443"), on(single("IPv4", share, "l", addresses, first), "TCP/444")}, "address also in use by allocation/service-0,allocation/service-1"},
		{"shared, old annotation", one, []request{single("IPv4", share, "k"), on(single("IPv4", "metallb.universe.tf/allow-shared-ip", "k"), "TCP/443")}, "192.168.16.100"},
		{"shared, both annotations", one, []request{single("IPv4", share, "k"), on(single("IPv4", share, "l", "metallb.universe.tf/allow-shared-ip", "k"), "TCP/443")}, "192.168.16.101"},
		{"shared, Local, same selector", one, []request{local("web", single("IPv4", share, "k")), local("web", on(single("IPv4", share, "k"), "TCP/443"))}, "192.168.16.100"},
		{"shared, Local, other selector", one, []request{local("web", single("IPv4", share, "k")), local("dns", on(single("IPv4", share, "k", addresses, first), "TCP/443"))}, "can't change sharing key"},
		{"shared, Local and Cluster", one, []request{local("web", single("IPv4", share, "k")), on(single("IPv4", share, "k", addresses, first), "TCP/443")}, "can't change sharing key"},
		{"shared, both families", one, []request{require(share, "k"), on(require(share, "k"), "TCP/443")}, "192.168.16.100 2001:db8:7653:216:ffff:fac:ade:0"},
		{"shared, both families, asked for", one, []request{require(share, "k", addresses, both), on(require(share, "k", addresses, both), "TCP/443")}, "192.168.16.100 2001:db8:7653:216:ffff:fac:ade:0"},
		{"shared, both families, same port, asked for", one, []request{single("IPv6", share, "k"), require(share, "k", addresses, both)}, `port TCP/80 is already in use on "2001:db8:7653:216:ffff:fac:ade:0"`},
		{"shared where IPv4 is used up", small, []request{require(share, "k"), on(require(share, "k"), "TCP/443")}, "192.168.16.100 2001:db8:7653:216::10"},
		{"what is asked for in the order of its text", []*unstructured.Unstructured{addressPool("far", ranges("46.4.1.0/30", "2a01:db8::/126"))}, []request{require(addresses, "46.4.1.1,2a01:db8::1")}, "2a01:db8::1 46.4.1.1"},
		{"two of one family asked for", one, []request{require(addresses, "192.168.16.105,192.168.16.106")}, `IPFamilyForAddresses: same address family ["192.168.16.105" "192.168.16.106"]`},
		{"three asked for", one, []request{require(addresses, "192.168.16.105,192.168.16.106,2001:db8::1")}, "IPFamilyForAddresses: invalid ips length 3"},
		{"asked for twice, old annotation", one, []request{{with(loadBalancer("SingleStack", "IPv4"), "loadBalancerIP", "192.168.16.105"), pairs([]string{"metallb.universe.tf/loadBalancerIPs", "192.168.16.106"})}}, "service can not have both metallb.io/loadBalancerIPs"},
		{"for another namespace, by name", []*unstructured.Unstructured{addressPool("others", with(ranges(seedV4, seedV6), "serviceAllocation", forNamespaces("others")))}, []request{require(pool, "others")}, "pool others not compatible for ip assignment"},
	}
}

// allocation is a case of the test: what the last of the requests gets, or a part of
// the words with which it is refused, is there for the reader and is checked too.
type allocation struct {
	name     string
	pools    []*unstructured.Unstructured
	requests []request
	last     string
}

func forNamespaces(names ...any) map[string]any { return map[string]any{"namespaces": names} }

func pairs(list []string) map[string]string {
	m := map[string]string{}
	for pair := range slices.Chunk(list, 2) {
		m[pair[0]] = pair[1]
	}
	return m
}

// TestMetalLB holds Predict to MetalLB's own controller.
func TestMetalLB(t *testing.T) {
	c := startMetalLB(t)
	c.namespace(allocating)
	c.startMarker()
	for _, a := range allocations() {
		t.Run(a.name, func(t *testing.T) {
			s := c.in(t).begin(a.pools)
			defer s.end()
			var got string
			for i, r := range a.requests {
				got, _ = s.make(fmt.Sprintf("service-%d", i), r)
			}
			if !strings.Contains(got, a.last) {
				t.Errorf("MetalLB: %s\nwant %s", got, a.last)
			}
		})
	}
	for _, change := range conversions() {
		t.Run(change.name, func(t *testing.T) { change.test(c.in(t)) })
	}
	t.Run("drawn", func(t *testing.T) { testDrawn(t, c) })
	t.Run("entries", func(t *testing.T) { testRefusals(c.in(t)) })
}

// setPools makes pools the only ones beside the marker's and waits until MetalLB has
// them: it writes into their status how many addresses they have.
func (c *cluster) setPools(pools []*unstructured.Unstructured) {
	c.t.Helper()
	for _, old := range c.list(poolsOf) {
		if old.GetName() != marker {
			c.remove(&old)
		}
	}
	for _, p := range pools {
		c.put(p.DeepCopy(), "e2e")
	}
	c.poolsTaken(len(pools) + 1)
}

// poolsTaken waits until MetalLB has counted the addresses of n pools.
func (c *cluster) poolsTaken(n int) {
	c.t.Helper()
	c.eventually("MetalLB to take its pools", func() bool {
		taken := 0
		for _, p := range c.list(poolsOf) {
			if counted(&p) {
				taken++
			}
		}
		return taken == n
	})
}

// counted reports whether MetalLB has counted the free addresses of a pool.
func counted(pool *unstructured.Unstructured) bool {
	v4, _, _ := unstructured.NestedInt64(pool.Object, "status", "availableIPv4")
	v6, _, _ := unstructured.NestedInt64(pool.Object, "status", "availableIPv6")
	return v4+v6 > 0
}

func ingress(u *unstructured.Unstructured) []string {
	var ips []string
	list, _, _ := unstructured.NestedSlice(u.Object, "status", "loadBalancer", "ingress")
	for _, entry := range list {
		if fields, ok := entry.(map[string]any); ok {
			ip, _, _ := unstructured.NestedString(fields, "ip")
			ips = append(ips, ip)
		}
	}
	return ips
}

// remove deletes an object and waits until it is gone.
func (c *cluster) remove(u *unstructured.Unstructured) {
	c.t.Helper()
	now := int64(0)
	err := c.resource(u).Delete(c.t.Context(), u.GetName(), metav1.DeleteOptions{GracePeriodSeconds: &now})
	if err != nil && !apierrors.IsNotFound(err) {
		c.t.Fatal(err)
	}
	c.eventually(u.GetKind()+"/"+u.GetName()+" to be gone", func() bool {
		_, err := c.resource(u).Get(c.t.Context(), u.GetName(), metav1.GetOptions{})
		return apierrors.IsNotFound(err)
	})
}

// testRefusals holds Refusal, and ParseAddresses, to what MetalLB says of an entry.
func testRefusals(c *cluster) {
	for _, text := range []string{
		"192.168.17.5", "192.168.17.0/24 ", " 192.168.17.0/24", "192.168.17.10-192.168.17.5", "10.0.0.1-fe80::1", "192.168.17.1-",
		"192.168.17.1-192.168.17.5/32", "192.168.010.0/24", "fe80::%eth0/64", "[2001:db8:17::]/64", "lan",
		"192.168.17.1 - 192.168.17.5", "192.168.17.5/24", "::ffff:192.168.17.0/120", "2001:db8:17::-2001:db8:17::ffff", "192.168.17.7-192.168.17.7",
	} {
		c.setPools(nil)
		want := metallb.Refusal(text, metallb.Latest)
		c.put(addressPool("entry", ranges(text)), "e2e")
		var got string
		c.eventually(fmt.Sprintf("MetalLB to judge %q", text), func() bool {
			if got = c.configurationError(); got != "" {
				return true
			}
			u, err := c.client.Resource(poolsOf).Namespace(metallbNamespace).Get(c.t.Context(), "entry", metav1.GetOptions{})
			if err != nil {
				c.t.Fatal(err)
			}
			return counted(u)
		})
		if want == "" && got != "" || !strings.HasSuffix(got, want) {
			c.t.Errorf("%q: MetalLB: %q\nRefusal: %q", text, got, want)
		}
		if taken := metallb.ParseAddresses(text).Err == ""; taken != (got == "") {
			c.t.Errorf("%q: MetalLB: %q; ParseAddresses takes it: %t", text, got, taken)
		}
		c.setPools(nil)
		c.eventually("MetalLB to forget the entry", func() bool { return c.configurationError() == "" })
	}
}

// configurationError is what MetalLB has against its pools.
func (c *cluster) configurationError() string {
	c.t.Helper()
	for _, state := range c.list(statesOf) {
		if words, _, _ := unstructured.NestedString(state.Object, "status", "errorSummary"); words != "" {
			return words
		}
	}
	return ""
}
