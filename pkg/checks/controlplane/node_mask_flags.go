package controlplane

import (
	"fmt"
	"strconv"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var nodeMaskFlags = &checks.Check{
	ID:       "DS205",
	Name:     "node-mask-flags",
	Severity: severity.Error,
	Doc: checks.Doc{
		Claim: "kube-controller-manager takes its --node-cidr-mask-size flags together with its --cluster-cidr",
		Why: `kube-controller-manager refuses the flags and does not start, and with it stop all its
controllers: no new Node gets a pod range, no Service its endpoints. There are three flags for
the size of a Node's pod range. --node-cidr-mask-size is for one family and refused with two;
--node-cidr-mask-size-ipv4 and -ipv6 are for two, and each is refused in a cluster of the other
family alone. kubeadm does not look at --node-cidr-mask-size at all.`,
		Fix:   "With two families: --node-cidr-mask-size-ipv4 and --node-cidr-mask-size-ipv6, and no --node-cidr-mask-size.",
		Holds: "Kubernetes 1.23 to 1.37",
		Since: "0.1",
		Refs: []string{
			"kubernetes v1.37.2, cmd/kube-controller-manager/app/core.go setNodeCIDRMaskSizes",
			"kubernetes v1.37.2, cmd/kubeadm/app/apis/kubeadm/validation/validation.go",
			"https://github.com/kubernetes/kubernetes/issues/83346",
		},
		Covers: []string{"CTRL-04"},
	},
	Uses: []snapshot.Kind{snapshot.ControlPlane, snapshot.KubeadmConfig},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		for _, p := range in.Programs(snapshot.ControllerManager) {
			ranges, ok := flagStatement(p, podFlag)
			if !ok || !p.AllocatesNodeRanges() {
				continue
			}
			if flag, refusal := refusedMask(p.Flags, ranges.families()); refusal != "" {
				fs = append(fs, checks.Finding{
					Object: p.Ref, Field: p.Field(flag),
					Message: fmt.Sprintf("has %s=%s with the pod ranges %s; kube-controller-manager does not start: %q",
						flag, p.Flags[flag], list(ranges.prefixes), refusal),
					Fix: maskFix(p, flag, ranges.families()),
				})
			}
		}
		return fs
	},
}

// maskFlag is for one family alone, familyMaskFlag of each for both.
const maskFlag = "node-cidr-mask-size"

func familyMaskFlag(f ipfam.Family) string { return cilium.Key(maskFlag+"-%s", f) }

// refusedMask is the flag that kube-controller-manager does not take with pod
// ranges of these families, and its words; 0 is the same as not given.
func refusedMask(flags snapshot.Flags, families ipfam.Set) (flag, refusal string) {
	given := func(flag string) bool { return flags[flag] != "" && flags[flag] != "0" }
	single, isSingle := families.Single()
	switch {
	case !isSingle && given(maskFlag):
		return maskFlag, "usage of --node-cidr-mask-size is not allowed with dual-stack clusters"
	case !isSingle:
		return "", ""
	}
	for _, f := range ipfam.All {
		switch flag := familyMaskFlag(f); {
		case !given(flag):
		case given(maskFlag):
			return flag, "usage of --node-cidr-mask-size-ipv4 and --node-cidr-mask-size-ipv6 is not allowed if --node-cidr-mask-size is set"
		case f != single:
			return flag, fmt.Sprintf("usage of --%s is not allowed for a single-stack %s cluster", flag, single)
		}
	}
	return "", ""
}

// maskFix takes the refused flag out. What --node-cidr-mask-size said, the flag
// of its family goes on to say.
func maskFix(p snapshot.Program, flag string, families ipfam.Set) string {
	if flag != maskFlag {
		return dropFlag(p, flag)
	}
	var instead []flagValue
	for _, f := range families.List() {
		if own := familyMaskFlag(f); p.Flags[own] == "" {
			instead = append(instead, flagValue{own, fmt.Sprint(maskFor(p.Flags, f))})
		}
	}
	return replaceFlag(p, flag, instead)
}

// maskFor is the size that the one flag says when it can be meant for family f,
// otherwise the default.
func maskFor(flags snapshot.Flags, f ipfam.Family) int {
	n, err := strconv.Atoi(flags[maskFlag])
	if err != nil || (n > ipfam.V4.Bits()) != (f == ipfam.V6) {
		return plan.DefaultNodeMask.Of(f)
	}
	return n
}
