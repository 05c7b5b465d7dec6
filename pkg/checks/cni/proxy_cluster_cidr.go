package cni

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var proxyClusterCIDR = &checks.Check{
	ID:       "DS416",
	Name:     "kube-proxy-cluster-cidr",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "kube-proxy's clusterCIDR has each family that pods have",
		Why: `kube-proxy tells traffic of pods from other traffic by clusterCIDR. For a family that
it lacks there is no such test: traffic from outside of the cluster to a ClusterIP
keeps its source, so that the answer goes another way and is lost, and pods lose the
short cut to Services with externalTrafficPolicy: Local. It logs that for the primary
family only.`,
		Fix:    "Write both ranges into clusterCIDR, comma-separated, the primary family first, and restart kube-proxy.",
		Limits: "Only for detectLocalMode ClusterCIDR, which is the default.",
		Holds:  "Kubernetes 1.37",
		Since:  "0.1",
		Refs:   []string{"kubernetes v1.37.2, cmd/kube-proxy/app/server_linux.go getLocalDetectors", "kubernetes v1.37.2, pkg/proxy/iptables/proxier.go", "https://github.com/kubernetes/kubernetes/issues/123837"},
		Covers: []string{"KPX-02"},
	},
	Needs: []snapshot.Kind{snapshot.KubeProxySetup},
	Uses:  snapshot.ClaimKinds[plan.Pods],
	Run: func(in *checks.Input) (fs []checks.Finding) {
		proxy, ok := proxyConfiguration(in)
		wanted := in.Families(plan.Pods)
		if !ok || len(proxy.ClusterCIDR) == 0 || (proxy.DetectLocal != "" && proxy.DetectLocal != "ClusterCIDR") {
			return nil
		}
		for _, f := range wanted.Minus(ipfam.SetOfPrefixes(proxy.ClusterCIDR)).List() {
			fs = append(fs, checks.Finding{
				Object: proxy.ConfigMap, Field: proxyField, Family: f,
				Message: fmt.Sprintf("has no %s range in clusterCIDR %s, and pods have %s", f, join(proxy.ClusterCIDR), f),
				Fix:     clusterCIDRFix(in, proxy, f),
			})
		}
		return fs
	},
}

func join(ps []netip.Prefix) string {
	texts := make([]string, len(ps))
	for i, p := range ps {
		texts[i] = p.String()
	}
	return strings.Join(texts, ",")
}

// clusterCIDRFix adds the range of f where somebody names a whole one, and else
// has kube-proxy go by the ranges of Nodes, which have both families.
func clusterCIDRFix(in *checks.Input, proxy snapshot.KubeProxy, f ipfam.Family) string {
	expression := `s#detectLocalMode:.*#detectLocalMode: NodeCIDR#`
	if r, ok := wantedRange(in, configured{}, f); ok {
		expression = fmt.Sprintf(`s#clusterCIDR:.*#clusterCIDR: %s,%s#`, join(proxy.ClusterCIDR), r)
	}
	return checks.Command("kubectl", "get", "configmap", proxy.ConfigMap.Name, "-n", proxy.ConfigMap.Namespace, "-o", "yaml") +
		" | " + checks.Command("sed", expression) + " | kubectl apply -f - && " + proxyRestart(proxy)
}
