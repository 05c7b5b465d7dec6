package loadbalancers

import (
	"fmt"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

const excludeLabel = "node.kubernetes.io/exclude-from-external-load-balancers"

var announcingNodes = &checks.Check{
	ID:       "DS516",
	Name:     "announcing-nodes",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "some node may announce MetalLB's addresses in L2 mode",
		Why: `From 0.14.2 on speakers pass over nodes with the label
node.kubernetes.io/exclude-from-external-load-balancers, whatever its value. kubeadm
puts it on control-plane nodes: in a cluster of control-plane nodes alone every
Service gets its addresses and nobody answers for them, without an Event.`,
		Fix:    "Take the label off the nodes that are to announce, or start the speakers with --ignore-exclude-lb (from 0.14.4 on).",
		Limits: "The speakers' arguments are not read: with --ignore-exclude-lb all is well.",
		Holds:  "MetalLB 0.14.2 to 0.16",
		Since:  "0.1",
		Refs:   []string{"metallb v0.16.2 speaker/layer2_controller.go", "https://github.com/metallb/metallb/issues/2274"},
	},
	Needs: []snapshot.Kind{snapshot.Nodes, snapshot.MetalLBPools},
	Uses:  []snapshot.Kind{snapshot.MetalLBSetup, snapshot.MetalLBAds},
	Run: func(in *checks.Input) []checks.Finding {
		v, _ := in.MetalLBVersion()
		nodes, ads := in.Nodes(), in.AdsInForce()
		var names []string
		for _, n := range nodes {
			if n.ExcludedFromLB {
				names = append(names, n.Name)
			}
		}
		if len(nodes) == 0 || len(names) < len(nodes) || v.Before(metallb.HonoursExcludedNodes) {
			return nil
		}
		for _, p := range in.PoolsInForce() {
			if l2, _, _ := announced(p, ads); !l2 {
				continue
			}
			return []checks.Finding{{
				Object: p.Ref, Field: addressesField(p, -1),
				Message: fmt.Sprintf("has no node to announce it in L2 mode: MetalLB %s and later passes over nodes labelled %s, and all are (%s)",
					metallb.HonoursExcludedNodes, excludeLabel, checks.Some(names)),
				Fix: checks.Command("kubectl", "label", "node", names[0], excludeLabel+"-"),
			}}
		}
		return nil
	},
}
