package controlplane

import (
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var serviceRangesAgree = &checks.Check{
	ID:       "DS201",
	Name:     "service-ranges-agree",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "every part of the control plane names the same Service range of each family",
		Why: `Where they differ, a Service gets one address or two depending on which API server
answers, or an address of a range that the rest of the cluster does not know. The ranges are
written down in four places, and none looks at the others. The API server's flag decides which
families Services have; addresses are drawn from the ServiceCIDR kubernetes, which the API
server writes once and does not change when the flag changes: new Services then keep coming
from the old range, and the only sign is an Event. kube-controller-manager keeps the Service
ranges that it is told out of the Nodes' pod ranges. What kubeadm keeps is what its next
upgrade writes into the manifests.`,
		Fix: `Write the same value, in the same order, into --service-cluster-ip-range of every
kube-apiserver and kube-controller-manager and into networking.serviceSubnet of the
ConfigMap kubeadm-config. Where the ServiceCIDR says something else, the flag goes back
to what it says, since Services have those addresses.`,
		Limits: "Control planes that run outside of Pods (k3s, managed clusters) do not show their flags. Families that only the ServiceCIDR has or lacks are the subject of DS211, order that of DS204.",
		Holds:  "Kubernetes 1.23 to 1.37; ServiceCIDR from 1.31",
		Since:  "0.1",
		Refs: []string{
			"kubernetes v1.37.2, pkg/controlplane/controller/defaultservicecidr/default_servicecidr_controller.go",
			"kubernetes v1.37.2, pkg/registry/core/rest/storage_core.go newServiceIPAllocators",
			"kubernetes v1.37.2, pkg/controller/nodeipam/ipam/range_allocator.go filterOutServiceRange",
		},
		Covers: []string{"CTRL-06", "PLAN-11"},
	},
	Uses:  []snapshot.Kind{snapshot.ControlPlane, snapshot.ServiceCIDRs, snapshot.KubeadmConfig},
	AnyOf: []snapshot.Kind{snapshot.ControlPlane, snapshot.KubeadmConfig},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		said := serviceStatements(in)
		for i := 1; i < len(said); i++ {
			fs = append(fs, compareServiceRanges(said[i], said[0])...)
		}
		return fs
	},
}

// compareServiceRanges is where s differs from authority, which decides.
func compareServiceRanges(s, authority statement) (fs []checks.Finding) {
	for _, f := range ipfam.All {
		oneLacksIt := len(s.of(f)) == 0 || len(authority.of(f)) == 0
		if s.agrees(authority, f) || s.kind == serviceCIDR && oneLacksIt {
			continue
		}
		finding := checks.Finding{
			Object: s.ref, Field: s.field, Family: f,
			Message: s.difference(authority, f, "Services") + "; " + drift(serviceDrift, s, authority),
			Fix:     serviceRangeFix(s, authority),
		}
		if s.kind == snapshot.APIServer && authority.kind == snapshot.APIServer {
			finding.Severity = severity.Error
		}
		fs = append(fs, finding)
	}
	return fs
}

// serviceDrift is what follows when one part differs from the one that decides.
var serviceDrift = map[string]string{
	snapshot.APIServer:         "what a new Service gets depends on which of the two answers",
	serviceCIDR:                "new Services get addresses out of the ServiceCIDR",
	snapshot.ControllerManager: "the pod ranges of Nodes may cover Services",
	kubeadm:                    "the next kubeadm upgrade writes it into the manifests",
}

// drift is what follows when s differs from authority. Within one kubeadm
// configuration the extra argument wins at once.
func drift(consequences map[string]string, s, authority statement) string {
	if authority.program != nil && authority.program.Planned {
		return "the extra argument wins"
	}
	return s.consequence(consequences)
}

func serviceRangeFix(s, authority statement) string {
	value := list(authority.prefixes)
	switch s.kind {
	case serviceCIDR:
		return setFlag(*authority.program, serviceFlag, list(s.prefixes))
	case kubeadm:
		return configFix(s, value)
	}
	return setFlag(*s.program, serviceFlag, value)
}
