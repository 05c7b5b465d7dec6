package report

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// checkCases is the reports that are held to golden files, by name.
func checkCases(t *testing.T) map[string][]PlanInput {
	t.Helper()
	trees := treeCases(t)
	input := func(name string, check *PlanCheck) PlanInput {
		p := trees[name].Plan
		in := PlanInput{Source: trees[name].Source, Plan: p, Problems: p.Validate(), Check: check}
		if check != nil {
			in.Problems = append(in.Problems, p.Strain(check.Usage)...)
		}
		return in
	}
	wide := parsedPlan(t, "wide.yaml", "apiVersion: dualstack/v1alpha1\nkind: AddressPlan\nspec: {families: [IPv4], pods: {ipv4: 10.240.0.0/16}, services: {ipv4: 10.128.0.0/11}}\n")
	_, verdicts := wide.Across(plan.Kubernetes, plan.Kubernetes.Releases())
	_, more := wide.Across(plan.MetalLB, []release.Version{release.V(0, 16)})
	bad, problems := plan.Parse("bad.yaml", []byte("apiVersion: dualstack/v1alpha1\nkind: AddressPlan\nspec: {pods: [1]}\n"))
	return map[string][]PlanInput{
		"validate": {input("crowded", nil), {Source: "bad.yaml", Plan: bad, Problems: problems}},
		"expects":  {input("crowded", &PlanCheck{})},
		"nothing":  {input("seed", &PlanCheck{})},
		"grown":    {input("grown", &PlanCheck{Usage: trees["grown"].Usage, Cluster: "homelab"})},
		"unread":   {input("unread", &PlanCheck{Usage: trees["unread"].Usage, Cluster: "cluster.yaml"})},
		"hostile":  {input("hostile", &PlanCheck{Usage: trees["hostile"].Usage, Cluster: trees["hostile"].Cluster})},
		"releases": {{Source: "wide.yaml", Plan: wide, Check: &PlanCheck{Verdicts: slices.Concat(verdicts, more)}}},
	}
}

func reported(t *testing.T, plans []PlanInput, f Format, s Style) string {
	t.Helper()
	var b bytes.Buffer
	if err := BuildPlans(plans).Write(&b, f, s); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPlanCheck(t *testing.T) {
	for name, plans := range checkCases(t) {
		path := func(ending string) string {
			return filepath.Join("testdata", "golden", "plan", "check."+name+"."+ending)
		}
		for _, style := range []string{"80", "80.ascii", "80.color"} {
			golden(t, path(style+".txt"), reported(t, plans, Table, traceStyles[style]))
		}
		golden(t, path("json"), reported(t, plans, JSON, Style{}))
	}
}

// TestPlanReportSchema holds real output to the published schema, and the schema to
// saying no when a field is taken away or added.
func TestPlanReportSchema(t *testing.T) {
	schema := planSchema(t, "planreport.schema.json")
	for name, plans := range checkCases(t) {
		text := reported(t, plans, JSON, Style{})
		if err := schema.Validate(decode(t, text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		refuses(t, schema, text)
		for field := range decode(t, text).(map[string]any)["plans"].([]any)[0].(map[string]any) {
			document := decode(t, text)
			delete(document.(map[string]any)["plans"].([]any)[0].(map[string]any), field)
			if schema.Validate(document) == nil {
				t.Errorf("%s: the schema takes a plan without %s", name, field)
			}
		}
		asJSON, err := yaml.YAMLToJSON([]byte(reported(t, plans, YAML, Style{})))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(decode(t, text), decode(t, string(asJSON))); diff != "" {
			t.Errorf("%s: YAML says something else (-JSON +YAML):\n%s", name, diff)
		}
	}
}

func TestPlanReportIsHarmless(t *testing.T) {
	for name, plans := range checkCases(t) {
		for _, f := range []Format{Table, JSON, YAML} {
			harmless(t, name, reported(t, plans, f, Style{Width: 80}))
		}
		coloured := reported(t, plans, Table, Style{Width: 80, Color: true})
		for _, code := range []string{red, yellow, plain} {
			coloured = strings.ReplaceAll(coloured, code, "")
		}
		if diff := cmp.Diff(reported(t, plans, Table, Style{Width: 80}), coloured); diff != "" {
			t.Errorf("%s (-plain +coloured):\n%s", name, diff)
		}
	}
}
