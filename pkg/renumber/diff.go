package renumber

import (
	"fmt"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
)

// File is a file of the site, and what has become of it.
type File struct {
	Path   string
	Was    string
	Moving plan.Moving
}

// Changed reports whether anything in the file has moved.
func (f File) Changed() bool { return len(f.Moving.Moved) > 0 }

// Diff is the changed lines of a file as a unified diff without context. Moving an
// address neither makes lines nor takes any, so that a change is some lines instead
// of as many others.
func (f File) Diff() string {
	was, is := strings.SplitAfter(f.Was, "\n"), strings.SplitAfter(f.Moving.Text, "\n")
	if len(was) != len(is) {
		return "" // cannot be
	}
	var b strings.Builder
	fmt.Fprintf(&b, "--- %s\n+++ %s\n", f.Path, f.Path)
	for i := 0; i < len(was); i++ {
		if was[i] == is[i] {
			continue
		}
		from := i
		for i < len(was) && was[i] != is[i] {
			i++
		}
		fmt.Fprintf(&b, "@@ -%s +%s @@\n", span(from, i), span(from, i))
		hunk(&b, "-", was[from:i])
		hunk(&b, "+", is[from:i])
	}
	return b.String()
}

// span is the lines from to to, to not among them, as a diff counts them.
func span(from, to int) string {
	if to-from == 1 {
		return fmt.Sprint(from + 1)
	}
	return fmt.Sprintf("%d,%d", from+1, to-from)
}

func hunk(b *strings.Builder, sign string, lines []string) {
	for _, line := range lines {
		b.WriteString(sign + line)
		if !strings.HasSuffix(line, "\n") {
			b.WriteString("\n\\ No newline at end of file\n")
		}
	}
}
