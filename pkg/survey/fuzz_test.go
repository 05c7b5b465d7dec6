package survey_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/survey"
)

// FuzzImport: whatever a file says, what is imported is a plan or has a conflict, is
// read as what it was, and differs in nothing from what it was imported of.
func FuzzImport(f *testing.F) {
	for _, s := range stories(f, "import") {
		for _, text := range s.files {
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		snap, err := snapshot.FromFiles([]string{"-"}, snapshot.FileOptions{Stdin: strings.NewReader(text), Now: time.Unix(0, 0)})
		if err != nil {
			return
		}
		got := survey.FromSnapshot(snap, survey.Options{Name: "imported"})
		undecided(t, got, got.Text())
		d := survey.Against(got.Plan, snap)
		if len(got.Conflicts) == 0 && len(got.Gaps) == 0 && slices.ContainsFunc(d.Differences, func(one survey.Difference) bool { return !lacksFamily(one) }) {
			t.Errorf("%s\nof\n%s", told(d), got.Text())
		}
		preferred := survey.FromSnapshot(snap, survey.Options{Name: "imported", Prefer: got.Sources})
		if len(preferred.Conflicts) > len(got.Conflicts) {
			t.Errorf("%d conflicts with every source preferred, %d without", len(preferred.Conflicts), len(got.Conflicts))
		}
	})
}

// FuzzDiff: two plans differ when they do, one way round and the other.
func FuzzDiff(f *testing.F) {
	for _, s := range stories(f, "diff") {
		f.Add(s.files["plan.yaml"], s.files["now.yaml"])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		p, _ := plan.Parse("a", []byte(a))
		q, _ := plan.Parse("b", []byte(b))
		if p == nil || q == nil {
			return
		}
		there, back := survey.Between(p, q), survey.Between(q, p)
		if (len(there.Differences) == 0) != (len(back.Differences) == 0) {
			t.Errorf("there %s\nback %s", told(there), told(back))
		}
		if d := survey.Between(p, p); len(d.Differences) > 0 {
			t.Errorf("of itself %s", told(d))
		}
	})
}
