package snapshot

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

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
