package cni

import (
	"fmt"
	"net/netip"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var kubernetesBlocks = &checks.Check{
	ID:       "DS430",
	Name:     "cilium-node-blocks-of-nodes",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "where pod ranges are read off the Nodes, Cilium uses the pod ranges that the Nodes have",
		Why: `With ipam: kubernetes the agent copies the ranges of its Node to its CiliumNode when it
starts. A Node that was registered anew has others, and the pods of the node keep addresses that are now
another node's. With any other ipam the two are independent, which only matters to what goes by the Nodes:
kube-proxy with detectLocalMode NodeCIDR then takes pods for strangers, of one family or of both.`,
		Fix:    "Restart the agent of the node, and then its pods; or have kube-proxy tell pods in another way.",
		Limits: "With an ipam of its own and without such a kube-proxy Cilium's ranges are its own business, and nothing is said of them.",
		Holds:  "Cilium 1.15 to 1.20",
		Since:  "0.1",
		Refs: []string{
			"cilium v1.20.2, pkg/nodediscovery/nodediscovery.go", "kubernetes v1.37.2, cmd/kube-proxy/app/server_linux.go getLocalDetectors",
			"https://github.com/cilium/cilium/issues/23872",
		},
		Covers: []string{"CNI-02"},
	},
	Needs: []snapshot.Kind{snapshot.Nodes, snapshot.CiliumNodes, snapshot.CiliumConfig},
	Uses:  []snapshot.Kind{snapshot.KubeProxySetup},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		c, ok := configuration(in)
		proxy, proxied := proxyConfiguration(in)
		blocks := map[string][]netip.Prefix{}
		for _, n := range in.Nodes() {
			blocks[n.Name] = n.PodCIDRs
		}
		copies := c.Config.IPAM() == "kubernetes"
		if !ok || !copies && (!proxied || proxy.DetectLocal != "NodeCIDR") {
			return nil
		}
		for _, n := range in.CiliumNodes() {
			of, ours := ipfam.Split(blocks[n.Name]), ipfam.Split(n.PodCIDRs)
			for _, f := range ipfam.All {
				node, cilium := of.Of(f), ours.Of(f)
				if len(node) == 0 || len(cilium) == 0 || node[0].Masked() == cilium[0].Masked() {
					continue
				}
				message := "which the agent takes over when it starts"
				fix := checks.Command("kubectl", "delete", "pod", "-n", c.namespace(), "-l", "k8s-app=cilium", "--field-selector", "spec.nodeName="+n.Name)
				if !copies {
					message = "and kube-proxy tells pods by the Node's"
					fix = checks.Command("kubectl", "edit", "configmap", proxy.ConfigMap.Name, "-n", proxy.ConfigMap.Namespace) +
						" (detectLocalMode: ClusterCIDR, clusterCIDR: Cilium's pools) && " + proxyRestart(proxy)
				}
				fs = append(fs, checks.Finding{
					Object: n.Ref, Field: ".spec.ipam.podCIDRs", Family: f,
					Message: fmt.Sprintf("has the %s pod range %s, the Node has %s, %s", f, cilium[0], node[0], message),
					Fix:     fix,
				})
			}
		}
		return fs
	},
}
