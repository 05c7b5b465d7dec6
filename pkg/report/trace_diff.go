package report

import (
	"fmt"
	"io"
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/trace"
)

// WriteTraceDiff prints only the steps at which the two paths part, and what comes of
// each; where they do not part, that.
func WriteTraceDiff(w io.Writer, t trace.Trace, s Style) error {
	p := newPrinter(s)
	from, to := p.safe(t.Pod.String()), p.targetText(t.Query.Target)
	steps := t.Differences()
	if len(steps) == 0 {
		p.line(fmt.Sprintf("Both families take the same way from %s to %s: %s", from, to, p.bothVerdicts(t)))
		return p.flush(w)
	}
	p.wrapped("", from+" to "+to)
	p.line("")
	p.paths(drawTrace(t, s), func(step trace.Step) bool { return slices.Contains(steps, step) })
	if slices.Contains(steps, trace.StepService) {
		p.branches(t)
	}
	return p.flush(w)
}

// bothVerdicts is one verdict where it is that of both families.
func (s Style) bothVerdicts(t trace.Trace) string {
	v4, v6 := s.verdictText(t.Paths.V4), s.verdictText(t.Paths.V6)
	if v4 == v6 {
		return v4
	}
	return fmt.Sprintf("%s %s, %s %s", ipfam.V4, v4, ipfam.V6, v6)
}
