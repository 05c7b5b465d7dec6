package report

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/trace"
)

// traceGraph is a Trace as boxes and arrows: what columns, Mermaid, Graphviz and SVG are
// drawn from. Its texts are safe for a terminal; each format quotes them by its own rules.
type traceGraph struct {
	title        string
	verdicts     ipfam.Pair[trace.Verdict]
	verdictTexts ipfam.Pair[string] // "fails at policy"
	arrivals     ipfam.Pair[string] // "as 192.168.16.22", of a path that reaches its target
	asked        []ipfam.Family
	rows         []traceRow
	edges        []traceEdge
}

// traceRow is the boxes that stand beside each other: of a step, or of none where they are
// branches. A family without one has nil.
type traceRow struct {
	step  trace.Step
	name  string
	nodes ipfam.Pair[*traceNode]
}

// traceNode is a hop, or a branch, which has the state of its whole path.
type traceNode struct {
	id      string // of ASCII letters and digits: no format has to quote it
	family  ipfam.Family
	name    string
	known   trace.Known
	state   trace.State
	manner  string // known and state in words: "(read, doubtful)"
	text    string
	because string
	check   string
}

// traceEdge leads from a hop to the next one of its family. It is not reached by a packet
// that something before stops.
type traceEdge struct {
	from, to *traceNode
	reached  bool
}

// drawTrace is the graph of t.
func drawTrace(t trace.Trace, s Style) *traceGraph {
	g := &traceGraph{title: s.safe(t.Pod.String()) + " to " + s.targetText(t.Query.Target), asked: t.Asked()}
	g.outcomes(t, s)
	g.branch(t, s, g.hops(t, s))
	return g
}

// outcomes settles what stands above each family.
func (g *traceGraph) outcomes(t trace.Trace, s Style) {
	for _, f := range ipfam.All {
		path := t.Paths.Of(f)
		if far := trace.SeenAs(t.Seen, f); far.IsValid() {
			path.Beyond = path.Beyond && far == path.Source
			path.Source = far // a prediction that it is not stands among the partings
		}
		*g.verdicts.At(f), *g.verdictTexts.At(f), *g.arrivals.At(f) = path.Verdict, s.verdictText(path), s.arrival(path)
	}
}

// hops draws the paths, and gives the boxes that branches hang from: the Service, or the
// first hop where there is no Service.
func (g *traceGraph) hops(t trace.Trace, s Style) ipfam.Pair[*traceNode] {
	var last, forks ipfam.Pair[*traceNode]
	for i, row := range t.Rows() {
		drawn := traceRow{step: row.Step, name: s.safe(string(row.Step))}
		for _, f := range ipfam.All {
			hop := row.Hops.Of(f)
			if hop == nil {
				continue
			}
			node := s.node(f, i, *hop)
			*drawn.nodes.At(f) = node
			g.connect(last.Of(f), node)
			*last.At(f) = node
			if hop.Step == trace.StepService || forks.Of(f) == nil {
				*forks.At(f) = node
			}
		}
		g.rows = append(g.rows, drawn)
	}
	return forks
}

func (s Style) node(f ipfam.Family, i int, hop trace.Hop) *traceNode {
	return &traceNode{
		id: nodeID(f, i), family: f, name: s.safe(string(hop.Step)), known: hop.Known, state: hop.State,
		manner: s.manner(hop.Known, hop.State),
		text:   s.safe(hop.Text), because: s.safe(hop.Because), check: s.safe(hop.Check),
	}
}

func (s Style) manner(known trace.Known, state trace.State) string {
	words := s.safe(string(known))
	if state != trace.Passes && string(state) != string(known) {
		words += ", " + s.safe(string(state))
	}
	return "(" + words + ")"
}

func nodeID(f ipfam.Family, i int) string { return fmt.Sprintf("v%dn%d", uint8(f), i) }

func (g *traceGraph) connect(from, to *traceNode) {
	if from != nil {
		reached := from.state != trace.Stops && from.state != trace.NotReached && to.state != trace.NotReached
		g.edges = append(g.edges, traceEdge{from, to, reached})
	}
}

// branch hangs each kind of endpoints below the hop that leads to them.
func (g *traceGraph) branch(t trace.Trace, s Style, forks ipfam.Pair[*traceNode]) {
	for i := range max(len(t.Paths.V4.Branches), len(t.Paths.V6.Branches)) {
		row := traceRow{name: "endpoints"}
		for _, f := range ipfam.All {
			branches := t.Paths.Of(f).Branches
			if i >= len(branches) {
				continue
			}
			b := branches[i]
			node := &traceNode{
				id: nodeID(f, len(g.rows)), family: f, name: row.name, known: trace.Inferred, state: stateOf(b.Path.Verdict),
				text: s.endpoints(b, false) + ": " + s.outcomeText(b.Path),
			}
			node.manner = s.manner(node.known, node.state)
			*row.nodes.At(f) = node
			g.connect(forks.Of(f), node)
		}
		g.rows = append(g.rows, row)
	}
}

// stateOf is the state of the hop that stands for a whole path.
func stateOf(v trace.Verdict) trace.State {
	switch v {
	case trace.Reaches:
		return trace.Passes
	case trace.Fails:
		return trace.Stops
	}
	return trace.Open
}

// endpoints is such as "10.244.1.5:8080 and 2 more".
func (s Style) endpoints(b trace.Branch, all bool) string {
	switch n := len(b.Endpoints); {
	case n == 0:
		return "no endpoints"
	case n > 1 && !all:
		return fmt.Sprintf("%s and %d more", s.safe(b.Endpoints[0].String()), n-1)
	}
	return s.safe(list(b.Endpoints))
}

// caption is the outcome of a family in one line.
func (g *traceGraph) caption(f ipfam.Family) string {
	return strings.TrimSpace(g.verdictTexts.Of(f) + " " + g.arrivals.Of(f))
}

func (s Style) outcomeText(p trace.Path) string {
	return strings.TrimSpace(s.verdictText(p) + " " + s.arrival(p))
}

// arrival is the address with which packets arrive, as far as that is known.
func (s Style) arrival(p trace.Path) string {
	if p.Verdict != trace.Reaches || !p.Source.IsValid() {
		return ""
	}
	text := "as " + s.safe(p.Source.String())
	if p.Beyond {
		text += ", NAT beyond"
	}
	return text
}

// verdictText is what comes of a path, and where it halts.
func (s Style) verdictText(p trace.Path) string {
	if p.Verdict == "" {
		return "no path"
	}
	text := s.safe(string(p.Verdict))
	if step := p.Halt(); step != "" {
		return text + " at " + s.safe(string(step))
	}
	if p.Why != "" && p.Verdict != trace.Reaches {
		return text + ": " + s.safe(p.Why)
	}
	return text
}

// targetText is the target as it was given, with the addresses that it stands for where
// it does not have them itself.
func (s Style) targetText(t trace.Target) string {
	text := t.Text
	if text == "" {
		text = string(t.Kind)
	}
	text = s.safe(text)
	var addresses []string
	for _, f := range ipfam.All {
		if a := t.Addresses.Of(f); a.IsValid() && t.Kind != trace.ToAddress {
			addresses = append(addresses, s.safe(a.String()))
		}
	}
	if len(addresses) > 0 {
		text += " (" + strings.Join(addresses, ", ") + ")"
	}
	if t.Port != 0 && !strings.HasSuffix(t.Text, fmt.Sprintf(":%d", t.Port)) {
		text += fmt.Sprintf(", port %d", t.Port)
	}
	return text
}

// list is values with commas between them.
func list[T fmt.Stringer](values []T) string {
	return strings.Join(each(values, T.String), ", ")
}

// nodes is the boxes of a family from the Pod down.
func (g *traceGraph) nodes(f ipfam.Family) iter.Seq[*traceNode] {
	return func(yield func(*traceNode) bool) {
		for _, row := range g.rows {
			if node := row.nodes.Of(f); node != nil && !yield(node) {
				return
			}
		}
	}
}

// ids is the names of the boxes that have one of states.
func (g *traceGraph) ids(states ...trace.State) []string {
	var ids []string
	for _, f := range ipfam.All {
		for node := range g.nodes(f) {
			if slices.Contains(states, node.state) {
				ids = append(ids, node.id)
			}
		}
	}
	return ids
}

// lines is what a box says below its name; why, only where something is wrong.
func (n *traceNode) lines() []string {
	lines := []string{n.text}
	if amiss(n.state) && n.because != "" {
		lines = append(lines, n.because)
	}
	if amiss(n.state) && n.check != "" {
		lines = append(lines, n.check)
	}
	return lines
}
