package cni

import (
	"fmt"
	"net/netip"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

const flannelField = ".data.net-conf.json"

var flannelFamilies = &checks.Check{
	ID:       "DS434",
	Name:     "flannel-families",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "flannel runs each family that pods have, with a network that holds the pod range of every Node",
		Why: `flannel is on for IPv4 unless it is switched off, and off for IPv6 unless it is
switched on: IPv6Network alone does nothing, and Pods get one address. On a node whose pod range is
outside of the network of its family flannel exits, and no Pod of the node starts.`,
		Fix:    "Write EnableIPv6 and IPv6Network, with the range of --cluster-cidr, and restart flannel.",
		Limits: "The flannel that is part of k3s has no such ConfigMap. A ConfigMap that another plugin left behind is not told apart, except where that is Cilium.",
		Holds:  "flannel 0.27",
		Since:  "0.1",
		Refs:   []string{"flannel v0.27.4, pkg/subnet/config.go ParseConfig", "flannel v0.27.4, pkg/subnet/kube/kube.go AcquireLease", "https://github.com/replicatedhq/kURL/pull/6052"},
		Covers: []string{"CNI-16", "CNI-01"},
	},
	Needs: []snapshot.Kind{snapshot.FlannelConfig},
	Uses:  append([]snapshot.Kind{snapshot.CiliumAgents}, snapshot.ClaimKinds[plan.Pods]...),
	Run: func(in *checks.Input) (fs []checks.Finding) {
		flannel, wanted, nodes := in.Flannel(), in.Families(plan.Pods), in.Nodes()
		if flannel.ConfigMap == (snapshot.Ref{}) || in.Cilium().Present() || len(in.CiliumAgents()) > 0 {
			return nil
		}
		for _, f := range ipfam.All {
			network := flannel.Networks.Of(f)
			finding := checks.Finding{
				Object: flannel.ConfigMap, Field: flannelField, Family: f,
				Fix: checks.Command("kubectl", "edit", "configmap", flannel.ConfigMap.Name, "-n", flannel.ConfigMap.Namespace) +
					fmt.Sprintf(" (%s) && ", flannelKeys(f, network)) + checks.Command("kubectl", "rollout", "restart", "-n", flannel.ConfigMap.Namespace, "ds/kube-flannel-ds"),
			}
			node, outside := outsideOf(network, nodes, f)
			switch {
			case !wanted.Dual() && !flannel.Enabled.Has(f):
				continue
			case wanted.Has(f) && !flannel.Enabled.Has(f) && network.IsValid():
				finding.Message = fmt.Sprintf("has the %s network %s, and Enable%s is not true: Pods get no %s address", f, network, f, f)
			case wanted.Has(f) && !flannel.Enabled.Has(f):
				finding.Message = fmt.Sprintf("does not enable %s, which the cluster has pod ranges of: Pods get no %s address", f, f)
			case flannel.Enabled.Has(f) && outside.IsValid():
				finding.Severity = severity.Error
				finding.Message = fmt.Sprintf("has the %s network %s, and %s has the pod range %s outside of it: flannel exits there", f, network, node, outside)
			default:
				continue
			}
			fs = append(fs, finding)
		}
		return fs
	},
}

// outsideOf is the first Node with a pod range of f that network does not hold.
func outsideOf(network netip.Prefix, nodes []snapshot.Node, f ipfam.Family) (snapshot.Ref, netip.Prefix) {
	for _, n := range nodes {
		for _, p := range n.PodCIDRs {
			if network.IsValid() && ipfam.OfPrefix(p) == f && (!network.Contains(p.Addr()) || p.Bits() < network.Bits()) {
				return n.Ref, p
			}
		}
	}
	return snapshot.Ref{}, netip.Prefix{}
}

// flannelKeys is what to write into net-conf.json.
func flannelKeys(f ipfam.Family, network netip.Prefix) string {
	key := map[ipfam.Family]string{ipfam.V4: "Network", ipfam.V6: "IPv6Network"}[f]
	value := fmt.Sprintf("<the %s range of --cluster-cidr>", f)
	if network.IsValid() {
		value = network.String()
	}
	return fmt.Sprintf(`"Enable%s": true, "%s": %q`, f, key, value)
}
