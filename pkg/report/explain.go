package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks/catalog"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// Explain prints all that a check has to say for itself.
func Explain(w io.Writer, c *checks.Check, s Style) error {
	p := newPrinter(s)
	p.linef("%s  %s", c.ID, c.Name)
	p.linef("%s of %s", c.Severity, areaOf(c.ID))
	p.section("CLAIM", c.Doc.Claim)
	p.section("WHY", c.Doc.Why)
	p.section("FIX", c.Doc.Fix)
	p.section("LIMITS", c.Doc.Limits)
	p.section("HOLDS FOR", c.Doc.Holds)
	p.section("SINCE", c.Doc.Since)
	p.list("READS", reads(c))
	p.list("SOURCES", c.Doc.Refs)
	symptoms, causes := catalog.Explains(c.ID)
	p.list("MAY FOLLOW FROM", titled(causes))
	p.list("MAY EXPLAIN", titled(symptoms))
	return p.flush(w)
}

// titled is checks by ID and name.
func titled(ids []string) []string {
	lines := make([]string, 0, len(ids))
	for _, id := range ids {
		if c, ok := catalog.Find(id); ok {
			lines = append(lines, c.ID+" "+c.Name)
		}
	}
	return lines
}

func (p *printer) section(title, text string) {
	if strings.TrimSpace(text) == "" {
		return
	}
	p.line("")
	p.line(title)
	p.wrapped("  ", text)
}

func (p *printer) list(title string, items []string) {
	if len(items) == 0 {
		return
	}
	p.line("")
	p.line(title)
	for _, item := range items {
		p.wrapped("  ", item)
	}
}

// reads is what a check looks at, each with the rights that reading it from an
// API server takes.
func reads(c *checks.Check) []string {
	var lines []string
	if c.Plan {
		lines = append(lines, "the address plan")
	}
	for _, k := range slices.Concat(c.Needs, c.Uses) {
		var rights []string
		for _, r := range k.Rights() {
			rights = append(rights, right(r))
		}
		line := string(k)
		if len(rights) > 0 {
			line += ": " + strings.Join(rights, ", ")
		}
		if !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return lines
}

// right is such as "get configmaps kubeadm-config in kube-system".
func right(r snapshot.Right) string {
	text := r.Verb + " " + r.Resource
	if r.Group != "" {
		text += "." + r.Group
	}
	if len(r.Names) > 0 {
		text += " " + strings.Join(r.Names, " ")
	}
	if r.Namespace != "" {
		text += fmt.Sprintf(" in %s", r.Namespace)
	}
	return text
}
