package report

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/trace"
)

// writeMermaid prints the graph as Markdown viewers draw it: a subgraph for each family.
func (g *traceGraph) writeMermaid(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%%%% %s\nflowchart TD\n", mermaidText(g.title))
	for _, f := range ipfam.All {
		fmt.Fprintf(&b, "  subgraph v%d[\"%s: %s\"]\n", uint8(f), f, mermaidText(g.caption(f)))
		for node := range g.nodes(f) {
			fmt.Fprintf(&b, "    %s[\"%s\"]\n", node.id, mermaidLabel(node))
		}
		for _, e := range g.edges {
			if e.from.family == f {
				fmt.Fprintf(&b, "    %s %s %s\n", e.from.id, mermaidArrow(e), e.to.id)
			}
		}
		b.WriteString("  end\n")
	}
	// The classes set strokes only: the fill is the viewer's, light or dark.
	b.WriteString("  classDef stops stroke:#c62828,stroke-width:3px\n" +
		"  classDef doubtful stroke:#b26a00,stroke-width:2px\n" +
		"  classDef away stroke-dasharray:4 4\n")
	for _, c := range []struct {
		class  string
		states []trace.State
	}{
		{"stops", []trace.State{trace.Stops}},
		{"doubtful", []trace.State{trace.Doubtful, trace.Open}},
		{"away", []trace.State{trace.NotReached}},
	} {
		if ids := g.ids(c.states...); len(ids) > 0 {
			fmt.Fprintf(&b, "  class %s %s\n", strings.Join(ids, ","), c.class)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func mermaidArrow(e traceEdge) string {
	if e.reached {
		return "-->"
	}
	return "-.->"
}

// mermaidLabel says in words what the marks of the columns say.
func mermaidLabel(n *traceNode) string {
	lines := append([]string{"<b>" + mermaidText(n.name) + "</b> " + mermaidText(n.manner)}, each(n.lines(), mermaidText)...)
	return strings.Join(lines, "<br/>")
}

// mermaidText is text between quotes. Mermaid has no escape but the codes of characters,
// and reads HTML, Markdown and backslashes in a label; so all but the plainest is a code.
func mermaidText(text string) string {
	var b strings.Builder
	for _, r := range text {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune(" .,:/-()[]=+?", r) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, "#%d;", r)
		}
	}
	return b.String()
}
