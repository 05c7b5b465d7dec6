//go:build e2e

package e2e

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
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
		"ports": []any{map[string]any{"port": int64(80)}},
	}
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
	const pool, addresses = "metallb.io/address-pool", "metallb.io/loadBalancerIPs"
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
		{"one pool, what is asked for is in use", one, []request{single("IPv4", addresses, "192.168.16.105"), single("IPv4", addresses, "192.168.16.105")}, "address also in use by allocation/"},
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
	c.namespace("allocation")
	for i, a := range allocations() {
		t.Run(a.name, func(t *testing.T) {
			c := c.in(t)
			c.setPools(a.pools)
			for j, r := range a.requests {
				name := fmt.Sprintf("service-%d-%d", i, j)
				want := c.request(name, r)
				got := c.outcome("allocation", name)
				if got != want {
					t.Errorf("request %d: MetalLB: %s\nPredict: %s", j, got, want)
				}
				if j == len(a.requests)-1 && !strings.Contains(got, a.last) {
					t.Errorf("MetalLB: %s\nwant %s", got, a.last)
				}
			}
			for j := range a.requests {
				c.remove(object("v1", "Service", "allocation", fmt.Sprintf("service-%d-%d", i, j), nil))
			}
		})
	}
	t.Run("entries", func(t *testing.T) { testRefusals(c.in(t)) })
}

// setPools makes pools the only ones and waits until MetalLB has them: it writes into
// their status how many addresses they have.
func (c *cluster) setPools(pools []*unstructured.Unstructured) {
	c.t.Helper()
	for _, old := range c.list(poolsOf) {
		c.remove(&old)
	}
	for _, p := range pools {
		c.put(p.DeepCopy(), "e2e")
	}
	c.poolsTaken(len(pools))
}

// poolsTaken waits until MetalLB has counted the addresses of n pools.
func (c *cluster) poolsTaken(n int) {
	c.t.Helper()
	c.eventually("MetalLB to take its pools", func() bool {
		counted := 0
		for _, p := range c.list(poolsOf) {
			v4, _, _ := unstructured.NestedInt64(p.Object, "status", "availableIPv4")
			v6, _, _ := unstructured.NestedInt64(p.Object, "status", "availableIPv6")
			if v4+v6 > 0 {
				counted++
			}
		}
		return counted == n
	})
}

// request applies a Service; the answer is what Predict says of it.
func (c *cluster) request(name string, r request) string {
	c.t.Helper()
	before, err := snapshot.FromCluster(c.t.Context(), c.config, snapshot.ClusterOptions{Now: time.Now()})
	if err != nil {
		c.t.Fatal(err)
	}
	taken := metallb.Taken{}
	for _, s := range before.Services {
		for _, a := range s.Ingress {
			taken[a] = s.Namespace + "/" + s.Name
		}
	}
	var pools []metallb.Pool
	for _, p := range before.MetalLB.Pools {
		pools = append(pools, p.Pool)
	}
	u := object("v1", "Service", "allocation", name, map[string]any{"spec": r.spec})
	u.SetAnnotations(r.annotations)
	c.put(u, "e2e")
	made, err := c.client.Resource(services).Namespace("allocation").Get(c.t.Context(), name, metav1.GetOptions{})
	if err != nil {
		c.t.Fatal(err)
	}
	s := metallb.Service{Namespace: "allocation", Name: name}
	s.Policy, _, _ = unstructured.NestedString(made.Object, "spec", "ipFamilyPolicy")
	ips, _, _ := unstructured.NestedStringSlice(made.Object, "spec", "clusterIPs")
	for _, ip := range ips {
		s.Families = append(s.Families, ipfam.Of(netip.MustParseAddr(ip)))
	}
	_, s.Pool = metallb.Annotation(r.annotations, metallb.PoolAnnotation, metallb.Latest)
	field, _, _ := unstructured.NestedString(made.Object, "spec", "loadBalancerIP")
	if s.Requested, _, err = metallb.Requested(r.annotations, field, metallb.Latest); err != nil {
		return err.Error()
	}
	o := metallb.Predict(s, pools, taken, metallb.Latest)
	if len(o.Addrs) == 0 {
		return o.Why
	}
	texts := make([]string, len(o.Addrs))
	for i, a := range o.Addrs {
		texts[i] = a.String()
	}
	return strings.Join(texts, " ")
}

// outcome is the addresses that MetalLB gives a Service, or its words in the Event
// when it gives none.
func (c *cluster) outcome(namespace, name string) string {
	c.t.Helper()
	var got string
	c.eventually("MetalLB to give "+name+" addresses, or to say why not", func() bool {
		u, err := c.client.Resource(services).Namespace(namespace).Get(c.t.Context(), name, metav1.GetOptions{})
		if err != nil {
			c.t.Fatal(err)
		}
		if got = strings.Join(ingress(u), " "); got == "" {
			got = c.refusal(namespace, name)
		}
		return got != ""
	})
	return got
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

// refusal is MetalLB's words about a Service that it gives no address.
func (c *cluster) refusal(namespace, name string) string {
	c.t.Helper()
	words := ""
	for _, e := range c.list(events) {
		about, _, _ := unstructured.NestedString(e.Object, "involvedObject", "name")
		reason, _, _ := unstructured.NestedString(e.Object, "reason")
		message, _, _ := unstructured.NestedString(e.Object, "message")
		if about != name || e.GetNamespace() != namespace {
			continue
		}
		switch reason {
		case "AllocationFailed":
			words = strings.TrimPrefix(message, fmt.Sprintf("Failed to allocate IP for %q: ", namespace+"/"+name))
		case "LoadBalancerFailed":
			words = strings.TrimPrefix(message, "invalid requested loadbalancer IPs: ")
		}
	}
	return words
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
			v4, _, _ := unstructured.NestedInt64(u.Object, "status", "availableIPv4")
			v6, _, _ := unstructured.NestedInt64(u.Object, "status", "availableIPv6")
			return v4+v6 > 0
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
