package snapshot

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
)

var web = Ref{Kind: "Pod", Namespace: "shop", Name: "web"}

const (
	// plain is a cluster with two nodes, a Pod on the one, and a Service with a Pod on the other.
	plain = `
{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {kubernetes.io/metadata.name: shop, team: a}}}
---
{apiVersion: v1, kind: Node, metadata: {name: node-a, labels: {zone: one}}, status: {addresses: [{type: InternalIP, address: 192.0.2.1}, {type: InternalIP, address: "2001:db8::1"}]}}
---
{apiVersion: v1, kind: Node, metadata: {name: node-b, labels: {zone: two}}, status: {addresses: [{type: InternalIP, address: 192.0.2.2}, {type: InternalIP, address: "2001:db8::2"}]}}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {nodeName: node-a, containers: [{name: nginx, image: "example.com/nginx:1", ports: [{containerPort: 80}]}]}
status: {phase: Running, podIPs: [{ip: 10.244.0.7}, {ip: "2001:db8:a::7"}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db-0, namespace: shop, labels: {app: db}}
spec: {nodeName: node-b, containers: [{name: db, image: "example.com/db:1"}]}
status: {phase: Running, podIPs: [{ip: 10.244.1.8}, {ip: "2001:db8:b::8"}]}
---
apiVersion: v1
kind: Service
metadata: {name: db, namespace: shop}
spec: {type: ClusterIP, clusterIP: 10.96.0.8, clusterIPs: [10.96.0.8, "2001:db8:5::8"], ipFamilies: [IPv4, IPv6], ports: [{name: sql, port: 5432}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: db-4, namespace: shop, labels: {kubernetes.io/service-name: db}}
addressType: IPv4
ports: [{name: sql, port: 5433}]
endpoints: [{addresses: [10.244.1.8], nodeName: node-b, targetRef: {kind: Pod, namespace: shop, name: db-0}}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: db-6, namespace: shop, labels: {kubernetes.io/service-name: db}}
addressType: IPv6
ports: [{name: sql, port: 5433}]
endpoints: [{addresses: ["2001:db8:b::8"], nodeName: node-b, targetRef: {kind: Pod, namespace: shop, name: db-0}}]
---
{apiVersion: networking.k8s.io/v1, kind: IPAddress, metadata: {name: 10.96.0.8}, spec: {parentRef: {resource: services, namespace: shop, name: db}}}
---
{apiVersion: networking.k8s.io/v1, kind: IPAddress, metadata: {name: "2001:db8:5::8"}, spec: {parentRef: {resource: services, namespace: shop, name: db}}}
---
{apiVersion: networking.k8s.io/v1, kind: ServiceCIDR, metadata: {name: kubernetes}, spec: {cidrs: [10.96.0.0/16, "2001:db8:5::/112"]}}
---
{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: all, namespace: shop}, spec: {podSelector: {}, policyTypes: [Egress], egress: [{}]}}
`
	ciliumInstalled = plain + `---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: cilium, namespace: kube-system, labels: {k8s-app: cilium}}
spec: {selector: {}, template: {spec: {containers: [{name: cilium-agent, image: "quay.io/cilium/cilium:v1.20.2"}]}}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: cilium-config, namespace: kube-system}, data: {enable-ipv4: "true", enable-ipv6: "true", enable-ipv6-masquerade: "false"}}
---
apiVersion: v1
kind: Pod
metadata: {name: cilium-a, namespace: kube-system, labels: {k8s-app: cilium}}
spec: {nodeName: node-a, containers: [{name: cilium-agent, image: "quay.io/cilium/cilium:v1.20.2"}]}
status: {phase: Running, startTime: "2026-01-01T00:00:00Z", containerStatuses: [{name: cilium-agent, state: {running: {startedAt: "2026-01-01T00:00:00Z"}}}]}
---
apiVersion: v1
kind: Pod
metadata: {name: cilium-b, namespace: kube-system, labels: {k8s-app: cilium}}
spec: {nodeName: node-b, containers: [{name: cilium-agent, image: "quay.io/cilium/cilium:v1.20.2"}]}
status: {phase: Running, startTime: "2026-01-01T00:00:00Z", containerStatuses: [{name: cilium-agent, state: {running: {startedAt: "2026-01-01T00:00:00Z"}}}]}
---
{apiVersion: cilium.io/v2, kind: CiliumNode, metadata: {name: node-a}, spec: {addresses: [{type: InternalIP, ip: 192.0.2.1}], ipam: {podCIDRs: [10.244.0.0/24, "2001:db8:a::/64"]}}}
---
{apiVersion: cilium.io/v2, kind: CiliumNode, metadata: {name: node-b}, spec: {addresses: [{type: InternalIP, ip: 192.0.2.2}], ipam: {podCIDRs: [10.244.1.0/24, "2001:db8:b::/64"]}}}
---
{apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: {name: one, namespace: shop}, spec: {endpointSelector: {}, egress: [{toEntities: [all]}]}}
---
{apiVersion: cilium.io/v2, kind: CiliumClusterwideNetworkPolicy, metadata: {name: two}, spec: {endpointSelector: {}, egress: [{toEntities: [all]}]}}
---
{apiVersion: cilium.io/v2, kind: CiliumNodeConfig, metadata: {name: zz, namespace: kube-system}, spec: {nodeSelector: {matchLabels: {zone: one}}, defaults: {enable-ipv6-masquerade: "true"}}}
---
{apiVersion: cilium.io/v2, kind: CiliumNodeConfig, metadata: {name: aa, namespace: kube-system}, spec: {nodeSelector: {matchLabels: {zone: one}}, defaults: {enable-ipv6-masquerade: "no", mtu: "1400"}}}
---
{apiVersion: cilium.io/v2, kind: CiliumNodeConfig, metadata: {name: elsewhere, namespace: kube-system}, spec: {nodeSelector: {matchLabels: {zone: two}}, defaults: {mtu: "9000"}}}
---
{apiVersion: cilium.io/v2, kind: CiliumNodeConfig, metadata: {name: unselected, namespace: kube-system}, spec: {defaults: {mtu: "1"}}}
`
)

func sceneServer(t *testing.T, manifests string) *apiServer {
	t.Helper()
	s := newAPIServer(t, "")
	s.loadText(t, []byte(manifests))
	return s
}

func readScene(t *testing.T, s *apiServer, q SceneQuery) *Scene {
	t.Helper()
	q.Pod = web
	scene, err := ReadScene(t.Context(), s.config(), q)
	if err != nil {
		t.Fatal(err)
	}
	return scene
}

// asks fails unless the server was asked for just these, in any order. Pages' sizes are
// left out.
func (s *apiServer) asks(t *testing.T, want ...string) {
	t.Helper()
	var got []string
	for _, r := range s.requests {
		q := r.URL.Query()
		if r.Method != http.MethodGet {
			t.Errorf("%s %s: writes", r.Method, r.URL.Path)
		}
		line := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/apis/"), "/api/v1/")
		for _, selector := range []string{"labelSelector", "fieldSelector"} {
			if q.Get(selector) != "" {
				line += "?" + q.Get(selector)
			}
		}
		got = append(got, line)
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// What every scene is asked for: its Pod's own surroundings, and who is there.
var (
	aroundAny = []string{
		"/version", "namespaces/shop/pods/web", "namespaces/shop", "nodes/node-a",
		"apps/v1/daemonsets?k8s-app=cilium", "apps/v1/daemonsets?k8s-app=kube-proxy",
		"namespaces/kube-system/configmaps/cilium-config", "namespaces/kube-system/configmaps/kube-proxy",
		"networking.k8s.io/v1/namespaces/shop/networkpolicies", "cilium.io",
	}
	aroundCilium = append(slices.Clone(aroundAny),
		"cilium.io/v2/ciliumnodes/node-a", "cilium.io/v2/ciliumclusterwidenetworkpolicies",
		"cilium.io/v2/namespaces/shop/ciliumnetworkpolicies", "cilium.io/v2/namespaces/kube-system/ciliumnodeconfigs",
		"namespaces/kube-system/pods?k8s-app=cilium?spec.nodeName=node-a")
	aroundPlain = append(slices.Clone(aroundAny), "apps/v1/daemonsets?app=flannel", "crd.projectcalico.org")
	// ofDB is the Service, and what is around the Pod that it has.
	ofDB = []string{"namespaces/shop/services/db", "discovery.k8s.io/v1/namespaces/shop/endpointslices?kubernetes.io/service-name=db", "namespaces/shop/pods/db-0"}
	// ofLiteral is what is read for an address of each family.
	ofLiteral = []string{"networking.k8s.io/v1/ipaddresses/10.96.0.8", "networking.k8s.io/v1/ipaddresses/2001:db8:5::8", "networking.k8s.io/v1/servicecidrs"}
)

func TestSceneToTheInternet(t *testing.T) {
	s := sceneServer(t, ciliumInstalled)
	scene := readScene(t, s, SceneQuery{})
	s.asks(t, aroundCilium...)
	if len(scene.Gaps) > 0 {
		t.Errorf("gaps %v", scene.Gaps)
	}
	if len(scene.Nodes) != 1 || len(scene.CiliumNodes) != 1 || len(scene.Cilium.Agents) != 1 || len(scene.Policies) != 3 || scene.AllNodes {
		t.Errorf("%+v", scene)
	}
	if scene.Source.NamespaceLabels["team"] != "a" || scene.NodeLabels["zone"] != "one" {
		t.Errorf("labels %v, %v", scene.Source.NamespaceLabels, scene.NodeLabels)
	}
}

// TestScenePodThatWasRead does not ask for the Pod once more.
func TestScenePodThatWasRead(t *testing.T) {
	s := sceneServer(t, ciliumInstalled)
	pod := s.objects[corev1.SchemeGroupVersion.WithResource("pods")][0].(*corev1.Pod)
	readScene(t, s, SceneQuery{Read: pod})
	s.asks(t, slices.DeleteFunc(slices.Clone(aroundCilium), func(r string) bool { return r == "namespaces/shop/pods/web" })...)
}

func TestSceneToAService(t *testing.T) {
	s := sceneServer(t, ciliumInstalled)
	scene := readScene(t, s, SceneQuery{Service: Ref{Kind: "Service", Namespace: "shop", Name: "db"}})
	s.asks(t, slices.Concat(aroundCilium, ofDB, []string{"nodes/node-b", "cilium.io/v2/ciliumnodes/node-b"})...)
	if len(scene.Endpoints) != 2 || scene.Endpoints[0].Port != 5433 || scene.Endpoints[1].Family != ipfam.V6 || !slices.Equal(scene.Ports, []uint16{5432}) {
		t.Errorf("endpoints %+v, ports %v", scene.Endpoints, scene.Ports)
	}
	if len(scene.Peers) != 1 || scene.Peers[0].Name != "db-0" || scene.Peers[0].NamespaceLabels["team"] != "a" || len(scene.CiliumNodes) != 2 {
		t.Errorf("peers %+v", scene.Peers)
	}
}

func TestSceneToAPod(t *testing.T) {
	s := sceneServer(t, plain)
	scene := readScene(t, s, SceneQuery{Peer: Ref{Kind: "Pod", Namespace: "shop", Name: "db-0"}})
	s.asks(t, append(slices.Clone(aroundPlain), "namespaces/shop/pods/db-0", "nodes/node-b")...)
	if len(scene.Peers) != 1 || len(scene.Nodes) != 2 {
		t.Errorf("%+v", scene)
	}
}

// TestSceneToAnAddress is one Service's in both families: it is read once.
func TestSceneToAnAddress(t *testing.T) {
	of := []netip.Addr{netip.MustParseAddr("10.96.0.8"), netip.MustParseAddr("2001:db8:5::8")}
	s := sceneServer(t, ciliumInstalled)
	scene := readScene(t, s, SceneQuery{Addresses: of})
	s.asks(t, slices.Concat(aroundCilium, ofDB, ofLiteral, []string{"cilium.io/v2/ciliumnodes"})...)
	if len(scene.Services) != 1 || len(scene.Endpoints) != 2 || len(scene.CiliumNodes) != 2 || !scene.AllNodes || len(scene.Peers) != 1 {
		t.Errorf("%+v", scene)
	}

	s = sceneServer(t, plain)
	scene = readScene(t, s, SceneQuery{Addresses: of})
	s.asks(t, slices.Concat(aroundPlain, ofDB, ofLiteral, []string{"nodes"})...)
	if len(scene.Nodes) != 2 || !scene.AllNodes || scene.ServiceCIDRs[0].CIDRs[0] != netip.MustParsePrefix("10.96.0.0/16") {
		t.Errorf("%+v", scene)
	}
}

// TestTwoServices keeps the endpoints of two Services apart, one for each family.
func TestTwoServices(t *testing.T) {
	s := sceneServer(t, plain+`---
{apiVersion: v1, kind: Service, metadata: {name: other, namespace: shop}, spec: {type: ClusterIP, clusterIP: 10.96.0.9, clusterIPs: [10.96.0.9], ports: [{port: 1}]}}
---
{apiVersion: networking.k8s.io/v1, kind: IPAddress, metadata: {name: 10.96.0.9}, spec: {parentRef: {resource: services, namespace: shop, name: other}}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: other-4, namespace: shop, labels: {kubernetes.io/service-name: other}}
addressType: IPv4
ports: [{port: 1}]
endpoints: [{addresses: [203.0.113.9]}]
`)
	scene := readScene(t, s, SceneQuery{Addresses: []netip.Addr{netip.MustParseAddr("10.96.0.9"), netip.MustParseAddr("2001:db8:5::8")}})
	var got []string
	for _, e := range scene.Endpoints {
		got = append(got, e.Address.String())
	}
	if diff := cmp.Diff([]string{"203.0.113.9", "2001:db8:b::8"}, got); diff != "" || len(scene.Services) != 2 {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAddressOfALoadBalancer(t *testing.T) {
	s := sceneServer(t, plain+`---
apiVersion: v1
kind: Service
metadata: {name: edge, namespace: shop}
spec: {type: LoadBalancer, clusterIP: 10.96.0.9, clusterIPs: [10.96.0.9], ports: [{port: 443}]}
status: {loadBalancer: {ingress: [{ip: 198.51.100.4}]}}
`)
	scene := readScene(t, s, SceneQuery{Addresses: []netip.Addr{netip.MustParseAddr("198.51.100.4")}})
	s.asks(t, slices.Concat(aroundPlain, []string{"networking.k8s.io/v1/ipaddresses/198.51.100.4", "networking.k8s.io/v1/servicecidrs", "nodes",
		"services?spec.type=LoadBalancer", "discovery.k8s.io/v1/namespaces/shop/endpointslices?kubernetes.io/service-name=edge"})...)
	if len(scene.Services) != 1 || scene.Services[0].Name != "edge" || len(scene.Gaps) > 0 {
		t.Errorf("%+v, gaps %v", scene.Services, scene.Gaps)
	}
}

// TestIPAddresses is what is found without them: a Service by the first of its ClusterIPs.
func TestIPAddresses(t *testing.T) {
	unserve := func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/ipaddresses/") {
			return false
		}
		notServed(w)
		return true
	}
	for _, c := range []struct {
		name, address string
		answer        func(http.ResponseWriter, *http.Request) bool
		service       bool
		gap           Reason
	}{
		{"found", "2001:db8:5::8", nil, true, ""},
		{"not found", "10.96.0.200", nil, false, ""},
		{"forbidden, the first", "10.96.0.8", forbid("ipaddresses"), true, ""},
		{"forbidden, the second", "2001:db8:5::8", forbid("ipaddresses"), false, Forbidden},
		{"not served, the first", "10.96.0.8", unserve, true, ""},
		{"not served, none", "10.96.0.200", unserve, false, NotInstalled},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := sceneServer(t, plain)
			s.answer = c.answer
			scene := readScene(t, s, SceneQuery{Addresses: []netip.Addr{netip.MustParseAddr(c.address)}})
			if (len(scene.Services) == 1) != c.service {
				t.Errorf("services %v", scene.Services)
			}
			g, found := scene.Gap("ipaddresses")
			if g.Reason != c.gap || found && g.Detail != "get ipaddresses.networking.k8s.io/"+c.address {
				t.Errorf("gaps %v", scene.Gaps)
			}
		})
	}
}

func TestSceneOverrides(t *testing.T) {
	scene := readScene(t, sceneServer(t, ciliumInstalled), SceneQuery{})
	want := []Ref{{"CiliumNodeConfig", "kube-system", "aa"}, {"CiliumNodeConfig", "kube-system", "zz"}}
	if !slices.Equal(scene.Overrides, want) || scene.Cilium.Config["enable-ipv6-masquerade"] != "true" || scene.Cilium.Config["mtu"] != "1400" {
		t.Errorf("%v: %v", scene.Overrides, scene.Cilium.Config)
	}
}

func TestSceneOfOtherPlugins(t *testing.T) {
	calico := readScene(t, sceneServer(t, plain+`---
{apiVersion: crd.projectcalico.org/v1, kind: IPPool, metadata: {name: six}, spec: {cidr: "2001:db8:a::/48", natOutgoing: false}}
---
{apiVersion: crd.projectcalico.org/v1, kind: IPPool, metadata: {name: four}, spec: {cidr: 10.244.0.0/16, natOutgoing: true}}
`), SceneQuery{})
	if calico.Plugin.Name != "calico" || !calico.Plugin.Pools.V4[0].Masquerades || calico.Plugin.Pools.V6[0].Masquerades {
		t.Errorf("%+v", calico.Plugin)
	}
	flannel := readScene(t, sceneServer(t, plain+`---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: kube-flannel-ds, namespace: kube-flannel, labels: {app: flannel}}
spec: {selector: {}, template: {spec: {containers: [{name: kube-flannel, args: [--ip-masq, --kube-subnet-mgr]}]}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: kube-flannel-cfg, namespace: kube-flannel}
data: {net-conf.json: '{"Network": "10.244.0.0/16", "EnableIPv6": true, "IPv6Network": "2001:db8:a::/56", "Backend": {"Type": "vxlan"}}'}
`), SceneQuery{})
	if p := flannel.Plugin; p.Name != "flannel" || p.Backend != "vxlan" || len(p.Pools.V4) != 1 || len(p.Pools.V6) != 1 || !p.Pools.V6[0].Masquerades {
		t.Errorf("%+v", p)
	}
	none := readScene(t, sceneServer(t, plain), SceneQuery{})
	if none.Plugin.Name != "" || len(none.Gaps) > 0 {
		t.Errorf("%+v, gaps %v", none.Plugin, none.Gaps)
	}
}

// refuse answers all requests whose path ends so.
func refuse(suffix string, err *apierrors.StatusError) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, suffix) {
			return false
		}
		writeStatus(w, err)
		return true
	}
}

// refusals is the resources that a scene is made of, and the gaps where they are refused
// and where they are not there; empty is none.
var refusals = []struct{ path, forbidden, missing string }{
	{"/version", "version: forbidden: get /version", ""},
	{"/namespaces/shop", "namespaces: forbidden: get namespaces/shop", "namespaces: not found: get namespaces/shop"},
	{"/nodes/node-a", "nodes: forbidden: get nodes/node-a", "nodes: not found: get nodes/node-a"},
	{"/ciliumnodes/node-a", "ciliumnodes: forbidden: get ciliumnodes.cilium.io/node-a", ""},
	{"/ciliumnodes", "ciliumnodes: forbidden: list ciliumnodes.cilium.io", "ciliumnodes: not found: list ciliumnodes.cilium.io"},
	{"/cilium-config", "cilium-config: forbidden: get configmaps/cilium-config -n kube-system", "cilium-config: not found: get configmaps/cilium-config -n kube-system"},
	{"/kube-proxy", "kube-proxy: forbidden: get configmaps/kube-proxy -n kube-system", ""},
	{"/daemonsets", "cilium-agents: forbidden: list daemonsets.apps", "kube-proxy"},
	{"/networkpolicies", "networkpolicies: forbidden: list networkpolicies.networking.k8s.io -n shop", "networkpolicies: not found: list networkpolicies.networking.k8s.io -n shop"},
	{"/ciliumnetworkpolicies", "ciliumnetworkpolicies: forbidden: list ciliumnetworkpolicies.cilium.io -n shop", ""},
	{"/ciliumclusterwidenetworkpolicies", "ciliumclusterwidenetworkpolicies: forbidden: list ciliumclusterwidenetworkpolicies.cilium.io", ""},
	{"/ciliumnodeconfigs", "ciliumnodeconfigs: forbidden: list ciliumnodeconfigs.cilium.io -n kube-system", ""},
	{"/kube-system/pods", "cilium-agents: forbidden: list pods -n kube-system", "cilium-agents: not found: list pods -n kube-system"},
	{"/apis/cilium.io", "ciliumnodes: forbidden: get /apis/cilium.io", "ciliumnodes: not found: get"},
	{"/servicecidrs", "servicecidrs: forbidden: list servicecidrs.networking.k8s.io", "servicecidrs: not installed: list servicecidrs.networking.k8s.io"},
	{"/endpointslices", "endpointslices: forbidden: list endpointslices.discovery.k8s.io -n shop", "endpointslices: not found: list endpointslices.discovery.k8s.io -n shop"},
	{"/services/db", "services: forbidden: get services/db -n shop", "services: not found: get services/db -n shop"},
	{"/pods/db-0", "pods: forbidden: get pods/db-0 -n shop", "pods: not found: get pods/db-0 -n shop"},
}

func TestRefused(t *testing.T) {
	for _, c := range refusals {
		for _, answer := range []struct {
			err  *apierrors.StatusError
			want string
		}{
			{apierrors.NewForbidden(schema.GroupResource{}, "", errors.New("no")), c.forbidden},
			{apierrors.NewNotFound(schema.GroupResource{}, "x"), c.missing},
		} {
			s := sceneServer(t, ciliumInstalled)
			s.answer = refuse(c.path, answer.err)
			scene := readScene(t, s, SceneQuery{Addresses: []netip.Addr{netip.MustParseAddr("10.96.0.8")}})
			told := slices.ContainsFunc(scene.Gaps, func(g Gap) bool { return strings.HasPrefix(g.String(), answer.want) })
			if answer.want == "" && len(scene.Gaps) > 0 || answer.want != "" && answer.want != "kube-proxy" && !told {
				t.Errorf("%s, %s: want %q, gaps %v", c.path, answer.err.Status().Reason, answer.want, scene.Gaps)
			}
		}
	}
}

// TestNoCiliumNode tells that the node's ranges are not known, where Cilium runs.
func TestNoCiliumNode(t *testing.T) {
	s := sceneServer(t, ciliumInstalled)
	s.answer = refuse("/ciliumnodes/node-a", apierrors.NewNotFound(schema.GroupResource{}, "node-a"))
	if gaps := readScene(t, s, SceneQuery{}).Gaps; len(gaps) != 1 || gaps[0].String() != "ciliumnodes: not found: get ciliumnodes.cilium.io/node-a" {
		t.Errorf("gaps %v", gaps)
	}
}

// TestConfigWithoutDaemonSets is not in doubt: the ConfigMap is where it mostly is.
func TestConfigWithoutDaemonSets(t *testing.T) {
	s := sceneServer(t, ciliumInstalled)
	s.answer = forbid("daemonsets")
	scene := readScene(t, s, SceneQuery{})
	if g, ok := scene.Gap(CiliumConfig); ok || scene.Cilium.Config["enable-ipv6"] != "true" {
		t.Errorf("%v, %v", g, scene.Cilium.Config)
	}
}

// TestOddCiliumNode does not hide the others, and is named.
func TestOddCiliumNode(t *testing.T) {
	s := sceneServer(t, ciliumInstalled+`---
{apiVersion: cilium.io/v2, kind: CiliumNode, metadata: {name: odd}, spec: {ipam: {podCIDRs: "10.0.0.0/8"}}}
`)
	scene := readScene(t, s, SceneQuery{Addresses: []netip.Addr{netip.MustParseAddr("203.0.113.1")}})
	if g, _ := scene.Gap(CiliumNodes); len(scene.CiliumNodes) != 2 || g.Reason != Malformed || !strings.Contains(g.Detail, "ciliumnode/odd") {
		t.Errorf("%v, gaps %v", scene.CiliumNodes, scene.Gaps)
	}
}

// TestListRefused keeps what is known of the Pod's own node where the others are not.
func TestListRefused(t *testing.T) {
	s := sceneServer(t, ciliumInstalled)
	s.answer = refuse("/ciliumnodes", apierrors.NewForbidden(schema.GroupResource{}, "", errors.New("no")))
	scene := readScene(t, s, SceneQuery{Addresses: []netip.Addr{netip.MustParseAddr("203.0.113.1")}})
	if _, own := scene.NodeOf("node-a"); own == nil || scene.AllNodes {
		t.Errorf("%v, all %t", scene.CiliumNodes, scene.AllNodes)
	}
}

// TestNothingToTrace is the errors: without the Pod or the target there is no scene.
func TestNothingToTrace(t *testing.T) {
	db, none := Ref{"Service", "shop", "db"}, Ref{"Pod", "shop", "none"}
	for _, q := range []SceneQuery{
		{Pod: none}, {Pod: web, Peer: none}, {Pod: web, Service: Ref{"Service", "shop", "none"}},
	} {
		if _, err := ReadScene(t.Context(), sceneServer(t, plain).config(), q); !apierrors.IsNotFound(err) {
			t.Errorf("%+v: %v", q, err)
		}
	}
	for path, q := range map[string]SceneQuery{"/pods/web": {Pod: web}, "/services/db": {Pod: web, Service: db}} {
		s := sceneServer(t, plain)
		s.answer = refuse(path, apierrors.NewForbidden(schema.GroupResource{Resource: "it"}, "", errors.New("no")))
		if _, err := ReadScene(t.Context(), s.config(), q); !apierrors.IsForbidden(err) {
			t.Errorf("%+v: %v", q, err)
		}
	}
}

// hang answers nothing to requests whose path ends so, until the server is closed.
func hang(suffix string) func(http.ResponseWriter, *http.Request) bool {
	return func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, suffix) {
			<-r.Context().Done()
			return true
		}
		return false
	}
}

func TestSceneTimeouts(t *testing.T) {
	s := sceneServer(t, ciliumInstalled)
	s.answer = hang("/ciliumnodeconfigs")
	config := s.config()
	config.Timeout = 100 * time.Millisecond
	scene, err := ReadScene(t.Context(), config, SceneQuery{Pod: web})
	if err != nil {
		t.Fatal(err)
	}
	if g, _ := scene.Gap("ciliumnodeconfigs"); g.Reason != TimedOut || g.Detail != "list ciliumnodeconfigs.cilium.io -n kube-system" {
		t.Errorf("gaps %v", scene.Gaps)
	}

	s = sceneServer(t, ciliumInstalled)
	s.answer, config.Host = hang("/pods/web"), s.URL
	if _, err := ReadScene(t.Context(), config, SceneQuery{Pod: web}); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), s.URL) {
		t.Errorf("the Pod: %v", err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := ReadScene(ctx, sceneServer(t, plain).config(), SceneQuery{Pod: web}); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}

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
