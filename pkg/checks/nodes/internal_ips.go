package nodes

import (
	"fmt"
	"net/netip"

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
		Covers: []string{"NODE-01", "NODE-02", "CNI-05"},
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
			if len(ips) == 0 {
				continue // kubelet has not reported, or a manifest has no status
			}
			for _, f := range wanted.Minus(ipfam.SetOfAddrs(ips)).List() {
				fs = append(fs, lacksAddress(n, f, ips))
			}
		}
		return fs
	},
}

// lacksAddress is the finding for a Node without an address of family f. What a
// kubelet with an external cloud provider was told stands in an annotation, and
// the provider reports the addresses: those it knows, out of those that are told.
// Source: cloud-provider v0.37.2, node/helpers/address.go GetNodeAddressesFromNodeIP.
func lacksAddress(n snapshot.Node, f ipfam.Family, ips []netip.Addr) checks.Finding {
	finding := checks.Finding{
		Object: n.Ref, Field: ".status.addresses", Family: f,
		Message: fmt.Sprintf("has no %s address; its addresses are %v", f, ips),
		Fix:     fmt.Sprintf("on %s: kubelet --node-ip=%s,<%s address> (kubeadm: nodeRegistration.kubeletExtraArgs), then restart kubelet", n.Name, ips[0], f),
	}
	switch told := ipfam.SetOfAddrs(n.ProvidedIPs); {
	case told.Has(f):
		finding.Message += fmt.Sprintf(", and kubelet was told %v: the cloud provider reports fewer", n.ProvidedIPs)
		finding.Fix = fmt.Sprintf("give the machine of %s its %s address at the cloud provider, and see the log of the cloud controller manager", n.Name, f)
	case !told.Empty():
		finding.Message += fmt.Sprintf(", and kubelet was told %v alone, which hides the others of the cloud provider", n.ProvidedIPs)
	}
	return finding
}
