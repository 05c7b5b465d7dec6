package report

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/trace"
)

var traceCases = map[string]func() trace.Trace{
	"healthy": healthyTrace, "stopped": stoppedTrace, "probed": probedTrace, "service": serviceTrace, "open": openTrace,
}

// traceStyles is the widths and manners in which text is held to golden files.
var traceStyles = map[string]Style{
	"80": {Width: 80}, "80.color": {Width: 80, Color: true}, "80.ascii": {Width: 80, ASCII: true},
	"100": {Width: 100}, "100.color": {Width: 100, Color: true}, "100.ascii": {Width: 100, ASCII: true},
	"160": {Width: 160}, "160.color": {Width: 160, Color: true}, "160.ascii": {Width: 160, ASCII: true},
}

func written(t *testing.T, tr trace.Trace, format string, s Style) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteTrace(&b, tr, format, s); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func traceGolden(name string) string { return filepath.Join("testdata", "golden", "trace", name) }

func TestWriteTrace(t *testing.T) {
	for name, build := range traceCases {
		for style, s := range traceStyles {
			golden(t, traceGolden(name+"."+style+".txt"), written(t, build(), "", s))
		}
		golden(t, traceGolden(name+".wide.txt"), written(t, build(), "wide", Style{Width: 160}))
		for _, format := range []Format{JSON, YAML, mermaid, dot, svg} {
			golden(t, traceGolden(name+"."+string(format)), written(t, build(), string(format), Style{}))
		}
	}
}

func TestWriteTraceDiff(t *testing.T) {
	same := healthyTrace()
	same.Paths.V6 = same.Paths.V4
	for name, tr := range map[string]trace.Trace{"diff.stopped": stoppedTrace(), "diff.healthy": healthyTrace(), "diff.same": same, "diff.service": serviceTrace()} {
		for _, style := range []string{"80", "100", "100.ascii"} {
			var b bytes.Buffer
			if err := WriteTraceDiff(&b, tr, traceStyles[style]); err != nil {
				t.Fatal(err)
			}
			golden(t, traceGolden(name+"."+style+".txt"), b.String())
		}
	}
}

func TestWriteFleet(t *testing.T) {
	for name, tc := range map[string]struct {
		nodes  int
		format Format
		style  Style
	}{
		"fleet.7.txt":       {7, columns, Style{Width: 80}},
		"fleet.7.160.txt":   {7, columns, Style{Width: 160, Color: true}},
		"fleet.7.60.txt":    {7, columns, Style{Width: 60}},
		"fleet.7.ascii.txt": {7, columns, Style{Width: 100, ASCII: true}},
		"fleet.7.wide.txt":  {7, Wide, Style{Width: 160}},
		"fleet.250.txt":     {250, columns, Style{Width: 100}},
		"fleet.0.txt":       {0, columns, Style{Width: 100}},
		"fleet.3.json":      {3, JSON, Style{}},
		"fleet.3.yaml":      {3, YAML, Style{}},
	} {
		var b bytes.Buffer
		if err := WriteFleet(&b, fleet(tc.nodes), string(tc.format), tc.style); err != nil {
			t.Fatal(err)
		}
		golden(t, traceGolden(name), b.String())
	}
}
