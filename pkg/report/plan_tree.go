package report

import (
	"fmt"
	"io"
	"math"
	"math/bits"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
)

// PlanTree is an address plan to be drawn as the tree of its prefixes.
type PlanTree struct {
	Source string
	Plan   *plan.Plan
	Usage  *plan.Usage // nil when no cluster was asked
	// Cluster names what Usage was read from.
	Cluster string
}

// treeFormats is the formats of a PlanTree; the first one, for people, has no name.
var treeFormats = []Format{columns, Wide, JSON, YAML, mermaid, svg}

// TreeFormats is the formats that PlanTree.Write knows, the default first: it has no name.
func TreeFormats() []string { return names(treeFormats) }

// CheckTreeFormat refuses a format that there is not.
func CheckTreeFormat(format string) error {
	if slices.Contains(treeFormats, Format(format)) {
		return nil
	}
	return unknownFormat(format, treeFormats)
}

// Write prints the tree: for people, or in the format of that name.
func (t PlanTree) Write(w io.Writer, format string, s Style) error {
	switch f := Format(format); f {
	case columns, Wide:
		p := newPrinter(s)
		p.all = f == Wide
		p.planTree(t)
		return p.flush(w)
	case JSON:
		return WriteJSON(w, t.document())
	case YAML:
		return WriteYAML(w, t.document())
	case mermaid:
		return t.writeMermaid(w, s)
	case svg:
		return t.writeSVG(w, s)
	}
	return unknownFormat(format, treeFormats)
}

// maxBlocks is how many blocks of nodes the tree shows of a range.
const maxBlocks = 8

// sharesFrom is the line width from which the tree has a column of shares and bars.
const sharesFrom = 120

// longName is from which length on FROM-TO stands on two lines: as long as an IPv6
// prefix may be.
const longName = len("2001:db8:7653:299:cafe:abcd:ef01:2345/128")

// rangeLines is the range, on two lines where it is long.
func rangeLines(b *plan.Branch) []string {
	if from, to, ok := strings.Cut(b.String(), "-"); ok && len(b.String()) > longName {
		return []string{from + "-", to}
	}
	return []string{b.String()}
}

// treeRows is the tree on its way to the page.
type treeRows struct {
	*printer
	plan *plan.Plan
	grid *grid
	full bool // with shares and bars
}

func (p *printer) planTree(t PlanTree) {
	tree := t.Plan.Tree(t.Usage)
	p.labelled("plan", p.safe(t.title()))
	p.labelled("room", p.safe(t.counted()))
	p.labelled("free", "the largest block that is free, and how much there is in all")
	p.line("")
	rows := treeRows{printer: p, plan: t.Plan, full: p.all || p.Width == 0 || p.Width >= sharesFrom}
	for _, f := range ipfam.All {
		rows.family(f, tree.Roots.Of(f))
	}
	p.grid(rows.grid)
	p.treeNotes(t.notes(tree, p.all))
}

func (t PlanTree) title() string {
	if t.Plan.Name == "" {
		return t.Source
	}
	return t.Plan.Name + " " + t.Source
}

// counted says what the first of two numbers is.
func (t PlanTree) counted() string {
	switch {
	case t.Usage != nil:
		return "what " + t.Cluster + " has taken, of what each range has room for"
	case t.Plan.Expect != plan.Expectation{}:
		return "what the plan expects (spec.expect), of what each range has room for"
	}
	return "what each range has room for"
}

// family adds the rows of a family below a header of its own.
func (r *treeRows) family(f ipfam.Family, roots []*plan.Branch) {
	header := []string{f.String(), "USE", "ROOM"}
	if r.full {
		header = append(header, "SHARE", "")
	}
	if r.grid == nil {
		r.grid = &grid{header: header}
	} else {
		r.grid.add(make([]string, len(header))...)
		r.grid.add(header...)
	}
	if len(roots) == 0 {
		r.add(r.dash(), "no range", "", "", "")
	}
	for _, b := range roots {
		r.branch(b, "", "")
	}
}

// add adds a row; the last two cells are there on wide lines only.
func (r *treeRows) add(cells ...string) {
	if !r.full {
		cells = cells[:3]
	}
	r.grid.add(cells...)
}

// branch adds a range and what is in it. Its own line begins with lead, those
// below with indent.
func (r *treeRows) branch(b *plan.Branch, lead, indent string) {
	name := []string{b.String()}
	if r.Width > 0 && !r.all {
		name = rangeLines(b)
	}
	use := useText(b)
	if b.Block() && !r.full {
		use = b.Name // its room says that it is a node's
	}
	if name := r.plan.LAN.Interface; b.Use == plan.LAN && name != "" && r.full {
		use += " " + name
	}
	use = r.safe(use)
	if b.Worst != 0 {
		use = r.mark(markOf(b.Worst)) + " " + use
	}
	room := roomText(b)
	if m := roomMark(b.Room); m != markNone {
		room = r.mark(m) + " " + room
	}
	r.add(lead+name[0], use, room, shareText(b), r.bar(b))
	if len(name) > 1 {
		more := indent
		if len(b.Branches) > 0 || b.Spare.Largest.IsValid() {
			more += r.or("│", "|")
		}
		r.add(padded(more, width(lead))+name[1], "", "", "", "")
	}
	r.below(b, indent)
}

// below adds what is in b: its branches, and then what none of them has.
func (r *treeRows) below(b *plan.Branch, indent string) {
	shown, hidden := shownBranches(b.Branches, r.all)
	free := b.Spare.Largest.IsValid()
	tee, pipe, corner := r.glyphs()
	for i, inner := range shown {
		if i == len(shown)-1 && hidden == 0 && !free {
			tee, pipe = corner, strings.Repeat(" ", width(corner))
		}
		r.branch(inner, indent+tee, indent+pipe)
	}
	if hidden > 0 {
		if !free {
			tee = corner
		}
		r.add(fmt.Sprintf("%s%s%s and %s more: -o wide", indent, tee, r.or("…", "..."), number(uint64(hidden))), "node blocks", "", "", "")
	}
	if free {
		free := spareText(b)
		if !r.full {
			free = blocksText(b.Spare.Blocks, b.Spare.Unit, b.Family())
		}
		r.add(indent+corner+b.Spare.Largest.String(), "free", free, "", "")
	}
}

// glyphs is what stands before a branch that others follow, before what is in it,
// and before the last one.
func (r *treeRows) glyphs() (tee, pipe, corner string) {
	tee, pipe, corner = r.or("├─ ", "|- "), r.or("│  ", "|  "), r.or("└─ ", "`- ")
	if !r.full {
		tee, pipe, corner = r.or("├ ", "| "), r.or("│ ", "| "), r.or("└ ", "` ")
	}
	return tee, pipe, corner
}

// shownBranches is the branches to be drawn, and how many blocks of nodes are not.
func shownBranches(list []*plan.Branch, all bool) (shown []*plan.Branch, hidden int) {
	blocks := 0
	for _, b := range list {
		if b.Block() {
			if blocks++; blocks > maxBlocks && !all {
				hidden++
				continue
			}
		}
		shown = append(shown, b)
	}
	return shown, hidden
}

// useText is what a range is for, with the name that it has.
func useText(b *plan.Branch) string {
	switch b.Use {
	case plan.LAN:
		return "LAN"
	case plan.LoadBalancers:
		return "pool " + b.Name
	case plan.Services:
		return "Services"
	case plan.Pods:
		if b.Block() {
			return "node " + b.Name
		}
	}
	return string(b.Use)
}

// roomMark is the sign of too little room, and of little.
func roomMark(room plan.Room) mark {
	switch {
	case room.Known && room.Need > room.Capacity:
		return markError
	case room.Scarce():
		return markWarning
	}
	return markNone
}

// roomText is how much a range has room for, and how much of it is needed.
func roomText(b *plan.Branch) string {
	of := ""
	if b.Room.Known {
		of = number(b.Room.Need) + " of "
	}
	switch b.Use {
	case plan.Pods:
		if b.Block() {
			return counted(b.Room.Capacity, "pod", "pods")
		}
		return of + counted(b.Room.Capacity, "node", "nodes")
	case plan.Services, plan.LoadBalancers:
		return of + amount(b.Room.Capacity)
	}
	if b.Spare.Of > 0 {
		return blocksText(b.Spare.Of, b.Spare.Unit, b.Family())
	}
	return counted(plan.Count(b.Addrs), "address", "addresses")
}

// roomPhrase is roomText where no column says what the numbers are of.
func roomPhrase(b *plan.Branch) string {
	if b.Use != plan.Services && b.Use != plan.LoadBalancers {
		return roomText(b)
	}
	if b.Room.Capacity == 1 {
		return roomText(b) + " address"
	}
	return roomText(b) + " addresses"
}

// spareText is how much of a range is free.
func spareText(b *plan.Branch) string {
	return amount(b.Spare.Blocks) + " of " + blocksText(b.Spare.Of, b.Spare.Unit, b.Family())
}

// blocksText is such as "256 /64", or addresses when each block is one.
func blocksText(n uint64, unit int, f ipfam.Family) string {
	if unit == f.Bits() {
		return counted(n, "address", "addresses")
	}
	return fmt.Sprintf("%s /%d", amount(n), unit)
}

func counted(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return amount(n) + " " + many
}

// amount is a number as one reads it: the large ones, which come of the lengths of
// prefixes, as powers of two less what is missing.
func amount(n uint64) string {
	if n == math.MaxUint64 {
		return "2^64 or more"
	}
	if n < 1<<30 {
		return number(n)
	}
	power := bits.Len64(n - 1)
	less := uint64(0)
	if power < 64 {
		less = 1<<power - n
	} else {
		less = -n
	}
	switch {
	case less == 0:
		return fmt.Sprintf("2^%d", power)
	case less < 1<<16:
		return fmt.Sprintf("2^%d - %s", power, number(less))
	case n < 1e12:
		return number(n)
	}
	return fmt.Sprintf("about 2^%.0f", math.Log2(float64(n)))
}

// shareText is the part that a range has of the one around it.
func shareText(b *plan.Branch) string {
	switch n := 1 / b.Share; {
	case b.Share == 0:
		return ""
	case b.Share == 1:
		return "all"
	case n != math.Trunc(n):
		return percent(b.Share)
	case n < 1<<20:
		return "1/" + number(uint64(n))
	default:
		return fmt.Sprintf("1/2^%.0f", math.Log2(n))
	}
}

func percent(part float64) string {
	switch {
	case part > 0 && part < 0.01:
		return "<1%"
	case part > 0.99 && part < 1:
		return ">99%"
	}
	return fmt.Sprintf("%.0f%%", 100*part)
}

// barCells is the length of a bar.
const barCells = 10

// bar is how full a range is; empty when that is not known. What is not nothing
// has a cell at least, and what is not full has one empty.
func (r *treeRows) bar(b *plan.Branch) string {
	part, ok := filled(b)
	if !ok {
		return ""
	}
	cells := int(math.Round(part * barCells))
	switch {
	case part > 0 && cells == 0:
		cells = 1
	case part < 1 && cells == barCells:
		cells--
	}
	cells = min(cells, barCells)
	return strings.Repeat(r.or("█", "#"), cells) + strings.Repeat(r.or("░", "."), barCells-cells) + " " + percent(part)
}

// filled is which part of a range is in use: given out, or within its branches.
func filled(b *plan.Branch) (part float64, ok bool) {
	switch {
	case b.Room.Known && b.Room.Capacity > 0:
		return float64(b.Room.Need) / float64(b.Room.Capacity), true
	case b.Room.Capacity == 0 && b.Spare.Of > 0:
		return float64(b.Spare.Of-b.Spare.Blocks) / float64(b.Spare.Of), true
	}
	return 0, false
}

// takenText is what is taken of each use.
var takenText = map[plan.Use]string{
	plan.Pods:          "which blocks the nodes have",
	plan.Services:      "which addresses Services have",
	plan.LoadBalancers: "which addresses load balancers have",
}

// treeNote is something about a tree that the tree itself does not show.
type treeNote struct {
	mark mark
	text string
}

// notes is what the tree of t cannot show: what is wrong with it, and what could
// not be counted. Of what lies outside of a plan it has the first of each use, or
// all of it.
func (t PlanTree) notes(tree plan.Tree, all bool) []treeNote {
	var notes []treeNote
	for _, o := range tree.Overlaps {
		notes = append(notes, treeNote{markOf(o.Severity), fmt.Sprintf("%s: %s (%s)", o.Range.Field, plan.DescribeOverlap(o.Range, o.With), o.With.Field)})
	}
	more := map[plan.Use]int{}
	for _, r := range tree.Outside {
		more[r.Use]++
	}
	for _, r := range tree.Outside {
		text := fmt.Sprintf("%s: %s is in no range of the plan for %s", r.Name, r, r.Use)
		switch rest := more[r.Use] - 1; {
		case rest < 0:
			continue
		case rest > 0 && !all:
			text += fmt.Sprintf(", nor are %s more", number(uint64(rest)))
		}
		if !all {
			more[r.Use] = 0
		}
		notes = append(notes, treeNote{markWarning, text})
	}
	for _, u := range unknowns(t.Usage) {
		notes = append(notes, treeNote{markUnknown, fmt.Sprintf("%s: not known: %s", takenText[u.Use], u.Reason)})
	}
	return notes
}

func (p *printer) treeNotes(notes []treeNote) {
	if len(notes) > 0 {
		p.line("")
	}
	for _, n := range notes {
		p.wrapped(p.mark(n.mark)+" ", p.safe(n.text))
	}
}
