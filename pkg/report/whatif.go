package report

import (
	"fmt"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// WhatIf is what was supposed when the checks ran, and what of their findings
// comes of it.
type WhatIf struct {
	Applied *Applied  `json:"applied,omitempty"` // files that were laid over what was read
	Against []Against `json:"against,omitempty"` // releases that were judged by instead
	New     int       `json:"new"`               // findings that are not there without
	Gone    int       `json:"gone"`              // findings that are there without only
	Same    int       `json:"same"`              // findings with and without
	// Untold is findings that are there without, of checks that could not look with it.
	Untold       int           `json:"untold"`
	GoneFindings []GoneFinding `json:"goneFindings"`
}

// Applied is files and the objects that they change.
type Applied struct {
	Files     []string `json:"files"`
	Changed   []Object `json:"changed"`
	Added     []Object `json:"added"`
	Unchanged int      `json:"unchanged"`
}

// Against is a release that a component was judged by, and the one that it has.
type Against struct {
	Component string          `json:"component"`
	From      release.Version `json:"from"` // empty when it is not known
	To        release.Version `json:"to"`
}

// GoneFinding is a finding that what was supposed mends.
type GoneFinding struct {
	ID      string  `json:"id"`
	Name    string  `json:"name"`
	Finding Finding `json:"finding"`
}

// Change is whether a finding is there only because of what was supposed.
type Change string

// The changes, in the order in which they are shown. A report of what is has none.
const (
	New  Change = "new"
	Same Change = "same"
)

// Supposition is what the checks ran over a second time for. The results of the
// Input are then those with it.
type Supposition struct {
	Before     *snapshot.Snapshot // as it is
	Applied    *snapshot.Applied  // nil without files
	Against    []Against
	Comparison checks.Comparison
}

// suppose marks the findings of r, and sums up.
func (r *Report) suppose(s *Supposition, in Input) {
	if s == nil {
		return
	}
	w := &WhatIf{Applied: appliedOf(s.Applied), Against: s.Against, Untold: s.Comparison.Untold, GoneFindings: []GoneFinding{}}
	for i := range r.Results {
		for j := range r.Results[i].Findings {
			f := &r.Results[i].Findings[j]
			if f.Change = Same; s.Comparison.New[i][j] {
				f.Change = New
				w.New++
			} else {
				w.Same++
			}
		}
	}
	without := in
	without.Snapshot = s.Before
	for _, result := range s.Comparison.Gone {
		for _, f := range resultOf(result, without).Findings {
			w.GoneFindings = append(w.GoneFindings, GoneFinding{ID: result.Check.ID, Name: result.Check.Name, Finding: f})
		}
	}
	w.Gone = len(w.GoneFindings)
	r.WhatIf = w
}

func appliedOf(a *snapshot.Applied) *Applied {
	if a == nil {
		return nil
	}
	return &Applied{Files: a.Paths, Changed: objects(a.Changed), Added: objects(a.Added), Unchanged: a.Unchanged}
}

func objects(refs []snapshot.Ref) []Object {
	list := make([]Object, 0, len(refs))
	for _, ref := range refs {
		list = append(list, Object(ref))
	}
	return list
}

// words is the change as it is printed, after what it is of.
func (c Change) words() string {
	switch c {
	case New:
		return "  new"
	case Same:
		return "  as before"
	}
	return ""
}

// maxNamed is how many objects the heading names.
const maxNamed = 4

// whatIf says in the heading what was supposed.
func (p *printer) whatIf(w *WhatIf) {
	if w == nil {
		return
	}
	if a := w.Applied; a != nil {
		p.wrapped("applied  ", Escape(strings.Join(a.Files, " "))+": "+a.words())
	}
	var against []string
	for _, v := range w.Against {
		from := ""
		if v.From.Known() {
			from = " instead of " + v.From.String()
		}
		against = append(against, v.Component+" "+v.To.String()+from+v.between())
	}
	if len(against) > 0 {
		p.wrapped("against  ", strings.Join(against, ", "))
	}
}

// between is the releases that are on the way: each may refuse what the last one takes.
// Kubernetes' API server and Cilium are upgraded by one minor release at a time.
// Source: https://kubernetes.io/releases/version-skew-policy/; cilium v1.20.2,
// Documentation/operations/upgrade-warning.rst.
func (v Against) between() string {
	if v.Component == "MetalLB" || !v.From.Known() || v.From.Major != v.To.Major || v.To.Minor-v.From.Minor < 2 {
		return ""
	}
	var on []string
	for minor := v.From.Minor + 1; minor < v.To.Minor; minor++ {
		on = append(on, release.V(v.To.Major, minor).String())
	}
	return " (by way of " + strings.Join(on, ", ") + ": ask for each)"
}

// words is what the files change: "1 object changed (service/shop/web), 2 as they are".
func (a *Applied) words() string {
	var parts []string
	for _, group := range []struct {
		objects []Object
		what    string
	}{{a.Changed, "changed"}, {a.Added, "added"}} {
		if len(group.objects) > 0 {
			parts = append(parts, fmt.Sprintf("%d %s (%s)", len(group.objects), group.what, named(group.objects)))
		}
	}
	if a.Unchanged > 0 {
		parts = append(parts, fmt.Sprintf("%d already as in the files", a.Unchanged))
	}
	if len(parts) == 0 {
		return "no object that a check looks at"
	}
	return strings.Join(parts, ", ")
}

func named(objects []Object) string {
	var names []string
	for i, o := range objects {
		if i == maxNamed {
			names = append(names, fmt.Sprintf("and %d more", len(objects)-i))
			break
		}
		names = append(names, Escape(o.String()))
	}
	return strings.Join(names, ", ")
}

// gone prints the findings that what was supposed mends, and sums up.
func (p *printer) gone(w *WhatIf) {
	if w == nil {
		return
	}
	if len(w.GoneFindings) > 0 {
		p.line("")
		p.linef("%s gone", p.mark(markOK))
	}
	for i, f := range w.GoneFindings {
		if !p.all && i == maxFindings {
			p.linef("  %s and %d more: -o wide", p.or("…", "..."), len(w.GoneFindings)-i)
			break
		}
		p.wrapped("  - ", fmt.Sprintf("%s %s %s: %s", f.ID, severityWord(f.Finding.Severity), where(f.Finding), Escape(f.Finding.Message)))
	}
}

func severityWord(s severity.Severity) string { return "(" + s.String() + ")" }

// changes is the last line but one.
func (p *printer) changes(w *WhatIf) {
	if w == nil {
		return
	}
	text := fmt.Sprintf("%d new, %d gone, %d as before", w.New, w.Gone, w.Same)
	if w.Untold > 0 {
		text += fmt.Sprintf(", %d no longer judged", w.Untold)
	}
	p.line(text)
}
