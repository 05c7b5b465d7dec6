package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/trace"
)

const (
	fleetWhole = 40 // more Nodes than these are folded
	fleetShown = 2  // of each group of Nodes that are alike
)

// WriteFleet prints what comes of the same trace on each Node. Nodes that are alike are
// folded where there are many, the worst first.
func WriteFleet(w io.Writer, rows []trace.FleetRow, format string, s Style) error {
	switch f := Format(format); f {
	case columns, Wide:
		p := newPrinter(s)
		p.all = f == Wide
		p.fleet(rows)
		return p.flush(w)
	case JSON:
		return WriteJSON(w, fleetDocument(rows))
	case YAML:
		return WriteYAML(w, fleetDocument(rows))
	}
	return unknownFormat(format, fleetFormats)
}

func (p *printer) fleet(rows []trace.FleetRow) {
	if len(rows) == 0 {
		p.line("No nodes.")
		return
	}
	groups := [][]trace.FleetRow{rows}
	if !p.all && len(rows) > fleetWhole {
		groups = alike(rows)
	}
	p.line(fmt.Sprintf("%-*s", traceLabel, "known") + strings.Join(p.knownLegend(trace.Probed, trace.Inferred), "  "))
	p.line("")
	p.heatMap(groups)
	p.notes(rows)
	p.line("")
	for _, f := range ipfam.All {
		p.line(f.String() + "  " + joined(fleetSumOf(rows, f).counts(), p.or(" · ", ", ")))
	}
}

// heatMap prints the rows of groups, and behind those of each how many it has beyond them.
func (p *printer) heatMap(groups [][]trace.FleetRow) {
	var shown []trace.FleetRow
	folds := map[int]string{} // by the number of rows before them
	for _, group := range groups {
		n := len(group)
		if len(groups) > 1 {
			n = min(n, fleetShown)
		}
		shown = append(shown, group[:n]...)
		if hidden := len(group) - n; hidden > 0 {
			folds[len(shown)] = fmt.Sprintf("%s and %d more like %s", p.or("…", "..."), hidden, p.safe(group[0].Node))
		}
	}
	text, err := p.fleetGrid(shown, false).text()
	lines := 1 // of each row
	if err == nil && p.Width > 0 && widest(text) > p.Width {
		lines = len(ipfam.All)
		text, err = p.fleetGrid(shown, true).text()
	}
	if err != nil {
		p.err = err
		return
	}
	// A fold is no cell: it would make the column of the Nodes as wide as itself.
	printed := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	p.line(printed[0])
	for i := range shown {
		for _, line := range printed[1+i*lines : 1+(i+1)*lines] {
			p.line(line)
		}
		if fold := folds[i+1]; fold != "" {
			p.line(fold)
		}
	}
}

// fleetGrid is a column for each family, or a line where they do not fit.
func (p *printer) fleetGrid(rows []trace.FleetRow, stacked bool) *grid {
	g := &grid{header: []string{"NODE"}}
	if p.all {
		g.header = append(g.header, "POD")
	}
	if stacked {
		g.header = append(g.header, "", p.cellIndent()+"ARRIVES AS")
	} else {
		g.header = append(g.header, p.cellIndent()+ipfam.V4.String(), p.cellIndent()+ipfam.V6.String())
	}
	for _, row := range rows {
		p.fleetRow(g, row, stacked)
	}
	return g
}

// cellIndent is as wide as the marks of a cell.
func (p *printer) cellIndent() string { return "  " + Style{ASCII: p.ASCII}.gutter(markNone) }

func (p *printer) fleetRow(g *grid, row trace.FleetRow, stacked bool) {
	names := []string{p.safe(row.Node)}
	if p.all {
		names = append(names, p.safe(row.Pod.String()))
	}
	if !stacked {
		g.add(append(names, p.fleetCell(row, ipfam.V4), p.fleetCell(row, ipfam.V6))...)
		return
	}
	for _, f := range ipfam.All {
		g.add(append(slices.Clone(names), f.String(), p.fleetCell(row, f))...)
		clear(names)
	}
}

// fleetCell is how it is known, the verdict, the source address, and where the path halts.
func (p *printer) fleetCell(row trace.FleetRow, f ipfam.Family) string {
	c := fleetOutcome(row, f)
	text := c.source
	if c.where != "" {
		text = strings.TrimSpace(text + " " + c.where)
	}
	known := " "
	if c.mark != markNone {
		known = p.knownMark(c.known)
	}
	if text == "" {
		text = p.dash()
	}
	return known + " " + p.gutter(c.mark) + p.safe(text)
}

// fleetState is one cell.
type fleetState struct {
	mark   mark
	known  trace.Known
	source string
	where  string
}

// fleetOutcome is what a probe saw of the family, or else what was predicted.
func fleetOutcome(row trace.FleetRow, f ipfam.Family) fleetState {
	path := row.Paths.Of(f)
	c := fleetState{mark: verdictMark(path.Verdict), known: trace.Inferred, source: textOf(path.Source)}
	if step := path.Halt(); step != "" {
		c.where = "at " + string(step)
	}
	o := row.Observed(f)
	if o == nil {
		return c
	}
	c.known, c.mark = trace.Probed, observedMark(*o)
	switch {
	case !o.Connect.Answered():
		c.where = strings.TrimSpace(string(o.Connect) + " " + c.where)
	case o.Connect == trace.Refused:
		c.where = string(o.Connect)
	default:
		c.where = ""
	}
	if far := trace.SeenAs(row.Seen, f); far.IsValid() {
		c.source = far.String()
	}
	return c
}

// likeness is what rows of a group have in common; their addresses are their own.
type likeness struct {
	v4, v6 fleetState
	note   string
}

func likenessOf(row trace.FleetRow) likeness {
	l := likeness{fleetOutcome(row, ipfam.V4), fleetOutcome(row, ipfam.V6), row.Note}
	for f, state := range map[ipfam.Family]*fleetState{ipfam.V4: &l.v4, ipfam.V6: &l.v6} {
		path := row.Paths.Of(f)
		if state.source != "" {
			state.source = string(path.Mechanism)
		}
	}
	return l
}

// alike is the rows in groups, those with failures first; each keeps the order of rows.
func alike(rows []trace.FleetRow) [][]trace.FleetRow {
	var groups [][]trace.FleetRow
	places := map[likeness]int{}
	for _, row := range rows {
		l := likenessOf(row)
		at, ok := places[l]
		if !ok {
			at = len(groups)
			places[l] = at
			groups = append(groups, nil)
		}
		groups[at] = append(groups[at], row)
	}
	slices.SortStableFunc(groups, func(a, b []trace.FleetRow) int { return cmp.Compare(badness(b[0]), badness(a[0])) })
	return groups
}

// badness is greater the worse a row is: a failure weighs more than any doubt.
func badness(row trace.FleetRow) int {
	sum := 0
	for _, f := range ipfam.All {
		switch fleetOutcome(row, f).mark {
		case markError:
			sum += 3
		case markUnknown, markNone:
			sum++
		}
	}
	return sum
}

// notes prints each note once, with the Nodes that have it.
func (p *printer) notes(rows []trace.FleetRow) {
	var notes []string
	nodes := map[string][]string{}
	for _, row := range rows {
		if row.Note == "" {
			continue
		}
		if nodes[row.Note] == nil {
			notes = append(notes, row.Note)
		}
		nodes[row.Note] = append(nodes[row.Note], p.safe(row.Node))
	}
	for i, note := range notes {
		if i == 0 {
			p.line("")
		}
		names := nodes[note]
		if more := len(names) - fleetShown; more > 1 && !p.all {
			names = append(names[:fleetShown:fleetShown], fmt.Sprintf("%d more", more))
		}
		p.wrapped("- ", strings.Join(names, ", ")+": "+p.safe(note))
	}
}
