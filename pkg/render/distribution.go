package render

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// rancher is what K3s and RKE2 have different of one another.
type rancher struct {
	file     string // of the server, without its ending
	place    string // where each machine reads it
	service  string // what is restarted
	joinPort uint16 // of the server, for the others
	token    string
}

var (
	k3sNames = rancher{"k3s-config", "/etc/rancher/k3s/config.yaml", "k3s", 6443, "${K3S_TOKEN}"}
	// Source: rke2-docs, docs/install/quickstart.md: agents join at 9345.
	rke2Names = rancher{"rke2-config", "/etc/rancher/rke2/config.yaml", "rke2-server", 9345, "${RKE2_TOKEN}"}
)

// dualStackFrom is the first release of K3s and RKE2 whose dual stack is stable, and
// from which IPv6 alone works: 1.23.7 and 1.22.9 of K3s.
// Source: https://docs.k3s.io/networking/basic-network-options.
var dualStackFrom = release.V(1, 23, 7)

// k3sServiceBits is the widest Service ranges of K3s, by the same page.
var k3sServiceBits = ipfam.Pair[int]{V4: 12, V6: 112}

// k3s is config.yaml of K3s, whose keys are the flags of its servers.
func k3s(j *job) {
	for _, f := range j.plan.Families {
		if r := j.plan.Services.Of(f); r.IsValid() && r.Bits() < k3sServiceBits.Of(f) {
			j.fault(of("spec.services", f), "%s is wider than /%d, the widest that K3s takes", r.Masked(), k3sServiceBits.Of(f))
		}
	}
	var plugin []entry
	switch {
	case j.cniIsCilium():
		plugin = []entry{
			key("flannel-backend", quoted("none", "")).under("Cilium is installed on its own, and takes kube-proxy's place."),
			key("disable-network-policy", truth(true, "")),
			key("disable-kube-proxy", truth(true, "")),
		}
	default:
		plugin = j.flannel()
	}
	if len(j.plan.LoadBalancers) > 0 {
		plugin = append(plugin, key("disable", sequence(scalar("servicelb", j.from("spec.loadBalancers")))).
			under("K3s's own gives LoadBalancer Services the nodes' addresses."))
	}
	j.rancher(k3sNames, plugin)
}

// flannel is the plug-in that K3s has, which masquerades IPv4 whatever one writes, and
// IPv6 when it is told to.
// Source: https://docs.k3s.io/networking/basic-network-options.
func (j *job) flannel() []entry {
	if e := j.plan.Egress.V4; e != "" && e != plan.Masquerade && j.plan.Want().Has(ipfam.V4) {
		j.fault("spec.egress.ipv4", "is %s, and K3s's own plug-in masquerades IPv4 without a switch for it", e)
	}
	if !j.plan.Want().Has(ipfam.V6) || j.plan.Egress.V6 == "" {
		return nil
	}
	return []entry{key("flannel-ipv6-masq", truth(j.plan.Egress.V6 == plan.Masquerade, j.from("spec.egress.ipv6")+" "+string(j.plan.Egress.V6)))}
}

// rke2 is config.yaml of RKE2. The charts that it brings along configure plug-ins by
// themselves, so that Cilium is installed on its own, with the values for it.
func rke2(j *job) {
	var plugin []entry
	if j.cniIsCilium() {
		plugin = []entry{
			key("cni", quoted("none", "")).under("Cilium is installed on its own, and takes kube-proxy's place."),
			key("disable-kube-proxy", truth(true, "")),
		}
	} else {
		j.note("", "with which address pods leave is the plug-in's to decide: RKE2 has no key for spec.egress")
	}
	j.rancher(rke2Names, plugin)
}

// rancher is the files of a distribution: of the server, and of every other node.
func (j *job) rancher(r rancher, plugin []entry) {
	if v := j.kubernetes(); v.Before(dualStackFrom) {
		j.fault("", "%s %s: want %s or later", strings.TrimSuffix(r.file, "-config"), v, dualStackFrom)
	}
	j.checkMasks(plan.NodeMaskLimit)
	server := append([]entry{
		key("cluster-cidr", scalar(joined(j.pods()), j.from(j.each("spec.pods")...))).under("The same on every server; not to be changed once the cluster is there."),
		key("service-cidr", scalar(joined(j.services()), j.from(j.each("spec.services")...))),
		key("kube-controller-manager-arg", j.maskWords()),
	}, plugin...)
	where := "The cluster's first server: " + r.place + ", before " + r.service + " is started."
	if len(j.opts.Nodes) == 0 {
		name := r.file + ".yaml"
		j.yaml(name, where, document{root: mapping(append(j.address(nil), server...)...)})
		j.note(name, "put the server's addresses in place of %s, or name the nodes with --node; every agent needs its own node-ip too",
			strings.Join(nodePlaceholders(j.plan.Families), " and "))
		return
	}
	for i := range j.opts.Nodes {
		n := &j.opts.Nodes[i]
		name := r.file + "-" + n.Name + ".yaml"
		if i == 0 {
			j.yaml(name, where, document{root: mapping(append(j.address(n), server...)...)})
			continue
		}
		j.yaml(name, "An agent: "+r.place+" of "+n.Name+".", document{root: mapping(append([]entry{
			key("server", scalar("https://"+hostPort(j.controlPlane(), r.joinPort), "--node")),
			key("token", scalar(r.token, "")),
		}, j.address(n)...)...)})
		j.note(name, "put the server's token in place of %s", r.token)
	}
}

// address is the name and the addresses of a node. Without them there is one of them
// only, and a server of two families does not start (k3s-io/k3s#11735).
func (j *job) address(n *Node) []entry {
	ip := key("node-ip", scalar(nodeIP(n, j.plan.Families), "of both families, that which Pods have first before the other"))
	if len(j.plan.Families) == 1 {
		ip.value.LineComment = ""
	}
	if n == nil {
		return []entry{ip}
	}
	return []entry{key("node-name", scalar(n.Name, "--node")), ip}
}

// maskWords is the node masks as arguments of kube-controller-manager; nil when the
// plan has none.
func (j *job) maskWords() *yaml.Node {
	var words []*yaml.Node
	for _, a := range j.maskArguments() {
		words = append(words, scalar(a.name+"="+a.value, a.why))
	}
	if len(words) == 0 {
		return nil
	}
	return sequence(words...)
}

// maskArguments is the node masks that the plan has, as arguments of
// kube-controller-manager.
func (j *job) maskArguments() []argument {
	var masks []argument
	for _, f := range j.plan.Families {
		if mask := j.plan.Pods.NodeMask.Of(f); mask != 0 {
			masks = append(masks, argument{"node-cidr-mask-size-" + strings.ToLower(f.String()), strconv.Itoa(mask), j.from(of("spec.pods.nodeMask", f))})
		}
	}
	return masks
}

// asMapping is arguments as names and values; nil for none.
func asMapping(arguments []argument) *yaml.Node {
	var entries []entry
	for _, a := range arguments {
		entries = append(entries, key(a.name, scalar(a.value, a.why)))
	}
	if len(entries) == 0 {
		return nil
	}
	return mapping(entries...)
}
