package ranges

import (
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
)

var planArithmetic = &checks.Check{
	ID:       "DS102",
	Name:     "plan-arithmetic",
	Severity: severity.Error,
	Doc: checks.Doc{
		Claim: "the plan has what its families and its expectations ask for",
		Why: `The family that has less runs out while the other has plenty. A plan that lacks the
range of a family, or that is smaller than what is expected of the cluster, also makes the
checks that judge by it right about the wrong thing.`,
		Fix:    "Mend the plan at the line that the finding names; kubectl dualstack plan validate FILE has all that is wrong with it.",
		Limits: "What other checks say of the cluster and of the plan together (overlaps, sizes, special prefixes, pools) is left to them.",
		Holds:  "all releases",
		Since:  "0.1",
		Refs:   []string{"docs/schema/addressplan.schema.json"},
		Covers: []string{"PLAN-04", "RTR-03"},
	},
	Plan: true,
	Run: func(in *checks.Input) (fs []checks.Finding) {
		p := in.Plan()
		for _, problem := range p.Validate() {
			if !onlyOfPlan(problem) {
				continue
			}
			fs = append(fs, checks.Finding{
				Severity: problem.Severity, Object: planRef(p), Field: "." + problem.Field, PlanAt: problem.Field,
				Message: problem.Message, Fix: "in the plan: " + problem.Fix,
			})
		}
		return fs
	},
}

// onlyOfPlan reports whether no other check speaks of the problem.
func onlyOfPlan(problem plan.Problem) bool {
	switch problem.Rule {
	case plan.HasFamilies, plan.Enough:
		return true
	case plan.InLAN: // pools that are not on the LAN are found in the cluster
		return strings.HasPrefix(problem.Field, "spec.lan.")
	}
	return false
}
