package services

import (
	"fmt"
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var refusedFamilies = &checks.Check{
	ID:       "DS610",
	Name:     "manifest-families-served",
	Severity: severity.Error,
	Doc: checks.Doc{
		Claim: "manifests of Services ask for families that the cluster serves",
		Why: `The API server refuses a Service that requires two families when it has one Service
range, and one that names a family of which it has none. Often the Pods were given
two families and the Services forgotten: the install stops in the middle.`,
		Fix:    "Ask for PreferDualStack and name no family in manifests for any cluster, or give the API server the second range.",
		Limits: "Headless Services without a selector have both families in every cluster and are not judged.",
		Holds:  "Kubernetes 1.23 to 1.37",
		Since:  "0.1",
		Refs:   []string{"kubernetes v1.37.2 pkg/registry/core/service/storage/alloc.go initIPFamilyFields", "https://github.com/kubernetes/kubernetes/issues/100675"},
		Covers: []string{"SVC-07", "SVC-04"},
	},
	Needs: []snapshot.Kind{snapshot.Services},
	Uses:  snapshot.ClaimKinds[plan.Services],
	Run: func(in *checks.Input) (fs []checks.Finding) {
		serves := served(in)
		if serves.Empty() {
			return nil
		}
		for _, s := range in.Services() {
			if s.Live || s.Type == "ExternalName" || s.Headless && len(s.Selector) == 0 {
				continue
			}
			i := slices.IndexFunc(s.Families, func(f ipfam.Family) bool { return !serves.Has(f) })
			f := checks.Finding{Object: s.Ref, Fix: "in the manifest: ipFamilyPolicy: PreferDualStack, and no ipFamilies"}
			switch {
			case i >= 0:
				f.Field, f.Family = fmt.Sprintf(".spec.ipFamilies[%d]", i), s.Families[i]
				f.Message = fmt.Sprintf("names %s; the API server serves %s only and refuses it: not configured on this cluster", s.Families[i], serves)
			case s.Policy == "RequireDualStack" && !serves.Dual():
				f.Field = ".spec.ipFamilyPolicy"
				f.Message = fmt.Sprintf("requires both families; the API server serves %s only and refuses it: this cluster is not configured for dual-stack services", serves)
			default:
				continue
			}
			fs = append(fs, f)
		}
		return fs
	},
}
