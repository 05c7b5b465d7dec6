package checks_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

func day(text string) time.Time {
	t, _ := time.Parse(time.DateOnly, text) // a day that does not parse is the zero time, and fails the comparison
	return t
}

func TestParseSuppression(t *testing.T) {
	for _, test := range []struct {
		text string
		want checks.Suppression
		err  string
	}{
		{text: "DS112: on purpose", want: checks.Suppression{Check: "DS112", Reason: "on purpose"}},
		{text: "pod-addresses Pod/shop/* IPv6 until 2027-03-01: old: and known",
			want: checks.Suppression{Check: "pod-addresses", Object: "pod/shop/*", Family: ipfam.V6, Until: day("2027-03-01"), Reason: "old: and known"}},
		{text: "DS112 until 2027-03-01:  x ", want: checks.Suppression{Check: "DS112", Until: day("2027-03-01"), Reason: "x"}},
		{text: "DS112", err: "want CHECK"},
		{text: "DS112:", err: "want CHECK"},
		{text: ": why", err: "want CHECK"},
		{text: "DS112 until 1.3.2027: x", err: `until "1.3.2027": want a day`},
		{text: "DS112 until: x", err: `"until"`},
		{text: "DS112 service/[: x", err: "object service/["},
		{text: "DS112 IPv5: x", err: `"IPv5"`},
	} {
		got, err := checks.ParseSuppression(test.text, "")
		if test.err != "" {
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("%q: %v, want %s", test.text, err, test.err)
			}
			continue
		}
		if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
			t.Errorf("%q: %v (-want +got):\n%s", test.text, err, diff)
		}
	}
}

// TestParseSuppressions names each line that is wrong, and reads the others.
func TestParseSuppressions(t *testing.T) {
	list, err := checks.ParseSuppressions("# why\n\nDS112: a\nDS113\nDS114: b\nDS115 x: c\n", "known.txt")
	if len(list) != 2 || list[0].From != "known.txt:3" || list[1].From != "known.txt:5" {
		t.Errorf("read: %v", list)
	}
	if err == nil || !strings.Contains(err.Error(), "known.txt:4: ") || !strings.Contains(err.Error(), "known.txt:6: ") {
		t.Errorf("error: %v", err)
	}
}

// FuzzSuppression: what is read is written so that it is read the same.
func FuzzSuppression(f *testing.F) {
	f.Add("DS112 service/a/* IPv6 until 2027-03-01: why: so")
	f.Add("x: y")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := checks.ParseSuppression(text, "")
		if err != nil {
			return
		}
		again, err := checks.ParseSuppression(s.String(), "")
		if diff := cmp.Diff(s, again); err != nil || diff != "" {
			t.Errorf("%q is written %q: %v\n%s", text, s, err, diff)
		}
	})
}

func shop(kind, name string) snapshot.Ref {
	return snapshot.Ref{Kind: kind, Namespace: "shop", Name: name}
}

func some() []checks.Result {
	return []checks.Result{
		{Check: &checks.Check{ID: "DS301", Name: "nodes"}, Status: checks.Failing, Findings: []checks.Finding{
			{Object: snapshot.Ref{Kind: "Node", Name: "a"}, Family: ipfam.V6},
			{Object: snapshot.Ref{Kind: "Node", Name: "b"}, Family: ipfam.V6},
		}},
		{Check: &checks.Check{ID: "DS605", Name: "endpoints"}, Status: checks.Failing, Findings: []checks.Finding{
			{Object: shop("Service", "web"), Family: ipfam.V6, Related: []snapshot.Ref{{Kind: "Node", Name: "a"}}},
			{Object: snapshot.Ref{Kind: "Service", Namespace: "other", Name: "web"}, Family: ipfam.V6},
		}},
		{Check: &checks.Check{ID: "DS607", Name: "pods"}, Status: checks.Failing, Findings: []checks.Finding{
			{Object: snapshot.Ref{Kind: "Pod", Namespace: "other", Name: "x"}},
		}},
	}
}

func TestSuppress(t *testing.T) {
	results := some()
	now := day("2027-01-01")
	over, idle := checks.Suppress(results, []checks.Suppression{
		{Check: "DS605", Object: "service/shop/*", Reason: "first"},
		{Check: "endpoints", Reason: "second"},
		{Check: "DS301", Object: "node/a", Family: ipfam.V4, Reason: "the other family"},
		{Check: "DS301", Until: day("2027-01-01"), Reason: "over today"},
		{Check: "DS301", Object: "node/b", Until: day("2027-01-02"), Reason: "until tomorrow"},
	}, now)
	var got []string
	for _, r := range results {
		for _, f := range r.Findings {
			why := "-"
			if f.Suppressed != nil {
				why = f.Suppressed.Reason
			}
			got = append(got, f.Object.String()+" "+why)
		}
	}
	want := []string{"node/a -", "node/b until tomorrow", "service/shop/web first", "service/other/web second", "pod/other/x -"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("suppressed (-want +got):\n%s", diff)
	}
	if len(over) != 1 || over[0].Reason != "over today" || len(idle) != 1 || idle[0].Reason != "the other family" {
		t.Errorf("over %v, idle %v", over, idle)
	}
}

// TestAnnotated: an annotation is about its object, and about no other.
func TestAnnotated(t *testing.T) {
	snap := &snapshot.Snapshot{}
	snap.Suppressions = []snapshot.Annotated{
		{Namespace: "shop", Name: "web", Text: "DS605: known\nDS607\n"},
		{Name: "a", Text: "DS301 node/b: not mine\nDS301: mine"},
	}
	list, err := checks.Annotated(snap)
	if err == nil || !strings.Contains(err.Error(), "names node/b") || !strings.Contains(err.Error(), `"DS607"`) {
		t.Errorf("error: %v", err)
	}
	results := some()
	checks.Suppress(results, list, day("2027-01-01"))
	n := 0
	for _, r := range results {
		for _, f := range r.Findings {
			if f.Suppressed != nil {
				n++
				if name := f.Object.String(); name != "node/a" && name != "service/shop/web" {
					t.Errorf("suppressed: %s", name)
				}
			}
		}
	}
	if n != 2 {
		t.Errorf("%d suppressed, want 2", n)
	}
}

// TestWithin keeps what is of the namespace, and what explains it.
func TestWithin(t *testing.T) {
	results := some()
	checks.Follow(results, []checks.Edge{{Symptom: "DS605", Cause: "DS301", When: checks.SameNode}})
	dropped := checks.Within(results, []string{"shop"})
	var got []string
	for _, r := range results {
		got = append(got, string(r.Status))
		for _, f := range r.Findings {
			got = append(got, f.Object.String())
		}
	}
	want := []string{"failed", "node/a", "failed", "service/shop/web", "skipped"}
	if diff := cmp.Diff(want, got); diff != "" || dropped != 3 {
		t.Errorf("dropped %d (-want +got):\n%s", dropped, diff)
	}
}
