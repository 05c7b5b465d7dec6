package nodes

import (
	"fmt"
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var pluginAddresses = &checks.Check{
	ID:       "DS312",
	Name:     "plugin-node-addresses",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "flannel and Calico know every Node by an address of each family of the pods, which is one of its own",
		Why: `The two find out by themselves where a node is, and write it on the Node: packets for
its pods go there. Calico looks for IPv6 only when it is told to, so that a node may have no IPv6
peer and no IPv6 route. flannel takes the first address of the interface, which over IPv6 may be a
temporary one: when it expires, the other nodes go on sending there.`,
		Fix: `For Calico, IP6=autodetect and IP6_AUTODETECTION_METHOD=kubernetes-internal-ip; for
flannel, --public-ipv6 or the annotation flannel.alpha.coreos.com/public-ipv6-overwrite; then restart
its Pod on the node.`,
		Limits: "An address of another network of the node is found too, as a matter of information: it may be meant.",
		Holds:  "flannel 0.27, and Calico with the annotations that it writes",
		Since:  "0.1",
		Refs: []string{
			"flannel v0.27.4, pkg/subnet/kube/annotations.go",
			"calico, libcalico-go/lib/backend/k8s/resources/node.go",
			"https://github.com/flannel-io/flannel/issues/2293", "https://github.com/projectcalico/calico/issues/9349",
		},
		Covers: []string{"NODE-14", "CNI-15"},
	},
	Needs: []snapshot.Kind{snapshot.Nodes},
	Uses:  snapshot.ClaimKinds[plan.Pods],
	Run: func(in *checks.Input) (fs []checks.Finding) {
		nodes, wanted := in.Nodes(), in.Families(plan.Pods)
		for _, n := range nodes {
			fs = append(fs, foreignPluginIPs(n)...)
			if f, found := missingPluginIP(n, wanted); found {
				fs = append(fs, f)
			}
		}
		return fs
	},
}

// foreignPluginIPs is the addresses by which a plugin knows the node, and which are
// not the node's.
func foreignPluginIPs(n snapshot.Node) (fs []checks.Finding) {
	own := slices.Concat(n.InternalIPs, n.ExternalIPs)
	for _, p := range n.PluginIPs {
		f := ipfam.Of(p.Addr)
		if p.Overwritten || slices.Contains(own, p.Addr) || !ipfam.SetOfAddrs(own).Has(f) {
			continue
		}
		fs = append(fs, checks.Finding{
			Severity: severity.Info, Object: n.Ref, Field: ".metadata.annotations." + p.Annotation, Family: f,
			Message: fmt.Sprintf("has %s know it by %s, and its %s addresses are %s", p.Plugin, p.Addr, f, addresses(ipfam.SplitAddrs(own).Of(f))),
			Fix:     fmt.Sprintf("restart the Pod of %s on %s, with the address to take set, if the other was not meant", p.Plugin, n.Name),
		})
	}
	return fs
}

// missingPluginIP is Calico knowing the node by an address of one family of two.
// flannel has that in its configuration, which DS434 is about.
func missingPluginIP(n snapshot.Node, wanted ipfam.Set) (f checks.Finding, found bool) {
	var known ipfam.Set
	for _, p := range n.PluginIPs {
		if p.Plugin == "Calico" {
			known = known.With(ipfam.Of(p.Addr))
		}
	}
	one, single := known.Single()
	if !single || !wanted.Dual() || !ipfam.SetOfAddrs(n.InternalIPs).Has(one.Other()) {
		return f, false
	}
	other := one.Other()
	return checks.Finding{
		Object: n.Ref, Field: fmt.Sprintf(".metadata.annotations.projectcalico.org/%sAddress", other), Family: other,
		Message: fmt.Sprintf("has no %s address of Calico, and pods have %s: Calico makes no %s routes to its pods", other, wanted, other),
		Fix:     "kubectl set env -n kube-system ds/calico-node IP=autodetect IP6=autodetect IP6_AUTODETECTION_METHOD=kubernetes-internal-ip; of an installation by the operator: spec.calicoNetwork.nodeAddressAutodetectionV6: {kubernetes: NodeInternalIP}",
	}, true
}
