package migrate

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// network is what no API shows: the way of the family's packets to the nodes.
func (m *migration) network() Step {
	s := m.costs(Step{ID: "network", Title: fmt.Sprintf("Have the network carry %s: addresses on the nodes' LAN, and routes", m.adds), Status: Unseen,
		Seen: "the router and the hosts are not looked at"}, "router", "routes")
	s.Effect = "nothing changes for what is there"
	s.Undo = "take the prefix away again"
	s.Do = []string{"ip " + m.option() + " address show scope global # on each node: an address that stays", "ip " + m.option() + " route show default"}
	if m.plan == nil {
		return s
	}
	if lan := m.plan.LAN.Prefixes.Of(m.adds); lan.IsValid() {
		s.Do = append(s.Do, fmt.Sprintf("on the LAN: addresses of %s", lan))
	}
	for _, p := range m.plan.Routed {
		if ipfam.OfPrefix(p) == m.adds {
			s.Do = append(s.Do, fmt.Sprintf("on the router: %s to the nodes", p))
		}
	}
	return s
}

// option is the option of ip and curl for the second family.
func (m *migration) option() string {
	if m.adds == ipfam.V6 {
		return "-6"
	}
	return "-4"
}

func (m *migration) nodeAddresses() Step {
	s := m.costs(Step{ID: "node-addresses", Title: "Tell each kubelet its node's addresses of both families", Status: Unseen}, "kubelet", "--node-ip")
	if reason, ok := m.known(snapshot.Nodes); !ok {
		s.Seen = reason
		return s
	}
	reported := 0
	for _, n := range m.Nodes {
		ips := n.HostIPs()
		if len(ips) == 0 {
			continue
		}
		if reported++; !ipfam.SetOfAddrs(ips).Has(m.adds) {
			s.Left = append(s.Left, n.Ref)
		}
	}
	switch {
	case reported == 0:
		s.Seen = "no Node reports an address"
		return s
	case len(s.Left) == 0:
		s.Status, s.Seen = Done, fmt.Sprintf("%d of %d Nodes have addresses of both families", reported, reported)
		return s
	}
	s.Status, s.Seen = ToDo, fmt.Sprintf("%d of %d Nodes have no %s address: %s", len(s.Left), reported, m.adds, some(s.Left))
	s.Do = []string{
		fmt.Sprintf("on each node, in /var/lib/kubelet/kubeadm-flags.env: --node-ip=%s-ADDRESS,%s-ADDRESS", strings.ToUpper(m.keeps.String()), strings.ToUpper(m.adds.String())),
		"systemctl restart kubelet",
		"kubectl get nodes -o custom-columns='NAME:.metadata.name,ADDRESSES:.status.addresses[?(@.type==\"InternalIP\")].address'",
	}
	return s
}

// cni is the family in the CNI, of which only Cilium's configuration is known.
func (m *migration) cni() Step {
	s := Step{ID: "cni", Title: fmt.Sprintf("Switch %s on in the CNI, with a pod range", m.adds), Status: Unseen}
	reason, known := m.known(snapshot.CiliumConfig)
	c := m.Cilium
	if !c.Present() || !known && c.ConfigRef == (snapshot.Ref{}) {
		if s.Seen = "no CNI but Cilium is looked at"; !known {
			s.Seen += ", and " + reason
		}
		s.Do = []string{fmt.Sprintf("as the CNI's documentation has it: a pod range of %s beside that of %s", m.adds, m.keeps)}
		return s
	}
	s.Title = fmt.Sprintf("Switch %s on in Cilium", m.adds)
	s.Sources = []string{"cilium v1.20.2, operator/pkg/ipam/allocator/podcidr/podcidr.go reuseIPNets; the same in v1.15.19", "cilium v1.20.2, pkg/node/sync/local_node_sync_wait.go"}
	settings := []cilium.Setting{}
	if !c.Config.Enabled(m.adds) {
		settings = append(settings, cilium.Setting{Key: cilium.Key("enable-%s", m.adds), Value: "true"})
	}
	pools, _ := c.Config.Pools(m.adds)
	if m.clusterPool() && len(pools) == 0 {
		pods := m.plannedPods()
		settings = append(settings, cilium.Setting{Key: cilium.Key(cilium.PoolKey, m.adds), Value: m.rangeOf(m.adds, nil, pods.Prefixes, "POD-RANGE")})
		if mask := pods.NodeMask.Of(m.adds); mask != 0 {
			settings = append(settings, cilium.Setting{Key: cilium.Key(cilium.MaskKey, m.adds), Value: fmt.Sprint(mask)})
		}
	}
	if len(settings) == 0 {
		s.Status, s.Seen = Done, fmt.Sprintf("%s has both families on", c.ConfigRef)
		return s
	}
	s.Status, s.Left = ToDo, []snapshot.Ref{c.ConfigRef}
	s.Seen = fmt.Sprintf("%s lacks %s", c.ConfigRef, keys(settings))
	s.Do = m.ciliumCommands(settings)
	s.Restart = "the operator, then the agents, node by node"
	s.Effect = "while a node's agent starts, no Pod starts on it and policies of the node do not change; connections go on"
	if !m.clusterPool() {
		s.Effect += fmt.Sprintf("; an agent whose Node has no %s block waits for it and does not become ready", m.adds)
	}
	s.Undo = fmt.Sprintf("%s off again and its range taken out, once no Service needs it; blocks of CiliumNodes are then to be taken out, too", m.adds)
	return s
}

func keys(settings []cilium.Setting) string {
	var names []string
	for _, s := range settings {
		names = append(names, s.Key)
	}
	return strings.Join(names, ", ")
}

// ciliumCommands is how settings are written where they last.
func (m *migration) ciliumCommands(settings []cilium.Setting) []string {
	namespace := m.Cilium.Namespace
	if namespace == "" {
		namespace = "kube-system"
	}
	restart := checks.Command("kubectl", "rollout", "restart", "-n", namespace, "deploy/cilium-operator", "ds/cilium")
	if v := m.Cilium.Values; v.Installed() {
		var lines []string
		for _, s := range settings {
			lines = append(lines, strings.TrimPrefix(v.Field(s.Key), ".")+": "+s.Value)
		}
		return []string{fmt.Sprintf("in %s: %s", v.Ref, strings.Join(lines, ", ")), restart}
	}
	words := []string{"helm", "upgrade", "cilium", "cilium/cilium", "-n", namespace, "--reuse-values"}
	if v := m.Cilium.Version; v.Known() {
		words = append(words, "--version", v.String())
	}
	for _, s := range settings {
		words = append(words, s.HelmFlag()...)
	}
	return []string{checks.Command(words...), restart}
}

// blocks is the pod ranges of the nodes: of the CiliumNodes where Cilium's operator
// gives them, otherwise of the Nodes.
func (m *migration) blocks() Step {
	if m.clusterPool() {
		return m.ciliumBlocks()
	}
	s := m.costs(Step{ID: "node-blocks", Title: "Register the Nodes anew: a Node that has one block never gets a second", Status: Unseen}, "nodes", ".spec.podCIDRs")
	if reason, ok := m.known(snapshot.Nodes); !ok {
		s.Seen = reason
		return s
	}
	has := 0
	for _, n := range m.Nodes {
		if has += min(len(n.PodCIDRs), 1); len(n.PodCIDRs) > 0 && !hasBlock(n.PodCIDRs, m.adds) {
			s.Left = append(s.Left, n.Ref)
		}
	}
	switch {
	case has == 0:
		s.Status, s.Seen = NotNeeded, "no Node has a block: the CNI gives addresses in another way"
	case len(s.Left) == 0:
		s.Status, s.Seen = Done, fmt.Sprintf("%d of %d Nodes have a block of each family", has, has)
	default:
		s.Status, s.Seen = ToDo, fmt.Sprintf("%d of %d Nodes have no %s block: %s", len(s.Left), has, m.adds, some(s.Left))
		s.Again = counted(len(s.Left), "Node") + ", one after the other, with the Pods on them"
		s.Do = []string{
			"kubectl get node NODE -o yaml # labels, annotations and taints that were put on it go with it",
			"kubectl drain NODE --ignore-daemonsets --delete-emptydir-data",
			"kubectl delete node NODE",
			"systemctl restart kubelet # on NODE, which registers again",
			"kubectl get node NODE -o jsonpath='{.spec.podCIDRs}'",
			"kubectl uncordon NODE",
		}
	}
	return s
}

func hasBlock(blocks []netip.Prefix, f ipfam.Family) bool {
	return ipfam.SetOfPrefixes(blocks).Has(f)
}

// ciliumBlocks is the blocks of CiliumNodes. The operator gives one that lacks a
// family its block when it sees it next, and does not look at those of the Nodes.
// Source: cilium v1.20.2, operator/pkg/ipam/allocator/podcidr/podcidr.go reuseIPNets;
// the same in v1.15.19.
func (m *migration) ciliumBlocks() Step {
	s := Step{ID: "node-blocks", Title: "Have each node take a block of each family", Status: Unseen,
		Sources: []string{"cilium v1.20.2, operator/pkg/ipam/allocator/podcidr/podcidr.go reuseIPNets; the same in v1.15.19"}}
	if reason, ok := m.known(snapshot.CiliumNodes); !ok {
		s.Seen = reason
		return s
	}
	for _, n := range m.CiliumNodes {
		if !hasBlock(n.PodCIDRs, m.adds) {
			s.Left = append(s.Left, n.Ref)
		}
	}
	if total := len(m.CiliumNodes); len(s.Left) == 0 {
		s.Status, s.Seen = Done, fmt.Sprintf("%d of %d CiliumNodes have a block of each family; those of the Nodes do not matter", total, total)
		return s
	}
	s.Status, s.Seen = ToDo, fmt.Sprintf("%d of %d CiliumNodes have no %s block: %s", len(s.Left), len(m.CiliumNodes), m.adds, some(s.Left))
	s.Do = []string{"kubectl get ciliumnodes -o custom-columns='NAME:.metadata.name,BLOCKS:.spec.ipam.podCIDRs,ERROR:.status.ipam.operator-status.error'"}
	s.Effect = "the operator gives the blocks by itself, once it has started with a range of the family; the Nodes stay as they are"
	return s
}
