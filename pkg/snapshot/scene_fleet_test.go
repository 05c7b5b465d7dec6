package snapshot

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// TestBounded reads a Service with a thousand endpoints on as many nodes by a number of
// requests that does not grow with them.
func TestBounded(t *testing.T) {
	var manifests strings.Builder
	manifests.WriteString(ciliumInstalled)
	for i := range 1000 {
		fmt.Fprintf(&manifests, `---
{apiVersion: v1, kind: Node, metadata: {name: many-%[1]d}}
---
{apiVersion: cilium.io/v2, kind: CiliumNode, metadata: {name: many-%[1]d}}
---
{apiVersion: v1, kind: Pod, metadata: {name: many-%[1]d, namespace: shop}, spec: {nodeName: many-%[1]d, containers: []}, status: {podIPs: [{ip: 10.1.%[2]d.%[3]d}]}}
---
{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: many-%[1]d, namespace: shop, labels: {kubernetes.io/service-name: db}}, addressType: IPv4, ports: [{name: sql, port: 1}], endpoints: [{addresses: [10.1.%[2]d.%[3]d], nodeName: many-%[1]d, targetRef: {kind: Pod, namespace: shop, name: many-%[1]d}}]}
`, i, i/250, i%250)
	}
	s := sceneServer(t, manifests.String())
	scene := readScene(t, s, SceneQuery{Service: Ref{Kind: "Service", Namespace: "shop", Name: "db"}})
	slicePages := 3 // of 500 each
	if want := len(aroundCilium) + 1 + slicePages + maxPeers + 2*maxPeers; len(s.requests) != want {
		t.Errorf("%d requests, want %d", len(s.requests), want)
	}
	if len(scene.Endpoints) != 1002 || len(scene.Peers) != maxPeers {
		t.Errorf("%d endpoints, %d peers", len(scene.Endpoints), len(scene.Peers))
	}
}

func TestReadFleet(t *testing.T) {
	s := sceneServer(t, ciliumInstalled)
	var pods []*corev1.Pod
	for _, o := range s.objects[corev1.SchemeGroupVersion.WithResource("pods")][:2] {
		pods = append(pods, o.(*corev1.Pod))
	}
	scenes, err := ReadFleet(t.Context(), s.config(), SceneQuery{}, pods)
	if err != nil {
		t.Fatal(err)
	}
	own := []string{"namespaces/shop/pods/web", "nodes/node-a", "cilium.io/v2/ciliumnodes/node-a", "namespaces/kube-system/pods?k8s-app=cilium?spec.nodeName=node-a"}
	s.asks(t, append(slices.DeleteFunc(slices.Clone(aroundCilium), func(r string) bool { return slices.Contains(own, r) }),
		"nodes", "cilium.io/v2/ciliumnodes", "namespaces/kube-system/pods?k8s-app=cilium")...)
	if got := []string{scenes[0].Cilium.Config["mtu"], scenes[1].Cilium.Config["mtu"]}; !slices.Equal(got, []string{"1400", "9000"}) {
		t.Errorf("mtu %v", got)
	}
	for i, want := range pods {
		one := scenes[i]
		if one.Source.Name != want.Name || one.Source.NamespaceLabels["team"] != "a" || one.NodeLabels["zone"] == "" || len(one.Gaps) > 0 ||
			len(one.Cilium.Agents) != 1 || one.Cilium.Agents[0].Node != want.Spec.NodeName {
			t.Errorf("%+v", one)
		}
		if node, ciliumNode := one.NodeOf(want.Spec.NodeName); node == nil || ciliumNode == nil {
			t.Errorf("%s: %v, %v", want.Name, node, ciliumNode)
		}
	}
	// What a fleet reads of a Pod is what a scene of its own does, but for the other nodes.
	alone := readScene(t, s, SceneQuery{})
	fleet := *scenes[0]
	fleet.Nodes, fleet.CiliumNodes, fleet.AllNodes, fleet.Located = alone.Nodes, alone.CiliumNodes, alone.AllNodes, nil
	if diff := cmp.Diff(*alone, fleet, addresses); diff != "" {
		t.Errorf("(-alone +in a fleet):\n%s", diff)
	}
}

func TestLocate(t *testing.T) {
	for _, c := range []struct {
		manifests, address string
		want               Location
	}{
		{ciliumInstalled, "192.0.2.2", Location{Node: "node-b"}},
		{ciliumInstalled, "2001:db8:b::77", Location{Node: "node-b", Pod: true}},
		{ciliumInstalled, "10.244.0.1", Location{Node: "node-a", Pod: true}},
		{ciliumInstalled, "203.0.113.1", Location{}},
		{plain, "2001:db8::2", Location{Node: "node-b"}},
		{plain, "10.244.0.1", Location{}}, // its Nodes have no ranges
	} {
		a := netip.MustParseAddr(c.address)
		scene := readScene(t, sceneServer(t, c.manifests), SceneQuery{Addresses: []netip.Addr{a}})
		if got := scene.Locate(a); got != c.want {
			t.Errorf("%s: %+v, want %+v", a, got, c.want)
		}
		if scene.locateAll([]netip.Addr{a}); scene.Located[a] != c.want || scene.Locate(a) != c.want {
			t.Errorf("%s in a fleet: %+v", a, scene.Located)
		}
	}
	scene := Scene{Facts: Facts{Nodes: []Node{{Ref: Ref{Name: "b"}}, {Ref: Ref{Name: "a"}}}}} // by hand, in no order
	for _, name := range []string{"a", "b", "c"} {
		if n, _ := scene.NodeOf(name); (n != nil) != (name != "c") {
			t.Errorf("%s: %v", name, n)
		}
	}
}

// TestFleetDoesNotGrow asks no more for many Pods than for two.
func TestFleetDoesNotGrow(t *testing.T) {
	count := func(n int) int {
		s := sceneServer(t, ciliumInstalled)
		var pods []*corev1.Pod
		for i := range n {
			p := s.objects[corev1.SchemeGroupVersion.WithResource("pods")][0].(*corev1.Pod).DeepCopy()
			p.Spec.NodeName = fmt.Sprintf("node-%03d", i)
			pods = append(pods, p)
			s.objects[corev1.SchemeGroupVersion.WithResource("nodes")] = append(s.objects[corev1.SchemeGroupVersion.WithResource("nodes")], runtime.Object(nodeNamed(p.Spec.NodeName)))
		}
		if _, err := ReadFleet(t.Context(), s.config(), SceneQuery{}, pods); err != nil {
			t.Fatal(err)
		}
		return len(s.requests)
	}
	if two, many := count(2), count(400); two != many {
		t.Errorf("%d requests for 2 Pods, %d for 400", two, many)
	}
}

func nodeNamed(name string) *corev1.Node {
	n := &corev1.Node{}
	n.Name = name
	return n
}
