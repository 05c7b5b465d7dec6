package ranges

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var nodeMask = &checks.Check{
	ID:       "DS106",
	Name:     "node-mask-limit",
	Severity: severity.Error,
	Doc: checks.Doc{
		Claim: "kube-controller-manager can cut a node's block out of each pod range",
		Why: `With another mask kube-controller-manager does not start: no node gets a block, of
either family, and nothing else that it does is done. A block is at most 16 bits longer than
an IPv6 pod range and never shorter than the range. The default mask of IPv6 is /64, which
fits a pod range of /48 to /64 and no other.`,
		Fix:    "Set --node-cidr-mask-size-ipv6 to no more than 16 bits longer than the range, or take a longer range.",
		Limits: "Only where --allocate-node-cidrs is on. Cilium's pools, to which the same rule applies, have a check of their own.",
		Holds:  "Kubernetes 1.23 to 1.37",
		Since:  "0.1",
		Refs: []string{
			"kubernetes v1.37.2, pkg/controller/nodeipam/ipam/cidrset/cidr_set.go NewCIDRSet",
			"kubernetes v1.37.2, pkg/controller/nodeipam/node_ipam_controller.go",
		},
		Covers: []string{"PLAN-02"},
	},
	Uses: podKinds,
	Run: func(in *checks.Input) (fs []checks.Finding) {
		cluster := controllerManager(in)
		judged := slices.Concat(cluster, pods(in))
		for _, s := range slices.Concat(cluster, unsaid(judged, ofUse(planned(in), plan.Pods))) {
			prefix, ok := s.Prefix()
			if !ok {
				continue
			}
			if limit := plan.NodeMaskLimit(prefix, s.mask); limit != "" {
				fs = append(fs, s.finding(limit, maskRemedy(s, prefix)))
			}
		}
		return fs
	},
}

// maskRemedy is where to write a mask that is taken, and which others are.
func maskRemedy(s stated, r netip.Prefix) string {
	mask := strconv.Itoa(plan.LegalNodeMask(r, s.mask))
	shortest, longest := plan.NodeMasks(r)
	where := fmt.Sprintf("in the plan: spec.pods.nodeMask.%s: %s", field(s.Family()), mask)
	if s.planAt == "" {
		where = setFlag(s.program, maskFlag(s.program, s.Family()), mask)
	}
	return fmt.Sprintf("%s (/%d to /%d are taken)", where, shortest, longest)
}

// maskFlag is the flag of the node mask: the one for a cluster of one family, if
// that is used, since the two kinds exclude each other.
func maskFlag(p snapshot.Program, f ipfam.Family) string {
	const single = "node-cidr-mask-size"
	if p.Flags[single] != "" {
		return single
	}
	return single + "-" + field(f)
}
