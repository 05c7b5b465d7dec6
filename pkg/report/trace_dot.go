package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/trace"
)

// dotChars is how long a line in a box is. Graphviz wraps nothing by itself.
const dotChars = 48

// writeDOT prints the graph for Graphviz: a cluster for each family.
func (g *traceGraph) writeDOT(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "digraph trace {\n  label=%s\n  labelloc=t\n  fontname=\"sans-serif\"\n", dotText(g.title))
	b.WriteString("  node [shape=box, style=rounded, fontname=\"sans-serif\"]\n")
	for _, f := range ipfam.All {
		fmt.Fprintf(&b, "  subgraph cluster_v%d {\n    label=%s\n", uint8(f), dotText(f.String()+": "+g.caption(f)))
		for node := range g.nodes(f) {
			fmt.Fprintf(&b, "    %s [label=%s%s]\n", node.id, dotLabel(node), dotStyle(node.state))
		}
		b.WriteString("  }\n")
	}
	for _, e := range g.edges {
		dashed := ""
		if !e.reached {
			dashed = " [style=dashed]"
		}
		fmt.Fprintf(&b, "  %s -> %s%s\n", e.from.id, e.to.id, dashed)
	}
	b.WriteString("}\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func dotLabel(n *traceNode) string {
	lines := []string{n.name + " " + n.manner}
	for _, line := range n.lines() {
		lines = append(lines, Wrap(line, dotChars)...)
	}
	return dotText(lines...)
}

func dotStyle(state trace.State) string {
	switch state {
	case trace.Stops:
		return `, color="#c62828", penwidth=3`
	case trace.Doubtful, trace.Open:
		return `, color="#b26a00", penwidth=2`
	case trace.NotReached:
		return `, style="rounded,dashed"`
	}
	return ""
}

// dotText is lines as one quoted string. Graphviz reads backslashes and the entities of
// HTML in it.
func dotText(lines ...string) string {
	quote := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "&", "&amp;")
	for i, line := range lines {
		lines[i] = quote.Replace(line)
	}
	return `"` + strings.Join(lines, `\n`) + `"`
}
