package survey_test

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
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/survey"
)

var update = flag.Bool("update", false, "rewrite what is wanted")

// story is one archive: the files of a cluster, and what is wanted of them.
type story struct {
	path    string
	archive *txtar.Archive
	files   map[string]string // without those named want and prefer
	prefer  []string
	want    string
}

func stories(t testing.TB, dir string) map[string]story {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", dir, "*.txtar"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	all := map[string]story{}
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		s := story{path: path, archive: archive, files: map[string]string{}}
		if s.path, err = filepath.Abs(path); err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			switch f.Name {
			case "want":
				s.want = string(f.Data)
			case "prefer":
				s.prefer = strings.Fields(string(f.Data))
			default:
				s.files[f.Name] = string(f.Data)
			}
		}
		all[strings.TrimSuffix(filepath.Base(path), ".txtar")] = s
	}
	return all
}

// snapshot reads the files of the cluster.
func (s story) snapshot(t *testing.T, except ...string) *snapshot.Snapshot {
	t.Helper()
	t.Chdir(t.TempDir())
	var names []string
	for name, text := range s.files {
		if slices.Contains(except, name) {
			continue
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	slices.Sort(names)
	snap, err := snapshot.FromFiles(names, snapshot.FileOptions{Now: time.Unix(0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

// compare holds got to what the story wants.
func (s story) compare(t *testing.T, got string) {
	t.Helper()
	if *update {
		files := slices.DeleteFunc(slices.Clone(s.archive.Files), func(f txtar.File) bool { return f.Name == "want" })
		text := txtar.Format(&txtar.Archive{Comment: s.archive.Comment, Files: append(files, txtar.File{Name: "want", Data: []byte(got)})})
		if err := os.WriteFile(s.path, text, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(s.want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestImport reads testdata/import/*.txtar: a story, the files of a cluster, perhaps
// the sources to prefer, and the plan and the conflicts that are wanted.
func TestImport(t *testing.T) {
	for name, s := range stories(t, "import") {
		t.Run(name, func(t *testing.T) {
			got := survey.FromSnapshot(s.snapshot(t), survey.Options{Name: "imported", Prefer: s.prefer})
			text := got.Text()
			undecided(t, got, text)
			var b strings.Builder
			b.Write(text)
			for _, c := range got.Conflicts {
				fmt.Fprintf(&b, "conflict: %s\n", c.Field)
				for _, one := range c.Statements {
					fmt.Fprintf(&b, "  %s: %s\n", one.Value, one.Source)
				}
				for _, line := range c.Beside {
					fmt.Fprintf(&b, "  %s\n", line)
				}
			}
			for _, g := range got.Gaps {
				fmt.Fprintf(&b, "gap: %s\n", g)
			}
			s.compare(t, b.String())
		})
	}
}

// undecided holds a plan to have none of the fields that sources do not agree on, and
// to be none where it would then have their defaults.
func undecided(t *testing.T, got survey.Import, text []byte) {
	t.Helper()
	read, problems := plan.Parse("want", text)
	if read == nil {
		for _, p := range problems {
			if !slices.ContainsFunc(got.Conflicts, func(c survey.Conflict) bool { return c.Field == p.Field }) {
				t.Errorf("is no plan: %v", p)
			}
		}
		return
	}
	for _, c := range got.Conflicts {
		at := read.Position(c.Field)
		switch {
		case strings.HasSuffix(c.Field, ".announce"): // the pool is left out, and the next one has its place
		case c.Field == "spec.families" || strings.Contains(c.Field, ".nodeMask."):
			t.Errorf("%s: a plan without it has a default: this is to be none", c.Field)
		case at != read.Position(parent(c.Field)):
			t.Errorf("%s is in the plan, in line %d, though the sources do not agree", c.Field, at.Line)
		}
	}
	if again := string(read.Format(nil)); again != string(got.Plan.Format(nil)) {
		t.Errorf("is read as another plan:\n%s", again)
	}
}

func parent(field string) string { return field[:strings.LastIndexAny(field, ".[")] }

// TestRoundTrip: what the examples' files tell is the examples' plan, but for what no
// component knows.
func TestRoundTrip(t *testing.T) {
	for _, name := range []string{"homelab", "homelab-today"} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join("..", "..", "examples", name)
			snap, err := snapshot.FromFiles([]string{dir}, snapshot.FileOptions{Now: time.Unix(0, 0)})
			if err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(filepath.Join(dir, "plan.yaml"))
			if err != nil {
				t.Fatal(err)
			}
			want, problems := plan.Parse("plan.yaml", text)
			if want == nil {
				t.Fatal(problems)
			}
			got := survey.FromSnapshot(snap, survey.Options{Name: name})
			if len(got.Conflicts) > 0 || len(got.Gaps) > 0 {
				t.Errorf("conflicts %v, gaps %v", got.Conflicts, got.Gaps)
			}
			known := func(r plan.Range) bool { return !slices.Contains(unknowable, r.Use) }
			if diff := cmp.Diff(ranges(want, known), ranges(got.Plan, nil)); diff != "" {
				t.Errorf("ranges (-want +got):\n%s", diff)
			}
			for _, one := range []struct{ want, got any }{
				{want.Pods.NodeMask, got.Plan.Pods.NodeMask}, {want.Egress, got.Plan.Egress}, {want.Families, got.Plan.Families},
				{want.LAN.Interface, got.Plan.LAN.Interface}, {want.LoadBalancers[0].Announce, got.Plan.LoadBalancers[0].Announce},
			} {
				if one.want != nil && fmt.Sprint(one.want) != fmt.Sprint(one.got) {
					t.Errorf("got %v, want %v", one.got, one.want)
				}
			}
		})
	}
}

// unknowable is the uses that no component of a cluster knows the ranges of.
var unknowable = []plan.Use{plan.Delegated, plan.Routed, plan.LAN, plan.Reserved}

func ranges(p *plan.Plan, which func(plan.Range) bool) []string {
	var list []string
	for _, r := range p.Ranges() {
		if which == nil || which(r) {
			list = append(list, fmt.Sprintf("%s %s %s", r.Use, r.Name, r))
		}
	}
	return list
}
