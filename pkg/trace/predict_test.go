package trace

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

func ips(texts ...string) (all []netip.Addr) {
	for _, text := range texts {
		all = append(all, netip.MustParseAddr(text))
	}
	return all
}

func prefixes(texts ...string) (all []netip.Prefix) {
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

func ref(kind, namespace, name string) snapshot.Ref {
	return snapshot.Ref{Kind: kind, Namespace: namespace, Name: name}
}

// homelab is a Pod of the homelab with Cilium: IPv4 masqueraded by BPF, IPv6 not.
func homelab() *snapshot.Scene {
	s := &snapshot.Scene{
		Source: snapshot.Workload{Pod: snapshot.Pod{Ref: ref("Pod", "lab", "web"), Node: "node-1", IPs: ips("10.244.0.35", "2001:db8:7653:299:cafe::2ebb"), Running: true}, Phase: "Running"},
	}
	s.Nodes = []snapshot.Node{
		{Ref: ref("Node", "", "node-0"), InternalIPs: ips("192.168.16.21", "2001:db8:7653:216::21")},
		{Ref: ref("Node", "", "node-1"), InternalIPs: ips("192.168.16.22", "2001:db8:7653:216::22")},
	}
	s.CiliumNodes = []snapshot.CiliumNode{
		{Ref: ref("CiliumNode", "", "node-0"), Internal: s.Nodes[0].InternalIPs, Router: ips("10.244.1.5", "2001:db8:7653:299:cafe:0:1:5"), PodCIDRs: prefixes("10.244.1.0/24", "2001:db8:7653:299:cafe:0:1:0/112")},
		{Ref: ref("CiliumNode", "", "node-1"), Internal: s.Nodes[1].InternalIPs, Router: ips("10.244.0.5", "2001:db8:7653:299:cafe::5"), PodCIDRs: prefixes("10.244.0.0/24", "2001:db8:7653:299:cafe::/112")},
	}
	s.Cilium = snapshot.Cilium{
		ConfigRef: ref("ConfigMap", "kube-system", "cilium-config"), DaemonSet: ref("DaemonSet", "kube-system", "cilium"), Namespace: "kube-system", Version: release.V(1, 20, 2),
		Config: cilium.Config{
			"enable-ipv4": "true", "enable-ipv6": "true", "enable-ipv4-masquerade": "true", "enable-ipv6-masquerade": "false", "enable-bpf-masquerade": "true",
			"kube-proxy-replacement": "true", "routing-mode": "tunnel", "tunnel-protocol": "vxlan", "ipam": "cluster-pool",
			"cluster-pool-ipv4-cidr": "10.244.0.0/16", "cluster-pool-ipv6-cidr": "2001:db8:7653:299:cafe::/96",
		},
	}
	s.AllNodes = true
	return s
}

func homelabPlan(t *testing.T) *plan.Plan {
	t.Helper()
	p, problems := plan.Parse("plan.yaml", []byte(`apiVersion: dualstack/v1alpha1
kind: AddressPlan
metadata: {name: homelab}
spec:
  delegated: {ipv6: "2001:db8:7653:200::/56"}
  lan: {ipv4: 192.168.16.0/24, ipv6: "2001:db8:7653:216::/64"}
  routed: ["2001:db8:7653:299::/64"]
  pods: {ipv4: 10.244.0.0/16, ipv6: "2001:db8:7653:299:cafe::/96", nodeMask: {ipv4: 24, ipv6: 112}}
  services: {ipv4: 10.96.0.0/16, ipv6: "2001:db8:7653:299:cafe:1::/112"}
`))
	if p == nil {
		t.Fatal(problems)
	}
	return p
}

// brief is what matters of a path: verdict, source, mechanism, and the hops that are not
// plain.
func brief(p Path) string {
	source := "?"
	if p.Source.IsValid() {
		source = p.Source.String()
	}
	text := fmt.Sprintf("%s %s by %s", p.Verdict, source, p.Mechanism)
	if p.Beyond {
		text += ", translated beyond"
	}
	for _, h := range p.Hops {
		if h.State == Stops || h.State == Open || h.State == Doubtful {
			text += fmt.Sprintf("; %s %s", h.Step, h.State)
			if h.Check != "" {
				text += " " + h.Check
			}
		}
	}
	return text
}

const (
	own4, own6   = "10.244.0.35", "2001:db8:7653:299:cafe::2ebb"
	node4, node6 = "192.168.16.22", "2001:db8:7653:216::22"
)

func TestPredict(t *testing.T) {
	set := func(keys ...string) func(*snapshot.Scene) {
		return func(s *snapshot.Scene) {
			for i := 0; i < len(keys); i += 2 {
				s.Cilium.Config[keys[i]] = keys[i+1]
			}
		}
	}
	version := func(major, minor int, then func(*snapshot.Scene)) func(*snapshot.Scene) {
		return func(s *snapshot.Scene) { s.Cilium.Version = release.V(major, minor); then(s) }
	}
	for _, tc := range []struct {
		name     string
		change   func(*snapshot.Scene)
		to       string
		unplaned bool
		v4, v6   string
	}{
		{name: "homelab", v4: "reaches " + node4 + " by BPF, translated beyond", v6: "reaches " + own6 + " by none"},
		{name: "without a plan", unplaned: true, v4: "reaches " + node4 + " by BPF, translated beyond", v6: "unknown " + own6 + " by none; return unknown"},
		{name: "host on the LAN", to: "192.168.16.50,2001:db8:7653:216::50", v4: "reaches " + node4 + " by BPF", v6: "reaches " + own6 + " by none"},
		{name: "own node", to: node4 + "," + node6, v4: "reaches " + own4 + " by none", v6: "reaches " + own6 + " by none"},
		{name: "another node, through the tunnel's cluster", to: "192.168.16.21,2001:db8:7653:216::21", v4: "reaches " + node4 + " by BPF", v6: "reaches " + own6 + " by none"},
		{name: "another node with native routing", change: set("routing-mode", "native", "auto-direct-node-routes", "true", "enable-ipv6-masquerade", "true"),
			to: "192.168.16.21,2001:db8:7653:216::21", v4: "reaches " + own4 + " by none", v6: "reaches " + own6 + " by none"},
		{name: "remote nodes masqueraded", change: set("routing-mode", "native", "enable-remote-node-masquerade", "true"),
			to: "192.168.16.21,2001:db8:7653:216::21", v4: "reaches " + node4 + " by BPF", v6: "reaches " + own6 + " by none"},
		{name: "cilium_host of another node, in the tunnel", to: "10.244.1.5,2001:db8:7653:299:cafe:0:1:5", v4: "reaches " + own4 + " by none", v6: "reaches " + own6 + " by none"},
		{name: "an address of another node's block", to: "10.244.1.77,2001:db8:7653:299:cafe:0:1:77", v4: "reaches " + own4 + " by none", v6: "reaches " + own6 + " by none"},
		{name: "an address of no block", to: "10.244.99.1,2001:db8:7653:299:cafe:0:99:1", v4: "unknown " + own4 + " by none; datapath unknown", v6: "unknown " + own6 + " by none; datapath unknown"},
		{name: "an address of the Services that none has", to: "10.96.9.9,2001:db8:7653:299:cafe:1:0:9", v4: "fails " + own4 + " by none; service stops", v6: "fails " + own6 + " by none; service stops"},
		{name: "nodes not read", change: func(s *snapshot.Scene) { s.AllNodes = false }, to: "192.168.16.50,2001:db8:7653:216::50",
			v4: "unknown ? by unknown; masquerade unknown", v6: "unknown ? by unknown; masquerade unknown"},
		{name: "overrides of nodes not read", change: func(s *snapshot.Scene) {
			s.Gaps = []snapshot.Gap{{Kind: "ciliumnodeconfigs", Reason: snapshot.Forbidden}}
		}, v4: "unknown ? by unknown; masquerade unknown; return unknown", v6: "unknown ? by unknown; masquerade unknown; return unknown"},
		{name: "whose address it is not read", change: func(s *snapshot.Scene) {
			s.Gaps = []snapshot.Gap{{Kind: "ipaddresses", Reason: snapshot.Forbidden}}
		}, to: "10.96.9.9,2001:db8:7653:299:cafe:1:0:9", v4: "unknown ? by unknown; masquerade unknown", v6: "unknown ? by unknown; masquerade unknown"},
		{name: "both masqueraded", change: set("enable-ipv6-masquerade", "true"), v4: "reaches " + node4 + " by BPF, translated beyond", v6: "reaches " + node6 + " by BPF"},
		{name: "missing keys are the agent's defaults", change: func(s *snapshot.Scene) {
			delete(s.Cilium.Config, "enable-ipv6-masquerade")
			delete(s.Cilium.Config, "enable-bpf-masquerade")
		}, v4: "reaches " + node4 + " by iptables, translated beyond", v6: "reaches " + node6 + " by iptables"},
		{name: "IPv4 not masqueraded: no way back", change: set("enable-ipv4-masquerade", "false", "enable-bpf-masquerade", "false"),
			v4: "fails " + own4 + " by none, translated beyond; return stops DS404", v6: "reaches " + own6 + " by none"},
		{name: "iptables", change: set("enable-bpf-masquerade", "false"), v4: "reaches " + node4 + " by iptables, translated beyond", v6: "reaches " + own6 + " by none"},
		{name: "iptables and chosen interfaces", change: set("enable-bpf-masquerade", "false", "egress-masquerade-interfaces", "eth1"),
			v4: "unknown ? by unknown; masquerade unknown; return unknown", v6: "reaches " + own6 + " by none"},
		{name: "iptables to the route's source", change: set("enable-bpf-masquerade", "false", "enable-masquerade-to-route-source", "true"),
			v4: "unknown ? by unknown; masquerade unknown; return unknown", v6: "reaches " + own6 + " by none"},
		{name: "iptables and a Pod of a second range", change: func(s *snapshot.Scene) {
			s.Cilium.Config["enable-bpf-masquerade"] = "false"
			s.CiliumNodes[1].PodCIDRs = prefixes("10.244.7.0/24", "2001:db8:7653:299:cafe::/112", "10.244.0.0/24")
		}, v4: "fails " + own4 + " by none, translated beyond; return stops DS404", v6: "reaches " + own6 + " by none"},
		{name: "native routing CIDR over the LAN", change: set("ipv4-native-routing-cidr", "192.168.0.0/16"), to: "192.168.16.50,2001:db8:7653:216::50",
			v4: "fails " + own4 + " by none; masquerade doubtful DS407; return stops DS404", v6: "reaches " + own6 + " by none"},
		{name: "native routing CIDR over the internet", change: set("enable-ipv6-masquerade", "true", "ipv6-native-routing-cidr", "2000::/3"),
			v4: "reaches " + node4 + " by BPF, translated beyond", v6: "reaches " + own6 + " by none; masquerade doubtful DS407"},
		{name: "ip-masq-agent", change: func(s *snapshot.Scene) {
			set("enable-ip-masq-agent", "true", "enable-ipv6-masquerade", "true")(s)
			s.IPMasq.NonMasquerade = prefixes("192.168.0.0/16", "fe80::/10")
		}, to: "192.168.16.50,2001:db8:7653:216::50", v4: "fails " + own4 + " by none; return stops DS404", v6: "reaches " + node6 + " by BPF"},
		{name: "ip-masq-agent not read", change: func(s *snapshot.Scene) {
			set("enable-ip-masq-agent", "true")(s)
			s.Gaps = []snapshot.Gap{{Kind: "ip-masq-agent", Reason: snapshot.Forbidden}}
		}, v4: "unknown ? by unknown; masquerade unknown; return unknown", v6: "reaches " + own6 + " by none"},
		{name: "pool by pool", change: set("only-masquerade-default-pool", "true"), v4: "unknown ? by unknown; masquerade unknown; return unknown", v6: "reaches " + own6 + " by none"},
		{name: "an old agent may fall back", change: version(1, 13, set("kube-proxy-replacement", "disabled")),
			v4: "unknown ? by unknown; masquerade unknown; return unknown", v6: "reaches " + own6 + " by none"},
		{name: "the agent is older than its configuration", change: func(s *snapshot.Scene) {
			s.Cilium.Changed = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
			s.Cilium.Agents = []snapshot.CiliumAgent{{Node: "node-1", Started: s.Cilium.Changed.Add(-time.Hour)}}
		}, v4: "unknown ? by unknown; masquerade unknown DS414; return unknown", v6: "unknown ? by unknown; masquerade unknown DS414; return unknown"},
		{name: "the node has two addresses of IPv6", change: func(s *snapshot.Scene) {
			set("enable-ipv6-masquerade", "true")(s)
			s.Nodes[1].InternalIPs = ips(node4, node6, "2001:db8:7653:216::2222")
		}, v4: "reaches " + node4 + " by BPF, translated beyond", v6: "unknown ? by BPF; masquerade unknown DS301; return unknown"},
		{name: "the node has no IPv6 in the API", change: func(s *snapshot.Scene) {
			s.Nodes[1].InternalIPs, s.CiliumNodes[1].Internal = ips(node4), ips(node4)
		}, v4: "reaches " + node4 + " by BPF, translated beyond", v6: "unknown " + own6 + " by none; node unknown DS301"},
		{name: "IPv6 off", change: set("enable-ipv6", "false"), v4: "reaches " + node4 + " by BPF, translated beyond", v6: "fails " + own6 + " by none; datapath stops DS401"},
		{name: "a Pod of one family", change: func(s *snapshot.Scene) { s.Source.IPs = ips(own4) }, v4: "reaches " + node4 + " by BPF, translated beyond", v6: "fails ? by none; pod stops DS607"},
		{name: "in the host's network", change: func(s *snapshot.Scene) { s.Source.HostNetwork, s.Source.IPs = true, ips(node4, node6) },
			v4: "reaches " + node4 + " by host, translated beyond", v6: "reaches " + node6 + " by host"},
		{name: "in the host's network, of which the API has IPv4", change: func(s *snapshot.Scene) {
			s.Source.HostNetwork, s.Source.IPs = true, ips(node4)
			s.Nodes[1].InternalIPs, s.CiliumNodes[1].Internal = ips(node4), ips(node4)
		}, v4: "reaches " + node4 + " by host, translated beyond", v6: "unknown ? by host; pod unknown DS608; node unknown DS301; masquerade unknown; return unknown"},
		{name: "from the host to a Pod", change: func(s *snapshot.Scene) { s.Source.HostNetwork, s.Source.IPs = true, ips(node4, node6) },
			to: "10.244.1.77,2001:db8:7653:299:cafe:0:1:77", v4: "reaches 10.244.0.5 by host", v6: "reaches 2001:db8:7653:299:cafe::5 by host"},
		{name: "nothing known of the network", change: func(s *snapshot.Scene) { s.Cilium, s.CiliumNodes = snapshot.Cilium{}, nil },
			v4: "unknown ? by unknown; masquerade unknown; return unknown", v6: "unknown ? by unknown; masquerade unknown; return unknown"},
		{name: "flannel", change: func(s *snapshot.Scene) {
			s.Cilium, s.CiliumNodes = snapshot.Cilium{}, nil
			s.Plugin = snapshot.Plugin{Name: "flannel", Backend: "vxlan"}
			s.Plugin.Pools.V4 = []snapshot.PodPool{{Prefix: netip.MustParsePrefix("10.244.0.0/16"), Masquerades: true, Key: "--ip-masq=true"}}
			s.Plugin.Pools.V6 = []snapshot.PodPool{{Prefix: netip.MustParsePrefix("2001:db8:7653:299:cafe::/96"), Masquerades: false, Key: "--ip-masq=false"}}
		}, v4: "reaches " + node4 + " by network plugin, translated beyond", v6: "reaches " + own6 + " by none"},
		{name: "a private network that no plan has", to: "172.16.5.5,fd00:5::5", v4: "unknown " + node4 + " by BPF; router unknown", v6: "unknown " + own6 + " by none; router unknown"},
		{name: "one address asks for one family", to: "198.51.100.7:443", v4: "reaches " + node4 + " by BPF, translated beyond", v6: " ? by "},
		{name: "cilium-config not read", change: func(s *snapshot.Scene) {
			s.Gaps = []snapshot.Gap{{Kind: snapshot.CiliumConfig, Reason: snapshot.Forbidden}}
		}, v4: "unknown ? by unknown; datapath unknown; return unknown", v6: "unknown ? by unknown; datapath unknown; return unknown"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := homelab()
			if tc.change != nil {
				tc.change(s)
			}
			var p *plan.Plan
			if !tc.unplaned {
				p = homelabPlan(t)
			}
			to := tc.to
			if to == "" {
				to = "internet"
			}
			target, err := ParseTarget(to, "lab")
			if err != nil {
				t.Fatal(err)
			}
			got := Predict(s, p, Query{Target: target, Require: RequireBoth})
			for _, one := range []struct {
				path Path
				want string
			}{{got.Paths.V4, tc.v4}, {got.Paths.V6, tc.v6}} {
				if said := brief(one.path); said != one.want {
					t.Errorf("%s: %q, want %q", one.path.Family, said, one.want)
				}
			}
		})
	}
}

// withService is the homelab with a Service of two endpoints, one on each node.
func withService(s *snapshot.Scene) {
	s.Services = []snapshot.Service{{Ref: ref("Service", "lab", "db"), Type: "ClusterIP", ClusterIPs: ips("10.96.1.1", "2001:db8:7653:299:cafe:1:0:1")}}
	s.Ports = []uint16{5432}
	for _, e := range []struct{ a, node string }{{"10.244.0.40", "node-1"}, {"10.244.1.40", "node-0"}, {"2001:db8:7653:299:cafe::40", "node-1"}, {"2001:db8:7653:299:cafe:0:1:40", "node-0"}} {
		a := netip.MustParseAddr(e.a)
		s.Endpoints = append(s.Endpoints, snapshot.Endpoint{Family: ipfam.Of(a), Address: a, Port: 5432, Node: e.node, Ready: true})
	}
}

func TestPredictService(t *testing.T) {
	withoutCilium := func(s *snapshot.Scene) {
		s.Cilium, s.CiliumNodes = snapshot.Cilium{}, nil
		s.Nodes[0].PodCIDRs, s.Nodes[1].PodCIDRs = prefixes("10.244.1.0/24", "2001:db8:7653:299:cafe:0:1:0/112"), prefixes("10.244.0.0/24", "2001:db8:7653:299:cafe::/112")
		s.KubeProxy = snapshot.KubeProxy{DaemonSet: ref("DaemonSet", "kube-system", "kube-proxy"), Mode: "nftables", ClusterCIDR: prefixes("10.244.0.0/16", "2001:db8:7653:299:cafe::/96")}
	}
	balanced := func(local bool) func(*snapshot.Scene) {
		return func(s *snapshot.Scene) {
			withoutCilium(s)
			s.Services[0].Type, s.Services[0].Ingress, s.Services[0].LocalTraffic = "LoadBalancer", ips("192.168.16.110", "2001:db8:7653:216::110"), local
		}
	}
	for _, tc := range []struct {
		name, to string
		change   func(*snapshot.Scene)
		v4, v6   string
		branches int
	}{
		{name: "Cilium", v4: "reaches " + own4 + " by none", v6: "reaches " + own6 + " by none", branches: 2},
		{name: "endpoints of IPv4 only", change: func(s *snapshot.Scene) { s.Endpoints = s.Endpoints[:2] }, v4: "reaches " + own4 + " by none", v6: "fails ? by none; service stops DS605", branches: 2},
		{name: "none ready", change: func(s *snapshot.Scene) {
			for i := range s.Endpoints {
				s.Endpoints[i].Ready = false
			}
		}, v4: "fails ? by none; service stops DS605", v6: "fails ? by none; service stops DS605"},
		{name: "a Service of IPv4 only", change: func(s *snapshot.Scene) { s.Services[0].ClusterIPs = ips("10.96.1.1") }, v4: "reaches " + own4 + " by none", v6: "fails ? by none; service stops DS601", branches: 2},
		{name: "nobody serves it", change: func(s *snapshot.Scene) { withoutCilium(s); s.KubeProxy = snapshot.KubeProxy{} },
			v4: "unknown ? by none; service unknown DS413", v6: "unknown ? by none; service unknown DS413"},
		{name: "kube-proxy", change: withoutCilium, v4: "reaches " + own4 + " by none", v6: "reaches " + own6 + " by none", branches: 2},
		{name: "kube-proxy that knows IPv4 Pods only", change: func(s *snapshot.Scene) {
			withoutCilium(s)
			s.KubeProxy.ClusterCIDR = prefixes("10.244.0.0/16")
		}, v4: "reaches " + own4 + " by none", v6: "reaches " + own6 + " by none", branches: 2},
		{name: "kube-proxy with another cluster CIDR", change: func(s *snapshot.Scene) {
			withoutCilium(s)
			s.KubeProxy.ClusterCIDR = prefixes("10.99.0.0/16", "fd99::/96")
		}, v4: "reaches ? by kube-proxy", v6: "reaches ? by kube-proxy", branches: 2},
		{name: "load balancer by kube-proxy", to: "192.168.16.110,2001:db8:7653:216::110", change: balanced(false), v4: "reaches ? by kube-proxy", v6: "reaches ? by kube-proxy", branches: 2},
		{name: "load balancer with local traffic", to: "192.168.16.110,2001:db8:7653:216::110", change: balanced(true), v4: "reaches " + own4 + " by none", v6: "reaches " + own6 + " by none", branches: 2},
		{name: "only on its node", change: func(s *snapshot.Scene) { s.InternalLocal = true }, v4: "reaches " + own4 + " by none", v6: "reaches " + own6 + " by none"},
		{name: "headless, IPv4 only", change: func(s *snapshot.Scene) {
			s.Services[0].Headless, s.Services[0].ClusterIPs, s.Endpoints = true, nil, s.Endpoints[:2]
		}, v4: "reaches " + own4 + " by none", v6: "fails ? by none; service stops DS605", branches: 2},
		{name: "to itself by kube-proxy", change: func(s *snapshot.Scene) {
			withoutCilium(s)
			s.Endpoints[0].Address, s.Endpoints[2].Address = netip.MustParseAddr(own4), netip.MustParseAddr(own6)
		}, v4: "reaches ? by unknown", v6: "reaches ? by unknown", branches: 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := homelab()
			withService(s)
			if tc.change != nil {
				tc.change(s)
			}
			to := tc.to
			if to == "" {
				to = "svc/db"
			}
			target, err := ParseTarget(to, "lab")
			if err != nil {
				t.Fatal(err)
			}
			got := Predict(s, homelabPlan(t), Query{Target: target, Require: RequireBoth})
			if said := brief(got.Paths.V4); said != tc.v4 {
				t.Errorf("IPv4: %q, want %q", said, tc.v4)
			}
			if said := brief(got.Paths.V6); said != tc.v6 {
				t.Errorf("IPv6: %q, want %q", said, tc.v6)
			}
			if n := len(got.Paths.V4.Branches); n != tc.branches {
				t.Errorf("%d branches, want %d", n, tc.branches)
			}
		})
	}
}

func TestParseTarget(t *testing.T) {
	for text, want := range map[string]string{
		"internet":                      "internet  0",
		"192.0.2.7":                     "address 192.0.2.7 0",
		"192.0.2.7:80":                  "address 192.0.2.7 80",
		"2001:db8::7":                   "address 2001:db8::7 0",
		"[2001:db8::7]:443":             "address 2001:db8::7 443",
		"::ffff:192.0.2.7":              "address 192.0.2.7 0",
		"svc/web":                       "service Service lab web 0",
		"service/web:8080":              "service Service lab web 8080",
		"svc/shop/web":                  "service Service shop web 0",
		"po/web-7d9.x":                  "pod Pod lab web-7d9.x 0",
		"web.shop.svc":                  "service Service shop web 0",
		"web.shop.svc.a.b:5432":         "service Service shop web 5432",
		"example.org":                   "name example.org 0",
		"example.org.:443":              "name example.org 443",
		"192.0.2.7,2001:db8::7":         "address 192.0.2.7 2001:db8::7 0",
		"192.0.2.7:80,[2001:db8::7]:80": "address 192.0.2.7 2001:db8::7 80",
		"192.0.2.7,192.0.2.8":           "error",
		"192.0.2.7:80,[2001:db8::7]:81": "error",
		"fe80::1%eth0":                  "error",
		"deploy/web":                    "error",
		"svc/":                          "error",
		"svc/a/b/c":                     "error",
		"example.org:http":              "error",
		"example.org:0":                 "error",
		"":                              "error",
		"a b":                           "error",
		"https://example.org":           "error",
	} {
		got, err := ParseTarget(text, "lab")
		said := "error"
		if err == nil {
			parts := []string{string(got.Kind)}
			for _, part := range []string{got.Ref.Kind, got.Ref.Namespace, got.Ref.Name, got.Name} {
				if part != "" {
					parts = append(parts, part)
				}
			}
			for _, f := range ipfam.All {
				if a := got.Addresses.Of(f); a.IsValid() {
					parts = append(parts, a.String())
				}
			}
			if len(parts) == 1 {
				parts = append(parts, "")
			}
			said = strings.Join(append(parts, fmt.Sprint(got.Port)), " ")
		}
		if said != want {
			t.Errorf("%q: %q, want %q (%v)", text, said, want, err)
		}
	}
}

func FuzzParseTarget(f *testing.F) {
	for _, text := range []string{"internet", "svc/a/b:1", "[::1]:80", "1.2.3.4,::1", "a.b.svc", "%"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseTarget(text, "lab")
		if err == nil && got.Kind == "" {
			t.Errorf("%q is of no kind", text)
		}
	})
}
