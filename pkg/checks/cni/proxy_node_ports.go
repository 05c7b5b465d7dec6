package cni

import (
	"fmt"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var proxyNodePorts = &checks.Check{
	ID:       "DS417",
	Name:     "kube-proxy-nodeport-addresses",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "kube-proxy's nodePortAddresses, where they are set, limit both families",
		Why: `The list is split by family, and a family without an entry is not limited: NodePorts
answer on every address of it that a node has. Who lists the IPv4 network of the
nodes to keep NodePorts off the others has them open on all IPv6 addresses, public
ones included.`,
		Fix:    "Add a prefix of the other family, or write primary in place of the list, and restart kube-proxy.",
		Holds:  "Kubernetes 1.37",
		Since:  "0.1",
		Refs:   []string{"kubernetes v1.37.2, pkg/proxy/util/nodeport_addresses.go NewNodePortAddresses", "kubernetes v1.37.2, cmd/kube-proxy/app/server.go"},
		Covers: []string{"KPX-05", "POL-08"},
	},
	Needs: []snapshot.Kind{snapshot.KubeProxySetup},
	Uses:  snapshot.ClaimKinds[plan.Services],
	Run: func(in *checks.Input) []checks.Finding {
		proxy, ok := proxyConfiguration(in)
		wanted := in.Families(plan.Services)
		one, single := ipfam.SetOfPrefixes(proxy.NodePortAddresses).Single()
		if !ok || !wanted.Dual() || !single {
			return nil
		}
		open := one.Other()
		return []checks.Finding{{
			Object: proxy.ConfigMap, Field: proxyField, Family: open,
			Message: fmt.Sprintf("limits NodePorts to %s and has no %s prefix: they answer on all %s addresses of the nodes", join(proxy.NodePortAddresses), open, open),
			Fix: checks.Command("kubectl", "edit", "configmap", proxy.ConfigMap.Name, "-n", proxy.ConfigMap.Namespace) +
				" (nodePortAddresses: [primary]) && " + proxyRestart(proxy),
		}}
	},
}
