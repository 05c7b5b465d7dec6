package nodes

import (
	"fmt"
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var blockFamilies = &checks.Check{
	ID:       "DS302",
	Name:     "node-pod-cidrs",
	Severity: severity.Error,
	Doc: checks.Doc{
		Claim: "every Node that has a pod range has one of each family",
		Why: `Pods on such a Node have one address, for as long as the Node object lives:
kube-controller-manager writes .spec.podCIDRs once and never adds to it. A Node that joined
while the cluster had one family keeps its one range; new Nodes have both, so that half of the
cluster is dual-stack and half is not. Cilium's agents in the IPAM mode kubernetes wait for the
missing range and never become ready. Where Cilium has pools of its own, the Nodes' ranges are
not read and this is an info.`,
		Fix:    "Drain the Node, delete its object, and let kubelet register it again; then restart the Pods that have one address.",
		Limits: "A Node without any range is the subject of DS305. CNIs with ranges of their own other than Cilium are not recognised; the severity is a warning where it is not known who reads the Nodes' ranges.",
		Holds:  "Kubernetes 1.23 to 1.37",
		Since:  "0.1",
		Refs: []string{
			"kubernetes v1.37.2, pkg/controller/nodeipam/ipam/range_allocator.go AllocateOrOccupyCIDR",
			"kubernetes v1.37.2, pkg/apis/core/validation/validation.go",
			"https://github.com/kubernetes-sigs/cluster-api/issues/6951",
		},
		Covers: []string{"PLAN-11"},
	},
	Needs: []snapshot.Kind{snapshot.Nodes},
	Uses:  slices.Concat([]snapshot.Kind{snapshot.ControlPlane, snapshot.KubeadmConfig}, checks.BlockKinds),
	Run: func(in *checks.Input) (fs []checks.Finding) {
		wanted := blockFamiliesOf(in)
		if !wanted.Dual() {
			return nil
		}
		sev := in.BlockUse().Severity(severity.Error)
		for _, n := range in.Nodes() {
			missing := wanted.Minus(ipfam.SetOfPrefixes(n.PodCIDRs))
			if len(n.PodCIDRs) == 0 {
				continue
			}
			for _, f := range missing.List() {
				fs = append(fs, checks.Finding{
					Severity: sev, Object: n.Ref, Field: ".spec.podCIDRs", Family: f,
					Message: fmt.Sprintf("has no %s pod range; it has %v, and no other is ever added", f, n.PodCIDRs),
					Fix:     rejoinFor(sev, n.Name),
				})
			}
		}
		return fs
	},
}

// blockFamiliesOf is the families that a Node which joins now gets pod ranges of:
// those of the allocator, or of all the Nodes where it is not known.
func blockFamiliesOf(in *checks.Input) ipfam.Set {
	nodes := in.Nodes()
	if a, ok := allocatorOf(in); ok {
		return ipfam.SetOfPrefixes(a.ranges)
	}
	var s ipfam.Set
	for _, n := range nodes {
		for _, p := range n.PodCIDRs {
			s = s.With(ipfam.OfPrefix(p))
		}
	}
	return s
}
