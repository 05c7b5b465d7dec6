package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/trace"
)

// The measures of the drawing. A monospaced character is at most 0.61 of the size of its
// font wide, in every usual font.
const (
	svgChar   = 13 * 0.61
	svgLine   = 18
	svgPad    = 10 // inside of boxes, and around everything
	svgGap    = 26 // between rows, for the arrows
	svgNames  = 110
	svgChars  = 44 // of a line in a box, where its words are not longer
	svgBeside = 30 // between the two columns
)

// svgStyle has no font that a machine could lack, and both a light and a dark page.
const svgStyle = `
  svg { color-scheme: light dark }
  text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: #1b1f24 }
  .page { fill: #ffffff } .box { fill: #f4f6f8; stroke: #57606a } .line { stroke: #57606a; fill: none } .tip { fill: #57606a }
  .name { fill: #57606a } .title { font-weight: bold } .why { fill: #57606a }
  .stops { stroke: #c62828; stroke-width: 3 } .doubtful { stroke: #b26a00; stroke-width: 2 } .away { stroke-dasharray: 5 4 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .page { fill: #0d1117 } .box { fill: #161b22; stroke: #9aa4ae } .line { stroke: #9aa4ae } .tip { fill: #9aa4ae }
    .name, .why { fill: #9aa4ae } .stops { stroke: #ff6b6b } .doubtful { stroke: #e3a008 }
  }
`

// svgCanvas is the drawing while it grows downwards.
type svgCanvas struct {
	page  strings.Builder
	graph *traceGraph
	style Style
	chars int // of the longest line in a box
	tops  map[*traceNode]float64
	ends  map[*traceNode]float64
}

// writeSVG draws both families as columns of boxes, on one page that needs nothing else.
func (g *traceGraph) writeSVG(w io.Writer, s Style) error {
	c := &svgCanvas{graph: g, style: s, tops: map[*traceNode]float64{}, ends: map[*traceNode]float64{}}
	c.measure()
	bottom := c.place()
	wide := svgNames + 2*c.boxWidth() + svgBeside + svgPad
	fmt.Fprintf(&c.page, `<svg xmlns="http://www.w3.org/2000/svg" role="img" width="%.0f" height="%.0f" viewBox="0 0 %.0f %.0f">`+"\n", wide, bottom, wide, bottom)
	fmt.Fprintf(&c.page, "<title>%s</title>\n<style>%s</style>\n", svgText(g.title), svgStyle)
	c.page.WriteString(`<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path class="tip" d="M0 0L8 4L0 8z"/></marker></defs>` + "\n")
	c.page.WriteString(`<rect class="page" width="100%" height="100%"/>` + "\n")
	c.text(svgPad, svgPad+svgLine, "title", g.title)
	for _, f := range ipfam.All {
		c.text(c.x(f), svgPad+2.5*svgLine, "title", f.String()+" "+s.sign(g.verdicts.Of(f))+" "+g.caption(f))
	}
	for _, e := range g.edges {
		c.arrow(e)
	}
	for _, row := range g.rows {
		c.row(row)
	}
	c.text(svgPad, bottom-svgPad, "name", strings.Join(s.knownLegend(everyKnown...), "  "))
	c.page.WriteString("</svg>\n")
	_, err := io.WriteString(w, c.page.String())
	return err
}

// sign is the mark of a verdict without its colour.
func (s Style) sign(v trace.Verdict) string {
	s.Color = false
	return s.mark(verdictMark(v))
}

// lines is what a box says, on lines, and how many of them say what, not why.
func (c *svgCanvas) lines(n *traceNode) (lines []string, what int) {
	s := c.style
	s.Color = false
	signs := s.knownMark(n.known)
	if n.state != trace.Passes {
		signs += " " + s.stateMark(n.state)
	}
	said := n.lines()
	lines = hung(signs+" ", "  ", said[0], svgChars)
	what = len(lines)
	for _, why := range said[1:] {
		lines = append(lines, hung("  ", "  ", why, svgChars)...)
	}
	return lines, what
}

// measure makes the boxes as wide as their longest word, which is never cut.
func (c *svgCanvas) measure() {
	c.chars = svgChars
	for _, f := range ipfam.All {
		c.chars = max(c.chars, width(f.String()+"      "+c.graph.caption(f)))
		for n := range c.graph.nodes(f) {
			lines, _ := c.lines(n)
			for _, line := range lines {
				c.chars = max(c.chars, width(line))
			}
		}
	}
	// The title stands above both columns.
	c.chars = max(c.chars, width(c.graph.title)/2)
}

// place settles where each box begins and ends, and gives the end of the page.
func (c *svgCanvas) place() float64 {
	y := svgPad + 3.5*svgLine
	for _, row := range c.graph.rows {
		end := y
		for _, f := range ipfam.All {
			if n := row.nodes.Of(f); n != nil {
				lines, _ := c.lines(n)
				c.tops[n], c.ends[n] = y, y+float64(len(lines)*svgLine+svgPad)
				end = max(end, c.ends[n])
			}
		}
		y = end + svgGap
	}
	return y - svgGap + 2*svgLine + svgPad
}

func (c *svgCanvas) boxWidth() float64 { return float64(c.chars)*svgChar + 2*svgPad }

func (c *svgCanvas) x(f ipfam.Family) float64 {
	if f == ipfam.V6 {
		return svgNames + c.boxWidth() + svgBeside
	}
	return svgNames
}

func (c *svgCanvas) text(x, y float64, class, text string) {
	fmt.Fprintf(&c.page, `<text x="%.0f" y="%.0f" class="%s" xml:space="preserve">%s</text>`+"\n", x, y, class, svgText(text))
}

func (c *svgCanvas) row(row traceRow) {
	named := false
	for _, f := range ipfam.All {
		n := row.nodes.Of(f)
		if n == nil {
			continue
		}
		if !named {
			c.text(svgPad, c.tops[n]+svgLine, "name", row.name)
			named = true
		}
		fmt.Fprintf(&c.page, `<rect class="box%s" x="%.0f" y="%.0f" width="%.0f" height="%.0f" rx="5"/>`+"\n",
			svgClass(n.state), c.x(f), c.tops[n], c.boxWidth(), c.ends[n]-c.tops[n])
		lines, what := c.lines(n)
		for i, line := range lines {
			class := "what"
			if i >= what {
				class = "why"
			}
			c.text(c.x(f)+svgPad, c.tops[n]+float64((i+1)*svgLine), class, line)
		}
	}
}

// arrow leads down the middle of the column. One that passes other boxes, to endpoints
// that are none of the path's own hops, bends around them.
func (c *svgCanvas) arrow(e traceEdge) {
	dashed := ""
	if !e.reached {
		dashed = " away"
	}
	middle := c.x(e.from.family) + c.boxWidth()/2
	d := fmt.Sprintf("M%.0f %.0fV%.0f", middle, c.ends[e.from], c.tops[e.to])
	if c.between(e) {
		left := c.x(e.from.family)
		d = fmt.Sprintf("M%.0f %.0fH%.0fV%.0fH%.0f", left, c.ends[e.from]-svgPad, left-svgPad, c.tops[e.to]+svgPad, left)
	}
	fmt.Fprintf(&c.page, `<path class="line%s" marker-end="url(#tip)" d="%s"/>`+"\n", dashed, d)
}

func (c *svgCanvas) between(e traceEdge) bool {
	for n := range c.graph.nodes(e.from.family) {
		if c.tops[n] > c.tops[e.from] && c.tops[n] < c.tops[e.to] {
			return true
		}
	}
	return false
}

func svgClass(state trace.State) string {
	switch state {
	case trace.Stops:
		return " stops"
	case trace.Doubtful, trace.Open:
		return " doubtful"
	case trace.NotReached:
		return " away"
	}
	return ""
}

func svgText(text string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(text)); err != nil {
		return "" // a Builder takes everything
	}
	return b.String()
}
