package controlplane

import (
	"fmt"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var blocksSpareServices = &checks.Check{
	ID:       "DS207",
	Name:     "blocks-spare-services",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "kube-controller-manager gives no Node a pod range that has Service addresses in it",
		Why: `Pods on a Node whose pod range has ClusterIPs in it get the addresses of Services, and
the two cannot be told apart. kube-controller-manager leaves out the parts of --cluster-cidr
that belong to Services, family by family, if it is told the Service ranges in a flag of its
own; without the flag it does not.`,
		Fix:    "Give kube-controller-manager the API server's value of --service-cluster-ip-range; better, keep the two ranges apart.",
		Limits: "Ranges that lie apart need no flag and are no finding without it. A flag that is there and says something else is the subject of DS201.",
		Holds:  "Kubernetes 1.23 to 1.37",
		Since:  "0.1",
		Refs: []string{
			"kubernetes v1.37.2, pkg/controller/nodeipam/ipam/range_allocator.go filterOutServiceRange",
			"kubernetes v1.37.2, cmd/kube-controller-manager/app/options/nodeipamcontroller.go",
		},
		Covers: []string{"CTRL-04", "PLAN-05"},
	},
	Uses:  []snapshot.Kind{snapshot.ControlPlane, snapshot.ServiceCIDRs, snapshot.KubeadmConfig},
	AnyOf: []snapshot.Kind{snapshot.ControlPlane, snapshot.KubeadmConfig},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		services := serviceStatements(in)
		for _, p := range in.Programs(snapshot.ControllerManager) {
			pods, ok := flagStatement(p, podFlag)
			if !ok || !p.AllocatesNodeRanges() || p.Flags[serviceFlag] != "" || len(services) == 0 {
				continue
			}
			for _, f := range ipfam.All {
				fs = append(fs, unspared(p, pods, services[0], f)...)
			}
		}
		return fs
	},
}

// unspared is the Service ranges of family f that Nodes can be given.
func unspared(p snapshot.Program, pods, services statement, f ipfam.Family) (fs []checks.Finding) {
	for _, pod := range pods.of(f) {
		for _, service := range services.of(f) {
			if !pod.Overlaps(service) {
				continue
			}
			fs = append(fs, checks.Finding{
				Object: p.Ref, Field: p.Field(serviceFlag), Family: f,
				Message: fmt.Sprintf("has no %s: the Service range %s (%s) overlaps the pod range %s, and Nodes are given pod ranges out of it",
					serviceFlag, service, services.seenFrom(pods), pod),
				Fix: setFlag(p, serviceFlag, list(services.prefixes)),
			})
		}
	}
	return fs
}
