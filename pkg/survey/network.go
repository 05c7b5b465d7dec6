package survey

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// ciliumValues is the source that Helm values are, beside the ConfigMap that was made
// of them.
const ciliumValues = "cilium-values"

// delegated notes what only the provider and the router know.
func (s *surveyor) delegated() {
	s.note("spec.delegated", "What the provider routes to the site, no component knows; write it, if there is something:", "delegated:", "  ipv6: PREFIX/LENGTH")
	s.note("spec.routed", "What the upstream router sends on to the nodes, no component knows; write it, if there is something:", "routed:", "  - PREFIX/LENGTH")
}

// lan is what is known of the network of the nodes: their addresses and the interface.
// No API has the length of its prefix.
func (s *surveyor) lan() {
	for _, f := range s.present {
		field := "spec.lan." + key(f)
		var addrs []netip.Addr
		for _, n := range s.snap.Nodes {
			for _, a := range n.HostIPs() {
				if ipfam.Of(a) == f {
					addrs = append(addrs, a)
				}
			}
		}
		slices.SortFunc(addrs, netip.Addr.Compare)
		switch addrs = slices.Compact(addrs); {
		case len(s.snap.Nodes) == 0:
			s.note(field, "no node is known; write the network that they are in:")
		case len(addrs) == 0:
			s.note(field, fmt.Sprintf("no node has an address of %s; write the network that they are in, if it has the family:", f))
		case len(addrs) == 1:
			s.note(field, fmt.Sprintf("a node has %s; no component knows the length of the prefix; write it:", addrs[0]))
		default:
			s.note(field, fmt.Sprintf("%d nodes have %s to %s; no component knows the length of the prefix; write it:", len(addrs), addrs[0], addrs[len(addrs)-1]))
		}
		s.note(field, key(f)+": PREFIX/LENGTH")
		if bits := commonBits(append(addrs, s.onLink(f)...)); bits >= leastLAN.Of(f) {
			s.note(field, fmt.Sprintf("/%d or shorter, to hold the nodes and the pools that are announced by layer 2", bits))
		}
		s.note(field, s.unread(snapshot.Nodes)...)
	}
	s.nodeInterface()
	s.note("spec.lan.reserved", "routers, DHCP and other hosts of the LAN, no component knows; write them:", "reserved:", "  - FROM-TO")
}

// leastLAN is the shortest prefix that is taken for one network of nodes. Addresses that
// have less in common are of several, and say nothing of one.
var leastLAN = ipfam.Pair[int]{V4: 16, V6: 48}

// onLink is the ends of the pools that are announced by layer 2, where hosts of the LAN
// ask for them.
func (s *surveyor) onLink(f ipfam.Family) []netip.Addr {
	var ends []netip.Addr
	for _, p := range s.plan.LoadBalancers {
		for _, r := range poolRanges(p.Addresses, f) {
			if p.Announce == "l2" {
				ends = append(ends, r.From(), r.To())
			}
		}
	}
	return ends
}

// commonBits is the length of the longest prefix that holds all of addrs, which are of
// one family; zero when they are fewer than two.
func commonBits(addrs []netip.Addr) int {
	if len(addrs) < 2 {
		return 0
	}
	for bits := addrs[0].BitLen(); bits > 0; bits-- {
		p := netip.PrefixFrom(addrs[0], bits)
		if !slices.ContainsFunc(addrs, func(a netip.Addr) bool { return !p.Contains(a) }) {
			return bits
		}
	}
	return 0
}

// nodeInterface is the interface of the nodes, where Cilium is told one.
func (s *surveyor) nodeInterface() {
	var statements []Statement
	for _, key := range []string{"devices", "ipv6-mcast-device", "direct-routing-device"} {
		// Names may end in + or be a list; then they are a choice, and no name.
		// Source: cilium v1.20.2, pkg/datapath/linux/devices_controller.go.
		if name := strings.TrimSpace(s.snap.Cilium.Config[key]); name != "" && !strings.ContainsAny(name, " ,+!") {
			statements = append(statements, Statement{name, s.ciliumSource(key)})
		}
	}
	if value, ok := s.settle("spec.lan.interface", statements, nil); ok {
		s.plan.LAN.Interface = value
	}
}

// ciliumSource is where Cilium is told key: in the ConfigMap, or in Helm values.
func (s *surveyor) ciliumSource(key string) Source {
	c := s.snap.Cilium
	if c.ConfigRef.Kind == "ConfigMap" {
		return s.source("cilium", ".data."+key, c.ConfigRef)
	}
	return s.source("cilium", c.Values.Field(key), c.ConfigRef)
}

// egress is how pods leave, which Cilium is told. Of other network plugins it is not
// known.
func (s *surveyor) egress() {
	c := s.snap.Cilium
	for _, f := range s.present {
		field := "spec.egress." + key(f)
		if c.ConfigRef == (snapshot.Ref{}) {
			s.note(field, fmt.Sprintf("no source says how pods leave over %s; write it:", f), key(f)+": masquerade, routed or none")
			s.note(field, s.unread(snapshot.CiliumConfig)...)
			continue
		}
		if !c.Config.Enabled(f) {
			s.note(field, fmt.Sprintf("Cilium has %s off: %s", f, s.ciliumSource(cilium.Key("enable-%s", f))))
			continue
		}
		statements := []Statement{s.leaves(c.Config, f, s.ciliumSource(cilium.Key("enable-%s-masquerade", f)))}
		if v := c.Values; v.Ref != (snapshot.Ref{}) && v.Ref != c.ConfigRef {
			statements = append(statements, s.leaves(v.Rendered, f, s.source(ciliumValues, v.Field(cilium.Key("enable-%s-masquerade", f)), v.Ref)))
		}
		value, ok := s.settle(field, statements, nil)
		s.note(field, s.overridden()...)
		if !ok {
			continue
		}
		*s.plan.Egress.At(f) = plan.Egress(value)
		s.exceptions(field, f)
	}
}

// overridden is the CiliumNodeConfigs, which say something else for some nodes; what,
// is not read.
func (s *surveyor) overridden() []string {
	var lines []string
	for _, ref := range s.snap.Cilium.NodeConfigs {
		lines = append(lines, fmt.Sprintf("not looked into, and in force on some nodes: %s", ref))
	}
	return some(lines)
}

// leaves is how pods leave by configuration c.
func (s *surveyor) leaves(c cilium.Config, f ipfam.Family, at Source) Statement {
	if !c.Has(cilium.Key("enable-%s-masquerade", f)) {
		at.Field += ", which is not set: the agent's default"
	}
	if c.Masquerade(f) == cilium.NoMasquerade {
		return Statement{string(plan.RoutedEgress), at}
	}
	return Statement{string(plan.Masquerade), at}
}

// exceptions notes to where pods leave with their own address all the same.
func (s *surveyor) exceptions(field string, f ipfam.Family) {
	if s.plan.Egress.Of(f) != plan.Masquerade {
		return
	}
	c := s.snap.Cilium.Config
	if p, set, err := c.NativeCIDR(f); set && err == nil {
		s.note(field, fmt.Sprintf("but not to %s: %s", p, s.ciliumSource(cilium.Key("%s-native-routing-cidr", f))))
	}
	if c.Bool("enable-ip-masq-agent", false) {
		s.note(field, "but not to what the ip-masq-agent's list has: "+s.ciliumSource("enable-ip-masq-agent").String())
	}
}

// versions is what runs; the limits of a plan hang on it.
func (s *surveyor) versions() {
	var statements []Statement
	for _, c := range s.snap.ControlPlane {
		if c.Program == snapshot.APIServer && c.Version.Known() {
			statements = append(statements, Statement{c.Version.String(), s.source(c.Program, "image", c.Ref)})
		}
	}
	switch {
	case s.snap.Source.Live && s.snap.Kubernetes.Known():
		statements = []Statement{{s.snap.Kubernetes.String(), s.source(snapshot.APIServer, "/version", snapshot.Ref{})}}
	case len(statements) == 0 && s.snap.Kubernetes.Known():
		statements = []Statement{{s.snap.Kubernetes.String(), s.intended()}}
	}
	if value, ok := s.settle("spec.versions.kubernetes", statements, nil); ok {
		s.plan.Versions.Kubernetes = parsed(value)
	}
	if v := s.snap.Cilium.Version; v.Known() {
		s.plan.Versions.Cilium = v
		s.note("spec.versions.cilium", s.source("cilium", "image", s.snap.Cilium.DaemonSet).String())
	}
	if v := s.snap.MetalLB.Version; v.Known() {
		s.plan.Versions.MetalLB = v
		s.note("spec.versions.metallb", s.source("metallb", "image", s.snap.MetalLB.Controller).String())
	}
}

// intended is the configuration that names the release.
func (s *surveyor) intended() Source {
	for _, k := range s.snap.Kubeadm {
		if k.Kubernetes == s.snap.Kubernetes {
			return s.source(k.Source(), ".kubernetesVersion", k.Ref)
		}
	}
	return s.source("version", "", snapshot.Ref{})
}

func parsed(text string) release.Version {
	v, err := release.Parse(text)
	if err != nil {
		return release.Version{}
	}
	return v
}
