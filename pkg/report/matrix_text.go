package report

import (
	"bytes"
	"fmt"
	"iter"
	"strings"
	"unicode/utf8"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
)

var useTitles = map[plan.Use]string{plan.Pods: "PODS", plan.Services: "SERVICES", plan.LoadBalancers: "LOAD BALANCERS"}

// matrix prints what each source says, both families side by side, or one below
// the other where they do not fit: a cell is never cut.
func (p *printer) matrix(r *Report) {
	if len(r.Matrix) == 0 {
		return
	}
	g := p.beside(r.Matrix)
	text, err := g.text()
	if err == nil && p.Width > 0 && widest(text) > p.Width {
		g = p.stacked(r.Matrix)
	}
	p.line("")
	p.grid(g)
}

// beside has a column for each family.
func (p *printer) beside(rows []Row) *grid {
	g := &grid{header: []string{"ADDRESSES"}}
	for _, f := range ipfam.All {
		g.header = append(g.header, p.gutter(markNone)+f.String())
	}
	for use, rows := range byUse(rows) {
		g.add(useTitles[use], "", "")
		for _, row := range rows {
			cells := []string{label(row, rows)}
			for _, f := range ipfam.All {
				cells = append(cells, p.cell(row.Of(f)))
			}
			g.add(cells...)
		}
	}
	return g
}

// stacked has a line for each family.
func (p *printer) stacked(rows []Row) *grid {
	g := &grid{header: []string{"ADDRESSES", "", ""}}
	for use, rows := range byUse(rows) {
		g.add(useTitles[use], "", "")
		for _, row := range rows {
			name := label(row, rows)
			for _, f := range ipfam.All {
				g.add(name, f.String(), p.cell(row.Of(f)))
				name = ""
			}
		}
	}
	return g
}

// byUse is the rows of each use that has some.
func byUse(rows []Row) iter.Seq2[plan.Use, []Row] {
	return func(yield func(plan.Use, []Row) bool) {
		for _, use := range uses {
			var found []Row
			for _, row := range rows {
				if row.Use == use {
					found = append(found, row)
				}
			}
			if len(found) > 0 && !yield(use, found) {
				return
			}
		}
	}
}

// label is the name of a row: its source, and the object when the source has
// several rows.
func label(row Row, rows []Row) string {
	same := 0
	for _, other := range rows {
		if other.Source == row.Source {
			same++
		}
	}
	name := row.Source
	pool := row.Use == plan.LoadBalancers && row.Source != "plan"
	if row.Objects == 1 && (pool || same > 1) {
		return name + " " + Escape(row.Object.Name)
	}
	if row.Objects > 1 {
		return fmt.Sprintf("%s (%d)", name, row.Objects)
	}
	return name
}

func (p *printer) cell(c Cell) string {
	return p.gutter(markOfVerdict(c.Verdict)) + p.cellText(c)
}

func (p *printer) cellText(c Cell) string {
	switch {
	case c.Verdict == Missing:
		return "none"
	case c.Blocks != nil:
		return c.Blocks.text(c.Verdict)
	case len(c.Ranges) == 0:
		return p.dash()
	}
	text := strings.Join(c.Ranges, ", ")
	if c.NodeMask != 0 {
		text += fmt.Sprintf(", nodes /%d", c.NodeMask)
	}
	return text
}

// text is such as "3 blocks of /24, inside".
func (b Blocks) text(v Verdict) string {
	var masks []string
	for _, m := range b.Masks {
		masks = append(masks, fmt.Sprintf("/%d", m))
	}
	noun := "blocks"
	if b.Count == 1 {
		noun = "block"
	}
	text := fmt.Sprintf("%d %s of %s", b.Count, noun, strings.Join(masks, " and "))
	switch {
	case v == Uncompared && b.Count == 1:
		text += ", " + b.First
	case v == Uncompared:
		text += ", " + b.First + " to " + b.Last
	case len(b.Outside) == 0:
		text += ", inside"
	case len(b.Outside) == 1:
		text += ", outside: " + b.Outside[0]
	default:
		text += fmt.Sprintf(", outside: %s and %d more", b.Outside[0], len(b.Outside)-1)
	}
	return text
}

// width is the number of columns that text takes. Escape codes take none.
func width(text string) int {
	for _, code := range [...]string{red, yellow, plain} {
		text = strings.ReplaceAll(text, code, "")
	}
	return utf8.RuneCountInString(text)
}

func widest(text []byte) int {
	most := 0
	for line := range bytes.Lines(text) {
		most = max(most, width(strings.TrimSuffix(string(line), "\n")))
	}
	return most
}
