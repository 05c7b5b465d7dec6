package migrate

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var update = flag.Bool("update", false, "rewrite what the archives want")

// TestPaths: each archive is a cluster, perhaps a plan, and the path that it is to have.
func TestPaths(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal(err, archives)
	}
	for _, path := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			want := slices.IndexFunc(archive.Files, func(f txtar.File) bool { return f.Name == "want" })
			got := describe(pathOf(t, archive))
			if *update {
				archive.Files[want].Data = []byte(got)
				if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(archive.Files[want].Data), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func pathOf(t *testing.T, archive *txtar.Archive) *Path {
	t.Helper()
	dir := t.TempDir()
	var p *plan.Plan
	for _, f := range archive.Files {
		switch f.Name {
		case "want":
		case "plan.yaml":
			var problems []plan.Problem
			if p, problems = plan.Parse("plan.yaml", f.Data); p == nil {
				t.Fatal(problems)
			}
		default:
			if err := os.WriteFile(filepath.Join(dir, f.Name), f.Data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	snap, err := snapshot.FromFiles([]string{dir}, snapshot.FileOptions{Now: time.Unix(0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	if len(snap.Problems) > 0 {
		t.Fatal(snap.Problems)
	}
	steps, err := ToDual(p, snap)
	if err != nil {
		t.Fatal(err)
	}
	return steps
}

// describe is all of a path but what the rules of package plan say of costs, which is
// theirs.
func describe(p *Path) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s beside %s\n", p.Adds, p.Keeps)
	for _, note := range p.Notes {
		fmt.Fprintf(&b, "note: %s\n", note)
	}
	for _, s := range p.Steps {
		fmt.Fprintf(&b, "%s: %s: %s\n", s.ID, s.Status, s.Seen)
		for _, do := range s.Do {
			fmt.Fprintf(&b, "  %s\n", do)
		}
		if s.Again != "" {
			fmt.Fprintf(&b, "  anew: %s\n", s.Again)
		}
	}
	return b.String()
}

// TestStepsAreWhole: a step that is to be done says how, one that is not asks for
// nothing, and all have a name of their own and say what they are told by.
func TestStepsAreWhole(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no clusters: %v", err)
	}
	seen := map[Status]bool{}
	for _, path := range archives {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		ids := map[string]bool{}
		for _, s := range pathOf(t, archive).Steps {
			seen[s.Status] = true
			switch {
			case ids[s.ID] || s.Title == "" || s.Seen == "":
				t.Errorf("%s: %+v", path, s)
			case s.Status == ToDo && len(s.Do) == 0:
				t.Errorf("%s: %s is to be done, and does not say how", path, s.ID)
			case (s.Status == Done || s.Status == NotNeeded) && (len(s.Do) > 0 || len(s.Left) > 0 || s.Restart != ""):
				t.Errorf("%s: %s is %s and asks for something: %+v", path, s.ID, s.Status, s)
			}
			ids[s.ID] = true
		}
	}
	for _, status := range []Status{Done, ToDo, NotNeeded, Unseen} {
		if !seen[status] {
			t.Errorf("no archive has a step that is %s", status)
		}
	}
}

// TestNothingKnown: a snapshot that tells of no family has no path.
func TestNothingKnown(t *testing.T) {
	if path, err := ToDual(nil, &snapshot.Snapshot{}); err == nil {
		t.Errorf("a path of nothing: %s", describe(path))
	}
}
