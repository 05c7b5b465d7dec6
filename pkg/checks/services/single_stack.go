package services

import (
	"fmt"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var singleStackServices = &checks.Check{
	ID:       "DS612",
	Name:     "single-stack-services",
	Severity: severity.Info,
	Doc: checks.Doc{
		Claim: "where the cluster has two families, Services that are reached from outside have both",
		Why: `A Service without ipFamilyPolicy is SingleStack, of the cluster's first family, in a
dual-stack cluster too; those that are older than the second family stay as they are.
Clients of the other family do not reach them. That may well be meant.`,
		Fix:    "Set ipFamilyPolicy to PreferDualStack; the ClusterIP that the Service has stays.",
		Limits: "LoadBalancer and NodePort Services only, all in one finding; a Service of one family on purpose is counted too.",
		Holds:  "Kubernetes 1.23 to 1.37",
		Since:  "0.1",
		Refs:   []string{"kubernetes v1.37.2 pkg/registry/core/service/storage/alloc.go initIPFamilyFields", "https://kubernetes.io/docs/concepts/services-networking/dual-stack/"},
		Covers: []string{"SVC-01", "SVC-02", "KPX-04", "LB-16"},
	},
	Needs: []snapshot.Kind{snapshot.Services},
	Uses:  snapshot.ClaimKinds[plan.Services],
	Run: func(in *checks.Input) []checks.Finding {
		if !served(in).Dual() {
			return nil
		}
		var single []snapshot.Service
		var names []string
		exposed := 0
		for _, s := range in.Services() {
			if !s.LoadBalancer() && s.Type != "NodePort" {
				continue
			}
			exposed++
			if has, one := s.Has().Single(); one && s.Live && !s.WantsDual() {
				single = append(single, s)
				names = append(names, fmt.Sprintf("%s (%s)", s.Ref, has))
			}
		}
		if len(single) == 0 {
			return nil
		}
		return []checks.Finding{{
			Object: single[0].Ref, Field: ".spec.ipFamilyPolicy",
			Message: fmt.Sprintf("has one family, like %d of the %d Services that are reached from outside: %s", len(single), exposed, checks.Some(names)),
			Fix:     checks.Patch(single[0].Ref, `{"spec":{"ipFamilyPolicy":"PreferDualStack"}}`),
		}}
	},
}
