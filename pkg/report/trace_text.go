package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/trace"
)

// traceLabel is the width of the labels on the left.
const traceLabel = 9

func (p *printer) labelled(label, text string) {
	p.wrapped(fmt.Sprintf("%-*s", traceLabel, label), text)
}

// trace prints all sections.
func (p *printer) trace(w io.Writer, t trace.Trace) error {
	p.traceHeading(t)
	p.line("")
	p.paths(drawTrace(t, p.Style), func(trace.Step) bool { return true })
	p.branches(t)
	if len(t.Asked()) != 1 {
		p.differences(t)
	}
	p.partings(t.Partings)
	p.mends(t)
	p.probes(t)
	if len(t.Asked()) != 1 { // there is a choice
		p.programs(t.Programs)
	}
	p.verdict(t.Summary)
	return p.flush(w)
}

// traceHeading says whose packets go where, and what the marks mean.
func (p *printer) traceHeading(t trace.Trace) {
	pod := p.safe(t.Pod.String())
	if t.Node != "" {
		pod += " on node " + p.safe(t.Node)
	}
	if t.Chosen != "" {
		pod += " (" + p.safe(t.Chosen) + ")"
	}
	p.labelled("from", pod)
	p.labelled("to", p.targetText(t.Query.Target)+requirementText(t.Query.Require))
	var states []string
	for _, state := range []trace.State{trace.Passes, trace.Doubtful, trace.Stops, trace.NotReached, trace.Open} {
		word := string(state)
		if state == trace.Open {
			word = "not known"
		}
		states = append(states, p.stateMark(state)+" "+word)
	}
	p.line(fmt.Sprintf("%-*s", traceLabel, "known") + strings.Join(p.knownLegend(everyKnown...), "  "))
	p.line(fmt.Sprintf("%-*s", traceLabel, "packet") + strings.Join(states, "  "))
}

func requirementText(r trace.Requirement) string {
	switch r {
	case trace.RequireAny:
		return ", over either family"
	case trace.RequireV4, trace.RequireV6:
		return ", over IPv" + string(r)
	}
	return ""
}

// branches prints what becomes of the packets to each kind of endpoint.
func (p *printer) branches(t trace.Trace) {
	first := true
	for _, f := range ipfam.All {
		for _, b := range t.Paths.Of(f).Branches {
			if first {
				p.line("")
				p.line("by endpoint")
				first = false
			}
			prefix := fmt.Sprintf("  %s  %s", f, p.gutter(verdictMark(b.Path.Verdict)))
			p.wrapped(prefix, p.endpoints(b, p.all)+p.or(" — ", " -- ")+p.branchText(b.Path))
		}
	}
}

// branchText is the verdict with its reason: no hop of a branch is printed.
func (p *printer) branchText(path trace.Path) string {
	text := p.outcomeText(path)
	if why := p.safe(path.Why); why != "" && path.Halt() != "" {
		text += ": " + why
	}
	return text
}

func (p *printer) differences(t trace.Trace) {
	if !t.Query.Target.Families().Dual() {
		return
	}
	p.line("")
	steps := t.Differences()
	if len(steps) == 0 {
		known := "."
		if t.Paths.V4.Verdict == trace.Unsure || t.Paths.V6.Verdict == trace.Unsure {
			known = ", as far as is known."
		}
		p.wrapped("", "IPv4 and IPv6 take the same way"+known)
		return
	}
	var names []string
	for _, step := range steps {
		names = append(names, p.safe(string(step)))
	}
	p.wrapped("", "IPv4 and IPv6 differ at: "+strings.Join(names, ", "))
}

// partings prints where what was seen is not what was predicted.
func (p *printer) partings(partings []trace.Parting) {
	for _, parting := range partings {
		p.line("")
		title := fmt.Sprintf("%s %s %s is not as predicted", p.mark(markWarning), parting.Family, p.safe(string(parting.Step)))
		if parting.Check != "" {
			title += "  " + p.safe(parting.Check)
		}
		p.line(title)
		for _, l := range []struct{ label, text string }{
			{"predicted", parting.Predicted}, {"observed", parting.Observed}, {"because", parting.Because},
		} {
			if l.text != "" {
				p.wrapped(fmt.Sprintf("  %-*s  ", traceLabel, l.label), p.safe(l.text))
			}
		}
		if parting.Fix != "" {
			p.fix("  ", p.ascii(parting.Fix), p.safe(parting.Check))
		}
	}
}

// mends prints the fixes of hops, each once, and those of partings not again.
func (p *printer) mends(t trace.Trace) {
	var printed []string
	for _, parting := range t.Partings {
		printed = append(printed, parting.Fix)
	}
	for _, row := range t.Rows() {
		for _, f := range ipfam.All {
			hop := row.Hops.Of(f)
			if hop == nil || hop.Fix == "" || slices.Contains(printed, hop.Fix) {
				continue
			}
			printed = append(printed, hop.Fix)
			p.line("")
			p.line(strings.TrimRight(fmt.Sprintf("%s %s %s  %s", p.mark(mendMark(hop.State)), f, p.safe(string(hop.Step)), p.safe(hop.Check)), " "))
			p.fix("  ", p.ascii(hop.Fix), p.safe(hop.Check))
		}
	}
}

// mendMark is the mark of what can be mended: also of a hop that passes, or that no packet
// comes to before something else is mended.
func mendMark(state trace.State) mark {
	if m := stateSeverity(state); m != markNone {
		return m
	}
	return markInfo
}

// ascii is safe for a text of several lines, whose lines stay.
func (s Style) ascii(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, line := range lines {
		lines[i] = s.safe(line)
	}
	return strings.Join(lines, "\n")
}

// programs prints which family programs try first.
func (p *printer) programs(programs []trace.Program) {
	if len(programs) == 0 {
		return
	}
	p.line("")
	p.line("what programs try first")
	for _, program := range programs {
		var order []string
		for _, f := range program.Order {
			order = append(order, f.String())
		}
		text := strings.Join(order, ", then ")
		switch len(order) {
		case 0:
			text = "neither family"
		case 1:
			text += " only"
		}
		if program.Rule != "" {
			text += " (" + p.safe(program.Rule) + ")"
		}
		p.wrapped("  ", p.safe(strings.Join(program.Names, ", "))+": "+text)
	}
}

func (p *printer) verdict(summary string) {
	if summary != "" {
		p.line("")
		p.wrapped("", p.safe(summary))
	}
}
