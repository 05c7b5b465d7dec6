package snapshot

import (
	"net/netip"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go4.org/netipx"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// compareFacts lets cmp look at addresses as wholes.
var compareFacts = cmp.Options{
	cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{}, netipx.IPRange{}),
	cmpopts.EquateEmpty(),
}

func readExample(t *testing.T, name string) *Snapshot {
	t.Helper()
	s, err := FromFiles([]string{"../../examples/" + name}, FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range s.Problems {
		t.Error(p)
	}
	if len(s.Plans()) != 1 {
		t.Errorf("plans: %v", s.Plans())
	}
	return s
}

func addrs(texts ...string) (as []netip.Addr) {
	for _, text := range texts {
		as = append(as, netip.MustParseAddr(text))
	}
	return as
}

func prefixes(texts ...string) (ps []netip.Prefix) {
	for _, text := range texts {
		ps = append(ps, netip.MustParsePrefix(text))
	}
	return ps
}

var both = []ipfam.Family{ipfam.V4, ipfam.V6}

// TestHomelab holds what is read of examples/homelab to what was written down of
// that cluster in 2022.
func TestHomelab(t *testing.T) {
	s := readExample(t, "homelab")
	node := func(name string, address string, controlPlane bool, blocks ...string) Node {
		return Node{Ref: Ref{Kind: "Node", Name: name}, InternalIPs: addrs(address), PodCIDRs: prefixes(blocks...), ControlPlane: controlPlane}
	}
	service := Service{Type: "ClusterIP", Policy: "RequireDualStack", Families: both, Selector: map[string]string{"app": "nginx-test"}, Live: true}
	clusterIP, balancer := service, service
	clusterIP.Ref = Ref{"Service", "lab", "nginx-test"}
	clusterIP.ClusterIPs = addrs("10.96.56.97", "2001:db8:7653:299:cafe:1:0:b09d")
	balancer.Ref, balancer.Type = Ref{"Service", "lab", "nginx-test-lb"}, "LoadBalancer"
	balancer.ClusterIPs = addrs("10.96.146.219", "2001:db8:7653:299:cafe:1:0:4e7c")
	balancer.Ingress = addrs("192.168.16.104", "2001:db8:7653:216:ffff:fac:ade:0")
	balancer.Ports = []Port{{Protocol: "TCP", Number: 80}}
	slice := func(name, service string, family ipfam.Family) EndpointSlice {
		return EndpointSlice{Ref: Ref{"EndpointSlice", "lab", name}, Service: service, Family: family, Ready: 1, Total: 1,
			Nodes: []string{"k8s-node-1"}, Managed: "endpointslice-controller.k8s.io"}
	}
	pool := func(name, text string) Pool {
		return Pool{Ref: Ref{configMapPool, "metallb-system", name}, ConfigMapEra: true,
			Pool: metallb.Pool{Name: name, Protocol: "layer2", AutoAssign: true, Addresses: []Addresses{metallb.ParseAddresses(text)}}}
	}
	want := Facts{
		Nodes: []Node{
			node("k8s-controller-0", "192.168.16.20", true, "10.244.0.0/24", "2001:db8:7653:299:cafe:0:0:0/112"),
			node("k8s-node-0", "192.168.16.21", false, "10.244.2.0/24", "2001:db8:7653:299:cafe:0:2:0/112"),
			node("k8s-node-1", "192.168.16.22", false, "10.244.1.0/24", "2001:db8:7653:299:cafe:0:1:0/112"),
		},
		Pods: []Pod{{Ref: Ref{"Pod", "lab", "nginx-test"}, Node: "k8s-node-1", Running: true,
			IPs: addrs("10.244.1.97", "2001:db8:7653:299:cafe:0:1:1095")}},
		Services: []Service{clusterIP, balancer},
		EndpointSlices: []EndpointSlice{
			slice("nginx-test-5cwd9", "nginx-test", ipfam.V4), slice("nginx-test-hm8kr", "nginx-test", ipfam.V6),
			slice("nginx-test-lb-2vqzt", "nginx-test-lb", ipfam.V4), slice("nginx-test-lb-xk4p7", "nginx-test-lb", ipfam.V6),
		},
		Kubeadm: []Kubeadm{{Ref: kubeadmRef, APIVersion: "kubeadm.k8s.io/v1beta3",
			PodSubnet:      prefixes("10.244.0.0/16", "2001:db8:7653:299:cafe:0::/96"),
			ServiceSubnet:  prefixes("10.96.0.0/16", "2001:db8:7653:299:cafe:1::/112"),
			ControllerArgs: Flags{"node-cidr-mask-size-ipv4": "24", "node-cidr-mask-size-ipv6": "112"}}},
		MetalLB: MetalLB{ConfigRef: Ref{Kind: "HelmValues", Name: "metallb"}, ConfigField: ".configInline.address-pools", Pools: []Pool{
			pool("ipv4", "192.168.16.100-192.168.16.119"), pool("ipv6", "2001:db8:7653:216:ffff:fac:ade::/112")}},
		Cilium: Cilium{Namespace: "kube-system", ConfigRef: Ref{"ConfigMap", "kube-system", "cilium-config"}, Config: cilium.Config{
			"enable-ipv4": "true", "enable-ipv6": "true", "enable-ipv4-masquerade": "true", "enable-ipv6-masquerade": "false",
			"enable-bpf-masquerade": "true", "ipam": "cluster-pool",
			"cluster-pool-ipv4-cidr": "10.244.0.0/16", "cluster-pool-ipv4-mask-size": "24",
			"cluster-pool-ipv6-cidr": "2001:db8:7653:299:cafe:0::/96", "cluster-pool-ipv6-mask-size": "112",
			"tunnel": "vxlan", "kube-proxy-replacement": "strict",
			"enable-ipv6-ndp": "true", "ipv6-mcast-device": "eno1", "ipv6-service-range": "2001:db8:7653:299:cafe:1::/112",
		}},
	}
	got := s.Facts
	values := got.Cilium.Values
	got.Cilium.Values = CiliumValues{}
	if diff := cmp.Diff(want, got, compareFacts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for key, text := range values.Given {
		if want.Cilium.Config[key] != text {
			t.Errorf("the values give %s %q, the ConfigMap has %q", key, text, want.Cilium.Config[key])
		}
	}
	if len(values.Given) != 9 {
		t.Errorf("of the nine flags of the installation the values have %v", values.Given)
	}
}

// TestHomelabToday holds the files of the example to one another: both of what they
// say in two places must be the same.
func TestHomelabToday(t *testing.T) {
	s := readExample(t, "homelab-today")
	if s.Kubernetes != release.V(1, 37, 2) || s.Cilium.Version != release.V(1, 20, 2) || s.MetalLB.Version != release.V(0, 16, 2) {
		t.Errorf("versions: %s, %s, %s", s.Kubernetes, s.Cilium.Version, s.MetalLB.Version)
	}
	for key, text := range s.Cilium.Values.Rendered {
		if s.Cilium.Config[key] != text {
			t.Errorf("the values render to %s %q, the ConfigMap has %q", key, text, s.Cilium.Config[key])
		}
	}
	if len(s.Cilium.Config) != len(s.Cilium.Values.Rendered) {
		t.Errorf("the ConfigMap has %d keys, the values render to %d: (-ConfigMap +values)\n%s",
			len(s.Cilium.Config), len(s.Cilium.Values.Rendered), cmp.Diff(s.Cilium.Config, s.Cilium.Values.Rendered))
	}
	for i, n := range s.Nodes {
		if !ipfam.SetOfAddrs(n.InternalIPs).Dual() || !ipfam.SetOfPrefixes(n.PodCIDRs).Dual() {
			t.Errorf("%s: %v, %v", n.Ref, n.InternalIPs, n.PodCIDRs)
		}
		if c := s.CiliumNodes[i]; cmp.Diff(n.PodCIDRs, c.PodCIDRs, compareFacts) != "" || cmp.Diff(n.InternalIPs, c.Internal, compareFacts) != "" {
			t.Errorf("%s has %v and %v, %s %v and %v", n.Ref, n.InternalIPs, n.PodCIDRs, c.Ref, c.Internal, c.PodCIDRs)
		}
	}
	kubeadm := s.Kubeadm[0]
	for _, program := range s.ControlPlane {
		services, _ := program.Flags.Prefixes("service-cluster-ip-range")
		if diff := cmp.Diff(kubeadm.ServiceSubnet, services, compareFacts); diff != "" {
			t.Errorf("%s: %s", program.Ref, diff)
		}
	}
	if host := s.Cilium.APIHost; host != kubeadm.Advertise.String() {
		t.Errorf("Cilium reaches the API server at %s, which advertises %s", host, kubeadm.Advertise)
	}
	if pools := s.MetalLB.Pools; len(pools) != 1 || !pools[0].Families().Dual() {
		t.Errorf("pools: %v", pools)
	}
}

// TestExamplesAreManifests: every Kubernetes object of the examples is one in the
// strictest sense, with no field that its type does not have.
func TestExamplesAreManifests(t *testing.T) {
	for _, name := range []string{"homelab", "homelab-today"} {
		files, problems := list([]string{"../../examples/" + name})
		if len(problems) > 0 || len(files) < 8 {
			t.Fatalf("%s: %d files, %v", name, len(files), problems)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range split(data) {
				var head struct{ APIVersion, Kind string }
				if err := yaml.Unmarshal(p.data, &head); err != nil {
					t.Fatal(err)
				}
				known, ok := types[group(head.APIVersion)+"/"+head.Kind]
				if !ok || head.APIVersion != "v1" && head.APIVersion != "apps/v1" && head.APIVersion != "discovery.k8s.io/v1" && head.APIVersion != "networking.k8s.io/v1" {
					continue
				}
				if err := yaml.UnmarshalStrict(p.data, known.make()); err != nil {
					t.Errorf("%s:%d: %v", file, p.line, err)
				}
			}
		}
	}
}
