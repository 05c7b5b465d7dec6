package checks_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks/catalog"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var update = flag.Bool("update", false, "rewrite the want sections of the fixtures")

// A fixture is testdata/ID[-story].txtar: a story, the files of a cluster, and
// what the check is to find. Files in broken*/ are the cluster with the fault;
// files in any other folder (healthy/, single-stack/) make a cluster on which the
// check is silent; files outside of a folder belong to all of them. The file
// plan.yaml is the address plan. A section «swap» lists pairs of words; the fixture
// then runs once more with the families, and the words of each pair, exchanged.
type fixture struct {
	path  string
	id    string
	files map[string][]txtar.File // by folder, without the shared ones
	share []txtar.File
	swap  string
	want  string
}

func readFixtures(t *testing.T) []fixture {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	var fixtures []fixture
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.TrimSpace(string(archive.Comment)) == "" {
			t.Errorf("%s: does not begin with a story", path)
		}
		id, _, _ := strings.Cut(strings.TrimSuffix(filepath.Base(path), ".txtar"), "-")
		f := fixture{path: path, id: id, files: map[string][]txtar.File{}}
		for _, file := range archive.Files {
			folder, name, inFolder := strings.Cut(file.Name, "/")
			switch {
			case file.Name == "want":
				f.want = string(file.Data)
			case file.Name == "swap":
				f.swap = string(file.Data)
			case inFolder:
				f.files[folder] = append(f.files[folder], txtar.File{Name: name, Data: file.Data})
			default:
				f.share = append(f.share, file)
			}
		}
		if !slices.ContainsFunc(f.folders(), isBroken) {
			f.files["broken"] = nil // the shared files alone are the fault
		}
		fixtures = append(fixtures, f)
	}
	return fixtures
}

func (f fixture) folders() []string {
	var names []string
	for name := range f.files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func isBroken(folder string) bool { return strings.HasPrefix(folder, "broken") }

// load is the plan and the snapshot of one folder of the fixture.
func (f fixture) load(t *testing.T, folder string, rename func(string) string) (*plan.Plan, *snapshot.Snapshot) {
	t.Helper()
	dir := t.TempDir()
	var p *plan.Plan
	for _, file := range slices.Concat(f.share, f.files[folder]) {
		data := rename(string(file.Data))
		if file.Name == "plan.yaml" {
			parsed, problems := plan.Parse("plan.yaml", []byte(data))
			for _, problem := range problems {
				t.Fatalf("%s: %s: %v", f.path, file.Name, problem)
			}
			p = parsed
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, file.Name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	snap, err := snapshot.FromFiles([]string{dir}, snapshot.FileOptions{Now: time.Unix(0, 0)})
	if err != nil {
		t.Fatalf("%s: %s: %v", f.path, folder, err)
	}
	for _, problem := range snap.Problems {
		t.Errorf("%s: %s: %s", f.path, folder, problem)
	}
	return p, snap
}

func describe(r checks.Result) string {
	var b strings.Builder
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "%s %s", f.Severity, f.Object)
		if f.Field != "" {
			fmt.Fprintf(&b, " %s", f.Field)
		}
		if f.Family.Valid() {
			fmt.Fprintf(&b, " (%s)", f.Family)
		}
		fmt.Fprintf(&b, ": %s\n", f.Message)
	}
	return b.String()
}

func same(s string) string { return s }

func TestChecks(t *testing.T) {
	for _, f := range readFixtures(t) {
		name := strings.TrimSuffix(filepath.Base(f.path), ".txtar")
		t.Run(name, func(t *testing.T) {
			check, ok := catalog.Find(f.id)
			if !ok {
				t.Fatalf("no check has the ID %s", f.id)
			}
			f.run(t, check, same, *update)
			if f.swap != "" {
				t.Run("swapped", func(t *testing.T) { f.run(t, check, swapper(t, f.swap), false) })
			}
		})
	}
}

func (f fixture) run(t *testing.T, check *checks.Check, rename func(string) string, rewrite bool) {
	got := ""
	for _, folder := range f.folders() {
		p, snap := f.load(t, folder, rename)
		r := checks.Run([]*checks.Check{check}, p, snap)[0]
		for _, finding := range r.Findings {
			if finding.Fix == "" || finding.Message == "" || finding.Object == (snapshot.Ref{}) {
				t.Errorf("%s: a finding without object, message or fix: %+v", folder, finding)
			}
		}
		switch {
		case isBroken(folder):
			if r.Status != checks.Failing {
				t.Errorf("%s: %s %s (%s): finds nothing", folder, check.ID, r.Status, r.Reason)
			}
			got += describe(r)
		case r.Status == checks.Failing:
			t.Errorf("%s: is to be silent here:\n%s", folder, describe(r))
		case !strings.HasPrefix(folder, "absent") && r.Status != checks.Passed:
			t.Errorf("%s: %s: %s; a healthy cluster is one on which the check runs", folder, r.Status, r.Reason)
		}
	}
	want := rename(f.want)
	if rewrite {
		f.rewrite(t, got)
		return
	}
	if diff := cmp.Diff(sortLines(want), sortLines(got)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// sortLines is the lines of s in order: exchanging the families may exchange the
// order of findings.
func sortLines(s string) []string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	slices.Sort(lines)
	return lines
}

func (f fixture) rewrite(t *testing.T, got string) {
	archive, err := txtar.ParseFile(f.path)
	if err != nil {
		t.Fatal(err)
	}
	archive.Files = slices.DeleteFunc(archive.Files, func(file txtar.File) bool { return file.Name == "want" })
	archive.Files = append(archive.Files, txtar.File{Name: "want", Data: []byte(got)})
	if err := os.WriteFile(f.path, txtar.Format(archive), 0o644); err != nil {
		t.Fatal(err)
	}
}

// swapper exchanges the families, and the two words of each line of pairs.
func swapper(t *testing.T, pairs string) func(string) string {
	t.Helper()
	var words []string
	add := func(a, b string) { words = append(words, a, b, b, a) }
	for line := range strings.Lines(pairs) {
		fields := strings.Fields(line)
		if len(fields) != 2 {
			t.Fatalf("swap: %q is not a pair", line)
		}
		add(fields[0], fields[1])
	}
	add("IPv4", "IPv6")
	add("ipv4", "ipv6")
	return strings.NewReplacer(words...).Replace
}

// TestCatalog holds every check to the rules of the house: documented, ordered,
// fixed IDs, found broken and found healthy, and looking at just what it declares.
func TestCatalog(t *testing.T) {
	fixtures := map[string][]fixture{}
	for _, f := range readFixtures(t) {
		fixtures[f.id] = append(fixtures[f.id], f)
	}
	seen := map[string]bool{}
	last := ""
	for _, c := range catalog.All {
		t.Run(c.ID, func(t *testing.T) {
			if seen[c.ID] || seen[c.Name] {
				t.Errorf("%s or %s is taken", c.ID, c.Name)
			}
			seen[c.ID], seen[c.Name] = true, true
			if c.ID <= last {
				t.Errorf("stands after %s", last)
			}
			last = c.ID
			testDoc(t, c)
			testDeclaration(t, c, fixtures[c.ID])
		})
	}
	for id := range fixtures {
		if _, ok := catalog.Find(id); !ok {
			t.Errorf("testdata/%s*.txtar: no check has this ID", id)
		}
	}
}

var (
	idForm   = regexp.MustCompile(`^DS[1-9][0-9]{2}$`)
	nameForm = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
)

func testDoc(t *testing.T, c *checks.Check) {
	if !idForm.MatchString(c.ID) || !nameForm.MatchString(c.Name) {
		t.Errorf("ID %q or name %q is not in the form DS501, pool-holds-both-families", c.ID, c.Name)
	}
	if !slices.ContainsFunc(catalog.Areas, func(a catalog.Area) bool { return strings.HasPrefix(c.ID, a.Prefix) }) {
		t.Errorf("%s belongs to no area", c.ID)
	}
	for field, text := range map[string]string{
		"Claim": c.Doc.Claim, "Why": c.Doc.Why, "Fix": c.Doc.Fix, "Holds": c.Doc.Holds, "Since": c.Doc.Since,
	} {
		if strings.TrimSpace(text) == "" {
			t.Errorf("Doc.%s is empty", field)
		}
	}
	if len(c.Doc.Refs) == 0 {
		t.Error("Doc.Refs is empty: where does the rule come from?")
	}
	if strings.HasSuffix(c.Doc.Claim, ".") || strings.Contains(c.Doc.Claim, "should") {
		t.Errorf("claim %q: present tense, no «should», no full stop", c.Doc.Claim)
	}
	for _, k := range c.AnyOf {
		if !slices.Contains(c.Uses, k) {
			t.Errorf("AnyOf has %s, which Uses has not", k)
		}
	}
	if c.Severity == 0 || len(c.Needs)+len(c.Uses) == 0 && !c.Plan {
		t.Error("has no severity, or needs nothing")
	}
}

// testDeclaration runs c on its fixtures: it must fire, must spare, and must look
// at what it declares and at nothing else.
func testDeclaration(t *testing.T, c *checks.Check, fixtures []fixture) {
	declared := map[snapshot.Kind]bool{}
	for _, k := range slices.Concat(c.Needs, c.Uses) {
		declared[k] = true
	}
	looked := map[snapshot.Kind]bool{}
	fires, spares, plans := false, false, false
	for _, f := range fixtures {
		for _, folder := range f.folders() {
			p, snap := f.load(t, folder, same)
			if c.Plan && p == nil {
				continue
			}
			in := checks.NewInput(p, snap)
			found := len(c.Run(in)) > 0
			fires, spares = fires || found, spares || !found
			kinds, plan := in.Looked()
			plans = plans || plan
			for k := range kinds {
				looked[k] = true
				if !declared[k] {
					t.Errorf("%s: looks at %s, which it does not declare", f.path, k)
				}
			}
		}
	}
	if !fires || !spares {
		t.Errorf("fixtures: finds a fault in one: %t, is silent on one: %t; it takes both", fires, spares)
	}
	for k := range declared {
		if !looked[k] {
			t.Errorf("declares %s and never looks at it", k)
		}
	}
	if c.Plan && !plans {
		t.Error("needs a plan and never looks at it")
	}
}
