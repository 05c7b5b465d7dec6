package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Format is a way to print a report.
type Format string

// The formats.
const (
	Table      Format = "table" // for people
	Wide       Format = "wide"  // the same, nothing left out and nothing wrapped
	Short      Format = "short" // one line for each finding
	JSON       Format = "json"
	YAML       Format = "yaml"
	JUnit      Format = "junit"      // XML, for what shows test results
	SARIF      Format = "sarif"      // 2.1.0, for what shows findings beside files
	GitHub     Format = "github"     // annotations of a workflow of GitHub Actions
	Markdown   Format = "markdown"   // for a comment or a wiki
	HTML       Format = "html"       // one page that needs nothing else
	Prometheus Format = "prometheus" // metrics, in the text format
)

// Formats is all formats, the default first.
var Formats = []Format{Table, Wide, Short, JSON, YAML, JUnit, SARIF, GitHub, Markdown, HTML, Prometheus}

// ParseFormat reads the name of one of formats.
func ParseFormat(s string, formats ...Format) (Format, error) {
	if slices.Contains(formats, Format(s)) {
		return Format(s), nil
	}
	var names []string
	for _, f := range formats {
		names = append(names, string(f))
	}
	last := len(names) - 1
	return "", fmt.Errorf("%q: want %s or %s", s, strings.Join(names[:last], ", "), names[last])
}

// Write prints r.
func (r *Report) Write(w io.Writer, f Format, s Style) error {
	switch f {
	case Wide:
		return r.writeWide(w, s)
	case Short:
		return r.writeShort(w, s)
	case JSON:
		return r.writeJSON(w)
	case YAML:
		return r.writeYAML(w)
	case JUnit:
		return r.writeJUnit(w)
	case SARIF:
		return r.writeSARIF(w)
	case GitHub:
		return r.writeGitHub(w)
	case Markdown:
		return r.writeMarkdown(w)
	case HTML:
		return r.writeHTML(w)
	case Prometheus:
		return r.writePrometheus(w)
	}
	return r.writeTable(w, s)
}
