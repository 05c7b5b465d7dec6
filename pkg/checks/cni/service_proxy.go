package cni

import (
	"fmt"
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// replacementKey is the option by which Cilium takes kube-proxy's place.
const replacementKey = "kube-proxy-replacement"

var oneServiceProxy = &checks.Check{
	ID:       "DS413",
	Name:     "kube-proxy-or-replacement",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "either kube-proxy or Cilium in its place serves Services, not both and not neither",
		Why: `Both program the same Services, neither knows of the other's translations, and
kube-proxy cannot bind the health-check ports of Services with
externalTrafficPolicy: Local. Its rules outlive it, per family: people flush iptables
and forget ip6tables. With neither, pods still reach ClusterIPs, which Cilium
translates for them; NodePorts, load-balancer addresses and the nodes' own
connections to Services have nobody.`,
		Fix:    "Delete kube-proxy's DaemonSet and ConfigMap and clean up on each node with kube-proxy --cleanup, or set kubeProxyReplacement to true.",
		Limits: "That there is no kube-proxy is concluded in clusters of kubeadm only, where it is a DaemonSet; k3s and others run it elsewhere.",
		Holds:  "Cilium 1.15 to 1.20",
		Since:  "0.1",
		Refs:   []string{"cilium v1.20.2, Documentation/network/kubernetes/kubeproxy-free.rst", "https://github.com/kubernetes/kubernetes/issues/102314"},
		Covers: []string{"KPX-01"},
	},
	Needs: []snapshot.Kind{snapshot.CiliumConfig, snapshot.KubeProxySetup},
	Uses:  []snapshot.Kind{snapshot.KubeadmConfig},
	Run: func(in *checks.Input) []checks.Finding {
		c, ok := configuration(in)
		proxy, absent := in.KubeProxy(), proxyIsAbsent(in)
		switch {
		case !ok:
			return nil
		case c.Config.ReplacesKubeProxy() && proxy.DaemonSet != (snapshot.Ref{}) && !proxy.Idle:
			return []checks.Finding{{
				Object:  proxy.DaemonSet,
				Message: fmt.Sprintf("runs beside Cilium, which takes its place (%s %s): both write rules for the same Services", replacementKey, c.text(replacementKey)),
				Fix: checks.Command("kubectl", "delete", "-n", proxy.DaemonSet.Namespace, "daemonset/"+proxy.DaemonSet.Name, "configmap/kube-proxy") +
					"; then on every node: kube-proxy --cleanup",
			}}
		case !servesNodePorts(c) && absent:
			return []checks.Finding{{
				Severity: severity.Error,
				Object:   c.ConfigRef, Field: c.field(replacementKey),
				Message: fmt.Sprintf("is %s, and there is no kube-proxy: nothing serves NodePorts, load-balancer addresses and the nodes' own connections to Services", c.text(replacementKey)),
				Fix:     c.set(cilium.Setting{Key: replacementKey, Value: "true"}),
			}}
		}
		return nil
	},
}

// nodePortsTogether is the release from which NodePorts cannot be switched on apart
// from the whole replacement (cilium/cilium#41380).
var nodePortsTogether = release.V(1, 19)

func servesNodePorts(c configured) bool {
	return c.Config.ReplacesKubeProxy() || c.release.Before(nodePortsTogether) && c.Config.Bool("enable-node-port", false)
}

// proxyIsAbsent reports whether kube-proxy is known to run nowhere: its DaemonSet
// is idle, kubeadm leaves it out, or a cluster of kubeadm was read and has none.
func proxyIsAbsent(in *checks.Input) bool {
	proxy, kubeadm := in.KubeProxy(), in.Kubeadm()
	if proxy.DaemonSet != (snapshot.Ref{}) {
		return proxy.Idle
	}
	leftOut := slices.ContainsFunc(kubeadm, func(k snapshot.Kubeadm) bool { return k.NoKubeProxy })
	return leftOut || in.Live() && len(kubeadm) > 0
}
