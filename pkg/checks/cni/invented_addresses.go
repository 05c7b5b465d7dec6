package cni

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// inventedIP is the address that an agent gives its node when the node has no
// global IPv6 address. Source: cilium v1.20.2, pkg/node/address.go makeIPv6HostIP.
var inventedIP = netip.MustParseAddr("fc00::10ca:1")

// fallbackRange is where pods get IPv6 addresses when no pod range is asked for.
// Source: cilium v1.20.2, pkg/defaults/node.go DefaultIPv6ClusterAllocCIDR.
var fallbackRange = netip.MustParsePrefix("f00d::/64")

var inventedAddresses = &checks.Check{
	ID:       "DS429",
	Name:     "cilium-invented-addresses",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "no node and no pod has an address that Cilium made up",
		Why: `An agent that finds no global IPv6 address on its node takes fc00::10ca:1, the same on
every such node; one that is not told a pod range gives pods addresses of f00d::/64,
which is nobody's. Both let a cluster come up with IPv6 that leads nowhere.`,
		Fix:    "Give the node a global or unique local IPv6 address, or Cilium a pod range, and restart the agent; recreate the pods.",
		Holds:  "Cilium 1.15 to 1.20",
		Since:  "0.1",
		Refs:   []string{"cilium v1.20.2, pkg/node/address.go makeIPv6HostIP", "cilium v1.20.2, pkg/ipam/cell/ipam_init.go", "https://github.com/cilium/cilium/issues/9214"},
		Covers: []string{"CNI-05", "NODE-01"},
	},
	Uses: []snapshot.Kind{snapshot.CiliumNodes, snapshot.Pods},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		for _, n := range in.CiliumNodes() {
			if slices.Contains(n.Internal, inventedIP) {
				fs = append(fs, checks.Finding{
					Object: n.Ref, Field: ".spec.addresses", Family: ipfam.V6,
					Message: fmt.Sprintf("has the address %s, which Cilium made up: the node has no IPv6 address of its own", inventedIP),
					Fix:     fmt.Sprintf("on %s: give the uplink an IPv6 address and name it in kubelet's --node-ip; then restart the agent", n.Name),
				})
			}
		}
		return append(fs, fallbackPods(in.Pods())...)
	},
}

// fallbackPods is one finding for each node.
func fallbackPods(pods []snapshot.Pod) (fs []checks.Finding) {
	byNode := map[string][]string{}
	var order []string
	for _, p := range pods {
		for _, a := range p.IPs {
			if !p.HostNetwork && fallbackRange.Contains(a) {
				if byNode[p.Node] == nil {
					order = append(order, p.Node)
				}
				byNode[p.Node] = append(byNode[p.Node], p.Namespace+"/"+p.Name)
			}
		}
	}
	for _, node := range order {
		names := byNode[node]
		fs = append(fs, checks.Finding{
			Object: snapshot.Ref{Kind: "Node", Name: node}, Family: ipfam.V6,
			Message: fmt.Sprintf("has pods with addresses of %s, which Cilium made up: %s", fallbackRange, some(names)),
			Fix:     "give Cilium an IPv6 pod range (ipam.operator.clusterPoolIPv6PodCIDRList), restart operator and agents, and recreate the pods",
		})
	}
	return fs
}
