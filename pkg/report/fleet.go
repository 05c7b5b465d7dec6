package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
)

// FleetKind is the kind of a list of reports.
const FleetKind = "DoctorReportList"

// Fleet is the reports of several clusters, side by side.
type Fleet struct {
	APIVersion string    `json:"apiVersion"`
	Kind       string    `json:"kind"`
	Items      []*Report `json:"items"`
}

// ReportListFormats is the formats that a fleet is printed in.
var ReportListFormats = []Format{Table, Wide, Short, JSON, YAML}

// NewFleet is the reports in their order.
func NewFleet(reports []*Report) *Fleet {
	return &Fleet{APIVersion: APIVersion, Kind: FleetKind, Items: reports}
}

// Write prints the fleet: the checks that not every cluster passes, and what each
// has of them; wide prints each report below that.
func (f *Fleet) Write(w io.Writer, format Format, s Style) error {
	switch format {
	case JSON:
		return WriteJSON(w, f)
	case YAML:
		return WriteYAML(w, f)
	case Short:
		return f.writeShort(w, s)
	}
	p := newPrinter(s)
	p.sideBySide(f)
	if err := p.flush(w); err != nil || format != Wide {
		return err
	}
	for _, r := range f.Items {
		if _, err := fmt.Fprintf(w, "\n\n"); err != nil {
			return err
		}
		if err := r.writeWide(w, s); err != nil {
			return err
		}
	}
	return nil
}

// sideBySide prints a column for each cluster. Where they do not fit beside one
// another they stand below one another.
func (p *printer) sideBySide(f *Fleet) {
	g := f.grid(p, f.Items)
	text, err := g.text()
	if err != nil {
		p.err = err
		return
	}
	if p.Width > 0 && widest(text) > p.Width {
		for _, r := range f.Items {
			p.grid(f.grid(p, []*Report{r}))
			p.line("")
		}
	} else {
		p.out.Write(text)
		p.line("")
	}
	separator := p.or(" · ", ", ")
	for _, r := range f.Items {
		p.wrapped(Escape(r.Source.Name)+"  ", r.Summary.words(separator))
	}
}

// grid is a row for each check that some cluster of the fleet does not pass.
func (f *Fleet) grid(p *printer, columns []*Report) *grid {
	g := &grid{header: []string{"CHECK", "NAME"}}
	for _, r := range columns {
		g.header = append(g.header, strings.ToUpper(Escape(r.Source.Name)))
	}
	for i, result := range f.Items[0].Results {
		if !f.anyFails(i) {
			continue
		}
		cells := []string{result.ID, result.Name}
		for _, r := range columns {
			cells = append(cells, p.cellOf(r.Results[i]))
		}
		g.add(cells...)
	}
	if len(g.rows) == 0 {
		g.add(p.dash(), "no check finds anything")
	}
	return g
}

// anyFails reports whether the check finds something in some cluster.
func (f *Fleet) anyFails(check int) bool {
	for _, r := range f.Items {
		if len(r.Results[check].Findings) > 0 {
			return true
		}
	}
	return false
}

// cellOf is what one check says of one cluster: the number of its findings that count,
// by the worst of them.
func (p *printer) cellOf(r Result) string {
	s := summarize([]Result{r})
	for _, c := range s.counts() {
		if c.n == 0 {
			continue
		}
		text := p.mark(c.mark)
		if r.Status == checks.Failing {
			text += fmt.Sprintf(" %d", s.Error+s.Warning+s.Info)
		}
		return text
	}
	return p.mark(markSkipped) // all that it finds is suppressed
}

func (f *Fleet) writeShort(w io.Writer, s Style) error {
	p := newPrinter(s)
	for _, r := range f.Items {
		p.line(Escape(r.Source.Name) + ":")
		p.shortGroups("  ", r)
		p.line("  " + r.Summary.words(p.or(" · ", ", ")))
	}
	return p.flush(w)
}
