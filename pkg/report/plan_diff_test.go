package report

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/survey"
)

// diffs is comparisons with much in them: the example's cluster with a plan of another
// prefix and a hostile pool, and the two plans with each other.
func diffs(t *testing.T) map[string]*PlanDiff {
	t.Helper()
	const dir = "../../examples/homelab-today"
	text, err := os.ReadFile(dir + "/plan.yaml")
	if err != nil {
		t.Fatal(err)
	}
	read := func(name, text string) *plan.Plan {
		p, problems := plan.Parse(name, []byte(text))
		if p == nil {
			t.Fatal(problems)
		}
		return p
	}
	now := read("plan.yaml", string(text))
	want := read("new.yaml", strings.NewReplacer("7653:2", "7653:3", "10.244", "10.245", "ipv6: 112", "ipv6: 120", "ipv6: routed", "ipv6: masquerade").Replace(string(text))+
		"\n  families: [IPv6, IPv4]\n  echo: ip.example\n")
	snap, err := snapshot.FromFiles([]string{dir}, snapshot.FileOptions{Now: time.Unix(0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	snap.MetalLB.Pools[0].Ref.Name = "l\x1b[2Jan\nx"
	snap.Gaps[snapshot.LBIPAMPools] = snapshot.Gap{Kind: snapshot.LBIPAMPools, Reason: snapshot.Forbidden, Detail: "list ciliumloadbalancerippools.cilium.io"}
	sides := []DiffSide{{Type: "cluster", Name: "home", Source: "https://192.0.2.1:6443"}, {Type: "plan", Name: now.Name, Source: "plan.yaml"}, {Type: "plan", Name: want.Name, Source: "new.yaml"}}
	return map[string]*PlanDiff{
		"cluster": BuildDiff(survey.Against(want, snap), sides[0], sides[2]),
		"plans":   BuildDiff(survey.Between(now, want), sides[1], sides[2]),
		"same":    BuildDiff(survey.Between(now, now), sides[1], sides[1]),
	}
}

func printDiff(t *testing.T, d *PlanDiff, f Format, s Style) string {
	t.Helper()
	var b bytes.Buffer
	if err := d.Write(&b, f, s); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPlanDiff(t *testing.T) {
	all := diffs(t)
	for name, got := range map[string]string{
		"plandiff-cluster-80.txt":   printDiff(t, all["cluster"], Table, Style{Width: 80}),
		"plandiff-cluster-200.txt":  printDiff(t, all["cluster"], Table, Style{Width: 200}),
		"plandiff-cluster-wide.txt": printDiff(t, all["cluster"], Wide, Style{Width: 80}),
		"plandiff-cluster.json":     printDiff(t, all["cluster"], JSON, Style{}),
		"plandiff-plans-ascii.txt":  printDiff(t, all["plans"], Table, Style{Width: 80, ASCII: true}),
		"plandiff-plans-color.txt":  printDiff(t, all["plans"], Table, Style{Width: 160, Color: true}),
		"plandiff-same.txt":         printDiff(t, all["same"], Table, Style{Width: 80}),
	} {
		golden(t, "testdata/golden/"+name, got)
	}
}

// TestPlanDiffLines: no line of text is wider than asked but for one long word, nothing
// of the cluster reaches a terminal as it is, and the last line counts.
func TestPlanDiffLines(t *testing.T) {
	for name, d := range diffs(t) {
		for _, columns := range []int{40, 80, 160} {
			text := printDiff(t, d, Table, Style{Width: columns})
			for line := range strings.Lines(text) {
				line = strings.TrimRight(line, "\n")
				if width(line) > columns && len(strings.Fields(line)) > 3 && line != d.Summary.text() {
					t.Errorf("%s in %d columns: %q", name, columns, line)
				}
				if strings.ContainsFunc(line, hidden) {
					t.Errorf("%s: %q", name, line)
				}
			}
			if last := strings.Split(strings.TrimSpace(text), "\n"); last[len(last)-1] != d.Summary.text() {
				t.Errorf("%s ends with %q", name, last[len(last)-1])
			}
		}
	}
}

// TestPlanDiffSchema holds output to the published schema, and the schema to saying no.
func TestPlanDiffSchema(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("../../docs/schema/plandiff.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, d := range diffs(t) {
		text := printDiff(t, d, JSON, Style{})
		if err := schema.Validate(decode(t, text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		asJSON, err := yaml.YAMLToJSON([]byte(printDiff(t, d, YAML, Style{})))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(decode(t, text), decode(t, string(asJSON))); diff != "" {
			t.Errorf("%s: YAML says something else (-JSON +YAML):\n%s", name, diff)
		}
		for field := range decode(t, text).(map[string]any) {
			without := decode(t, text).(map[string]any)
			if delete(without, field); schema.Validate(without) == nil {
				t.Errorf("the schema takes a report without %s", field)
			}
		}
		more := decode(t, text).(map[string]any)
		if more["more"] = true; schema.Validate(more) == nil {
			t.Error("the schema takes a field that it does not know")
		}
	}
}
