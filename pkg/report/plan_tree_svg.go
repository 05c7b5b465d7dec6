package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
)

// The measures of the drawing of a tree, beside those that it has in common with
// the drawing of a trace.
const (
	treeStrip = 9 // height of the strip that shows what of a range is where
	treeLeast = 3 // width of the smallest part of a strip
	treeGap   = 8 // between boxes
	treeTab   = 5 // width of the mark of a use on the left of a box
)

// treeStyle is svgStyle with the colours of the uses. Each box says in words what
// its colour says.
const treeStyle = `
  svg { color-scheme: light dark }
  text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: #1b1f24 }
  .page { fill: #ffffff } .box { fill: #f4f6f8; stroke: #8c959f } .block { fill: #ffffff; stroke: #8c959f }
  .range, .title { font-weight: bold } .why { fill: #57606a }
  .strip { fill: #ffffff; stroke: #8c959f } .free { fill: none; stroke: #8c959f; stroke-dasharray: 5 4 }
  .delegated { fill: #6e7781 } .routed { fill: #8250df } .lan { fill: #0969da } .reserved { fill: #953800 }
  .pods { fill: #1a7f37 } .services { fill: #bf8700 } .loadBalancers { fill: #bf3989 }
  .wrong { stroke: #c62828; stroke-width: 3 } .doubtful { stroke: #b26a00; stroke-width: 2 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .page { fill: #0d1117 } .box { fill: #161b22; stroke: #6e7681 } .block { fill: #0d1117; stroke: #6e7681 }
    .why { fill: #9aa4ae } .strip { fill: #0d1117; stroke: #6e7681 } .free { stroke: #6e7681 }
    .delegated { fill: #8b949e } .routed { fill: #a371f7 } .lan { fill: #58a6ff } .reserved { fill: #db6d28 }
    .pods { fill: #3fb950 } .services { fill: #d29922 } .loadBalancers { fill: #f778ba }
    .wrong { stroke: #ff6b6b } .doubtful { stroke: #e3a008 }
  }
`

// treeBox is a range as it is drawn: its lines, a strip, and the boxes in it.
type treeBox struct {
	branch     *plan.Branch // nil for what is free, and for what is left out
	class      string
	lines      []string // the first of them is the range
	parts      []treePart
	boxes      []*treeBox
	x, y, w, h float64
}

// treePart is a part of a strip: where it begins and how long it is, of 1.
type treePart struct {
	class       string
	at, portion float64
}

// treeCanvas is the drawing while it is made.
type treeCanvas struct {
	page  strings.Builder
	style Style
}

// writeSVG draws the ranges of both families beside each other, as boxes in boxes,
// on a page that needs nothing else.
func (t PlanTree) writeSVG(w io.Writer, s Style) error {
	s.Color = false
	c := &treeCanvas{style: s}
	tree := t.Plan.Tree(t.Usage)
	var columns ipfam.Pair[[]*treeBox]
	var wide ipfam.Pair[float64]
	for _, f := range ipfam.All {
		for _, b := range tree.Roots.Of(f) {
			*columns.At(f) = append(columns.Of(f), c.box(b))
		}
		*wide.At(f) = c.width(f, columns.Of(f))
	}
	page := svgPad*2 + max(wide.V4+svgBeside+wide.V6, float64(max(width(c.title(t)), width(c.room(t))))*svgChar)
	foot := c.foot(t, tree, page)
	top := svgPad + 4.2*svgLine
	bottom := top
	for _, f := range ipfam.All {
		y := top
		for _, box := range columns.Of(f) {
			y = box.place(c.x(f, wide), y, wide.Of(f)) + treeGap
		}
		bottom = max(bottom, y)
	}
	high := bottom + float64(len(foot))*svgLine + svgPad
	c.head(t, page, high)
	for _, f := range ipfam.All {
		title := f.String()
		if len(columns.Of(f)) == 0 {
			title += ": no range"
		}
		c.text(c.x(f, wide), svgPad+3.7*svgLine, "title", title)
		for _, box := range columns.Of(f) {
			c.draw(box)
		}
	}
	for i, line := range foot {
		c.text(svgPad, bottom+float64(i+1)*svgLine-treeGap/2, "why", line)
	}
	c.page.WriteString("</svg>\n")
	_, err := io.WriteString(w, c.page.String())
	return err
}

// head writes what stands before the boxes.
func (c *treeCanvas) head(t PlanTree, page, high float64) {
	fmt.Fprintf(&c.page, `<svg xmlns="http://www.w3.org/2000/svg" role="img" width="%.0f" height="%.0f" viewBox="0 0 %.0f %.0f">`+"\n", page, high, page, high)
	fmt.Fprintf(&c.page, "<title>%s</title>\n<style>%s</style>\n", svgText(c.title(t)), treeStyle)
	c.page.WriteString(`<rect class="page" width="100%" height="100%"/>` + "\n")
	c.text(svgPad, svgPad+svgLine, "title", c.title(t))
	c.text(svgPad, svgPad+2*svgLine, "why", c.room(t))
}

func (c *treeCanvas) title(t PlanTree) string { return "Address plan " + c.style.safe(t.title()) }

func (c *treeCanvas) room(t PlanTree) string { return "Room: " + c.style.safe(t.counted()) }

func (c *treeCanvas) text(x, y float64, class, text string) {
	fmt.Fprintf(&c.page, `<text x="%.1f" y="%.1f" class="%s" xml:space="preserve">%s</text>`+"\n", x, y, class, svgText(text))
}

func (c *treeCanvas) x(f ipfam.Family, wide ipfam.Pair[float64]) float64 {
	if f == ipfam.V6 {
		return svgPad + wide.V4 + svgBeside
	}
	return svgPad
}

// box is the box of a branch, with the boxes of what is in it and of what is free.
func (c *treeCanvas) box(b *plan.Branch) *treeBox {
	box := &treeBox{branch: b, class: "box" + treeClass(b), lines: c.lines(b)}
	if b.Block() {
		box.class = "block"
		box.lines = []string{b.String() + "  " + c.style.safe(useText(b))}
		return box
	}
	for _, inner := range b.Branches {
		box.parts = append(box.parts, treePart{class: string(inner.Use), at: inner.Offset, portion: inner.Share})
	}
	if part, ok := filled(b); ok && len(b.Branches) == 0 && b.Room.Known {
		box.parts = []treePart{{class: string(b.Use), portion: min(part, 1)}}
	}
	shown, hidden := shownBranches(b.Branches, false)
	for _, inner := range shown {
		box.boxes = append(box.boxes, c.box(inner))
	}
	if hidden > 0 {
		box.boxes = append(box.boxes, &treeBox{class: "block", lines: []string{c.style.or("…", "...") + " and " + number(uint64(hidden)) + " more node blocks"}})
	}
	if b.Spare.Largest.IsValid() {
		box.boxes = append(box.boxes, &treeBox{class: "free", lines: []string{spareText(b) + " free", "largest " + b.Spare.Largest.String()}})
	}
	return box
}

// lines is what a box says: the range, on two lines where it is long, what it is
// for and how much room it has, and that something is wrong with it.
func (c *treeCanvas) lines(b *plan.Branch) []string {
	lines := rangeLines(b)
	use := c.style.safe(useText(b)) + c.style.or(" · ", ", ") + roomPhrase(b)
	if m := roomMark(b.Room); m != markNone {
		use = c.style.mark(m) + " " + use
	}
	lines = append(lines, use)
	if b.Worst != 0 {
		lines = append(lines, c.style.mark(markOf(b.Worst))+" shares addresses, see below")
	}
	return lines
}

// treeClass is the class of a box that something is wrong with.
func treeClass(b *plan.Branch) string {
	switch room := roomMark(b.Room); {
	case b.Worst == severity.Error || room == markError:
		return " wrong"
	case b.Worst != 0 || room == markWarning:
		return " doubtful"
	}
	return ""
}

// width is how wide a column is, so that no text leaves its box.
func (c *treeCanvas) width(f ipfam.Family, boxes []*treeBox) float64 {
	wide := float64(width(f.String()+": no range")) * svgChar
	for _, b := range boxes {
		wide = max(wide, b.least())
	}
	return wide
}

// least is the width of a box in which its text and the boxes in it fit.
func (b *treeBox) least() float64 {
	wide := 0.0
	for _, line := range b.lines {
		wide = max(wide, float64(width(line))*svgChar)
	}
	for _, inner := range b.boxes {
		wide = max(wide, inner.least())
	}
	return wide + 2*svgPad + treeTab
}

// place settles where the box and those in it are, and gives where it ends.
func (b *treeBox) place(x, y, w float64) float64 {
	b.x, b.y, b.w = x, y, w
	at := y + float64(len(b.lines))*svgLine + svgPad
	if len(b.parts) > 0 {
		at += treeStrip + treeGap
	}
	for _, inner := range b.boxes {
		at = inner.place(x+svgPad+treeTab, at, w-2*svgPad-treeTab) + treeGap
	}
	b.h = at - y
	return at
}

func (c *treeCanvas) draw(b *treeBox) {
	c.rect(b.class, b.x, b.y, b.w, b.h, 5)
	if b.branch != nil {
		c.rect(string(b.branch.Use), b.x, b.y, treeTab, b.h, 2)
	}
	y := b.y
	for i, line := range b.lines {
		class := "why"
		if b.branch != nil && i < len(b.lines)-1 && !strings.Contains(line, " ") {
			class = "range"
		}
		y += svgLine
		c.text(b.x+svgPad+treeTab, y, class, line)
	}
	if len(b.parts) > 0 {
		c.strip(b, y+treeGap)
	}
	for _, inner := range b.boxes {
		c.draw(inner)
	}
}

func (c *treeCanvas) rect(class string, x, y, w, h, round float64) {
	fmt.Fprintf(&c.page, `<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="%.0f"/>`+"\n", class, x, y, w, h, round)
}

// strip draws the whole of a range from its first address to its last, and in it
// what is within or in use. What is too small to be seen is drawn a little wider,
// and what would then hide another part stands behind it.
func (c *treeCanvas) strip(b *treeBox, y float64) {
	x, w := b.x+svgPad+treeTab, b.w-2*svgPad-treeTab
	c.rect("strip", x, y, w, treeStrip, 0)
	end := 0.0
	for _, p := range b.parts {
		wide := min(max(p.portion*w, treeLeast), w)
		at := min(max(p.at*w, min(end, p.at*w+treeLeast)), w-wide)
		c.rect(p.class, x+at, y, wide, treeStrip, 0)
		end = at + wide
	}
}

// foot is the lines below the boxes: what the strips mean, and what the boxes do
// not show.
func (c *treeCanvas) foot(t PlanTree, tree plan.Tree, page float64) []string {
	room := int((page - 2*svgPad) / svgChar)
	lines := Wrap("A strip is its whole range from the first address to the last: the colours are what lies where in it, or how much of it is needed. "+
		"Parts too small to be seen are drawn wider. Dashed boxes are free.", room)
	for _, n := range t.notes(tree, false) {
		mark := c.style.mark(n.mark) + " "
		lines = append(lines, hung(mark, strings.Repeat(" ", width(mark)), c.style.safe(n.text), room)...)
	}
	return lines
}
