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

var agentReachesAPI = &checks.Check{
	ID:       "DS422",
	Name:     "agent-reaches-api-server",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "where Cilium takes kube-proxy's place, its agents reach the API server without a Service",
		Why: `The ClusterIP of service/kubernetes answers when somebody translates it, and that is to
be the agent, which wants the API server's word first. Running agents go on; a node
that reboots has nobody who translates, and its agent never gets ready.`,
		Fix:   "Set k8sServiceHost and k8sServicePort to an address of the API server itself, or of a load balancer before it.",
		Holds: "Cilium 1.15 to 1.20",
		Since: "0.1",
		Refs:  []string{"cilium v1.20.2, Documentation/network/kubernetes/kubeproxy-free.rst", "cilium v1.20.2, install/kubernetes/cilium/templates/cilium-agent/daemonset.yaml"},
	},
	Needs: []snapshot.Kind{snapshot.CiliumConfig, snapshot.CiliumAgents, snapshot.Services}, // the agents' DaemonSet has the address
	Uses:  []snapshot.Kind{snapshot.KubeProxySetup},
	Run: func(in *checks.Input) []checks.Finding {
		c, ok := configuration(in)
		services, proxy := in.Services(), in.KubeProxy()
		host, err := netip.ParseAddr(c.APIHost)
		proxied := proxy.DaemonSet != (snapshot.Ref{}) && !proxy.Idle
		if !ok || !in.Known(snapshot.CiliumAgents) || err != nil || !c.Config.ReplacesKubeProxy() || proxied {
			return nil
		}
		for _, s := range services {
			if s.Namespace != "default" || s.Name != "kubernetes" || !slices.Contains(s.ClusterIPs, host.Unmap()) {
				continue
			}
			return []checks.Finding{{
				Object: c.DaemonSet, Field: ".spec.template.spec.containers", Family: ipfam.Of(host),
				Message: fmt.Sprintf("has the agents reach the API server by %s, the ClusterIP of %s, which they are to serve themselves", host, s.Ref),
				Fix: checks.Command("helm", "upgrade", "cilium", "cilium/cilium", "-n", c.namespace(), "--reuse-values") + " --version " + c.chart() +
					` --set k8sServiceHost="$(kubectl get endpointslices -n default -l kubernetes.io/service-name=kubernetes -o jsonpath='{.items[0].endpoints[0].addresses[0]}')" --set k8sServicePort=6443`,
			}}
		}
		return nil
	},
}
