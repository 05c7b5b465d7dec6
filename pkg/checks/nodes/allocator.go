package nodes

import (
	"net/netip"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// allocator is the kube-controller-manager that gives Nodes their pod ranges, or
// the one that kubeadm's configuration makes.
type allocator struct {
	snapshot.Program
	ranges []netip.Prefix // in the order of --cluster-cidr, which is that of .spec.podCIDRs
	mask   ipfam.Pair[int]
}

// allocatorOf is the first kube-controller-manager that gives Nodes pod ranges;
// ok is false when none is known that does. That members of the control plane
// differ is not a matter of Nodes.
func allocatorOf(in *checks.Input) (a allocator, ok bool) {
	for _, p := range in.Programs(snapshot.ControllerManager) {
		ranges, bad := p.Flags.Prefixes("cluster-cidr")
		if !p.AllocatesNodeRanges() || len(ranges) == 0 || len(bad) > 0 {
			continue
		}
		for i := range ranges {
			ranges[i] = ranges[i].Masked()
		}
		return allocator{Program: p, ranges: ranges, mask: p.Flags.NodeMask(ranges)}, true
	}
	return a, false
}

// of is the pod range of family f, if the allocator has one.
func (a allocator) of(f ipfam.Family) (netip.Prefix, bool) {
	for _, r := range a.ranges {
		if ipfam.OfPrefix(r) == f {
			return r, true
		}
	}
	return netip.Prefix{}, false
}

// contains reports whether the block lies in the pod range.
func contains(outer, block netip.Prefix) bool {
	return outer.Bits() <= block.Bits() && outer.Contains(block.Addr())
}

// rejoin is how a Node gets other pod ranges than it has: the API server lets
// nobody change them. Source: kubernetes v1.37.2, pkg/apis/core/validation/validation.go.
func rejoin(node string) string {
	return checks.Command("kubectl", "drain", node, "--ignore-daemonsets", "--delete-emptydir-data") + " && " +
		checks.Command("kubectl", "delete", "node", node) + "; then on it: systemctl restart kubelet"
}

// rejoinFor is rejoin for a finding of severity sev: nobody drains a Node for a
// range that nothing reads.
func rejoinFor(sev severity.Severity, node string) string {
	if sev == severity.Info {
		return "none, as long as nothing reads .spec.podCIDRs; otherwise: " + rejoin(node)
	}
	return rejoin(node)
}
