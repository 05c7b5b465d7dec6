package checks

import (
	"cmp"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// Run runs each check over the plan, which may be nil, and the snapshot. The
// results are in the order of the checks, the findings of each in the order of
// their severity and object.
func Run(list []*Check, p *plan.Plan, snap *snapshot.Snapshot) []Result {
	results := make([]Result, 0, len(list))
	for _, c := range list {
		results = append(results, run(c, p, snap))
	}
	return results
}

func run(c *Check, p *plan.Plan, snap *snapshot.Snapshot) Result {
	if status, reason := obstacle(c, p, snap); status != "" {
		return Result{Check: c, Status: status, Reason: reason}
	}
	r := Result{Check: c, Status: Passed, Findings: c.Run(NewInput(p, snap))}
	if len(r.Findings) == 0 {
		// Nothing was found, but something could not be looked at: that is no pass.
		if g, ok := unseen(c, snap); ok {
			return Result{Check: c, Status: Unknown, Reason: g.String()}
		}
		return r
	}
	r.Status = Failing
	for i := range r.Findings {
		if r.Findings[i].Severity == 0 {
			r.Findings[i].Severity = c.Severity
		}
	}
	slices.SortStableFunc(r.Findings, compareFindings)
	return r
}

// obstacle is why c cannot run, if it cannot.
func obstacle(c *Check, p *plan.Plan, snap *snapshot.Snapshot) (Status, string) {
	if c.Plan && p == nil {
		return Skipped, "no address plan: --plan FILE"
	}
	for _, k := range c.Needs {
		if g, ok := snap.Gap(k); ok && !g.Partial {
			return outcome(g), g.String()
		}
	}
	if status, reason := noneOf(c.AnyOf, snap); status != "" || len(c.Needs) > 0 {
		return status, reason
	}
	return noneOf(c.Uses, snap)
}

// noneOf is why a check that needs one of the kinds cannot run, when none is known.
func noneOf(kinds []snapshot.Kind, snap *snapshot.Snapshot) (Status, string) {
	if len(kinds) == 0 {
		return "", ""
	}
	var missing []string
	status := Skipped
	for _, k := range kinds {
		g, ok := snap.Gap(k)
		if !ok || g.Partial {
			return "", ""
		}
		if outcome(g) == Unknown {
			status = Unknown
		}
		missing = append(missing, g.String())
	}
	return status, strings.Join(missing, "; ")
}

// unseen is the first kind of c that was not wholly read for want of a right, of
// time or of sense.
func unseen(c *Check, snap *snapshot.Snapshot) (snapshot.Gap, bool) {
	for _, k := range slices.Concat(c.Needs, c.Uses) {
		if g, ok := snap.Gap(k); ok && !g.Absent() {
			return g, true
		}
	}
	return snapshot.Gap{}, false
}

func outcome(g snapshot.Gap) Status {
	if g.Absent() {
		return Skipped
	}
	return Unknown
}

func compareFindings(a, b Finding) int {
	return cmp.Or(
		-cmp.Compare(a.Severity, b.Severity),
		cmp.Compare(a.Object.String(), b.Object.String()),
		cmp.Compare(a.Field, b.Field),
		cmp.Compare(a.Message, b.Message),
	)
}

// Worst is the worst severity among the findings that count: neither suppressed nor
// known before. It is zero when there is none.
func Worst(results []Result) severity.Severity {
	var worst severity.Severity
	for _, r := range results {
		for _, f := range r.Findings {
			if f.Suppressed == nil && !f.Known {
				worst = max(worst, f.Severity)
			}
		}
	}
	return worst
}
