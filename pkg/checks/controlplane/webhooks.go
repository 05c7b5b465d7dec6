package controlplane

import (
	"fmt"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var webhookFamilies = &checks.Check{
	ID:       "DS215",
	Name:     "webhook-families",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "the API server's nodes have addresses of the family at which it calls webhooks and other API servers",
		Why: `kube-apiserver calls a webhook, or the server of an APIService, at the first ClusterIP of its
Service, and from the network of its node. A Service that is IPv6 first is called over IPv6: where the
control-plane nodes have none, every request that the webhook is asked about fails after its timeout, the
creation of Pods among them.`,
		Fix:    "Make the Service anew with the other family first, or give the control-plane nodes addresses of both families.",
		Limits: "A node may have an address that its Node does not name. Control planes that are no Nodes of the cluster are not judged.",
		Holds:  "Kubernetes 1.23 to 1.37",
		Since:  "0.1",
		Refs: []string{
			"kubernetes v1.37.2, staging/src/k8s.io/apiserver/pkg/util/proxy/proxy.go ResolveCluster",
			"https://github.com/kubernetes/kubernetes/issues/98411",
		},
		Covers: []string{"CTRL-08"},
	},
	Needs: []snapshot.Kind{snapshot.Webhooks, snapshot.Services, snapshot.Nodes},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		var has ipfam.Set
		for _, n := range in.Nodes() {
			if n.ControlPlane {
				has |= ipfam.SetOfAddrs(n.HostIPs())
			}
		}
		services := map[snapshot.Ref]snapshot.Service{}
		for _, s := range in.Services() {
			services[s.Ref] = s
		}
		for _, w := range in.Webhooks() {
			for _, ref := range w.Services {
				s := services[ref]
				if len(s.ClusterIPs) == 0 || has.Empty() || has.Has(ipfam.Of(s.ClusterIPs[0])) {
					continue
				}
				f := ipfam.Of(s.ClusterIPs[0])
				fs = append(fs, checks.Finding{
					Object: w.Ref, Family: f,
					Message: fmt.Sprintf("is called at %s of %s, and the control-plane nodes have %s addresses only", s.ClusterIPs[0], ref, has),
					Fix: fmt.Sprintf("%s, and create it again with ipFamilyPolicy: PreferDualStack and ipFamilies: [%s, %s]",
						checks.Command("kubectl", "delete", "service", s.Name, "-n", s.Namespace), f.Other(), f),
				})
			}
		}
		return fs
	},
}
