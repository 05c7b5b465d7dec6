package plan_test

import (
	"fmt"
	"maps"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kubectl-dualstack/kubectl-dualstack/hack/oracle/cases"
	"github.com/kubectl-dualstack/kubectl-dualstack/hack/oracle/record"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// judged is a case as our rules see it.
type judged struct {
	cases.Case
	version  release.Version // of the component
	plan     *plan.Plan      // nil when the file is no plan
	problems []plan.Problem  // why not, or what Validate says with the version
}

// A column is how our rules say what a component says. Each predicts the line that
// the component's program writes; «?» in it is what our rules do not say, mostly of
// a file that is no plan. A component may have more than one.
type column struct {
	name    string
	predict func(j judged) string
}

var columns = []column{
	{"kubeadm", kubeadm},
	{"kube-apiserver", apiServer},
	{"service-allocators", serviceAllocators},
	{"kube-controller-manager", controllerManager},
	{"api-objects", apiObjects},
	{"cilium-cluster-pool", ciliumClusterPool},
	{"cilium-pod-addresses", ciliumPodAddresses},
	{"metallb-parser", metallbParser},
	{"metallb-parser", metallbRefusals},
	{"metallb-allocator", metallbAllocator},
}

// at is where a plan says which release of a module it is for.
var at = map[string]func(*plan.Plan) *release.Version{
	"k8s.io/kubernetes":        func(p *plan.Plan) *release.Version { return &p.Versions.Kubernetes },
	"github.com/cilium/cilium": func(p *plan.Plan) *release.Version { return &p.Versions.Cilium },
	"go.universe.tf/metallb":   func(p *plan.Plan) *release.Version { return &p.Versions.MetalLB },
}

// TestRecorded holds our rules to what each release of each component said of the
// cases: make oracle has asked them. Where the two differ, and it is meant so, the
// difference is in the list; and what is in the list occurs.
func TestRecorded(t *testing.T) {
	all := cases.All()
	lines, err := cases.Lines(all)
	if err != nil {
		t.Fatal(err)
	}
	recorded, err := record.Read(os.DirFS(filepath.Join("testdata", "oracle")))
	if err != nil {
		t.Fatal(err)
	}
	if got := cases.Digest(lines); got != recorded.Digest {
		t.Fatalf("the cases are %s, and the record is about %s: make oracle UPDATE=1", got, recorded.Digest)
	}
	read := make([]judged, len(all))
	for i, c := range all {
		read[i].Case = c
		read[i].plan, read[i].problems = plan.Parse("plan.yaml", c.YAML())
	}
	for _, c := range columns {
		if !slices.ContainsFunc(recorded.Verdicts, func(v record.Verdicts) bool { return v.Component == c.name }) {
			t.Errorf("the record has nothing of %s", c.name)
		}
	}
	occurred := everyRelease(t, read, releases(recorded))
	page, err := os.ReadFile(filepath.Join("..", "..", "hack", "oracle", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range differences {
		if !occurred[d.name] {
			t.Errorf("the difference %q occurs no more", d.name)
		}
		row := fmt.Sprintf("| %s | %s | %s |", d.name, strings.ReplaceAll(d.components, " ", ", "), d.reason)
		if !strings.Contains(string(page), row) {
			t.Errorf("hack/oracle/README.md lacks the row\n%s", row)
		}
	}
}

// everyRelease compares releases side by side, and says which differences occurred.
func everyRelease(t *testing.T, read []judged, releases [][]record.Verdicts) map[string]bool {
	t.Helper()
	each := make([]map[string]bool, len(releases))
	t.Run("releases", func(t *testing.T) {
		for i, verdicts := range releases {
			t.Run(path.Base(verdicts[0].Module)+"-"+verdicts[0].Version, func(t *testing.T) {
				t.Parallel()
				each[i] = hold(t, read, verdicts)
			})
		}
	})
	occurred := map[string]bool{}
	for _, names := range each {
		maps.Copy(occurred, names)
	}
	return occurred
}

// releases is the verdicts of each release of each module.
func releases(r record.Record) [][]record.Verdicts {
	var of [][]record.Verdicts
	for _, v := range r.Verdicts {
		i := slices.IndexFunc(of, func(other []record.Verdicts) bool {
			return other[0].Module == v.Module && other[0].Version == v.Version
		})
		if i < 0 {
			of = append(of, []record.Verdicts{v})
			continue
		}
		of[i] = append(of[i], v)
	}
	return of
}

const maxShown = 4

// hold compares our predictions with the verdicts of one release, and says which
// differences occurred.
func hold(t *testing.T, read []judged, verdicts []record.Verdicts) map[string]bool {
	t.Helper()
	version, err := release.Parse(verdicts[0].Version)
	if err != nil {
		t.Fatal(err)
	}
	wrong, occurred := map[string]int{}, map[string]bool{}
	for i, j := range read {
		j = j.in(verdicts[0].Module, version)
		for _, v := range verdicts {
			ours, known := j.compare(v.Component, v.Lines[i])
			if known != "" {
				occurred[known] = true
			} else if ours != "" {
				if wrong[v.Component]++; wrong[v.Component] <= maxShown {
					t.Errorf("%s: case %d: ours %q, theirs %q\n%s", v.Component, i, ours, v.Lines[i], j.YAML())
				}
			}
		}
	}
	for name, n := range wrong {
		t.Errorf("%s: %d of %d cases differ, and no difference is known", name, n, len(read))
	}
	return occurred
}

// in is the case judged for a release of a module.
func (j judged) in(module string, version release.Version) judged {
	j.version = version
	if j.plan != nil {
		mine := *j.plan
		j.plan = &mine
		*at[module](j.plan) = version
		j.problems = j.plan.Validate()
	}
	return j
}

// compare is a prediction that differs from the verdict of a component, and the
// difference that it is, if it is known.
func (j judged) compare(component, theirs string) (ours, difference string) {
	for _, c := range columns {
		if c.name != component {
			continue
		}
		if p := c.predict(j); !agree(p, theirs) {
			ours, difference = p, known(component, j, p, theirs)
			if difference == "" {
				return ours, ""
			}
		}
	}
	return ours, difference
}

// agree compares a prediction with a verdict, word by word and sign by sign. A «?»
// is any sign, and alone any word.
func agree(ours, theirs string) bool {
	if ours == "?" || ours == theirs {
		return true
	}
	mine, yours := strings.Split(ours, " "), strings.Split(theirs, " ")
	if len(mine) != len(yours) {
		return false
	}
	for i := range mine {
		if mine[i] != "?" && !agreeOnWord(mine[i], yours[i]) {
			return false
		}
	}
	return true
}

func agreeOnWord(ours, theirs string) bool {
	if len(ours) != len(theirs) {
		return false
	}
	for i := range ours {
		if ours[i] != '?' && ours[i] != theirs[i] {
			return false
		}
	}
	return true
}

// sign is + for what is taken and - for what is refused.
func sign(taken bool) string {
	if taken {
		return "+"
	}
	return "-"
}

// refuses reports whether our rules have something against a field below prefix:
// in reading it, or one of rules.
func (j judged) refuses(prefix string, rules ...plan.Rule) bool {
	for _, p := range j.problems {
		if strings.HasPrefix(p.Field, prefix) && (j.plan == nil || slices.Contains(rules, p.Rule)) {
			return true
		}
	}
	return false
}

// verdict is the sign for a field, or ? when the file is no plan for another
// reason.
func (j judged) verdict(prefix string, rules ...plan.Rule) string {
	switch {
	case j.refuses(prefix, rules...):
		return "-"
	case j.plan == nil:
		return "?"
	}
	return "+"
}

// inOrder is the families of the case, the primary first.
func (j judged) inOrder() []ipfam.Family {
	var fs []ipfam.Family
	for _, text := range j.Families {
		if text == "ipv4" {
			fs = append(fs, ipfam.V4)
		} else {
			fs = append(fs, ipfam.V6)
		}
	}
	return fs
}

// asInt is n as a program says it that counts in int.
func asInt(n uint64) uint64 { return min(n, math.MaxInt64) }
