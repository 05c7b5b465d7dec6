package report

import (
	"bytes"
	_ "embed"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
)

//go:embed page.html
var pageTemplate string

// htmlPage is what the template prints. Its strings are escaped already as those of
// a terminal are; the template escapes them once more for HTML.
type htmlPage struct {
	Title     string
	Source    []htmlFact
	Counts    []htmlCount
	Families  []string
	Uses      []htmlUse
	Picture   template.HTML
	Groups    []htmlGroup
	Accepted  []htmlAccepted
	Problems  []htmlFinding
	Unchecked []htmlUnchecked
	Holds     []htmlClaim
	Tool      string
}

type htmlFact struct{ Name, Value string }

type htmlCount struct {
	N                 int
	Class, Mark, Name string
}

type htmlUse struct {
	Title string
	Rows  []htmlRow
}

type htmlRow struct {
	Label string
	Cells []htmlCell
}

type htmlCell struct{ Class, Mark, Text, Verdict string }

type htmlGroup struct {
	Class, Mark, Severity, ID, Name, Page, Consequence, Origin string
	Findings                                                   []htmlFinding
	Fix                                                        string // of all findings
}

type htmlFinding struct{ Object, Field, Family, Source, Message, Fix string }

type htmlAccepted struct {
	Title string
	Lines []string
}

type htmlUnchecked struct {
	Status, Reason string
	Checks         []htmlClaim
}

type htmlClaim struct{ ID, Name, Page string }

// writeHTML prints one page that needs nothing but itself: no script, no font, no
// picture from anywhere.
func (r *Report) writeHTML(w io.Writer) error {
	page, err := template.New("page").Parse(pageTemplate)
	if err != nil {
		return err
	}
	picture, err := r.picture()
	if err != nil {
		return err
	}
	p := newPrinter(Style{})
	var out bytes.Buffer
	err = page.Execute(&out, htmlPage{
		Title: "Dual-stack audit of " + Escape(r.Source.Name), Source: r.facts(), Counts: p.htmlCounts(r),
		Families: familyNames(), Uses: p.htmlUses(r), Picture: picture,
		Groups: p.htmlGroups(r), Accepted: p.htmlAccepted(r), Problems: r.htmlProblems(), Unchecked: htmlUncheckedOf(r), Holds: holding(r), Tool: Escape(r.tool),
	})
	if err != nil {
		return err
	}
	_, err = w.Write(out.Bytes())
	return err
}

// picture is the drawing of the plan. Its text is escaped where it is drawn.
func (r *Report) picture() (template.HTML, error) {
	if r.drawing == nil {
		return "", nil
	}
	var svg strings.Builder
	err := PlanTree{Source: r.drawing.Source(), Plan: r.drawing}.writeSVG(&svg, Style{})
	return template.HTML(svg.String()), err
}

func familyNames() []string {
	var names []string
	for _, f := range ipfam.All {
		names = append(names, f.String())
	}
	return names
}

// facts is what was audited, by which rules, and how deep.
func (r *Report) facts() []htmlFact {
	s := r.Source
	name := s.Name
	if s.Server != "" && s.Server != s.Name {
		name += " " + s.Server
	}
	var versions []string
	for _, v := range s.Versions {
		text := v.Component + " " + v.Version.String()
		if v.Assumed {
			text += " (not known: judged by the latest rules)"
		}
		versions = append(versions, text)
	}
	depth := s.Depth
	if s.Reason != "" {
		depth += ": " + s.Reason
	}
	return []htmlFact{
		{s.Type, Escape(name)}, {"versions", strings.Join(versions, ", ")}, {"plan", r.judgedBy()}, {"depth", Escape(depth)},
		{"read", s.ReadAt.UTC().Format(time.RFC3339)},
	}
}

func (p *printer) htmlCounts(r *Report) []htmlCount {
	var counts []htmlCount
	for _, c := range r.Summary.counts() {
		name := c.many
		if c.n == 1 {
			name = c.one
		}
		class := c.one
		if c.n == 0 {
			class = "none"
		}
		counts = append(counts, htmlCount{c.n, class, p.mark(c.mark), name})
	}
	return counts
}

func (p *printer) htmlUses(r *Report) []htmlUse {
	var uses []htmlUse
	for use, rows := range byUse(r.Matrix) {
		u := htmlUse{Title: strings.ToLower(useTitles[use])}
		for _, row := range rows {
			cells := []htmlCell{}
			for _, f := range ipfam.All {
				c := row.Of(f)
				cells = append(cells, htmlCell{string(c.Verdict), strings.TrimSpace(p.mark(markOfVerdict(c.Verdict))), Escape(p.cellText(c)), string(c.Verdict)})
			}
			u.Rows = append(u.Rows, htmlRow{label(row, rows), cells})
		}
		uses = append(uses, u)
	}
	return uses
}

func (p *printer) htmlGroups(r *Report) []htmlGroup {
	var groups []htmlGroup
	for _, g := range r.unfolded() {
		fix, common := g.commonFix()
		h := htmlGroup{
			Class: g.severity.String(), Mark: p.mark(markOf(g.severity)), Severity: g.severity.String(),
			ID: g.result.ID, Name: g.result.Name, Page: page(g.result.ID), Consequence: g.result.consequence, Origin: g.origin(),
		}
		if common {
			h.Fix = EscapeText(fix)
		}
		for _, f := range g.findings {
			found := htmlFinding{
				Object: Escape(f.Object.String()), Field: Escape(f.Field), Family: familyLabel(f.Family),
				Source: Escape(f.Source), Message: Escape(f.Message),
			}
			if !common {
				found.Fix = EscapeText(f.Fix)
			}
			h.Findings = append(h.Findings, found)
		}
		groups = append(groups, h)
	}
	return groups
}

// htmlAccepted is what does not count, and why.
func (p *printer) htmlAccepted(r *Report) (list []htmlAccepted) {
	for _, section := range acceptedSections {
		a := htmlAccepted{Title: capital(section.title)}
		for _, result := range r.Results {
			a.Lines = append(a.Lines, p.acceptedOf(result, section)...)
		}
		if len(a.Lines) > 0 {
			list = append(list, a)
		}
	}
	return list
}

// htmlProblems is what of the input was not understood.
func (r *Report) htmlProblems() []htmlFinding {
	var list []htmlFinding
	for _, p := range r.Source.Problems {
		list = append(list, htmlFinding{
			Object: Escape(p.Object.String()), Field: Escape(p.Field), Source: Escape(p.Source), Message: Escape(p.Message),
		})
	}
	return list
}

func htmlUncheckedOf(r *Report) []htmlUnchecked {
	var list []htmlUnchecked
	for _, u := range r.uncheckedReasons() {
		h := htmlUnchecked{Status: string(u.status), Reason: Escape(u.reason)}
		for _, result := range u.results {
			h.Checks = append(h.Checks, htmlClaim{result.ID, result.Name, page(result.ID)})
		}
		list = append(list, h)
	}
	return list
}

func holding(r *Report) []htmlClaim {
	var list []htmlClaim
	for _, result := range r.Results {
		if result.Status == checks.Passed {
			list = append(list, htmlClaim{result.ID, result.claimOrName(), page(result.ID)})
		}
	}
	return list
}
