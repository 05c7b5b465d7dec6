package renumber

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
)

// Step is one thing to do in a running cluster.
type Step struct {
	Title   string   // what, as an instruction
	Where   string   // in which clusters; empty for all, and where it is known to be this one
	Do      []string // commands and what is to be written, one after the other
	Restart string   // what is started anew or made again; empty for nothing
	Effect  string   // what becomes of what is there; may be empty
	Undo    string   // how it is taken back; empty when it cannot be
	Sources []string // of what the step says about programs
}

// Command reports whether a line of Do is for a shell, and not what is to be written
// somewhere.
func Command(do string) bool {
	program, _, _ := strings.Cut(do, " ")
	return slices.Contains([]string{"ip", "kubeadm", "kubectl", "openssl", "systemctl"}, program)
}

// Steps is how the change is carried through in a running cluster, both prefixes in
// use until the last step: it is RFC 4192, renumbering without a flag day, for what a
// cluster is made of.
func (c *Change) Steps(s Setup) []Step {
	var steps []Step
	add := func(more ...Step) { steps = append(steps, more...) }
	add(c.router(s), c.filters())
	if c.Moves(plan.LAN) {
		add(c.certificates(), c.nodes(s))
	}
	if c.Moves(plan.Pods) {
		add(c.pods(s)...)
	}
	if c.Moves(plan.Services) {
		add(c.services(s)...)
	}
	if c.Moves(plan.LoadBalancers) {
		add(c.pools(s)...)
	}
	add(c.names(), c.last())
	return steps
}

// costs is step with what the cost of a change says.
func (s Step) costs(component, setting string, change plan.Change, v plan.Versions) Step {
	cost, ok := plan.CostOf(component, setting, change, v)
	if !ok {
		return s
	}
	s.Restart, s.Effect, s.Undo = cost.Restart, cost.Effect, cost.Undo
	s.Sources = append(s.Sources, cost.Source)
	return s
}

// of is the ranges of a use that move, before and after.
func (c *Change) of(use plan.Use) (was, is []string) {
	for _, r := range c.Ranges {
		if r.Use == use {
			was, is = append(was, plan.FormatAddrs(r.Was)), append(is, plan.FormatAddrs(r.Is))
		}
	}
	return was, is
}

func (c *Change) router(s Setup) Step {
	step := Step{Title: fmt.Sprintf("Have the router take %s beside %s, and keep both until the last step", c.To, c.From)}
	for _, r := range c.Ranges {
		switch r.Use {
		case plan.LAN:
			step.Do = append(step.Do, fmt.Sprintf("on the LAN, advertise %s beside %s", plan.FormatAddrs(r.Is), plan.FormatAddrs(r.Was)))
		case plan.Routed:
			step.Do = append(step.Do, fmt.Sprintf("route %s to the nodes, as %s is", plan.FormatAddrs(r.Is), plan.FormatAddrs(r.Was)))
		}
	}
	step = step.costs("router", "routes", plan.Add, s.Versions)
	step.Effect = "nothing changes for what has addresses of the old prefix"
	step.Undo = "take the new prefix away again"
	return step
}

func (c *Change) filters() Step {
	return Step{
		Title:  "Let the new prefix through wherever the old one is let through",
		Do:     []string{"firewalls of the router and the nodes, NetworkPolicies and CiliumNetworkPolicies with ipBlock or toCIDR, loadBalancerSourceRanges: add the new ranges, keep the old"},
		Effect: "plan renumber -f rewrites files to the new prefix alone: apply those of filters in the last step",
		Undo:   "take the new ranges out",
	}
}

// certificates comes before the new addresses are used: a client refuses a server
// whose certificate does not have the address.
func (c *Change) certificates() Step {
	return Step{
		Title: "Have certificates name the new addresses, where they name old ones",
		Do: []string{
			"openssl x509 -noout -ext subjectAltName -in /etc/kubernetes/pki/apiserver.crt",
			"where that has addresses of " + c.From.String() + ": add those of " + c.To.String() + " to certSANs of kubeadm's ClusterConfiguration, move apiserver.crt and apiserver.key away, then",
			"kubeadm init phase certs apiserver --config FILE",
			"the same for etcd (serverCertSANs, peerCertSANs), and for webhooks that are called by address",
		},
		Restart: "each kube-apiserver, one after the other",
		Undo:    "put the old files back, and restart",
		Sources: []string{"kubernetes v1.37.2, cmd/kubeadm/app/phases/certs/certs.go"},
	}
}

func (c *Change) nodes(s Setup) Step {
	was, is := c.of(plan.LAN)
	step := Step{Title: "Give each node its address of the new LAN beside the old one, then tell its kubelet"}
	order := "IPv4,IPv6"
	if c.primary6() {
		order = "IPv6,IPv4"
	}
	step.Do = []string{
		fmt.Sprintf("ip -6 address show scope global # there is one of %s beside that of %s", strings.Join(is, ", "), strings.Join(was, ", ")),
		fmt.Sprintf("in /var/lib/kubelet/kubeadm-flags.env: --node-ip=%s with the new IPv6 address", order),
		"systemctl restart kubelet",
		"kubectl get node NODE -o jsonpath='{.status.addresses}'",
	}
	if c.primary6() {
		step.Do = append(step.Do, "on control-plane nodes also --advertise-address of kube-apiserver, etcd's addresses, and server: in kubeconfigs, which have IPv6 addresses in a cluster of IPv6 first")
	}
	return step.costs("kubelet", "--node-ip", plan.Replace, s.Versions)
}

// primary6 reports whether IPv6 is the cluster's first family.
func (c *Change) primary6() bool {
	return len(c.New.Families) > 0 && c.New.Families[0] == ipfam.V6
}

// pods is the steps from a node's old block to its new one, by who gives blocks.
func (c *Change) pods(s Setup) (steps []Step) {
	was, is := c.of(plan.Pods)
	if s.NodeIPAM || !s.Known {
		steps = append(steps, c.stopNodeIPAM(s, was[0], is[0]))
	}
	if s.ClusterPool || !s.Known {
		steps = append(steps, c.clusterPool(s, was[0], is[0])...)
	}
	if s.NodeIPAM && !s.ClusterPool || !s.Known {
		steps = append(steps, c.nodeIPAM(s)...)
	}
	if s.KubeProxy || !s.Known {
		step := Step{Title: "Have kube-proxy take the new pod range for the cluster's own", Where: where(s, "kube-proxy runs with clusterCIDR"),
			Do: []string{
				fmt.Sprintf("kubectl -n kube-system edit configmap kube-proxy # clusterCIDR: %s", c.pair(c.New.Pods.Prefixes)),
				"kubectl -n kube-system rollout restart daemonset kube-proxy",
			}}
		steps = append(steps, step.costs("kube-proxy", ".data.config.conf", plan.Replace, s.Versions))
	}
	return steps
}

// where is the clusters that a step is for, as long as it is not known.
func where(s Setup, text string) string {
	if s.Known {
		return ""
	}
	return text
}

// pair is a range of each family, the primary first, as a flag takes them.
func (c *Change) pair(ps ipfam.Pair[netip.Prefix]) string {
	var texts []string
	for _, f := range c.New.Families {
		if p := ps.Of(f); p.IsValid() {
			texts = append(texts, p.Masked().String())
		}
	}
	return strings.Join(texts, ",")
}

// clusterPool puts the new range before the old one. Cilium's operator gives a node
// a block of the first range in the list that has any left, and nodes that have a
// block of a later range keep it: nothing in the list has to be changed while it is in use.
// Source: cilium v1.20.2, operator/pkg/ipam/allocator/podcidr/podcidr.go allocateFirstFreeCIDR.
func (c *Change) clusterPool(s Setup, was, is string) []Step {
	const agent = "cilium v1.20.2, pkg/nodediscovery/nodediscovery.go mutateNodeResource, operator/pkg/ipam/allocator/podcidr/podcidr.go"
	cluster := where(s, "Cilium's operator gives nodes their pod ranges (ipam: cluster-pool)")
	first := Step{Title: "List the new pod range before the old one in Cilium's cluster pool", Where: cluster,
		Do: []string{
			fmt.Sprintf("Helm: ipam.operator.clusterPoolIPv6PodCIDRList: [\"%s\", \"%s\"] # cluster-pool-ipv6-cidr: %s %s", is, was, is, was),
			"where ipv6-native-routing-cidr is set, it is one prefix: in native routing, masquerading between the two ranges cannot be kept off until all nodes have moved",
			"kubectl -n kube-system rollout restart deployment cilium-operator",
		}}.costs("cilium", "cluster-pool-ipv6-cidr", plan.Add, s.Versions)
	node := Step{Title: "Node by node: drain it, and have Cilium give it new blocks", Where: cluster,
		Do: []string{
			"kubectl drain NODE --ignore-daemonsets --delete-emptydir-data",
			"kubectl delete ciliumnode NODE",
			"kubectl -n kube-system delete pod -l k8s-app=cilium --field-selector spec.nodeName=NODE",
			"kubectl get ciliumnode NODE -o jsonpath='{.spec.ipam.podCIDRs}' # a block of " + is,
			"kubectl uncordon NODE",
		},
		Restart: "the agent of the node, and every Pod on it",
		Effect:  "the IPv4 block may be another one too",
		Undo:    "list the old range first, and do the same again",
		Sources: []string{agent},
	}
	last := Step{Title: "Take the old pod range out of Cilium's cluster pool, once no CiliumNode has a block of it", Where: cluster,
		Do: []string{
			"kubectl get ciliumnodes -o jsonpath='{range .items[*]}{.metadata.name}{\"\\t\"}{.spec.ipam.podCIDRs}{\"\\n\"}{end}'",
			fmt.Sprintf("Helm: ipam.operator.clusterPoolIPv6PodCIDRList: [\"%s\"]", is),
			"kubectl -n kube-system rollout restart deployment cilium-operator",
		},
		Restart: "the Deployment cilium-operator",
		Undo:    "list it again",
		Sources: []string{agent},
	}
	return []Step{first, node, last}
}

const controllerManifest = "in /etc/kubernetes/manifests/kube-controller-manager.yaml"

// stopNodeIPAM has kube-controller-manager give no ranges while Nodes of both are
// there: it has room for one range of a family, and does not start while a Node has a
// block of another. That is so, too, where Cilium does not use what it gives.
// Source: kubernetes v1.37.2, pkg/controller/nodeipam/ipam/range_allocator.go NewCIDRRangeAllocator.
func (c *Change) stopNodeIPAM(s Setup, was, is string) Step {
	effect := "a node that joins now waits for its ranges"
	if s.ClusterPool {
		effect = "Cilium gives nodes theirs, and does not use these: leave it so"
	}
	return Step{Title: "Have kube-controller-manager give no pod ranges", Where: where(s, "kube-controller-manager gives Nodes pod ranges, as it does with kubeadm's podSubnet"),
		Do:      []string{controllerManifest + ": --allocate-node-cidrs=false"},
		Restart: "each kube-controller-manager",
		Effect:  fmt.Sprintf("it would not start with %s while one Node has a block of %s; %s", is, was, effect),
		Undo:    "--allocate-node-cidrs=true with the old range",
		Sources: []string{"kubernetes v1.37.2, pkg/controller/nodeipam/ipam/range_allocator.go NewCIDRRangeAllocator, occupyCIDRs"},
	}
}

// nodeIPAM is the way of Nodes to blocks of the new range, where they use those of
// kube-controller-manager.
func (c *Change) nodeIPAM(s Setup) []Step {
	cluster := where(s, "Nodes use the pod ranges that kube-controller-manager gives them")
	again := Step{Title: "Drain and delete every Node, and have its kubelet register it again", Where: cluster,
		Do: []string{
			"kubectl drain NODE --ignore-daemonsets --delete-emptydir-data",
			"kubectl delete node NODE",
			"systemctl restart kubelet # on the node; then its labels and taints",
		}}.costs("nodes", ".spec.podCIDRs", plan.Replace, s.Versions)
	start := Step{Title: "Have kube-controller-manager give blocks of the new pod range, once no Node has one of the old", Where: cluster,
		Do: []string{fmt.Sprintf("%s: --allocate-node-cidrs=true --cluster-cidr=%s", controllerManifest, c.pair(c.New.Pods.Prefixes)),
			"kubectl get nodes -o jsonpath='{range .items[*]}{.metadata.name}{\"\\t\"}{.spec.podCIDRs}{\"\\n\"}{end}'"},
	}.costs("kube-controller-manager", "--cluster-cidr", plan.Replace, s.Versions)
	start.Restart = "each kube-controller-manager"
	return []Step{again, start}
}

// pools is the steps to new addresses of load balancers.
func (c *Change) pools(s Setup) (steps []Step) {
	known := Setup{Known: s.MetalLB || s.LBIPAM}
	if s.MetalLB || !known.Known {
		steps = append(steps, c.pool(s, "MetalLB's pool", where(known, "MetalLB is the load balancer"), "metallb", ".spec.addresses",
			"kubectl -n metallb-system edit ipaddresspool", "metallb.io/loadBalancerIPs")...)
	}
	if s.LBIPAM || !known.Known {
		steps = append(steps, c.pool(s, "the pool of Cilium's LB IPAM", where(known, "Cilium's LB IPAM is the load balancer"), "lb-ipam", ".spec.blocks",
			"kubectl edit ciliumloadbalancerippool", "lbipam.cilium.io/ips")...)
	}
	return steps
}

func (c *Change) pool(s Setup, what, cluster, component, setting, edit, annotation string) []Step {
	var beside, gone []string
	for _, r := range c.Ranges {
		if r.Use == plan.LoadBalancers {
			beside = append(beside, fmt.Sprintf("%s %s # add %s", edit, r.Name, plan.FormatAddrs(r.Is)))
			gone = append(gone, fmt.Sprintf("%s %s # take out %s", edit, r.Name, plan.FormatAddrs(r.Was)))
		}
	}
	add := Step{Title: "Add the new addresses to " + what + " beside the old", Where: cluster, Do: beside}.costs(component, setting, plan.Add, s.Versions)
	move := Step{Title: "Service by service: ask for the new address, and publish it", Where: cluster,
		Do: []string{
			fmt.Sprintf("kubectl -n NAMESPACE annotate service NAME --overwrite %s=ADDRESS,NEW-ADDRESS # with an address of each family", annotation),
			"kubectl -n NAMESPACE get service NAME",
			"AAAA records and whoever else knows the address: the new one",
		},
		Effect: "connections to the old address end",
		Undo:   "ask for the old address",
	}
	out := Step{Title: "Take the old addresses out of " + what, Where: cluster, Do: gone}.costs(component, setting, plan.Remove, s.Versions)
	return []Step{add, move, out}
}

func (c *Change) names() Step {
	return Step{
		Title: "Write the new addresses wherever else old ones are written",
		Do: []string{
			"AAAA and PTR records with addresses of " + c.From.String() + ": a short time to live before, the new address, and the old time to live again",
			"plan renumber -f with the files of the site: zones, frr.conf, radvd.conf, values of charts, manifests",
		},
		Undo: "the old records",
	}
}

func (c *Change) last() Step {
	return Step{
		Title: fmt.Sprintf("Take %s away, once nothing has an address of it", c.From),
		Do: []string{
			"kubectl get nodes,pods,services -A -o wide | grep -i " + prefixText(c.From),
			"kubectl dualstack plan diff NEW-PLAN # it says that nothing differs",
			"on the router: advertise " + c.From.String() + " with a lifetime of 0, then drop its routes; in filters: take it out",
		},
		Effect:  "hosts that still have an address of it lose it",
		Undo:    "route and advertise it again, as long as the provider does",
		Sources: []string{"RFC 4192, 2.5 to 2.7"},
	}
}

// prefixText is how addresses of p begin, as far as that is whole groups.
func prefixText(p netip.Prefix) string {
	text := netipx.RangeOfPrefix(p).From().StringExpanded()
	groups := strings.Split(text, ":")[:max(p.Bits()/16, 1)]
	for i, g := range groups {
		groups[i] = strings.TrimLeft(g, "0")
		if groups[i] == "" {
			groups[i] = "0"
		}
	}
	return strings.Join(groups, ":")
}
