package plan

import "github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"

// Validate is what is wrong with the arithmetic of the plan, in the order of the
// file. It needs no cluster.
func (p *Plan) Validate() []Problem {
	v := validation{plan: p}
	v.hostBits()
	v.families()
	v.containment()
	v.egress()
	v.overlaps()
	v.specials()
	v.pools()
	v.sizes()
	v.capacity()
	for i := range v.problems {
		v.problems[i].At = p.Position(v.problems[i].Field)
		p.inItsWords(&v.problems[i])
	}
	sortProblems(v.problems)
	return v.problems
}

// validation gathers the problems of a plan.
type validation struct {
	plan     *Plan
	problems []Problem
}

func (v *validation) add(rule Rule, s severity.Severity, field, message, fix string) {
	v.problems = append(v.problems, Problem{Rule: rule, Severity: s, Field: field, Message: message, Fix: fix})
}
