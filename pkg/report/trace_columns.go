package report

import (
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/trace"
)

// besideWidth is the width from which both families stand in columns of their own: an
// IPv6 address and its marks then fit into one.
const besideWidth = 100

// cellMargin is the width of the two marks before a hop's text.
const cellMargin = 4

// paths prints the steps that are wanted: both families beside each other, or one after
// the other on narrow lines. Width 0 is any width.
func (p *printer) paths(g *traceGraph, wanted func(trace.Step) bool) {
	var rows []traceRow
	names := 0
	for _, row := range g.rows {
		if row.step != "" && wanted(row.step) {
			rows = append(rows, row)
			names = max(names, width(row.name))
		}
	}
	c := pathColumns{printer: p, graph: g, rows: rows, names: names + 2}
	for _, f := range ipfam.All {
		if g.verdicts.Of(f.Other()) == trace.NotAsked && g.verdicts.Of(f) != trace.NotAsked && c.last(-1, f.Other()) {
			c.below(f) // there is no other
			return
		}
	}
	families := g.asked
	if len(families) == 0 {
		families = ipfam.All[:]
	}
	if p.Width > 0 && p.Width < besideWidth || len(families) == 1 {
		for i, f := range families {
			if i > 0 {
				p.line("")
			}
			c.below(f)
		}
		return
	}
	c.beside()
}

// pathColumns is the steps on their way to the page.
type pathColumns struct {
	*printer
	graph *traceGraph
	rows  []traceRow
	names int // the width of the column of the steps' names
}

// below prints the steps of one family, without those that it does not take.
func (c pathColumns) below(f ipfam.Family) {
	c.wrapped(f.String()+"  "+c.gutter(verdictMark(c.graph.verdicts.Of(f))), c.graph.caption(f))
	for i, row := range c.rows {
		if row.nodes.Of(f) != nil {
			c.row("  "+padded(row.name, c.names), c.cell(i, f, 1, c.Width-c.names-2))
		}
	}
}

// beside prints both families, each in a column. What the first one does not need of its
// half the second one has.
func (c pathColumns) beside() {
	left, right := 0, 0
	if c.Width > 0 {
		room := c.Width - c.names - 2
		left = min(c.natural(ipfam.V4), max(room/2, room-c.natural(ipfam.V6)))
		right = room - left
	}
	v4, v6 := c.caption(ipfam.V4, left), c.caption(ipfam.V6, right)
	if left == 0 {
		left = c.natural(ipfam.V4)
	}
	c.row(strings.Repeat(" ", c.names), side(v4, v6, left))
	for i, row := range c.rows {
		height := max(len(c.cell(i, ipfam.V4, 1, left)), len(c.cell(i, ipfam.V6, 1, right)))
		c.row(padded(row.name, c.names), side(c.cell(i, ipfam.V4, height, left), c.cell(i, ipfam.V6, height, right), left))
	}
}

// natural is the width of a family's column in which nothing is wrapped.
func (c pathColumns) natural(f ipfam.Family) int {
	most := 0
	for _, line := range c.caption(f, 0) {
		most = max(most, width(line))
	}
	for i := range c.rows {
		for _, line := range c.cell(i, f, 1, 0) {
			most = max(most, width(line))
		}
	}
	return most
}

// caption is the verdict of a family, and below it, where the texts of hops stand, the
// address with which packets arrive.
func (c pathColumns) caption(f ipfam.Family, room int) []string {
	head := f.String() + "  " + c.gutter(verdictMark(c.graph.verdicts.Of(f)))
	lines := hung(head, strings.Repeat(" ", width(head)), c.graph.verdictTexts.Of(f), room)
	if arrives := c.graph.arrivals.Of(f); arrives != "" {
		margin := strings.Repeat(" ", cellMargin)
		lines = append(lines, hung(margin, margin, arrives, room)...)
	}
	return lines
}

// row prints the lines of a row, the first of them behind its name.
func (c pathColumns) row(name string, lines []string) {
	for _, line := range lines {
		c.line(strings.TrimRight(name+line, " "))
		name = strings.Repeat(" ", width(name))
	}
}

// cell is the lines of one hop, at least as many as height. The line that the packet
// takes goes on beside them, also where the family has no such step.
func (c pathColumns) cell(i int, f ipfam.Family, height, room int) []string {
	node := c.rows[i].nodes.Of(f)
	var lines []string
	spine := c.spine(c.before(i, f))
	if node != nil {
		spine = c.spine(node.state)
		if c.last(i, f) {
			spine = " "
		}
		lines = c.hop(node, "  "+spine+" ", room)
	} else if c.last(i, f) {
		spine = " "
	}
	for len(lines) < height {
		lines = append(lines, "  "+spine)
	}
	return lines
}

// before is the state of the family's hop before row i; none has nothing drawn below it.
func (c pathColumns) before(i int, f ipfam.Family) trace.State {
	for i--; i >= 0; i-- {
		if node := c.rows[i].nodes.Of(f); node != nil {
			return node.state
		}
	}
	return trace.Open
}

// last reports whether the family has no hop behind row i.
func (c pathColumns) last(i int, f ipfam.Family) bool {
	for _, row := range c.rows[i+1:] {
		if row.nodes.Of(f) != nil {
			return false
		}
	}
	return true
}

// hop is the lines of one node: its words, and what decides it where that is asked for or
// where something is wrong.
func (c pathColumns) hop(node *traceNode, margin string, room int) []string {
	lines := hung(c.knownMark(node.known)+" "+c.stateMark(node.state)+" ", margin, node.text, room)
	reason := node.because
	if node.check != "" {
		reason = strings.TrimSpace(reason + " (" + node.check + ")")
	}
	if reason != "" && (c.all || amiss(node.state)) {
		lines = append(lines, hung(margin+"  ", margin+"  ", reason, room)...)
	}
	return lines
}

// hung is text behind head, on lines of at most room columns; 0 is any number. The lines
// that follow the first are indented by margin.
func hung(head, margin, text string, room int) []string {
	if room > 0 {
		room = max(room-width(head), 1)
	}
	lines := Wrap(text, room)
	for i, line := range lines {
		lines[i] = strings.TrimRight(head+line, " ")
		head = margin
	}
	return lines
}

// side is the lines of two columns. A line that is too long for the first one pushes the
// second one aside, and no other line.
func side(left, right []string, room int) []string {
	lines := make([]string, max(len(left), len(right)))
	for i := range lines {
		if i < len(left) {
			lines[i] = left[i]
		}
		if i < len(right) {
			lines[i] = padded(lines[i], room) + "  " + right[i]
		}
	}
	return lines
}

// padded is text with spaces up to a width.
func padded(text string, to int) string {
	return text + strings.Repeat(" ", max(0, to-width(text)))
}
