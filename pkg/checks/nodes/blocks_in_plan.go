package nodes

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var blocksInPlan = &checks.Check{
	ID:       "DS307",
	Name:     "node-pod-cidrs-in-plan",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "the pod ranges of every node lie in the plan's pod range of their family",
		Why: `Routes, firewalls and policies outside of the cluster are made for the plan's range, and
Pods of another one do not get through. Such a range is left over from an earlier one, or made
by an allocator with a default of its own; with one family in the plan and one out of it, it is
that family alone that fails.`,
		Fix:    "Drain the node, delete its Node (with Cilium's own pools: its CiliumNode), and let it have a new range; or correct the plan.",
		Limits: "Where --cluster-cidr is known, Nodes are compared with that (DS303), and it with the plan. Where Cilium's pool is not in the plan itself, the CiliumNodes' ranges follow from it and are no findings of their own.",
		Holds:  "Kubernetes 1.23 to 1.37; Cilium 1.10 to 1.20",
		Since:  "0.1",
		Refs: []string{
			"cilium documentation, network/concepts/ipam/cluster-pool",
			"https://github.com/cilium/cilium/issues/23872",
		},
		Covers: []string{"PLAN-05"},
	},
	Plan: true,
	Uses: slices.Concat([]snapshot.Kind{snapshot.Nodes, snapshot.CiliumNodes, snapshot.ControlPlane, snapshot.KubeadmConfig}, checks.BlockKinds),
	Run: func(in *checks.Input) (fs []checks.Finding) {
		a, _ := allocatorOf(in)
		c := in.Cilium()
		poolMode := c.Present() && c.Config.IPAM() == "cluster-pool"
		for _, f := range ipfam.All {
			pods := in.Plan().Pods.Prefixes.Of(f).Masked()
			if !pods.IsValid() {
				continue
			}
			if _, ok := a.of(f); !ok {
				fs = append(fs, outOfPlan(in, f, pods)...)
			}
			pools, _ := c.Config.Pools(f)
			if poolMode && !slices.ContainsFunc(pools, func(p netip.Prefix) bool { return !contains(pods, p) }) {
				fs = append(fs, ciliumOutOfPlan(in, f, pods)...)
			}
		}
		return fs
	},
}

// outOfPlan is the ranges of Nodes that are not in the plan's.
func outOfPlan(in *checks.Input, f ipfam.Family, pods netip.Prefix) (fs []checks.Finding) {
	sev := in.BlockUse().Severity(severity.Warning)
	for _, n := range in.Nodes() {
		if finding, ok := strayBlock(n.Ref, ".spec.podCIDRs", n.PodCIDRs, f, pods); ok {
			finding.Severity, finding.Fix = sev, rejoinFor(sev, n.Name)
			fs = append(fs, finding)
		}
	}
	return fs
}

// ciliumOutOfPlan is the ranges of CiliumNodes that are not in the plan's.
func ciliumOutOfPlan(in *checks.Input, f ipfam.Family, pods netip.Prefix) (fs []checks.Finding) {
	reallocate := reallocateIn(in.Cilium().Namespace)
	for _, n := range in.CiliumNodes() {
		if finding, ok := strayBlock(n.Ref, ".spec.ipam.podCIDRs", n.PodCIDRs, f, pods); ok {
			finding.Fix = reallocate(n.Name)
			fs = append(fs, finding)
		}
	}
	return fs
}

// strayBlock is the first block of family f that is not in pods.
func strayBlock(ref snapshot.Ref, field string, blocks []netip.Prefix, f ipfam.Family, pods netip.Prefix) (checks.Finding, bool) {
	for _, b := range ipfam.Split(blocks).Of(f) {
		if !contains(pods, b) {
			return checks.Finding{
				Object: ref, Field: field, Family: f,
				Message: fmt.Sprintf("has the pod range %s; the plan's pods are in %s", b, pods),
			}, true
		}
	}
	return checks.Finding{}, false
}

// reallocateIn is how a node gets other ranges from Cilium's operator, with the
// agents in the namespace.
func reallocateIn(namespace string) func(string) string {
	namespace = cmp.Or(namespace, "kube-system")
	return func(node string) string {
		return checks.Command("kubectl", "drain", node, "--ignore-daemonsets", "--delete-emptydir-data") + " && " +
			checks.Command("kubectl", "delete", "ciliumnode", node) + " && " +
			checks.Command("kubectl", "delete", "pod", "-n", namespace, "-l", "k8s-app=cilium", "--field-selector", "spec.nodeName="+node) + " && " +
			checks.Command("kubectl", "uncordon", node)
	}
}
