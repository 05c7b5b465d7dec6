package cmd

import (
	"errors"
	"testing"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/report"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// TestVerdict: the threshold counts findings, --strict counts what was not looked at.
func TestVerdict(t *testing.T) {
	found := func(s severity.Severity) []checks.Result {
		return []checks.Result{{Status: checks.Passed}, {Status: checks.Failing, Findings: []checks.Finding{{Severity: s}}}}
	}
	for _, test := range []struct {
		name      string
		results   []checks.Result
		threshold severity.Severity
		strict    bool
		fails     bool
	}{
		{"nothing found", []checks.Result{{Status: checks.Passed}}, severity.Info, true, false},
		{"below the threshold", found(severity.Warning), severity.Error, true, false},
		{"at the threshold", found(severity.Warning), severity.Warning, false, true},
		{"above the threshold", found(severity.Error), severity.Info, false, true},
		{"no threshold", found(severity.Error), 0, true, false},
		{"skipped", []checks.Result{{Status: checks.Skipped}}, severity.Info, false, false},
		{"skipped, strictly", []checks.Result{{Status: checks.Skipped}}, severity.Error, true, true},
		{"unknown, strictly", []checks.Result{{Status: checks.Unknown}}, 0, true, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := verdict(test.results, test.threshold, test.strict)
			if got := errors.Is(err, errFindings); got != test.fails {
				t.Errorf("fails: %t, want %t", got, test.fails)
			}
		})
	}
}

// TestBrokenPlan: a plan that is there and not understood is not «no plan».
func TestBrokenPlan(t *testing.T) {
	run := func(*checks.Input) []checks.Finding { return nil }
	withPlan, without := &checks.Check{ID: "DS101", Plan: true, Run: run}, &checks.Check{ID: "DS102", Run: run}
	j := judge{broken: report.BrokenPlan{Source: "plan.yaml"}}
	results := j.run([]*checks.Check{withPlan, without}, &snapshot.Snapshot{})
	if got := results[0]; got.Status != checks.Unknown || got.Reason != "address plan: not understood: plan.yaml" {
		t.Errorf("the check that needs the plan is %s: %s", got.Status, got.Reason)
	}
	if got := results[1]; got.Status != checks.Passed {
		t.Errorf("the check that needs none is %s: %s", got.Status, got.Reason)
	}
}

func TestKinds(t *testing.T) {
	got := kinds([]*checks.Check{{Needs: []snapshot.Kind{snapshot.Services, snapshot.Nodes}, Uses: []snapshot.Kind{snapshot.Nodes}}})
	want := []snapshot.Kind{snapshot.Versions, snapshot.Nodes, snapshot.Services}
	if len(got) != len(want) {
		t.Fatalf("kinds %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("kinds %v, want %v", got, want)
		}
	}
}
