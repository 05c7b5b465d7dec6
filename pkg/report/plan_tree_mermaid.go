package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
)

// mermaidTree is the tree of a plan on its way to Mermaid.
type mermaidTree struct {
	b       strings.Builder
	style   Style
	ids     map[string]string // by field
	n       int
	classes map[string][]string // ids by class
}

// writeMermaid prints the tree as Markdown viewers draw it: a subgraph for each
// family, and an arrow from each range to what is in it.
func (t PlanTree) writeMermaid(w io.Writer, s Style) error {
	tree := t.Plan.Tree(t.Usage)
	m := &mermaidTree{style: s, ids: map[string]string{}, classes: map[string][]string{}}
	fmt.Fprintf(&m.b, "%%%% %s\n%%%% %s\nflowchart LR\n", m.text(t.title()), m.text(t.counted()))
	for _, f := range ipfam.All {
		fmt.Fprintf(&m.b, "  subgraph v%d[\"%s\"]\n    direction LR\n", uint8(f), f)
		roots := tree.Roots.Of(f)
		if len(roots) == 0 {
			fmt.Fprintf(&m.b, "    none%d[\"no range\"]\n", uint8(f))
		}
		for _, b := range roots {
			m.branch(b, "")
		}
		m.b.WriteString("  end\n")
	}
	for _, o := range tree.Overlaps {
		fmt.Fprintf(&m.b, "  %s -. \"%s: shares addresses\" .- %s\n", m.ids[o.Range.Field], o.Severity, m.ids[o.With.Field])
	}
	for _, n := range t.notes(tree, false) {
		fmt.Fprintf(&m.b, "  %%%% %s: %s\n", words[n.mark], m.text(n.text))
	}
	// The classes set strokes only: the fill is the viewer's, light or dark.
	m.b.WriteString("  classDef free stroke-dasharray:4 4\n" +
		"  classDef doubtful stroke:#b26a00,stroke-width:2px\n" +
		"  classDef wrong stroke:#c62828,stroke-width:3px\n")
	for _, class := range []string{"free", "doubtful", "wrong"} {
		if ids := m.classes[class]; len(ids) > 0 {
			fmt.Fprintf(&m.b, "  class %s %s\n", strings.Join(ids, ","), class)
		}
	}
	_, err := io.WriteString(w, m.b.String())
	return err
}

// text is text from anywhere, for a label or a comment: on one line, without
// anything that Mermaid acts upon.
func (m *mermaidTree) text(text string) string { return mermaidText(m.style.safe(text)) }

// node writes a node of lines, the first of them bold, and the arrow to it.
func (m *mermaidTree) node(parent string, lines ...string) (id string) {
	m.n++
	id = fmt.Sprintf("r%d", m.n)
	for i := range lines {
		lines[i] = m.text(lines[i])
	}
	lines[0] = "<b>" + lines[0] + "</b>"
	fmt.Fprintf(&m.b, "    %s[\"%s\"]\n", id, strings.Join(lines, "<br/>"))
	if parent != "" {
		fmt.Fprintf(&m.b, "    %s --> %s\n", parent, id)
	}
	return id
}

func (m *mermaidTree) branch(b *plan.Branch, parent string) {
	lines := []string{b.String(), useText(b), roomPhrase(b)}
	switch roomMark(b.Room) {
	case markError:
		lines = append(lines, "too little room")
	case markWarning:
		lines = append(lines, "little room left")
	}
	id := m.node(parent, lines...)
	m.ids[b.Field] = id
	if class := strings.TrimSpace(treeClass(b)); class != "" {
		m.classes[class] = append(m.classes[class], id)
	}
	shown, hidden := shownBranches(b.Branches, false)
	for _, inner := range shown {
		m.branch(inner, id)
	}
	if hidden > 0 {
		m.node(id, number(uint64(hidden))+" more", "node blocks")
	}
	if b.Spare.Largest.IsValid() {
		free := m.node(id, b.Spare.Largest.String(), "free, the largest block", spareText(b)+" free in all")
		m.classes["free"] = append(m.classes["free"], free)
	}
}
