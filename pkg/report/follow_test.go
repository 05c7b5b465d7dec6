package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// folded is a report with a cause, what follows from it in two steps, and something that
// follows from nothing. change may alter the results.
func folded(name string, change func([]checks.Result)) *Report {
	service := func(name string) checks.Finding {
		return checks.Finding{
			Severity: severity.Error, Object: snapshot.Ref{Kind: "Service", Namespace: "shop", Name: name}, Family: ipfam.V6,
			Message: "has no endpoint", Fix: "look at " + name,
		}
	}
	node := checks.Finding{Severity: severity.Warning, Object: snapshot.Ref{Kind: "Node", Name: "a"}, Family: ipfam.V6, Message: "has no IPv6 address", Fix: "give it one"}
	pods := checks.Finding{Severity: severity.Warning, Object: snapshot.Ref{Kind: "ReplicaSet", Namespace: "shop", Name: "web"}, Family: ipfam.V6,
		Message: "has Pods of one family", Fix: "restart them"}
	results := []checks.Result{
		{Check: check("DS301", "node-addresses", severity.Warning, "it holds", "It matters."), Status: checks.Failing, Findings: []checks.Finding{node}},
		{Check: check("DS605", "endpoints", severity.Error, "it holds", "It matters."), Status: checks.Failing},
		{Check: check("DS607", "pod-addresses", severity.Warning, "it holds", "It matters."), Status: checks.Failing, Findings: []checks.Finding{pods}},
		{Check: check("DS609", "source-ranges", severity.Warning, "it holds", "It matters."), Status: checks.Passed},
	}
	for i := range 5 {
		results[1].Findings = append(results[1].Findings, service(fmt.Sprintf("web-%d", i)))
	}
	results[1].Findings = append(results[1].Findings, checks.Finding{Severity: severity.Warning, Object: snapshot.Ref{Kind: "Service", Namespace: "other", Name: "api"},
		Family: ipfam.V4, Message: "has no endpoint", Fix: "look"})
	checks.Follow(results, []checks.Edge{
		{Symptom: "DS605", Cause: "DS607", When: checks.SameNamespace},
		{Symptom: "DS607", Cause: "DS301", When: checks.Everywhere},
	})
	if change != nil {
		change(results)
	}
	at := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	return Build(Input{Snapshot: &snapshot.Snapshot{Source: snapshot.Source{Name: name, At: at}}, Results: results})
}

// section is the lines of text from the one that has begin to the next empty one.
func section(t *testing.T, text, begin string) string {
	t.Helper()
	_, rest, found := strings.Cut(text, begin)
	if !found {
		t.Fatalf("no line has %q in\n%s", begin, text)
	}
	part, _, _ := strings.Cut(rest, "\n\n")
	return begin + part
}

// TestFollowing: a symptom stands below the earliest of its causes, with the worst mark
// of all, and nowhere else.
func TestFollowing(t *testing.T) {
	r := folded("a", nil)
	text := print(t, r, Table, Style{Width: 80})
	want := `✖ DS301  node-addresses
  It matters.
  - node/a (IPv6)
    has no IPv6 address
  fix: give it one
  from this follow 6:
  ✖ DS605 endpoints: service/shop/web-0, service/shop/web-1, service/shop/web-2
          and 2 more
  ▲ DS607 pod-addresses: replicaset/shop/web`
	if got := section(t, text, "✖ DS301"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if section(t, text, "▲ DS605") == "" || strings.Count(text, "DS607") != 1 {
		t.Errorf("a finding stands twice, or not at all:\n%s", text)
	}
	if !strings.HasSuffix(text, "5 errors · 3 warnings · 0 info · 1 ok · 0 skipped · 0 unknown · 6 of them follow from others\n") {
		t.Errorf("totals:\n%s", text)
	}
	wide := print(t, r, Wide, Style{})
	for i := range 5 {
		if !strings.Contains(wide, fmt.Sprintf("look at web-%d", i)) {
			t.Errorf("wide lacks what is to be done about web-%d", i)
		}
	}
	short := print(t, r, Short, Style{})
	if !strings.HasPrefix(short, "▲ DS301") || strings.Count(short, "\n  ✖ DS605") != 5 || strings.Count(short, "\n  ▲ DS607") != 1 {
		t.Errorf("short:\n%s", short)
	}
}

// TestNothingHangsOnWhatDoesNotCount: a symptom whose cause is known or suppressed is
// shown below the next cause that counts, or by itself.
func TestNothingHangsOnWhatDoesNotCount(t *testing.T) {
	known := folded("a", func(results []checks.Result) { results[0].Findings[0].Known = true })
	text := print(t, known, Table, Style{Width: 80})
	if part := section(t, text, "✖ DS607"); !strings.Contains(part, "from this follow 5:") {
		t.Errorf("what follows from the Pods:\n%s", part)
	}
	both := folded("a", func(results []checks.Result) {
		results[0].Findings[0].Known = true
		results[2].Findings[0].Suppressed = &checks.Suppression{Reason: "on purpose", From: "known.txt:1"}
	})
	text = print(t, both, Table, Style{Width: 80})
	if part := section(t, text, "✖ DS605"); !strings.Contains(part, "service/shop/web-4") || strings.Contains(text, "follow 5") {
		t.Errorf("what is left:\n%s", text)
	}
	for _, line := range []string{"○ known, in the baseline\n  - DS301 node-addresses (1)", "○ suppressed\n  - DS607 pod-addresses (1) — on purpose (known.txt:1)"} {
		if !strings.Contains(text, line) {
			t.Errorf("lacks %q:\n%s", line, text)
		}
	}
	for _, f := range []Format{JSON, YAML, SARIF} {
		if print(t, both, f, Style{}) == "" {
			t.Errorf("%s prints nothing", f)
		}
	}
}

// TestBaseline: what an earlier report has is known, whatever became of its words, and
// what is gone is counted.
func TestBaseline(t *testing.T) {
	earlier := print(t, folded("a", nil), JSON, Style{})
	b, err := ParseBaseline([]byte(earlier))
	if err != nil {
		t.Fatal(err)
	}
	var results []checks.Result
	folded("a", func(list []checks.Result) {
		list[0].Findings[0].Message = "lacks an address"
		list[1].Findings = list[1].Findings[1:]
		list[3].Status = checks.Failing
		list[3].Findings = []checks.Finding{{Object: snapshot.Ref{Kind: "Service", Name: "new"}, Message: "is new"}}
		results = list
	})
	if gone := b.Mark(results); gone != 1 {
		t.Errorf("%d gone, want 1", gone)
	}
	for _, r := range results {
		for _, f := range r.Findings {
			if f.Known == (r.Check.ID == "DS609") {
				t.Errorf("%s %s: known %t", r.Check.ID, f.Object, f.Known)
			}
		}
	}
	for _, text := range []string{"", "null", "[]", `{"apiVersion":"v1","kind":"List"}`} {
		if _, err := ParseBaseline([]byte(text)); err == nil {
			t.Errorf("%q is taken for a report", text)
		}
	}
}

// TestFleet prints two clusters beside one another, and below one another where they do
// not fit.
func TestFleet(t *testing.T) {
	f := NewFleet([]*Report{folded("east", nil), folded("west", func(results []checks.Result) {
		results[0] = checks.Result{Check: results[0].Check, Status: checks.Passed}
		results[1] = checks.Result{Check: results[1].Check, Status: checks.Unknown, Reason: "nodes: forbidden"}
		results[2].Findings[0].Cause = nil
	})})
	var out bytes.Buffer
	if err := f.Write(&out, Table, Style{Width: 100}); err != nil {
		t.Fatal(err)
	}
	want := `CHECK  NAME            EAST  WEST
DS301  node-addresses  ▲ 1   ✔
DS605  endpoints       ✖ 6   ?
DS607  pod-addresses   ▲ 1   ▲ 1

east  5 errors · 3 warnings · 0 info · 1 ok · 0 skipped · 0 unknown · 6 of them follow from others
west  0 errors · 1 warning · 0 info · 2 ok · 0 skipped · 1 unknown
`
	if got := out.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	out.Reset()
	if err := f.Write(&out, Table, Style{Width: 30}); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); strings.Count(got, "CHECK") != 2 || strings.Index(got, "EAST") > strings.Index(got, "WEST") {
		t.Errorf("below one another:\n%s", got)
	}
}

// TestWatched prints what changes between two reports, and nothing when nothing does.
func TestWatched(t *testing.T) {
	before := folded("a", nil)
	after := folded("a", func(results []checks.Result) {
		results[1].Findings = results[1].Findings[:4]
		results[3].Status = checks.Failing
		results[3].Findings = []checks.Finding{{Severity: severity.Warning, Object: snapshot.Ref{Kind: "Service", Name: "new"}, Message: "is new", Fix: "mend it"}}
	})
	var out bytes.Buffer
	if err := WriteWatched(&out, before, before, Style{}); err != nil || out.Len() > 0 {
		t.Errorf("nothing has changed: %v\n%s", err, out.String())
	}
	if err := WriteWatched(&out, before, after, Style{}); err != nil {
		t.Fatal(err)
	}
	want := `
2026-11-22 03:00:00  1 new, 2 gone
+ ▲ DS609 service/new: is new
- ✖ DS605 service/shop/web-4: has no endpoint
- ▲ DS605 service/other/api: has no endpoint
4 errors · 3 warnings · 0 info · 0 ok · 0 skipped · 0 unknown · 5 of them follow from others
`
	if got := out.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
