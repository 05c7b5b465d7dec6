package render

import (
	"fmt"
	"net/netip"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
)

// talos is a patch for the machine configuration of Talos, and one for each node, which
// says which of its addresses are the node's.
// Source: github.com/siderolabs/talos/pkg/machinery v1.11.0, config/types/v1alpha1.
func talos(j *job) {
	j.checkMasks(plan.NodeMaskLimit)
	subnets := func(field string, ps []netip.Prefix) *yaml.Node {
		var items []*yaml.Node
		for i, p := range ps {
			items = append(items, scalar(p.String(), j.from(of(field, j.plan.Families[i]))))
		}
		return sequence(items...)
	}
	pods, services := j.pods(), j.services()
	if len(j.faults) > 0 {
		return
	}
	network := []entry{key("podSubnets", subnets("spec.pods", pods)), key("serviceSubnets", subnets("spec.services", services))}
	cluster := []entry{}
	if j.cniIsCilium() {
		network = append(network, key("cni", mapping(key("name", scalar("none", "Cilium is installed on its own")))))
	}
	cluster = append(cluster, key("network", mapping(network...)))
	if args := asMapping(j.maskArguments()); args != nil {
		cluster = append(cluster, key("controllerManager", mapping(key("extraArgs", args))))
	}
	if j.cniIsCilium() {
		cluster = append(cluster, key("proxy", mapping(key("disabled", truth(true, "Cilium takes its place")))))
		j.note("", "Cilium needs further values on Talos, such as bpf.hostLegacyRouting: https://docs.cilium.io/en/stable/installation/k8s-install-helm/")
	} else {
		j.note("", "with which address pods leave is the plug-in's to decide: Talos has no field for spec.egress")
	}
	const file = "talos-patch.yaml"
	entries := []entry{key("cluster", mapping(cluster...))}
	if len(j.opts.Nodes) == 0 {
		entries = append([]entry{j.nodeSubnets(subnets("spec.lan", j.ranges("spec.lan", j.plan.LAN.Prefixes)))}, entries...)
	}
	j.yaml(file, "talosctl gen config NAME ENDPOINT --config-patch @"+file, document{root: mapping(entries...)})
	for _, n := range j.opts.Nodes {
		name := fmt.Sprintf("talos-node-%s.yaml", n.Name)
		var items []*yaml.Node
		for _, a := range n.inOrder(j.plan.Families) {
			items = append(items, scalar(netip.PrefixFrom(a, a.BitLen()).String(), "--node"))
		}
		j.yaml(name, fmt.Sprintf("A patch for the machine configuration of %s, beside %s.", n.Name, file), document{root: mapping(j.nodeSubnets(sequence(items...)))})
	}
}

// nodeSubnets is where the kubelet finds its node's addresses, one of each family.
func (j *job) nodeSubnets(list *yaml.Node) entry {
	return key("machine", mapping(key("kubelet", mapping(key("nodeIP", mapping(
		key("validSubnets", list).under("The node's addresses are taken from these, one of each family."))))))).
		under("")
}
