package cni

import (
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// What kube-proxy of later releases does with its mode. Source: kubernetes
// v1.37.2, cmd/kube-proxy/app/server_linux.go and options.go.
var (
	ipvsDeprecated = release.V(1, 35)
	modeAnnounced  = release.V(1, 37)
)

var proxyMode = &checks.Check{
	ID:       "DS418",
	Name:     "kube-proxy-mode",
	Severity: severity.Info,
	Doc: checks.Doc{
		Claim: "kube-proxy of a dual-stack cluster has a mode that stays",
		Why: `ipvs is deprecated, off by default from 1.40 on and gone in 1.43, and is the mode with the most trouble over IPv6: it keeps the
addresses of Services on an interface that answers no neighbour discovery. A
configuration that names no mode changes its mode with an upgrade, and with it the
addresses on which NodePorts answer: all of both families for iptables, the node's
own for nftables.`,
		Fix:    "Name a mode: nftables, or iptables.",
		Holds:  "Kubernetes 1.35 to 1.37",
		Since:  "0.1",
		Refs:   []string{"kubernetes v1.37.2, cmd/kube-proxy/app/server_linux.go", "https://github.com/kubernetes/kubernetes/issues/93858"},
		Covers: []string{"KPX-06"},
	},
	Needs: []snapshot.Kind{snapshot.KubeProxySetup},
	Uses:  append(slices.Clone(snapshot.ClaimKinds[plan.Services]), snapshot.Versions),
	Run: func(in *checks.Input) []checks.Finding {
		proxy, ok := proxyConfiguration(in)
		wanted := in.Families(plan.Services)
		version, _ := in.KubernetesVersion()
		if !ok || !wanted.Dual() {
			return nil
		}
		message := ""
		switch {
		case proxy.Mode == "ipvs" && version.From(ipvsDeprecated):
			message = `has mode "ipvs", which is deprecated, and off by default from Kubernetes 1.40 on`
		case proxy.Mode == "" && version.From(modeAnnounced):
			message = "names no mode: it is iptables now and nftables from Kubernetes 1.40 on"
		default:
			return nil
		}
		return []checks.Finding{{
			Object: proxy.ConfigMap, Field: proxyField, Message: message,
			Fix: checks.Command("kubectl", "get", "configmap", proxy.ConfigMap.Name, "-n", proxy.ConfigMap.Namespace, "-o", "yaml") +
				` | sed 's#^\( *mode:\).*#\1 nftables#' | kubectl apply -f - && ` + proxyRestart(proxy),
		}}
	},
}
