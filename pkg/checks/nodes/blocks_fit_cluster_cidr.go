package nodes

import (
	"fmt"
	"net/netip"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var blocksFitClusterCIDR = &checks.Check{
	ID:       "DS303",
	Name:     "node-pod-cidrs-fit-cluster-cidr",
	Severity: severity.Error,
	Doc: checks.Doc{
		Claim: "the first pod range of every Node lies in the first range of --cluster-cidr, the second in the second",
		Why: `kube-controller-manager does not start, and none of its controllers runs. It marks the pod
ranges of all Nodes as taken first, by their position: the first in the first range, the second
in the second. It gives up when one lies outside of its range, when the families have changed
places, or when a Node has a second range and the cluster no longer has.`,
		Fix: `Give --cluster-cidr back the ranges and the order that the Nodes have; or drain, delete
and join again the Nodes that have others, before kube-controller-manager is restarted.`,
		Limits: "Only where kube-controller-manager gives Nodes their ranges, and its flags or kubeadm's configuration are known.",
		Holds:  "Kubernetes 1.23 to 1.37",
		Since:  "0.1",
		Refs: []string{
			"kubernetes v1.37.2, pkg/controller/nodeipam/ipam/range_allocator.go occupyCIDRs",
			"https://github.com/kubernetes/kubernetes/issues/102698",
			"https://github.com/k0sproject/k0s/issues/7186",
		},
		Covers: []string{"CTRL-05"},
	},
	Needs: []snapshot.Kind{snapshot.Nodes},
	Uses:  []snapshot.Kind{snapshot.ControlPlane, snapshot.KubeadmConfig},
	AnyOf: []snapshot.Kind{snapshot.ControlPlane, snapshot.KubeadmConfig},
	Run: func(in *checks.Input) []checks.Finding {
		nodes := in.Nodes()
		a, ok := allocatorOf(in)
		if !ok {
			return nil
		}
		fs, withBlocks := misfits(a, nodes)
		if len(fs) > 1 && len(fs) == withBlocks {
			return []checks.Finding{noneFits(a, fs)}
		}
		return fs
	},
}

// misfits is a finding for every Node that kube-controller-manager does not start
// over, and the number of Nodes that have pod ranges.
func misfits(a allocator, nodes []snapshot.Node) (fs []checks.Finding, withBlocks int) {
	for _, n := range nodes {
		if len(n.PodCIDRs) > 0 {
			withBlocks++
		}
		if reason := misfit(a, n.PodCIDRs); reason != "" {
			fs = append(fs, checks.Finding{
				Severity: misfitSeverity(a), Object: n.Ref, Field: ".spec.podCIDRs",
				Message: fmt.Sprintf("has the pod ranges %v; %s, and kube-controller-manager does not start", n.PodCIDRs, reason),
				Fix:     rejoin(n.Name),
			})
		}
	}
	return fs, withBlocks
}

// misfit is why the allocator cannot mark the blocks as taken; empty when it can.
func misfit(a allocator, blocks []netip.Prefix) string {
	for i, b := range blocks {
		switch {
		case i >= len(a.ranges):
			return fmt.Sprintf("cluster-cidr has %d range, %s", len(a.ranges), a.Flags["cluster-cidr"])
		case ipfam.OfPrefix(b) != ipfam.OfPrefix(a.ranges[i]):
			return fmt.Sprintf("the families of cluster-cidr stand the other way round: %s", a.Flags["cluster-cidr"])
		case !a.ranges[i].Overlaps(b):
			return fmt.Sprintf("%s is not in %s of cluster-cidr", b, a.ranges[i])
		}
	}
	return ""
}

// misfitSeverity is an error for flags that run, and a warning for those that
// kubeadm would give.
func misfitSeverity(a allocator) severity.Severity {
	if a.Planned {
		return severity.Warning
	}
	return severity.Error
}

// noneFits is one finding in place of one for every Node: it is the flag that
// has changed.
func noneFits(a allocator, each []checks.Finding) checks.Finding {
	return checks.Finding{
		Severity: misfitSeverity(a), Object: a.Ref, Field: a.Field("cluster-cidr"),
		Message: fmt.Sprintf("has cluster-cidr=%s, which fits none of %d Nodes: %s %s", a.Flags["cluster-cidr"], len(each), each[0].Object, each[0].Message),
		Fix:     "give --cluster-cidr of kube-controller-manager (kubeadm: networking.podSubnet) back the ranges and the order that .spec.podCIDRs of the Nodes have: kubectl get nodes -o custom-columns=NODE:.metadata.name,PODS:.spec.podCIDRs",
	}
}
