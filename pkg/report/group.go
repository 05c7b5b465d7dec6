package report

import (
	"cmp"
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
)

// group is the findings of one check and severity.
type group struct {
	result   *Result
	severity severity.Severity
	findings []Finding
}

// groups is the findings of r, worst first and then in the order of the checks.
func (r *Report) groups() []group {
	var groups []group
	for i := range r.Results {
		result := &r.Results[i]
		for _, s := range severity.All {
			g := group{result: result, severity: s}
			for _, f := range result.Findings {
				if f.Severity == s {
					g.findings = append(g.findings, f)
				}
			}
			if len(g.findings) > 0 {
				groups = append(groups, g)
			}
		}
	}
	slices.SortStableFunc(groups, func(a, b group) int { return -cmp.Compare(a.severity, b.severity) })
	return r.newFirst(groups)
}

// commonFix is the fix of every finding of g, when they have the same.
func (g group) commonFix() (string, bool) {
	for _, f := range g.findings {
		if f.Fix != g.findings[0].Fix {
			return "", false
		}
	}
	return g.findings[0].Fix, true
}
