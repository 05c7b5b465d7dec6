package services

import (
	"fmt"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var hostNetworkPods = &checks.Check{
	ID:       "DS608",
	Name:     "host-network-pods",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "a Pod on the host network has the addresses of its Node",
		Why: `A Pod on the host network copies the addresses of its Node when it starts. If the Node
got its second address later, the Pod keeps one, and a Service in front of it has no
endpoint of the other family there: connections over it are refused.`,
		Fix:    "Once the Node has both addresses, restart the Pods; static Pods by moving their manifests out and in.",
		Limits: "Static Pods are an info: hardly any Service is in front of one.",
		Holds:  "Kubernetes 1.23 to 1.37",
		Since:  "0.1",
		Refs:   []string{"https://github.com/kubernetes/kubernetes/issues/91494", "https://github.com/kubernetes/kubernetes/issues/120720"},
		Covers: []string{"CTRL-10"},
	},
	Needs: []snapshot.Kind{snapshot.Pods, snapshot.Nodes},
	Run: func(in *checks.Input) []checks.Finding {
		of := map[string]ipfam.Set{}
		for _, n := range in.Nodes() {
			of[n.Name] = ipfam.SetOfAddrs(n.HostIPs())
		}
		var g grouped
		for _, p := range in.Pods() {
			has, one := ipfam.SetOfAddrs(p.IPs).Single()
			if one && p.HostNetwork && p.Running && of[p.Node].Dual() {
				g.add(p, has.Other())
			}
		}
		return g.findings(func(group podGroup) checks.Finding {
			f := checks.Finding{
				Message: fmt.Sprintf("%s on the host network without %s, which the Node has", group, group.missing),
			}
			if group.owner.Kind == "Node" {
				f.Severity = severity.Info
			}
			return f
		})
	},
}
