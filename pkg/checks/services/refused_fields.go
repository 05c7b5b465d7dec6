package services

import (
	"fmt"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var refusedFields = &checks.Check{
	ID:       "DS611",
	Name:     "manifest-families-valid",
	Severity: severity.Error,
	Doc: checks.Doc{
		Claim: "the family fields of a Service's manifest go together",
		Why: `The API server refuses a Service of policy SingleStack that names two families, one
that names a family twice, and an ExternalName Service with any of these fields. What
is applied after it in the same run is often not applied either.`,
		Fix:    "Set the policy and leave ipFamilies out, or name each family once under PreferDualStack or RequireDualStack.",
		Holds:  "Kubernetes 1.23 to 1.37",
		Since:  "0.1",
		Refs:   []string{"kubernetes v1.37.2 pkg/apis/core/validation/validation.go", "kubernetes v1.37.2 pkg/registry/core/service/storage/alloc.go"},
		Covers: []string{"SVC-05", "SVC-04"},
	},
	Needs: []snapshot.Kind{snapshot.Services},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		for _, s := range in.Services() {
			if field, fault, fix := fieldFault(s); fault != "" {
				fs = append(fs, checks.Finding{Object: s.Ref, Field: field, Message: fault, Fix: "in the manifest: " + fix})
			}
		}
		return fs
	},
}

func fieldFault(s snapshot.Service) (field, fault, fix string) {
	families := ipfam.SetOf(s.Families...)
	switch {
	case s.Live:
		return "", "", ""
	case s.Type == "ExternalName" && (s.Policy != "" || len(s.Families) > 0):
		return ".spec.ipFamilyPolicy", "is an ExternalName with families: may not be set for ExternalName services", "no ipFamilyPolicy and no ipFamilies"
	case len(s.Families) > len(families.List()):
		return ".spec.ipFamilies", fmt.Sprintf("names a family twice: %v", s.Families), "each family once"
	case s.Policy == "SingleStack" && families.Dual():
		return ".spec.ipFamilyPolicy", "is SingleStack and names two families: must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified", "ipFamilyPolicy: PreferDualStack"
	}
	return "", "", ""
}
