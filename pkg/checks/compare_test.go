package checks

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// TestCompare: what is new, by the findings of one check before and after.
func TestCompare(t *testing.T) {
	of := func(name, field, message string, s severity.Severity) Finding {
		return Finding{Severity: s, Object: snapshot.Ref{Kind: "Service", Name: name}, Field: field, Message: message}
	}
	const e, w = severity.Error, severity.Warning
	for _, test := range []struct {
		name          string
		before, after []Finding
		fresh         []bool
		gone          int
	}{
		{"nothing", nil, nil, []bool{}, 0},
		{"the same", []Finding{of("a", ".x", "is one", e)}, []Finding{of("a", ".x", "is one", e)}, []bool{false}, 0},
		{"new and gone", []Finding{of("a", ".x", "is one", e)}, []Finding{of("b", ".x", "is one", e)}, []bool{true}, 1},
		{"other words", []Finding{of("a", ".x", "counts 1", e)}, []Finding{of("a", ".x", "counts 2", e)}, []bool{false}, 0},
		{"another place", []Finding{of("a", ".x[1].y", "is one", e)}, []Finding{of("a", ".x[0].y", "is one", e)}, []bool{false}, 0},
		{"less bad", []Finding{of("a", ".x", "is one", e)}, []Finding{of("a", ".x", "is one", w)}, []bool{false}, 0},
		{"worse", []Finding{of("a", ".x", "is one", w)}, []Finding{of("a", ".x", "is one", e)}, []bool{true}, 1},
		{"one more of the same", []Finding{of("a", ".x[0]", "is one", e)}, []Finding{of("a", ".x[0]", "is one", e), of("a", ".x[1]", "is one", e)}, []bool{false, true}, 0},
		{"the exact one first", []Finding{of("a", ".x[0]", "says a", e), of("a", ".x[1]", "says b", e)}, []Finding{of("a", ".x[1]", "says b", e)}, []bool{false}, 1},
		{"another field", []Finding{of("a", ".x", "is one", e)}, []Finding{of("a", ".y", "is one", e)}, []bool{true}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			fresh, gone := compare(test.before, test.after)
			if diff := cmp.Diff(test.fresh, fresh); diff != "" || len(gone) != test.gone {
				t.Errorf("%d gone, want %d; new (-want +got):\n%s", len(gone), test.gone, diff)
			}
		})
	}
}

// TestCompareUntold: what a check found before, and cannot look for now, is not gone.
func TestCompareUntold(t *testing.T) {
	check, other := &Check{ID: "DS501"}, &Check{ID: "DS502"}
	found := []Finding{{Severity: severity.Error, Message: "is one"}}
	before := []Result{{Check: check, Status: Failing, Findings: found}, {Check: other, Status: Passed}}
	after := []Result{{Check: check, Status: Unknown}, {Check: other, Status: Failing, Findings: found}}
	c := Compare(before, after)
	if c.Untold != 1 || len(c.Gone) != 0 {
		t.Errorf("%d untold, %d gone", c.Untold, len(c.Gone))
	}
	if only := c.OnlyNew(after); len(only) != 2 || len(only[0].Findings) != 0 || len(only[1].Findings) != 1 {
		t.Errorf("only new: %+v", only)
	}
	if again := Compare(after, after); len(again.OnlyNew(after)[1].Findings) != 0 {
		t.Error("what is the same is new")
	}
}
