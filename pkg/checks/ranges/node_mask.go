package ranges

import (
	"fmt"
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
)

var nodeMask = &checks.Check{
	ID:       "DS106",
	Name:     "node-mask-limit",
	Severity: severity.Error,
	Doc: checks.Doc{
		Claim: "kube-controller-manager can cut a node's block out of each pod range",
		Why: `A block is at most 16 bits longer than an IPv6 pod range, and never shorter than the
range. With other masks kube-controller-manager does not start: no node gets a block, of
either family, and nothing else that it does is done. The default mask of IPv6 is /64, which
fits a pod range of /48 to /64 and no other.`,
		Fix:    "Set --node-cidr-mask-size-ipv6 to no more than 16 bits longer than the range, or take a longer range.",
		Limits: "Only where --allocate-node-cidrs is on. Cilium's pools, to which the same rule applies, have a check of their own.",
		Holds:  "Kubernetes 1.23 to 1.37",
		Since:  "0.1",
		Refs: []string{
			"kubernetes v1.37.2, pkg/controller/nodeipam/ipam/cidrset/cidr_set.go NewCIDRSet",
			"kubernetes v1.37.2, pkg/controller/nodeipam/node_ipam_controller.go",
		},
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
				fs = append(fs, s.finding(limit, fmt.Sprintf("--node-cidr-mask-size-%s (in the plan: spec.pods.nodeMask.%s): %s",
					field(s.Family()), field(s.Family()), plan.NodeMaskFix(prefix, s.mask))))
			}
		}
		return fs
	},
}
