package cni

import (
	"fmt"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// podRangeModes is the ways of Cilium to hand out addresses in which each node has a
// range of its own, which a route can be for.
var podRangeModes = map[string]bool{"cluster-pool": true, "kubernetes": true}

var nativeRoutes = &checks.Check{
	ID:       "DS433",
	Name:     "native-routes",
	Severity: severity.Info,
	Doc: checks.Doc{
		Claim: "with native routing something in the cluster makes the routes to other nodes' pods",
		Why: `Native routing leaves the way between nodes to the network. Cilium makes routes itself
with auto-direct-node-routes, where all nodes are on one link, or tells routers of them by BGP. With
neither, somebody else has to have a route for each node's range of each family. Often there is one for
IPv4 and none for IPv6: pods on one node reach each other over both, and across nodes over one.`,
		Fix:    "Switch auto-direct-node-routes on where the nodes share a link, or the BGP control plane; or see to it that the router has a route for the range of each node.",
		Limits: "The tables of nodes and routers are not in the API: where they have the routes all is well. Clusters of a cloud provider, whose routes are its own, are left out.",
		Holds:  "Cilium 1.15 to 1.20",
		Since:  "0.1",
		Refs:   []string{"cilium v1.20.2, pkg/datapath/linux/node.go", "https://docs.cilium.io/en/stable/network/concepts/routing/", "https://github.com/cilium/cilium/issues/6382"},
		Covers: []string{"CNI-06"},
	},
	Needs: []snapshot.Kind{snapshot.CiliumConfig, snapshot.Nodes},
	Run: func(in *checks.Input) []checks.Finding {
		c, ok := configuration(in)
		nodes := in.Nodes()
		if !ok || !c.native() || len(nodes) < 2 || !podRangeModes[c.Config.IPAM()] {
			return nil
		}
		if c.Config.Bool("auto-direct-node-routes", false) || c.Config.Bool("enable-bgp-control-plane", false) {
			return nil
		}
		for _, n := range nodes {
			if n.ProviderID != "" {
				return nil
			}
		}
		return []checks.Finding{{
			Object: c.ConfigRef, Field: c.field("routing-mode"),
			Message: fmt.Sprintf("is native, and neither direct routes nor BGP are on: the ranges of %d nodes, of %s, have to be routed by others", len(nodes), c.Config.Families()),
			Fix:     c.set(cilium.Setting{Key: "auto-direct-node-routes", Value: "true"}) + " (nodes on one link); kubectl dualstack plan render has the routes for a router",
		}}
	},
}
