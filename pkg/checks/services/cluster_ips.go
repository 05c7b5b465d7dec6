package services

import (
	"fmt"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var serviceClusterIPs = &checks.Check{
	ID:       "DS601",
	Name:     "service-cluster-ips",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "where the cluster has two Service ranges, a Service that asks for both families has both",
		Why: `A PreferDualStack Service that was made while the API server had one range keeps its
one ClusterIP for ever: the API server does not give it a second one when the cluster
gets a second range, nor on a later update that leaves the families alone. DNS has no
record of the other family for it, and its Pods have no EndpointSlice of it.`,
		Fix:    "Name both families in .spec.ipFamilies, the one that it has first: the API server then allocates the second ClusterIP and the first one stays.",
		Holds:  "Kubernetes 1.23 to 1.37",
		Since:  "0.1",
		Refs:   []string{"kubernetes v1.37.2 pkg/registry/core/service/storage/alloc.go isMatchingPreferDualStackClusterIPFields"},
		Covers: []string{"SVC-01", "PLAN-11"},
	},
	Needs: []snapshot.Kind{snapshot.Services},
	Uses:  snapshot.ClaimKinds[plan.Services],
	Run: func(in *checks.Input) (fs []checks.Finding) {
		if !served(in).Dual() {
			return nil // one range: PreferDualStack with one ClusterIP is right
		}
		for _, s := range in.Services() {
			has, one := s.Has().Single()
			if !s.Live || !s.WantsDual() || !one || s.Type == "ExternalName" {
				continue
			}
			f := checks.Finding{
				Object: s.Ref, Field: ".spec.ipFamilies", Family: has.Other(),
				Message: fmt.Sprintf("is of policy %s and has %s only: ClusterIPs %v", s.Policy, has, s.ClusterIPs),
				Fix:     checks.Patch(s.Ref, fmt.Sprintf(`{"spec":{"ipFamilies":[%s]}}`, familyList(has, has.Other()))),
			}
			if s.Headless {
				f.Message = fmt.Sprintf("is of policy %s and has %s only, so its Pods have DNS records of %s only", s.Policy, has, has)
			}
			if s.Policy == "RequireDualStack" {
				f.Severity = severity.Error
			}
			fs = append(fs, f)
		}
		return fs
	},
}
