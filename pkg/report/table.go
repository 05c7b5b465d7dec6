package report

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks/catalog"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
)

// maxFindings is how many findings of one check the table shows.
const maxFindings = 5

// writeTable prints the report for people.
func (r *Report) writeTable(w io.Writer, s Style) error {
	return newPrinter(s).report(w, r)
}

// printer gathers the lines of a report.
type printer struct {
	Style
	all   bool              // nothing is left out
	fixes map[string]string // the check for which a fix was printed first
	out   bytes.Buffer
	err   error
}

func newPrinter(s Style) *printer { return &printer{Style: s, fixes: map[string]string{}} }

func (p *printer) line(text string) {
	p.out.WriteString(text)
	p.out.WriteByte('\n')
}

func (p *printer) linef(format string, args ...any) { p.line(fmt.Sprintf(format, args...)) }

// wrapped prints text after a prefix of spaces or a label; the lines that follow
// the first are indented as far.
func (p *printer) wrapped(prefix, text string) {
	indent := strings.Repeat(" ", width(prefix))
	room := 0
	if p.Width > 0 {
		room = max(p.Width-width(prefix), 1)
	}
	for i, line := range Wrap(text, room) {
		if i > 0 {
			prefix = indent
		}
		p.line(strings.TrimRight(prefix+line, " "))
	}
}

func (p *printer) grid(g *grid) {
	text, err := g.text()
	if err != nil && p.err == nil {
		p.err = err
	}
	p.out.Write(text)
}

func (p *printer) flush(w io.Writer) error {
	if p.err != nil {
		return p.err
	}
	_, err := w.Write(p.out.Bytes())
	return err
}

// report prints all sections.
func (p *printer) report(w io.Writer, r *Report) error {
	p.heading(r)
	p.matrix(r)
	p.areas(r)
	p.findings(r)
	p.accepted(r)
	p.gone(r.WhatIf)
	p.unchecked(r)
	if p.all {
		p.passed(r)
	}
	p.line("")
	if id := firstID(r); id != "" {
		p.wrapped("", "Why, and how to mend it: kubectl dualstack doctor explain "+id)
	}
	p.changes(r.WhatIf)
	p.totals(r)
	return p.flush(w)
}

func firstID(r *Report) string {
	for _, g := range r.groups() {
		return g.result.ID
	}
	return ""
}

// heading says what was audited, by which rules, and how deep.
func (p *printer) heading(r *Report) {
	s := r.Source
	name := Escape(s.Name)
	if s.Server != "" && s.Server != s.Name {
		name += " " + Escape(s.Server)
	}
	p.wrapped(fmt.Sprintf("%-9s", s.Type), name)
	var versions []string
	assumed := ""
	for _, v := range s.Versions {
		text := v.Component + " " + v.Version.String()
		if v.Assumed {
			text += "*"
			assumed = " (*not known: judged by the latest rules)"
		}
		versions = append(versions, text)
	}
	p.wrapped(fmt.Sprintf("%-9s", "versions"), strings.Join(versions, ", ")+assumed)
	p.wrapped(fmt.Sprintf("%-9s", "plan"), r.judgedBy())
	p.whatIf(r.WhatIf)
	depth := s.Depth
	if s.Reason != "" {
		depth += ": " + Escape(s.Reason)
	}
	p.wrapped(fmt.Sprintf("%-9s", "depth"), depth)
	if n := len(s.Problems); n > 0 {
		p.wrapped(fmt.Sprintf("%-9s", "problems"), fmt.Sprintf("%d in what was read, on standard error and in -o json", n))
	}
}

func (r *Report) judgedBy() string {
	p := r.Plan
	switch {
	case r.brokenPlan != "":
		return "none: " + Escape(r.brokenPlan) + " is not understood"
	case p == nil:
		return "none: sources are compared with one another"
	}
	text := Escape(p.Source)
	if p.Name != "" {
		text = Escape(p.Name) + " " + text
	}
	if p.Found {
		text += " (found among the files)"
	}
	return text
}

// areas prints one line of counts for each area that has checks in the report.
func (p *printer) areas(r *Report) {
	g := &grid{header: []string{"AREA", "ERROR", "WARNING", "INFO", "OK", "SKIPPED", "UNKNOWN"}}
	for _, area := range catalog.Areas {
		var results []Result
		for _, result := range r.Results {
			if strings.HasPrefix(result.ID, area.Prefix) {
				results = append(results, result)
			}
		}
		if len(results) == 0 {
			continue
		}
		cells := []string{area.Title}
		for _, c := range summarize(results).counts() {
			cell := p.dash()
			if c.n > 0 {
				cell = fmt.Sprintf("%s %d", p.mark(c.mark), c.n)
			}
			cells = append(cells, cell)
		}
		g.add(cells...)
	}
	if len(g.rows) > 0 {
		p.line("")
		p.grid(g)
	}
}

// findings prints each check that found something: its consequence once, then
// what it found where.
func (p *printer) findings(r *Report) {
	for _, g := range r.groups() {
		p.line("")
		title := fmt.Sprintf("%s %s  %s", p.mark(markOf(g.worst())), g.result.ID, g.result.Name)
		if n := len(g.findings); n > 1 {
			title += fmt.Sprintf("  (%d)", n)
		}
		p.line(title + g.findings[0].Change.words())
		p.wrapped("  ", g.result.consequence)
		fix, common := g.commonFix()
		shown := g.findings
		if !p.all && len(shown) > maxFindings {
			shown = shown[:maxFindings]
		}
		for _, f := range shown {
			p.finding(f)
			if !common {
				p.fix("    ", f.Fix, g.result.ID)
			}
		}
		if hidden := len(g.findings) - len(shown); hidden > 0 {
			p.linef("  %s and %d more: -o wide", p.or("…", "..."), hidden)
		}
		if common {
			p.fix("  ", fix, g.result.ID)
		}
		p.follow(g)
	}
}

// follow prints what follows from the findings of g: of each check the first objects,
// or with all everything.
func (p *printer) follow(g group) {
	if len(g.follow) == 0 {
		return
	}
	p.linef("  from this follow %d:", g.following())
	for _, f := range g.follow {
		if !p.all {
			p.wrapped(fmt.Sprintf("  %s %s ", p.mark(markOf(f.worst())), f.result.ID), f.result.Name+": "+f.objects())
			continue
		}
		p.linef("  %s %s  %s", p.mark(markOf(f.worst())), f.result.ID, f.result.Name)
		for _, finding := range f.findings {
			p.finding(finding)
			p.fix("    ", finding.Fix, f.result.ID)
		}
	}
}

// objects is the first objects of f, each once, and how many more there are.
func (f followers) objects() string {
	var names []string
	for _, finding := range f.findings {
		if name := Escape(finding.Object.String()); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return checks.Some(names)
}

func (f followers) worst() (worst severity.Severity) {
	for _, finding := range f.findings {
		worst = max(worst, finding.Severity)
	}
	return worst
}

func (p *printer) finding(f Finding) {
	object := where(f)
	if f.Family.Valid() {
		object += " (" + f.Family.String() + ")"
	}
	if f.Source != "" {
		object += "  " + Escape(f.Source)
	}
	p.wrapped("  - ", object)
	p.wrapped("    ", Escape(f.Message))
}

// fix prints the fix of a check's finding as it is to be pasted: on lines of its
// own, unwrapped. The table does not repeat a long one that mends several things.
func (p *printer) fix(indent, fix, id string) {
	lines := escapeLines(fix)
	earlier, again := p.fixes[fix]
	if !again {
		p.fixes[fix] = id
	}
	if len(lines) == 1 {
		p.line(indent + "fix: " + lines[0])
		return
	}
	if again && !p.all {
		p.line(indent + "fix: as for " + earlier)
		return
	}
	p.line(indent + "fix:")
	for _, line := range lines { // from the margin: a shell ends a here-document at its word alone
		p.line(line)
	}
}

// where is the object and field of f.
func where(f Finding) string {
	text := Escape(f.Object.String())
	if f.Field != "" {
		text += " " + Escape(f.Field)
	}
	return text
}

// unchecked prints what was skipped or is unknown: the reasons, each with the
// checks that it kept from running.
func (p *printer) unchecked(r *Report) {
	for _, outcome := range []struct {
		status checks.Status
		mark   mark
		title  string
	}{
		{checks.Skipped, markSkipped, "skipped"},
		{checks.Unknown, markUnknown, "unknown"},
	} {
		var reasons []string
		byReason := map[string][]string{}
		for _, result := range r.Results {
			if result.Status != outcome.status {
				continue
			}
			if len(byReason[result.Reason]) == 0 {
				reasons = append(reasons, result.Reason)
			}
			byReason[result.Reason] = append(byReason[result.Reason], p.name(result))
		}
		if len(reasons) == 0 {
			continue
		}
		p.line("")
		p.linef("%s %s", p.mark(outcome.mark), outcome.title)
		for _, reason := range reasons {
			p.wrapped("  - ", Escape(reason)+p.or(" — ", " -- ")+strings.Join(byReason[reason], ", "))
		}
	}
}

// name is how a check is called in a list of many.
func (p *printer) name(r Result) string {
	if p.all {
		return r.ID + " " + r.Name
	}
	return r.ID
}

// passed prints the claims that hold.
func (p *printer) passed(r *Report) {
	first := true
	for _, result := range r.Results {
		if result.Status != checks.Passed {
			continue
		}
		if first {
			p.line("")
			p.linef("%s ok", p.mark(markOK))
			first = false
		}
		p.linef("  %s  %s", result.ID, result.claim)
	}
}

// totals prints the six counts, always all of them.
func (p *printer) totals(r *Report) {
	p.line(r.Summary.words(p.or(" · ", ", ")))
}
