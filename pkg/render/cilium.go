package render

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// The releases at which Helm values of Cilium changed, each from the upgrade notes
// (cilium v1.20.2 and v1.15.19, Documentation/operations/upgrade.rst) or the issue.
var (
	// firstCilium is the first release that has a switch for the masquerade of each
	// family, and the first whose values are written here.
	firstCilium = release.V(1, 10)
	// poolLists is the first release with clusterPoolIPv4PodCIDRList; before, there is
	// one range, in clusterPoolIPv4PodCIDR.
	poolLists = release.V(1, 11)
	// routingModeFrom is the first release with routingMode in place of tunnel.
	routingModeFrom = release.V(1, 14)
	// replacementIsTruth is the first release in which kubeProxyReplacement is true
	// or false; before, it is «strict» (cilium/cilium#26577).
	replacementIsTruth = release.V(1, 14)
	// tooBigReturned is the first release whose BPF masquerade brings ICMPv6
	// packet-too-big back to the pods (cilium/cilium#39505, #40002). Before 1.14 it
	// has no IPv6 at all (cilium/cilium#23165).
	tooBigReturned = release.V(1, 18)
	// detectsDevice and wantsDevice are the releases between which the agent finds
	// the device of ipv6-mcast-device by itself: 1.11 (cilium/cilium#16692), and
	// still 1.15.19; 1.16 to 1.19 were not read.
	detectsDevice = release.V(1, 11)
	wantsDevice   = release.V(1, 16)
	// choosesBalancer is the first release in which defaultLBServiceIPAM is known to
	// be a value of the chart; 1.15.19 does not have it, 1.16 to 1.19 were not read.
	// A chart that does not have the value passes over it, and LB IPAM does nothing
	// while there is no CiliumLoadBalancerIPPool.
	choosesBalancer = release.V(1, 16)
	// announcesL2 is the first release with L2 announcements.
	announcesL2 = release.V(1, 14)
)

const valuesFile = "cilium-values.yaml"

// ciliumValues is the values of Cilium's chart.
func ciliumValues(j *job) {
	c := ciliumRendering{job: j, version: j.cilium(), file: valuesFile}
	entries := c.values()
	j.yaml(valuesFile, fmt.Sprintf("helm install cilium cilium/cilium --version %s --namespace kube-system --values %s", c.chart(), valuesFile),
		document{root: mapping(entries...)})
}

// ciliumRendering is the rendering of Cilium's configuration for a release.
type ciliumRendering struct {
	*job
	version release.Version
	file    string // which the notes are about
}

// chart is the version of the chart: that of the release, or the newest patch of it.
func (c ciliumRendering) chart() string {
	if c.version.Patch == 0 {
		return fmt.Sprintf("%d.%d.x", c.version.Major, c.version.Minor)
	}
	return c.version.String()
}

// values is the values of the chart, in groups, each with its reasons above it.
func (c ciliumRendering) values() []entry {
	if c.version.Before(firstCilium) {
		c.fault("", "Cilium %s: want %s or later", c.version, firstCilium)
		return nil
	}
	if c.opts.OwnCNI {
		c.fault("", "the network plug-in is the distribution's own: there is no Cilium to configure")
	}
	c.checkMasks(plan.NodeMaskLimit)
	return slices.Concat(c.families(), c.ipam(), c.egress(), c.routing(), c.replacement(), c.balancer(), c.extra())
}

// families switches each family on or off: the chart's default is off for IPv6.
func (c ciliumRendering) families() []entry {
	var entries []entry
	for _, f := range ipfam.All {
		on := c.plan.Want().Has(f)
		entries = append(entries, key(strings.ToLower(f.String()), mapping(key("enabled", truth(on, c.from("spec.families"))))))
	}
	return entries
}

// ipam is the ranges that the operator cuts nodes' blocks out of. The chart's own
// defaults are 10.0.0.0/8 and fd00::/104 with other masks than the operator's, so that
// all is written.
func (c ciliumRendering) ipam() []entry {
	var entries []entry
	c.pods() // a fault for each that is missing
	for _, f := range c.plan.Families {
		p := c.plan.Pods.Prefixes.Of(f)
		if !p.IsValid() {
			continue
		}
		text, why := p.Masked().String(), c.from(of("spec.pods", f))
		list := key("clusterPool"+f.String()+"PodCIDRList", sequence(scalar(text, why)))
		if c.version.Before(poolLists) {
			list = key("clusterPool"+f.String()+"PodCIDR", scalar(text, why))
		}
		mask, why := c.mask(f)
		entries = append(entries, list, key("clusterPool"+f.String()+"MaskSize", number(mask, why)))
	}
	return []entry{key("ipam", mapping(
		key("mode", scalar("cluster-pool", "")),
		key("operator", mapping(entries...)))).
		under("Cilium's operator gives every node its blocks, whatever Node.spec.podCIDRs says.")}
}

// masquerades reports whether pods leave with a node's address; given is whether the
// plan says so.
func (c ciliumRendering) masquerades(f ipfam.Family) (masquerade, given bool) {
	e := c.plan.Egress.Of(f)
	return e == plan.Masquerade, e != ""
}

// egress says with which address pods leave.
func (c ciliumRendering) egress() []entry {
	var entries []entry
	for _, f := range c.plan.Families {
		masquerade, given := c.masquerades(f)
		field := of("spec.egress", f)
		if !given {
			c.note(c.file, "%s is not given: Cilium masquerades %s by itself", field, f)
			continue
		}
		entries = append(entries, key("enable"+f.String()+"Masquerade", truth(masquerade, c.from(field)+" "+string(c.plan.Egress.Of(f)))))
	}
	if len(entries) > 0 {
		entries[0].above = "Masquerade: pods leave with a node's address. Otherwise with their own, and answers have to find\nthe way back."
	}
	return append(entries, c.bpfMasquerade()...)
}

// bpfMasquerade switches the masquerade in BPF on, for both families at once, where it
// works for those that are masqueraded. An agent does not start with it when there is
// nothing to masquerade, from 1.15 on (cilium v1.20.2, daemon/cmd/daemon.go).
func (c ciliumRendering) bpfMasquerade() []entry {
	var on ipfam.Set
	said := false
	for _, f := range c.plan.Families {
		masquerade, given := c.masquerades(f)
		said = said || given
		if masquerade || !given { // the chart's default
			on = on.With(f)
		}
	}
	switch {
	case on.Empty() || !said:
		return nil
	case on.Has(ipfam.V6) && c.version.Before(tooBigReturned):
		return []entry{key("bpf", mapping(key("masquerade", truth(false, "")))).
			under(fmt.Sprintf("Not in BPF, which has no IPv6 before 1.14 and does not bring ICMPv6 packet-too-big back before %s.", tooBigReturned))}
	}
	return []entry{key("bpf", mapping(key("masquerade", truth(true, ""))))}
}

// routing is how packets get from node to node: through the tunnel, which is the
// default, and over IPv4 where the plan has it. Before cilium.UnderlayFrom it cannot
// run over IPv6, so that a cluster without IPv4 is routed natively.
func (c ciliumRendering) routing() []entry {
	if c.plan.Want().Has(ipfam.V4) {
		return nil
	}
	if !c.version.Before(cilium.UnderlayFrom) {
		return []entry{key("underlayProtocol", scalar("ipv6", c.from("spec.families"))).under("The tunnel between the nodes.")}
	}
	mode := key("routingMode", scalar("native", ""))
	if c.version.Before(routingModeFrom) {
		mode = key("tunnel", scalar("disabled", ""))
	}
	mode = mode.under(fmt.Sprintf("Before %s the tunnel between the nodes runs over IPv4 only; they have to be on one network.", cilium.UnderlayFrom))
	entries := []entry{mode, key("autoDirectNodeRoutes", truth(true, ""))}
	if pods := c.plan.Pods.Prefixes.V6; pods.IsValid() && !c.version.Before(cilium.FamilyNativeKeys) {
		entries = append(entries, key("ipv6NativeRoutingCIDR", scalar(pods.Masked().String(), c.from("spec.pods.ipv6"))))
	}
	return entries
}

// replacement puts Cilium in kube-proxy's place. The agents then reach the API server
// by its own address, since there is nobody else to serve its ClusterIP.
func (c ciliumRendering) replacement() []entry {
	value := truth(true, "")
	if c.version.Before(replacementIsTruth) {
		value = scalar("strict", "")
	}
	why := "--node"
	if len(c.opts.Nodes) == 0 {
		why = "the address of the API server"
		if c.file == valuesFile {
			c.note(c.file, "put the address of the API server in place of %s, or name the control plane with --node", c.controlPlane())
		}
	}
	return []entry{
		key("kubeProxyReplacement", value).under("Without kube-proxy the agents reach the API server by its own address."),
		key("k8sServiceHost", scalar(c.controlPlane(), why)),
		key("k8sServicePort", number(apiPort, "")),
	}
}

// balancer says who gives LoadBalancer Services their addresses, and who announces
// them.
func (c ciliumRendering) balancer() []entry {
	if len(c.plan.LoadBalancers) == 0 {
		return nil
	}
	if c.opts.Balancer != ByCilium {
		if c.version.Before(choosesBalancer) {
			return nil
		}
		return []entry{key("defaultLBServiceIPAM", scalar("none", "")).
			under("LoadBalancer Services are MetalLB's; two that give them addresses take them from one another.")}
	}
	var entries []entry
	for i, pool := range c.plan.LoadBalancers {
		why := c.from(poolField(i) + ".announce")
		switch pool.Announce {
		case "none":
		case "bgp":
			entries = append(entries, key("bgpControlPlane", mapping(key("enabled", truth(true, why)))))
		default:
			if !c.version.Before(announcesL2) {
				entries = append(entries, key("l2announcements", mapping(key("enabled", truth(true, why)))))
			}
		}
	}
	slices.SortStableFunc(entries, func(a, b entry) int { return strings.Compare(a.key, b.key) })
	return slices.CompactFunc(entries, func(a, b entry) bool { return a.key == b.key })
}

// extra is the options that the chart has no value for. Below extraConfig they survive
// an upgrade; edited into the ConfigMap they do not.
// Source: cilium v1.15.19 and v1.20.2, install/kubernetes/cilium/templates/cilium-configmap.yaml.
func (c ciliumRendering) extra() []entry {
	if !c.plan.Want().Has(ipfam.V6) || c.plan.Egress.V6 != plan.RoutedEgress {
		return nil
	}
	device := c.plan.LAN.Interface
	detects := !c.version.Before(detectsDevice) && c.version.Before(wantsDevice)
	if device == "" && !detects {
		c.note(c.file, "spec.lan.interface is not given: nodes do not answer neighbour discovery for pods (enable-ipv6-ndp, ipv6-mcast-device)")
	}
	var options []entry
	if device != "" || detects {
		options = append(options, key("enable-ipv6-ndp", quoted("true", c.from("spec.egress.ipv6"))))
	}
	if device != "" {
		options = append(options, key("ipv6-mcast-device", scalar(device, c.from("spec.lan.interface"))))
	}
	if services := c.plan.Services.V6; services.IsValid() {
		options = append(options, key("ipv6-service-range", scalar(services.Masked().String(), c.from("spec.services.ipv6"))))
	}
	if len(options) == 0 {
		return nil
	}
	return []entry{key("extraConfig", mapping(options...)).
		under("Keys that the chart has no value for. Written here and not into the ConfigMap, they survive the\n" +
			"next helm upgrade. Nodes answer neighbour discovery for the pods' own IPv6 addresses.")}
}
