package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/renumber"
)

// RenumberInput is a plan that was moved to another prefix, the files that were, and
// what it means for a cluster.
type RenumberInput struct {
	Change  *renumber.Change
	Files   []renumber.File // the plan's first
	Cluster string          // what Services were read from; empty when none were
	// Addresses is those of Services that change.
	Addresses []renumber.Address
	Steps     []renumber.Step
}

// RenumberReport is what plan renumber has done and says is to be done.
type RenumberReport struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	From       string            `json:"from"`
	To         string            `json:"to"`
	Plan       string            `json:"plan"` // the text of the new plan
	Ranges     []RenumberRange   `json:"ranges"`
	Files      []RenumberFile    `json:"files"`
	Cluster    string            `json:"cluster"`
	Addresses  []RenumberAddress `json:"addresses"`
	Steps      []RenumberStep    `json:"steps"`

	diffs []string
}

// RenumberRange is a range of the plan that has moved.
type RenumberRange struct {
	Field string `json:"field"`
	Use   string `json:"use"`
	Was   string `json:"was"`
	Is    string `json:"is"`
}

// RenumberFile is a file with addresses of the old prefix.
type RenumberFile struct {
	Path  string          `json:"path"`
	Moved []RenumberPlace `json:"moved"`
	Left  []RenumberPlace `json:"left"`
}

// RenumberPlace is an address in a file; is is empty for what was left as it is.
type RenumberPlace struct {
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Was    string `json:"was"`
	Is     string `json:"is"`
	Why    string `json:"why"`
}

// RenumberAddress is an address of a Service that changes, or may.
type RenumberAddress struct {
	Service string `json:"service"`
	Field   string `json:"field"`
	Was     string `json:"was"`
	Is      string `json:"is"`
	Fate    string `json:"fate"`
}

// RenumberStep is one thing to do in a running cluster.
type RenumberStep struct {
	Title   string   `json:"title"`
	Where   string   `json:"where"`
	Do      []string `json:"do"`
	Restart string   `json:"restart"`
	Effect  string   `json:"effect"`
	Undo    string   `json:"undo"`
	Sources []string `json:"sources"`
}

// BuildRenumber is the report of a change of the prefix.
func BuildRenumber(in RenumberInput) *RenumberReport {
	r := &RenumberReport{APIVersion: APIVersion, Kind: "RenumberReport", From: in.Change.From.String(), To: in.Change.To.String(), Plan: in.Change.Text.Text,
		Ranges: []RenumberRange{}, Files: []RenumberFile{}, Cluster: in.Cluster, Addresses: []RenumberAddress{}, Steps: []RenumberStep{}}
	for _, m := range in.Change.Ranges {
		r.Ranges = append(r.Ranges, RenumberRange{Field: m.Field, Use: string(m.Use), Was: plan.FormatAddrs(m.Was), Is: plan.FormatAddrs(m.Is)})
	}
	for _, f := range in.Files {
		r.Files = append(r.Files, RenumberFile{Path: f.Path, Moved: places(f.Moving.Moved), Left: places(f.Moving.Left)})
		r.diffs = append(r.diffs, f.Diff())
	}
	for _, a := range in.Addresses {
		is := ""
		if a.Is.IsValid() {
			is = a.Is.String()
		}
		r.Addresses = append(r.Addresses, RenumberAddress{Service: a.Service.String(), Field: a.Field, Was: a.Was.String(), Is: is, Fate: string(a.Fate)})
	}
	for _, s := range in.Steps {
		r.Steps = append(r.Steps, RenumberStep{Title: s.Title, Where: s.Where, Do: append([]string{}, s.Do...), Restart: s.Restart,
			Effect: s.Effect, Undo: s.Undo, Sources: append([]string{}, s.Sources...)})
	}
	return r
}

func places(list []plan.Place) []RenumberPlace {
	out := []RenumberPlace{}
	for _, p := range list {
		out = append(out, RenumberPlace(p))
	}
	return out
}

// Write prints r as text, JSON or YAML.
func (r *RenumberReport) Write(w io.Writer, f Format, s Style) error {
	switch f {
	case JSON:
		return WriteJSON(w, r)
	case YAML:
		return WriteYAML(w, r)
	}
	p := newPrinter(s)
	p.renumbered(r)
	return p.flush(w)
}

func (p *printer) renumbered(r *RenumberReport) {
	for i, f := range r.Files {
		if len(f.Moved) > 0 {
			for line := range strings.Lines(r.diffs[i]) {
				p.line(escapeButTabs(strings.TrimSuffix(line, "\n")))
			}
		}
	}
	p.leftAsTheyAre(r.Files)
	p.line("")
	g := &grid{header: []string{"RANGE", "WAS", "BECOMES"}}
	for _, m := range r.Ranges {
		g.add(Escape(m.Field), m.Was, m.Is)
	}
	p.gridOrStack(g)
	p.serviceAddresses(r)
	p.line("")
	p.line("STEPS for a running cluster, in this order")
	for i, s := range r.Steps {
		p.step(i+1, s)
	}
}

// escapeButTabs is Escape for a line of a file of settings.
func escapeButTabs(line string) string {
	parts := strings.Split(line, "\t")
	for i, part := range parts {
		parts[i] = Escape(part)
	}
	return strings.Join(parts, "\t")
}

// gridOrStack is a grid or, where a line has no room for it, each row as lines: the
// first cell, and below it the others with their headers.
func (p *printer) gridOrStack(g *grid) {
	text, err := g.text()
	if err != nil || p.Width == 0 || widest(text) <= p.Width {
		p.grid(g)
		return
	}
	for _, row := range g.rows {
		p.line(row[0])
		below := &grid{}
		for i, cell := range row[1:] {
			below.add("  "+g.header[i+1], cell)
		}
		p.grid(below)
	}
}

// leftAsTheyAre is what has to do with the old prefix and was not moved.
func (p *printer) leftAsTheyAre(files []RenumberFile) {
	for _, f := range files {
		for _, at := range f.Left {
			p.linef("%s:%d:%d: %s %s: left as it is, %s", Escape(f.Path), at.Line, at.Column, p.mark(markWarning), at.Was, at.Why)
		}
	}
}

// serviceAddresses is a table of the addresses that Services lose, and how they are
// to have others.
func (p *printer) serviceAddresses(r *RenumberReport) {
	p.line("")
	switch {
	case r.Cluster == "":
		p.wrapped("", "Services were not read: with -f or --live, the addresses of Services that change are listed here")
		return
	case len(r.Addresses) == 0:
		p.wrapped("", fmt.Sprintf("no Service of %s has an address that changes", Escape(r.Cluster)))
		return
	}
	g := &grid{header: []string{"SERVICE", "FIELD", "ADDRESS", "BECOMES"}}
	asked := map[string]bool{}
	for _, a := range r.Addresses {
		becomes := a.Is
		switch renumber.Fate(a.Fate) {
		case renumber.Anew:
			becomes = "assigned anew"
		case renumber.MayChange:
			becomes = "may change"
		}
		asked[a.Fate] = true
		g.add(Escape(a.Service), Escape(a.Field), a.Was, becomes)
	}
	p.gridOrStack(g)
	for _, note := range []struct {
		fate renumber.Fate
		text string
	}{
		{renumber.Anew, "assigned anew: the address at the same place in the new prefix can be asked for, in .spec.clusterIPs of a Service that is made again, or in metallb.io/loadBalancerIPs"},
		{renumber.MayChange, "may change: MetalLB takes all addresses of a Service away when one has left the pools"},
		{renumber.ByHand, "addresses in annotations, externalIPs and the like stay until they are changed in the Service; files of -f are changed"},
	} {
		if asked[string(note.fate)] {
			p.wrapped("  ", note.text)
		}
	}
}

func (p *printer) step(n int, s RenumberStep) {
	p.line("")
	p.wrapped(fmt.Sprintf("%2d. ", n), s.Title)
	indent := "    "
	labelled := func(label, text string) {
		if text != "" {
			p.wrapped(indent+label+": ", Escape(text))
		}
	}
	labelled("where", s.Where)
	for _, do := range s.Do {
		if renumber.Command(do) {
			p.line(indent + "  " + Escape(do)) // it is not broken: it is pasted
			continue
		}
		p.wrapped(indent+"  ", Escape(do))
	}
	restarts := s.Restart
	if restarts == "" {
		restarts = "nothing"
	}
	labelled("restarts", restarts)
	labelled("effect", s.Effect)
	undo := s.Undo
	if undo == "" {
		undo = "cannot be undone"
	}
	labelled("undo", undo)
	labelled("source", strings.Join(s.Sources, "; "))
}
