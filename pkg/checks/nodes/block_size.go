package nodes

import (
	"fmt"
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var blockSize = &checks.Check{
	ID:       "DS308",
	Name:     "node-pod-cidr-size",
	Severity: severity.Info,
	Doc: checks.Doc{
		Claim: "the pod ranges of Nodes have the size that kube-controller-manager is told",
		Why: `A Node with a longer prefix has room for fewer Pods of one family than the others; one
with a shorter prefix takes the place of several Nodes out of the range. A node mask holds for
Nodes that join after it was set. An IPv6 mask that was given to the wrong flag leaves the
default, /64.`,
		Fix:    "Drain, delete and join again the Nodes of the old size; or set the mask back.",
		Limits: "Only ranges inside of --cluster-cidr; others are the subject of DS303. Where Cilium has pools of its own, with masks of their own, the size of the Nodes' ranges does not matter.",
		Holds:  "Kubernetes 1.23 to 1.37",
		Since:  "0.1",
		Refs: []string{
			"kubernetes v1.37.2, cmd/kube-controller-manager/app/core.go setNodeCIDRMaskSizes",
			"kubernetes v1.37.2, pkg/controller/nodeipam/ipam/cidrset/cidr_set.go getBeginningAndEndIndices",
		},
		Covers: []string{"CTRL-04"},
	},
	Needs: []snapshot.Kind{snapshot.Nodes},
	Uses:  slices.Concat([]snapshot.Kind{snapshot.ControlPlane, snapshot.KubeadmConfig}, checks.BlockKinds),
	AnyOf: []snapshot.Kind{snapshot.ControlPlane, snapshot.KubeadmConfig},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		nodes := in.Nodes()
		a, ok := allocatorOf(in)
		if use := in.BlockUse(); !ok || use == checks.BlocksIgnored {
			return nil
		}
		for _, n := range nodes {
			for _, b := range n.PodCIDRs {
				f := ipfam.OfPrefix(b)
				r, ok := a.of(f)
				if mask := a.mask.Of(f); ok && contains(r, b) && b.Bits() != mask {
					fs = append(fs, checks.Finding{
						Object: n.Ref, Field: ".spec.podCIDRs", Family: f,
						Message: fmt.Sprintf("has the %s pod range %s; Nodes that join now get a /%d, %s", f, b, mask, compareSize(b.Bits(), mask)),
						Fix:     "none, unless Pods there run short of addresses; then: " + rejoin(n.Name),
					})
				}
			}
		}
		return fs
	},
}

// compareSize is how a block of the one length compares with one of the other.
func compareSize(bits, mask int) string {
	if bits > mask {
		return "with more addresses for Pods"
	}
	return "with fewer addresses for Pods"
}
