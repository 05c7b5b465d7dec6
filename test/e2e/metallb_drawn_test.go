//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
)

// drawnSequences is how many sequences of Services are drawn: for each set of pools there
// are several.
const drawnSequences = 63

// testDrawn holds Predict to MetalLB on Services that nobody thought of: some are made, and
// one of them is made dual-stack, or single-stack.
func testDrawn(t *testing.T, c *cluster) {
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("LAB_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("LAB_SEED=%d", seed)
	seen := map[string]int{}
	for i := range drawnSequences {
		d := dice{rand.New(rand.NewPCG(seed, uint64(i)))}
		set := poolSets[i%len(poolSets)]
		t.Run(fmt.Sprintf("%d %s", i, set.name), func(t *testing.T) {
			pools := set.draw(d)
			s := c.in(t).begin(manifests(pools))
			defer s.end()
			var drawn []service
			for j := range 2 + d.IntN(3) {
				v := d.service(pools)
				drawn = append(drawn, v)
				got, o := s.make(fmt.Sprintf("service-%d", j), v.request(d))
				tally(seen, "made: ", got, o)
			}
			s.rest()
			j := d.IntN(len(drawn))
			got, o := s.change(fmt.Sprintf("service-%d", j), d.change(drawn[j], pools))
			tally(seen, "changed: ", got, o)
		})
	}
	for _, what := range slices.Sorted(maps.Keys(seen)) {
		t.Logf("%3d %s", seen[what], what)
	}
}

// tally counts what came out.
func tally(seen map[string]int, step, got string, o metallb.Outcome) {
	seen[step+kind(got)]++
	for what, is := range map[string]bool{"addresses kept": o.Kept, "an address changes": !o.Changes.Empty(), "any of several pools": len(o.Others) > 0} {
		if is {
			seen[step+what]++
		}
	}
}

// kind is what sort of an outcome a text of MetalLB's is.
func kind(got string) string {
	switch {
	case strings.HasPrefix(got, "can't change sharing key"):
		return "refused, address in use"
	case strings.HasPrefix(got, "port "):
		return "refused, port in use"
	case strings.HasPrefix(got, "no available"):
		return "refused, none available"
	case strings.Contains(got, " not ") || strings.HasPrefix(got, "unknown"):
		return "refused, other"
	}
	return fmt.Sprintf("%d addresses", len(strings.Fields(got)))
}

// dice draws what is tried.
type dice struct{ *rand.Rand }

func (d dice) percent(n int) bool { return d.IntN(100) < n }

func pick[T any](d dice, of ...T) T { return of[d.IntN(len(of))] }

// drawnPool is a pool with v4 and v6 addresses of the number n.
type drawnPool struct {
	name      string
	n, v4, v6 int
	spec      map[string]any // what it has beside addresses
}

// address is an address of the pool, or one past its end.
func (p drawnPool) address(f ipfam.Family, i int) string {
	if f == ipfam.V4 {
		return fmt.Sprintf("192.168.%d.%d", p.n+(254+i)/256, (254+i)%256)
	}
	return fmt.Sprintf("2001:db8:%d::%d", p.n, 10+i)
}

func (p drawnPool) size(f ipfam.Family) int {
	if f == ipfam.V4 {
		return p.v4
	}
	return p.v6
}

// manifests is the pools as they are applied. Every other one lists IPv6 first.
func manifests(pools []drawnPool) []*unstructured.Unstructured {
	var objects []*unstructured.Unstructured
	for i, p := range pools {
		var entries []string
		for _, f := range ipfam.All {
			if n := p.size(f); n > 0 {
				entries = append(entries, p.address(f, 0)+"-"+p.address(f, n-1))
			}
		}
		if i%2 == 1 {
			slices.Reverse(entries)
		}
		spec := ranges(entries...)
		maps.Copy(spec, p.spec)
		objects = append(objects, addressPool(p.name, spec))
	}
	return objects
}

// poolSets is the pools that are drawn in turn.
var poolSets = []struct {
	name string
	draw func(dice) []drawnPool
}{
	{"one pool", func(d dice) []drawnPool {
		return []drawnPool{{name: "lan", n: 40, v4: 2 + d.IntN(4), v6: 2 + d.IntN(4), spec: map[string]any{"avoidBuggyIPs": d.percent(50)}}}
	}},
	{"the seed's two pools", func(d dice) []drawnPool {
		return []drawnPool{{name: "ipv4", n: 40, v4: 3 + d.IntN(3)}, {name: "ipv6", n: 50, v6: 3 + d.IntN(3)}}
	}},
	{"IPv4 is scarce", func(d dice) []drawnPool { return []drawnPool{{name: "lan", n: 40, v4: 1 + d.IntN(2), v6: 8}} }},
	{"IPv6 is scarce", func(d dice) []drawnPool { return []drawnPool{{name: "lan", n: 40, v4: 8, v6: 1 + d.IntN(2)}} }},
	{"not by itself", func(d dice) []drawnPool {
		v4, v6 := d.families(3)
		return []drawnPool{{name: "manual", n: 40, v4: 3, v6: 3, spec: map[string]any{"autoAssign": false}}, {name: "auto", n: 50, v4: v4, v6: v6}}
	}},
	{"for namespaces", func(d dice) []drawnPool {
		pools := []drawnPool{{name: "all", n: 40}, {name: "others", n: 50}, {name: "ours", n: 60}, {name: "ours-too", n: 70}}
		for i, namespace := range []string{"", "others", allocating, allocating} {
			pools[i].v4, pools[i].v6 = d.families(2)
			if namespace != "" {
				allocation := forNamespaces(namespace)
				allocation["priority"] = int64(d.IntN(3))
				pools[i].spec = map[string]any{"serviceAllocation": allocation}
			}
		}
		return pools
	}},
	{"for no namespace in particular", func(d dice) []drawnPool {
		v4, v6 := d.families(2)
		return []drawnPool{{name: "all", n: 40, v4: 2, v6: 2}, {name: "first", n: 50, v4: v4, v6: v6, spec: map[string]any{"serviceAllocation": map[string]any{"priority": int64(1)}}}}
	}},
	{"several pools", func(d dice) []drawnPool {
		pools := []drawnPool{{name: "a", n: 40, v4: 3, v6: 3}, {name: "b", n: 50, v4: 3, v6: 3}, {name: "c", n: 60}}
		pools[2].v4, pools[2].v6 = d.families(2)
		return pools
	}},
	{"several pools of one family", func(dice) []drawnPool {
		return []drawnPool{{name: "a", n: 40, v4: 2}, {name: "b", n: 50, v6: 2}, {name: "c", n: 60, v4: 2}, {name: "d", n: 70, v6: 2}}
	}},
}

// families is how many addresses a pool has, of one family or of both.
func (d dice) families(most int) (v4, v6 int) {
	v4, v6 = 1+d.IntN(most), 1+d.IntN(most)
	switch d.IntN(4) {
	case 0:
		v4 = 0
	case 1:
		v6 = 0
	}
	return v4, v6
}

// service is a Service as it is drawn.
type service struct {
	policy      string
	families    []ipfam.Family
	ports       []string
	local       bool
	app         string
	field       string            // .spec.loadBalancerIP
	annotations map[string]string // without their prefix
}

func (d dice) service(pools []drawnPool) service {
	v := service{
		policy: "SingleStack", families: []ipfam.Family{pick(d, ipfam.V4, ipfam.V6)},
		local: d.percent(25), app: pick(d, "web", "dns"), annotations: map[string]string{},
	}
	if d.percent(60) {
		v.policy, v.families = pick(d, "PreferDualStack", "RequireDualStack"), []ipfam.Family{v.families[0], v.families[0].Other()}
	}
	v.ports = pick(d, []string{"TCP/80"}, []string{"TCP/443"}, []string{"UDP/53"}, []string{"TCP/443", "TCP/80"}, []string{"TCP/53"})
	if d.percent(50) {
		v.annotations["allow-shared-ip"] = pick(d, "k", "k", "k", "l")
	}
	if d.percent(15) {
		v.annotations["address-pool"] = d.poolName(pools)
	}
	switch {
	case d.percent(20):
		v.annotations["loadBalancerIPs"] = d.addresses(pools, v.families)
	case d.percent(8):
		v.field = d.addresses(pools, v.families[:1]) // refused where the Service is dual-stack
	}
	return v
}

func (d dice) poolName(pools []drawnPool) string {
	if d.percent(10) {
		return "nowhere"
	}
	return pick(d, pools...).name
}

// addresses is a list of addresses to ask for, mostly one of each family and mostly of one
// pool.
func (d dice) addresses(pools []drawnPool, families []ipfam.Family) string {
	if d.percent(10) {
		families = families[:1]
	}
	p := pick(d, pools...)
	var texts []string
	for _, f := range families {
		if d.percent(10) {
			p = pick(d, pools...)
		}
		texts = append(texts, p.address(f, d.IntN(p.size(f)+1)))
	}
	return strings.Join(texts, pick(d, ",", ", "))
}

// request is the Service as it is applied. Either prefix may stand before an annotation;
// where both do, the old one says something else.
func (v service) request(d dice) request {
	families := make([]any, len(v.families))
	for i, f := range v.families {
		families[i] = f.String()
	}
	spec := loadBalancer(v.policy, families...)
	spec["ports"], spec["selector"] = portList(v.ports...), map[string]any{"app": v.app}
	if v.local {
		spec["externalTrafficPolicy"] = "Local"
	}
	if v.field != "" {
		spec["loadBalancerIP"] = v.field
	}
	annotations := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(v.annotations)) {
		switch value := v.annotations[name]; d.IntN(5) {
		case 0, 1:
			annotations["metallb.universe.tf/"+name] = value
		case 2:
			annotations["metallb.io/"+name], annotations["metallb.universe.tf/"+name] = value, "else"
		default:
			annotations["metallb.io/"+name] = value
		}
	}
	return request{spec, annotations}
}

// change is a patch that gives the Service another policy and perhaps more.
func (d dice) change(v service, pools []drawnPool) string {
	policies := []string{"SingleStack", "PreferDualStack", "RequireDualStack"}
	policy := pick(d, slices.DeleteFunc(policies, func(p string) bool { return p == v.policy })...)
	families := []ipfam.Family{v.families[0]}
	spec := map[string]any{"ipFamilyPolicy": policy}
	if policy != "SingleStack" {
		families = append(families, v.families[0].Other())
		spec["ipFamilies"] = []string{families[0].String(), families[1].String()}
	}
	if d.percent(15) {
		spec["externalTrafficPolicy"] = pick(d, "Local", "Cluster")
	}
	// A null takes an annotation away. The new prefix counts, and the old one stays.
	annotations := map[string]any{}
	_, asks := v.annotations["loadBalancerIPs"]
	switch {
	case v.field != "" && d.percent(80):
		spec["loadBalancerIP"] = nil
	case v.field == "" && d.percent(25):
		annotations["metallb.io/loadBalancerIPs"] = d.addresses(pools, families)
	case asks && d.percent(80):
		annotations["metallb.io/loadBalancerIPs"], annotations["metallb.universe.tf/loadBalancerIPs"] = nil, nil
	}
	if d.percent(15) {
		annotations["metallb.io/allow-shared-ip"] = pick[any](d, nil, "k", "l", "")
	}
	if d.percent(25) {
		annotations["metallb.io/address-pool"] = pick[any](d, nil, d.poolName(pools))
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": annotations}, "spec": spec})
	if err != nil {
		panic(err) // maps of texts
	}
	return string(patch)
}
