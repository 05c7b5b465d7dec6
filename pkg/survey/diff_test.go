package survey_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/survey"
)

// TestDiff reads testdata/diff/*.txtar: a story, plan.yaml, and now.yaml, which is
// another plan, or else the files of a cluster; and the differences that are wanted.
func TestDiff(t *testing.T) {
	for name, s := range stories(t, "diff") {
		t.Run(name, func(t *testing.T) {
			want := parse(t, "plan.yaml", s.files["plan.yaml"])
			if now, ok := s.files["now.yaml"]; ok {
				s.compare(t, told(survey.Between(parse(t, "now.yaml", now), want)))
				return
			}
			s.compare(t, told(survey.Against(want, s.snapshot(t, "plan.yaml"))))
		})
	}
}

func parse(t *testing.T, name, text string) *plan.Plan {
	t.Helper()
	p, problems := plan.Parse(name, []byte(text))
	if p == nil {
		t.Fatal(problems)
	}
	return p
}

// told is a Diff in lines.
func told(d survey.Diff) string {
	var b strings.Builder
	for _, one := range d.Differences {
		cost := "not known"
		if one.Cost != nil {
			cost = one.Cost.Effort.String()
		}
		fmt.Fprintf(&b, "%s: %s %s: %s %s to %s: %s", one.Field, one.Component, one.Setting, one.Change, one.Now, one.Plan, cost)
		if one.Objects > 1 {
			fmt.Fprintf(&b, " (%d)", one.Objects)
		}
		if one.Source != (survey.Source{}) {
			fmt.Fprintf(&b, " at %s", one.Source)
		}
		b.WriteByte('\n')
	}
	for _, u := range d.Unknown {
		fmt.Fprintf(&b, "unknown: %s: %s\n", u.Field, u.Reason)
	}
	for _, field := range d.Unknowable {
		fmt.Fprintf(&b, "not compared: %s\n", field)
	}
	fmt.Fprintf(&b, "same: %d\n", d.Same)
	return b.String()
}

// TestDiffOfItself: a plan is the same as itself, and the examples' clusters are what
// their plans say, but for the addresses that their nodes lack.
func TestDiffOfItself(t *testing.T) {
	for name, differ := range map[string]int{"homelab": 1, "homelab-today": 0} {
		dir := filepath.Join("..", "..", "examples", name)
		text, err := os.ReadFile(filepath.Join(dir, "plan.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		p := parse(t, "plan.yaml", string(text))
		if d := survey.Between(p, p); len(d.Differences)+len(d.Unknown) > 0 || d.Same == 0 {
			t.Errorf("%s: %s", name, told(d))
		}
		snap, err := snapshot.FromFiles([]string{dir}, snapshot.FileOptions{Now: time.Unix(0, 0)})
		if err != nil {
			t.Fatal(err)
		}
		if d := survey.Against(p, snap); len(d.Differences) != differ || len(d.Unknown) > 0 {
			t.Errorf("%s: %s", name, told(d))
		}
		imported := survey.FromSnapshot(snap, survey.Options{}).Plan
		if d := survey.Against(imported, snap); len(d.Differences)+len(d.Unknown) > 0 {
			t.Errorf("%s, imported: %s", name, told(d))
		}
	}
}

// TestImportedIsTheSame: what is imported without a conflict differs in nothing from
// what it was imported of.
func TestImportedIsTheSame(t *testing.T) {
	for name, s := range stories(t, "import") {
		t.Run(name, func(t *testing.T) {
			snap := s.snapshot(t)
			got := survey.FromSnapshot(snap, survey.Options{})
			if len(got.Conflicts) > 0 {
				return // TestImport holds the plan to have none of it
			}
			d := survey.Against(got.Plan, snap)
			if slices.ContainsFunc(d.Differences, func(one survey.Difference) bool { return !lacksFamily(one) }) {
				t.Error(told(d))
			}
		})
	}
}
