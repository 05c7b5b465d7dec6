package loadbalancers

import (
	"fmt"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var strictARP = &checks.Check{
	ID:       "DS522",
	Name:     "ipvs-strict-arp",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "where MetalLB announces IPv4 in L2 mode, kube-proxy in the mode ipvs has strictARP",
		Why: `In the mode ipvs every node has the addresses of all Services on an interface, and without
strictARP every node answers ARP for them. Which node gets the IPv4 traffic is then chance, and not the one
that announces; with externalTrafficPolicy Local it may be one without an endpoint. Over IPv6 nodes do not
answer for that interface, so that the other family works and hides it.`,
		Fix:    "Set ipvs.strictARP to true in kube-proxy's configuration and restart it, or change its mode to nftables.",
		Holds:  "MetalLB 0.16; Kubernetes 1.23 to 1.37",
		Since:  "0.1",
		Refs:   []string{"metallb v0.16.2 website/content/installation/_index.md", "https://github.com/kubernetes/kubernetes/issues/97275"},
		Covers: []string{"KPX-06"},
	},
	Needs: []snapshot.Kind{snapshot.KubeProxySetup, snapshot.MetalLBPools},
	Uses:  []snapshot.Kind{snapshot.MetalLBSetup, snapshot.MetalLBAds, snapshot.CiliumConfig},
	Run: func(in *checks.Input) []checks.Finding {
		proxy, pools, ads := in.KubeProxy(), in.PoolsInForce(), in.AdsInForce()
		if proxy.Mode != "ipvs" || proxy.StrictARP || proxy.Idle || in.Cilium().Config.ReplacesKubeProxy() {
			return nil
		}
		for _, p := range pools {
			if l2, _, _ := announced(p, ads); !l2 || !p.Families().Has(ipfam.V4) {
				continue
			}
			ref := proxy.ConfigMap
			return []checks.Finding{{
				Object: ref, Field: ".data.config.conf", Family: ipfam.V4,
				Message: fmt.Sprintf("has mode ipvs without strictARP, and MetalLB announces %s in L2 mode: every node answers for its IPv4 addresses", p.Ref),
				Fix: checks.Command("kubectl", "get", "configmap", ref.Name, "-n", ref.Namespace, "-o", "yaml") +
					" | sed 's/strictARP: false/strictARP: true/' | kubectl apply -f - && " + checks.Command("kubectl", "rollout", "restart", "-n", ref.Namespace, "ds/kube-proxy"),
			}}
		}
		return nil
	},
}
