package controlplane

import (
	"fmt"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var servicesAndPodsFamilies = &checks.Check{
	ID:       "DS203",
	Name:     "services-and-pods-families",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "Services and Pods have the same families",
		Why: `With one Service range every Service that asks for both families is refused; with one
pod range the second address of every Service leads to nothing. The two are set by different
programs, and kubeadm does not compare them. A Service that prefers both gets one address
meanwhile, and keeps it.`,
		Fix: `Name a range of each family in both: --service-cluster-ip-range (kubeadm:
networking.serviceSubnet) and --cluster-cidr (networking.podSubnet). Services, Nodes and
Pods that exist keep their one family until they are edited, re-created, restarted.`,
		Limits: "Pods' families are those of Cilium's pools or of --cluster-cidr. A CNI with ranges of its own that are not read here may have others.",
		Holds:  "Kubernetes 1.23 to 1.37",
		Since:  "0.1",
		Refs: []string{
			"kubernetes v1.37.2, pkg/registry/core/service/storage/alloc.go",
			"kubernetes v1.37.2, cmd/kubeadm/app/apis/kubeadm/validation/validation.go ValidateNetworking",
			"https://github.com/kubernetes/kubernetes/issues/89610",
		},
		Covers: []string{"PLAN-06", "CNI-01"},
	},
	Uses:  []snapshot.Kind{snapshot.ControlPlane, snapshot.KubeadmConfig, snapshot.CiliumConfig},
	AnyOf: []snapshot.Kind{snapshot.ControlPlane, snapshot.KubeadmConfig},
	Run: func(in *checks.Input) []checks.Finding {
		services, ok := rangesOf(in, snapshot.APIServer, serviceFlag)
		if !ok {
			return nil
		}
		if pools, ok := ciliumStatement(in); ok {
			return singleServices(services, pools) // a family that Cilium lacks is Cilium's fault
		}
		pods, ok := rangesOf(in, snapshot.ControllerManager, podFlag)
		if !ok {
			return nil
		}
		return append(singleServices(services, pods), singlePods(services, pods, in.Cilium())...)
	},
}

// rangesOf is what the flag says in effect, on a Pod or in kubeadm's configuration.
func rangesOf(in *checks.Input, program, flag string) (statement, bool) {
	for _, p := range in.Programs(program) {
		if program == snapshot.ControllerManager && !p.AllocatesNodeRanges() {
			continue
		}
		if s, ok := flagStatement(p, flag); ok {
			return s, true
		}
	}
	return statement{}, false
}

// singleServices is the families that Pods have and Services have not.
func singleServices(services, pods statement) (fs []checks.Finding) {
	for _, f := range pods.families().Minus(services.families()).List() {
		finding := checks.Finding{
			Object: services.ref, Field: services.field, Family: f,
			Message: fmt.Sprintf("has no %s range for Services: %s; Pods have %s (%s), and every Service that asks for both families is refused",
				f, list(services.prefixes), list(pods.of(f)), pods.seenFrom(services)),
			Fix: setFlag(*services.program, serviceFlag, list(services.prefixes)+","+example(f, "Service range")),
		}
		if !pods.families().Dual() {
			finding.Severity = severity.Error
			finding.Message = fmt.Sprintf("gives Services %s addresses only, %s; Pods have %s only (%s), and no Service has an endpoint",
				services.families(), list(services.prefixes), f, pods.seenFrom(services))
		}
		fs = append(fs, finding)
	}
	return fs
}

// singlePods is the families that Services have and Pods have not.
func singlePods(services, pods statement, c snapshot.Cilium) (fs []checks.Finding) {
	for _, f := range services.families().Minus(pods.families()).List() {
		if !services.families().Dual() {
			continue // singleServices has told of it from the other side
		}
		finding := checks.Finding{
			Object: pods.ref, Field: pods.field, Family: f,
			Message: fmt.Sprintf("has no %s range for Pods: %s; Services have %s (%s), and their %s addresses lead to no Pod",
				f, list(pods.prefixes), list(services.of(f)), services.seenFrom(pods), f),
			Fix: setFlag(*pods.program, podFlag, list(pods.prefixes)+","+example(f, "pod range")),
		}
		if c.Present() && c.Config.IPAM() == "kubernetes" && c.Config.Enabled(f) {
			finding.Severity = severity.Error
			finding.Message += "; Cilium's agents wait for it"
		}
		fs = append(fs, finding)
	}
	return fs
}

// example stands in a fix for a range that only the people who run the cluster
// can choose.
func example(f ipfam.Family, what string) string { return fmt.Sprintf("<%s %s>", f, what) }
