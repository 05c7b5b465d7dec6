package nodes

import (
	"fmt"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var internalIPs = &checks.Check{
	ID:       "DS301",
	Name:     "node-internal-ips",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "every Node has an address of each family",
		Why: `A Node with one address gives its host-network Pods one address, has no
NodePort of the other family and cannot be the next hop of its routes. On bare
metal kubelet reports one address unless --node-ip names both: it never looks for
a second one by itself.`,
		Fix:    "Give kubelet both addresses in --node-ip, the primary family first, on every node; then restart host-network Pods.",
		Limits: "With an external cloud provider the addresses are the provider's to report; see the annotation alpha.kubernetes.io/provided-node-ip.",
		Holds:  "Kubernetes 1.23 to 1.37",
		Since:  "0.1",
		Refs:   []string{"kubernetes v1.37.2 pkg/kubelet/nodestatus/setters.go NodeAddress", "kubernetes v1.37.2 pkg/util/node/node.go GetNodeHostIPs"},
	},
	Needs: []snapshot.Kind{snapshot.Nodes},
	Uses:  snapshot.ClaimKinds[plan.Pods],
	Run: func(in *checks.Input) (fs []checks.Finding) {
		wanted := in.Families(plan.Pods)
		if !wanted.Dual() {
			return nil // one family of pods: one address is right
		}
		for _, n := range in.Nodes() {
			ips := n.HostIPs()
			for _, f := range wanted.Minus(ipfam.SetOfAddrs(ips)).List() {
				fs = append(fs, checks.Finding{
					Object: n.Ref, Field: ".status.addresses", Family: f,
					Message: fmt.Sprintf("has no %s address; its addresses are %v", f, ips),
					Fix:     fmt.Sprintf("on %s: kubelet --node-ip=<IPv4>,<IPv6> (kubeadm: nodeRegistration.kubeletExtraArgs), then restart kubelet", n.Name),
				})
			}
		}
		return fs
	},
}
