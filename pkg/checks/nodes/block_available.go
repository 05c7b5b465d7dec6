package nodes

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var blockAvailable = &checks.Check{
	ID:       "DS305",
	Name:     "node-pod-cidr-available",
	Severity: severity.Error,
	Doc: checks.Doc{
		Claim: "no Node waits for a pod range that there is none left of",
		Why: `The Node stays NotReady, or its Pods without addresses, in both families. A range has
2^(node mask - its own length) blocks, in each family another number: an IPv6 range /64 with the
default node mask is room for one Node. A Node gets a block of each family or none at all, so
that the smaller family decides. What tells of it is an Event of type Normal, which nobody
reads.`,
		Fix: `Delete Nodes that are gone, which frees their blocks. A longer node mask makes more
blocks, for the Nodes that join after it. A larger --cluster-cidr has to contain the old one,
and its IPv6 range may be at most 16 bits shorter than the node mask.`,
		Limits: "How many blocks are left is the subject of DS108. Events grow old: they count only for Nodes that still have no range.",
		Holds:  "Kubernetes 1.23 to 1.37",
		Since:  "0.1",
		Refs: []string{
			"kubernetes v1.37.2, pkg/controller/nodeipam/ipam/range_allocator.go AllocateOrOccupyCIDR",
			"kubernetes v1.37.2, pkg/controller/nodeipam/ipam/cidrset/cidr_set.go getMaxCIDRs",
			"kubernetes v1.37.2, pkg/controller/util/node/controller_utils.go RecordNodeStatusChange",
		},
		Covers: []string{"PLAN-04"},
	},
	Needs: []snapshot.Kind{snapshot.Nodes},
	Uses:  slices.Concat([]snapshot.Kind{snapshot.NodeEvents, snapshot.ControlPlane, snapshot.KubeadmConfig}, checks.BlockKinds),
	AnyOf: []snapshot.Kind{snapshot.NodeEvents, snapshot.ControlPlane, snapshot.KubeadmConfig},
	Run: func(in *checks.Input) []checks.Finding {
		a, allocates := allocatorOf(in)
		if !allocates && len(in.Programs(snapshot.ControllerManager)) > 0 {
			return nil // Nodes are not to have ranges
		}
		return nodesWithout(in, stocksOf(a, in.Nodes()))
	},
}

// stock is how many blocks of a family there are, and how many Nodes have.
type stock struct {
	family      ipfam.Family
	used, total uint64
	text        string // "fd00:10:244::/56 has room for 256 of /64"
}

func (s stock) out() bool { return s.used >= s.total }

// stocksOf is the stock of each family of the allocator.
func stocksOf(a allocator, nodes []snapshot.Node) (stocks []stock) {
	for _, r := range a.ranges {
		f := ipfam.OfPrefix(r)
		mask := a.mask.Of(f)
		s := stock{family: f, total: plan.Blocks(r, mask), text: fmt.Sprintf("%s has room for %d of /%d", r, plan.Blocks(r, mask), mask)}
		for _, n := range nodes {
			for _, b := range n.PodCIDRs {
				if contains(r, b) {
					s.used += max(1, plan.Blocks(b, mask))
				}
			}
		}
		if s.total > 0 { // otherwise kube-controller-manager does not start with the mask
			stocks = append(stocks, s)
		}
	}
	return stocks
}

// nodesWithout is the Nodes that have no range and will get none: a range is
// used up, or an Event says so.
func nodesWithout(in *checks.Input, stocks []stock) (fs []checks.Finding) {
	events := map[string]string{}
	for _, e := range in.NodeEvents() {
		events[e.Name] = e.Reason
	}
	var out ipfam.Set
	var reasons []string
	for _, s := range stocks {
		if s.out() {
			out = out.With(s.family)
			reasons = append(reasons, s.text)
		}
	}
	family, _ := out.Single()
	sev := in.BlockUse().Severity(severity.Error)
	for _, n := range in.Nodes() {
		event := events[n.Name]
		if len(n.PodCIDRs) > 0 || event == "" && out.Empty() {
			continue
		}
		why := slices.Clone(reasons)
		if event != "" {
			why = append(why, "its Event says "+event)
		}
		fs = append(fs, checks.Finding{
			Severity: sev, Object: n.Ref, Field: ".spec.podCIDRs", Family: family,
			Message: "has no pod range: " + strings.Join(why, ", "),
			Fix:     "kubectl get nodes -o custom-columns=NODE:.metadata.name,PODS:.spec.podCIDRs, and kubectl delete node for those that are gone; otherwise give --cluster-cidr of kube-controller-manager a larger range that contains the old one",
		})
	}
	return fs
}
