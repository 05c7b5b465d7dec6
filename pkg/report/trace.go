package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/trace"
)

// The formats of a Trace only. The empty one is for people.
const (
	columns Format = ""
	mermaid Format = "mermaid"
	dot     Format = "dot"
	svg     Format = "svg"
)

var (
	traceFormats = []Format{columns, Wide, JSON, YAML, mermaid, dot, svg}
	fleetFormats = []Format{columns, Wide, JSON, YAML}
)

// TraceFormats is the formats that WriteTrace knows, the default first: it has no name.
func TraceFormats() []string { return names(traceFormats) }

// FleetFormats is the formats that WriteFleet knows, the default first: it has no name.
func FleetFormats() []string { return names(fleetFormats) }

func names(formats []Format) []string {
	var texts []string
	for _, f := range formats {
		texts = append(texts, string(f))
	}
	return texts
}

// WriteTrace prints both paths of a Pod: as columns, or in the format of that name.
func WriteTrace(w io.Writer, t trace.Trace, format string, s Style) error {
	switch f := Format(format); f {
	case columns, Wide:
		p := newPrinter(s)
		p.all = f == Wide
		return p.trace(w, t)
	case JSON:
		return WriteJSON(w, traceDocument(t))
	case YAML:
		return WriteYAML(w, traceDocument(t))
	case mermaid:
		return drawTrace(t, s).writeMermaid(w)
	case dot:
		return drawTrace(t, s).writeDOT(w)
	case svg:
		return drawTrace(t, s).writeSVG(w, s)
	}
	return unknownFormat(format, traceFormats)
}

func unknownFormat(format string, formats []Format) error {
	named := slices.DeleteFunc(slices.Clone(formats), func(f Format) bool { return f == columns })
	_, err := ParseFormat(format, named...)
	return fmt.Errorf("output %w", err)
}

// safe is text from anywhere as it may be printed: escaped, and in ASCII where only that is.
func (s Style) safe(text string) string {
	text = Escape(text)
	if !s.ASCII {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		switch likeness, ok := likenesses[r]; {
		case r < 0x80:
			b.WriteRune(r)
		case ok:
			b.WriteString(likeness)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// likenesses is what stands in ASCII for the typography of our own sentences.
var likenesses = map[rune]string{
	'→': "->", '←': "<-", '–': "-", '—': "--", '…': "...", '·': ",", '«': `"`, '»': `"`, '“': `"`, '”': `"`, '’': "'", '\u00a0': " ", '≥': ">=", '≤': "<=", '×': "x", 'µ': "u",
}
