package controlplane

import (
	"fmt"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var clusterCIDRInUse = &checks.Check{
	ID:       "DS210",
	Name:     "cluster-cidr-in-use",
	Severity: severity.Info,
	Doc: checks.Doc{
		Claim: "a kube-controller-manager that is told the pod ranges gives Nodes their share of them",
		Why: `Nodes get no pod range, and an agent that waits for one of each family waits for ever.
--cluster-cidr and the node masks are read with --allocate-node-cidrs=true only, and the default
is false. Without it they look like the pod ranges of the cluster and are not.`,
		Fix:    "Set --allocate-node-cidrs=true; or, where the CNI has ranges of its own, remove --cluster-cidr.",
		Limits: "A cloud controller manager may give Nodes their ranges instead; Nodes that have one are no finding.",
		Holds:  "Kubernetes 1.23 to 1.37",
		Since:  "0.1",
		Refs: []string{
			"kubernetes v1.37.2, cmd/kube-controller-manager/app/core.go newNodeIpamController",
			"cilium v1.20.2, pkg/node/sync/local_node_sync_wait.go",
		},
		Covers: []string{"CTRL-04"},
	},
	Uses:  append([]snapshot.Kind{snapshot.ControlPlane, snapshot.KubeadmConfig, snapshot.Nodes}, checks.BlockKinds...),
	AnyOf: []snapshot.Kind{snapshot.ControlPlane, snapshot.KubeadmConfig},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		for _, n := range in.Nodes() {
			if len(n.PodCIDRs) > 0 {
				return nil // somebody gives them
			}
		}
		use := in.BlockUse()
		if use == checks.BlocksIgnored {
			return nil
		}
		for _, p := range in.Programs(snapshot.ControllerManager) {
			if p.Flags[podFlag] == "" || p.AllocatesNodeRanges() {
				continue
			}
			finding := checks.Finding{
				Object: p.Ref, Field: p.Field(podFlag),
				Message: fmt.Sprintf("has %s=%s without allocate-node-cidrs=true; the ranges are not used", podFlag, p.Flags[podFlag]),
				Fix:     setFlag(p, "allocate-node-cidrs", "true"),
			}
			if use == checks.BlocksRead {
				finding.Severity = severity.Warning
				finding.Message += ", and Nodes get the pod ranges that are waited for from nobody"
			}
			fs = append(fs, finding)
		}
		return fs
	},
}
