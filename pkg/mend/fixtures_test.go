package mend_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks/catalog"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/mend"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// fixture is a broken cluster of a check's fixtures, in files.
type fixture struct {
	name string // "DS601 broken"
	id   string
	dir  string
	plan *plan.Plan
}

// fixtures is every broken cluster that the checks are tested with.
func fixtures(t *testing.T) []fixture {
	t.Helper()
	archives, err := filepath.Glob("../checks/testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	var all []fixture
	for _, path := range archives {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		folders := map[string][]txtar.File{}
		var shared []txtar.File
		for _, file := range archive.Files {
			folder, name, inFolder := strings.Cut(file.Name, "/")
			switch {
			case inFolder:
				folders[folder] = append(folders[folder], txtar.File{Name: name, Data: file.Data})
			case file.Name != "want" && file.Name != "swap":
				shared = append(shared, file)
			}
		}
		if !slices.ContainsFunc(keys(folders), func(f string) bool { return strings.HasPrefix(f, "broken") }) {
			folders["broken"] = nil
		}
		base := strings.TrimSuffix(filepath.Base(path), ".txtar")
		id, _, _ := strings.Cut(base, "-")
		for _, folder := range keys(folders) {
			if strings.HasPrefix(folder, "broken") {
				f := fixture{name: base + " " + folder, id: id, dir: t.TempDir()}
				f.write(t, slices.Concat(shared, folders[folder]))
				all = append(all, f)
			}
		}
	}
	return all
}

func keys[V any](m map[string]V) []string {
	var list []string
	for k := range m {
		list = append(list, k)
	}
	slices.Sort(list)
	return list
}

func (f *fixture) write(t *testing.T, files []txtar.File) {
	t.Helper()
	for _, file := range files {
		if file.Name == "plan.yaml" {
			f.plan, _ = plan.Parse("plan.yaml", file.Data)
			continue
		}
		if err := os.WriteFile(filepath.Join(f.dir, file.Name), file.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// audit is what all checks say of the files as they are now.
func (f fixture) audit(t *testing.T) ([]checks.Result, *snapshot.Snapshot) {
	t.Helper()
	snap, err := snapshot.FromFiles([]string{f.dir}, snapshot.FileOptions{Now: time.Unix(0, 0)})
	if err != nil {
		t.Fatalf("%s: %v", f.name, err)
	}
	results := checks.Run(catalog.All, f.plan, snap)
	checks.Follow(results, catalog.Causes)
	return results, snap
}

// prose is fixes that begin like a command and are none, each with the reason.
var prose = map[string]*regexp.Regexp{
	"goes on in words":                         regexp.MustCompile(`, and `),
	"opens an editor":                          regexp.MustCompile(`^kubectl edit `),
	"is a flag, and a command with names left": regexp.MustCompile(`^kube-apiserver --service-cluster-ip-range=.* NAMESPACE `),
}

var commandLike = regexp.MustCompile(`^(kubectl|helm|echo|kube-apiserver) `)

// TestEveryFixIsUnderstood: what begins like a command is read as one, or is known not
// to be.
func TestEveryFixIsUnderstood(t *testing.T) {
	verbs := map[mend.Verb]int{}
	used := map[string]bool{}
	for _, f := range fixtures(t) {
		results, _ := f.audit(t)
		for _, r := range results {
			for _, found := range r.Findings {
				actions := mend.Parse(found.Fix)
				for _, a := range actions {
					verbs[a.Verb]++
				}
				if actions[0].Verb != mend.ByHand || !commandLike.MatchString(found.Fix) {
					continue
				}
				known := false
				for reason, form := range prose {
					if form.MatchString(found.Fix) {
						known, used[reason] = true, true
					}
				}
				if !known {
					t.Errorf("%s: %s: not understood:\n%s", f.name, r.Check.ID, found.Fix)
				}
			}
		}
	}
	t.Logf("%v", verbs)
	for reason := range prose {
		if !used[reason] {
			t.Errorf("no fix %s any more", reason)
		}
	}
}
