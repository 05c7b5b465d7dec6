package services

import (
	"fmt"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var podAddresses = &checks.Check{
	ID:       "DS607",
	Name:     "pod-addresses",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "on a node that gives Pods two addresses every Pod has two",
		Why: `A Pod gets its addresses when its sandbox is made, and never another one. Pods that
are older than the cluster's second family have one address until they are made
anew: they reach nothing over the other family, and are missing in the EndpointSlices
of it.`,
		Fix:    "Restart what owns the Pods: kubectl rollout restart. DaemonSets of the system count too.",
		Limits: "A node is taken to give two addresses when another Pod on it has two. Pods on the host network are another check's.",
		Holds:  "Kubernetes 1.23 to 1.37",
		Since:  "0.1",
		Refs:   []string{"https://github.com/cilium/cilium/issues/7807", "https://github.com/k3s-io/k3s/issues/5514"},
		Covers: []string{"CNI-04", "CNI-01", "PLAN-11"},
	},
	Needs: []snapshot.Kind{snapshot.Pods},
	Run: func(in *checks.Input) []checks.Finding {
		gives := map[string]bool{} // nodes
		for _, p := range in.Pods() {
			if !p.HostNetwork && p.Running && ipfam.SetOfAddrs(p.IPs).Dual() {
				gives[p.Node] = true
			}
		}
		var g grouped
		for _, p := range in.Pods() {
			has, one := ipfam.SetOfAddrs(p.IPs).Single()
			if one && !p.HostNetwork && p.Running && gives[p.Node] {
				g.add(p, has.Other())
			}
		}
		return g.findings(func(group podGroup) checks.Finding {
			return checks.Finding{
				Message: fmt.Sprintf("%s without %s on a node that gives Pods both families", group, group.missing),
			}
		})
	},
}
