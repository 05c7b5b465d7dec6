package controlplane

import (
	"fmt"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var familyOrder = &checks.Check{
	ID:       "DS204",
	Name:     "family-order",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "the two families stand in the same order everywhere",
		Why: `The first Service range is the family of every Service that names none, and
kube-controller-manager does not start when the order of the pod ranges has changed. The
Service kubernetes and the API server's advertise address are of the first family too. The
order of --cluster-cidr is the order of every Node's ranges, which kube-controller-manager
replays by position when it starts. Services that are IPv4 first over Pods that are IPv6 first
work, but surprise: .spec.podCIDR of the Nodes is then not of the Services' default family.`,
		Fix: `Write the families in one order into --service-cluster-ip-range and --cluster-cidr of
every member of the control plane and into kubeadm's configuration: the order that the
ServiceCIDR kubernetes and the Nodes have already.`,
		Limits: "The order of Nodes' addresses, which decides the first address of Pods, is the subject of DS306.",
		Holds:  "Kubernetes 1.23 to 1.37",
		Since:  "0.1",
		Refs: []string{
			"kubernetes v1.37.2, pkg/registry/core/service/storage/alloc.go",
			"kubernetes v1.37.2, pkg/controller/nodeipam/ipam/range_allocator.go occupyCIDRs",
			"https://github.com/kubernetes/kubernetes/issues/102698",
		},
		Covers: []string{"PLAN-06", "CNI-17"},
	},
	Uses:  []snapshot.Kind{snapshot.ControlPlane, snapshot.ServiceCIDRs, snapshot.KubeadmConfig},
	AnyOf: []snapshot.Kind{snapshot.ControlPlane, snapshot.KubeadmConfig},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		services, pods := serviceStatements(in), podStatements(in)
		fs = append(compareOrder(services, serviceOrder), compareOrder(pods, podOrder)...)
		if len(services) > 0 && len(pods) > 0 && swapped(pods[0], services[0]) {
			fs = append(fs, checks.Finding{
				Severity: severity.Info, Object: pods[0].ref, Field: pods[0].field,
				Message: fmt.Sprintf("names %s first: %s; Services are %s first: %s (%s)", pods[0].first(), list(pods[0].prefixes),
					services[0].first(), list(services[0].prefixes), services[0].seenFrom(pods[0])),
				Fix: orderAdvice(pods[0], services[0]),
			})
		}
		return fs
	},
}

// compareOrder is which of said has the families the other way round than the
// first. What kube-controller-manager is told of Services it takes in any order.
func compareOrder(said []statement, consequence map[string]string) (fs []checks.Finding) {
	for i := 1; i < len(said); i++ {
		s, authority := said[i], said[0]
		if s.consequence(consequence) == "" || !swapped(s, authority) {
			continue
		}
		finding := checks.Finding{
			Object: s.ref, Field: s.field,
			Message: fmt.Sprintf("names %s first: %s; %s names %s first: %s; %s", s.first(), list(s.prefixes),
				authority.seenFrom(s), authority.first(), list(authority.prefixes), s.consequence(consequence)),
			Fix: orderFix(s, authority),
		}
		if s.kind == snapshot.APIServer {
			finding.Severity = severity.Error
		}
		fs = append(fs, finding)
	}
	return fs
}

var serviceOrder = map[string]string{
	snapshot.APIServer: "the family of a Service that names none depends on which of the two answers",
	serviceCIDR:        "Services that name no family follow the API server's flag",
	kubeadm:            "the next kubeadm upgrade turns the first family of all new Services round",
}

var podOrder = map[string]string{
	snapshot.ControllerManager: "the one whose order the Nodes do not have does not start when it is to lead",
	kubeadm:                    "after the next kubeadm upgrade kube-controller-manager does not start, since the Nodes' ranges are in the other order",
}

// swapped reports whether s and t have both families, in another order.
func swapped(s, t statement) bool {
	return s.families().Dual() && t.families().Dual() && s.first() != t.first()
}

// orderFix gives s the order of authority; the ServiceCIDR cannot change its own.
func orderFix(s, authority statement) string {
	turned := inOrderOf(authority, s)
	switch s.kind {
	case serviceCIDR:
		return setFlag(*authority.program, serviceFlag, inOrderOf(s, authority))
	case kubeadm:
		return configFix(s, turned)
	case snapshot.APIServer:
		return setFlag(*s.program, serviceFlag, turned)
	}
	return setFlag(*s.program, podFlag, turned)
}

// orderAdvice is for pods and Services in different order, which only a cluster
// that is still to be made can mend.
func orderAdvice(pods, services statement) string {
	turned := inOrderOf(services, pods)
	if pods.kind == kubeadm && !pods.config.ByKubeadm() {
		return "before the cluster is made, " + pods.config.Line(pods.field, turned)
	}
	if pods.program == nil || pods.program.Planned {
		return "before kubeadm init: networking.podSubnet: " + turned
	}
	return "none for a cluster with Nodes, whose ranges keep their order; in a new one: --cluster-cidr=" + turned
}
