package cni

import (
	"fmt"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// hasBlocks reports whether a node's pod ranges are in its CiliumNode: in the
// other modes addresses come from elsewhere.
func hasBlocks(ipam string) bool { return ipam == "cluster-pool" || ipam == "kubernetes" }

var nodeBlocks = &checks.Check{
	ID:       "DS415",
	Name:     "cilium-node-blocks",
	Severity: severity.Error,
	Doc: checks.Doc{
		Claim: "every CiliumNode has a pod range of each family that Cilium runs",
		Why: `The agent of a node waits until the node has a pod range of every family, and then
gives addresses out of these. A node that joined before a family was switched on, or
when the pool was used up, has a range of one family: its agent does not get through
a restart, and pods on it start with one address or not at all.`,
		Fix:    "Mend the pool, restart the operator, and then the agent of the node.",
		Limits: "Only for the IPAM modes cluster-pool and kubernetes. A node that joined this minute may still wait for the operator.",
		Holds:  "Cilium 1.15 to 1.20",
		Since:  "0.1",
		Refs:   []string{"cilium v1.20.2, pkg/node/sync/local_node_sync_wait.go", "cilium v1.20.2, operator/pkg/ipam/allocator/podcidr/podcidr.go", "https://github.com/cilium/cilium/issues/14505"},
		Covers: []string{"CNI-01", "PLAN-11"},
	},
	Needs: []snapshot.Kind{snapshot.CiliumConfig, snapshot.CiliumNodes},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		c, ok := configuration(in)
		nodes := in.CiliumNodes()
		if !ok || !hasBlocks(c.Config.IPAM()) {
			return nil
		}
		for _, n := range nodes {
			fs = append(fs, blockFindings(c, n)...)
		}
		return fs
	},
}

func blockFindings(c configured, n snapshot.CiliumNode) (fs []checks.Finding) {
	restart := checks.Command("kubectl", "rollout", "restart", "-n", c.namespace(), "deploy/cilium-operator") + " && " +
		checks.Command("kubectl", "delete", "pod", "-n", c.namespace(), "-l", "k8s-app=cilium", "--field-selector", "spec.nodeName="+n.Name)
	said := ""
	if n.PoolError != "" {
		said = fmt.Sprintf("; the operator says: %q", n.PoolError)
	}
	for _, f := range c.Config.Families().Minus(ipfam.SetOfPrefixes(n.PodCIDRs)).List() {
		fs = append(fs, checks.Finding{
			Object: n.Ref, Field: ".spec.ipam.podCIDRs", Family: f,
			Message: fmt.Sprintf("has no %s pod range, and Cilium runs %s; its ranges are %v%s", f, f, n.PodCIDRs, said),
			Fix:     restart,
		})
	}
	if len(fs) == 0 && n.PoolError != "" {
		fs = append(fs, checks.Finding{
			Severity: severity.Warning,
			Object:   n.Ref, Field: ".status.ipam.operator-status.error",
			Message: fmt.Sprintf("has trouble with its pod ranges %v%s", n.PodCIDRs, said),
			Fix:     restart,
		})
	}
	return fs
}
