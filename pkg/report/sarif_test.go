package report

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// TestSARIFSchema holds the SARIF to a schema of the part of SARIF 2.1.0 that doctor
// writes: every property is one of the standard's, of the type and with the values
// that it has there, and those that the standard or GitHub requires are there.
func TestSARIFSchema(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("../../docs/schema/sarif.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(2, 9))
	for range 40 {
		if err := schema.Validate(decode(t, print(t, drawnReport(t, random), SARIF, Style{}))); err != nil {
			t.Fatal(err)
		}
	}
	text := print(t, rich(t), SARIF, Style{})
	if err := schema.Validate(decode(t, text)); err != nil {
		t.Fatal(err)
	}
	for what, breakIt := range map[string]func(run map[string]any){
		"a level of our own": func(run map[string]any) { run["results"].([]any)[0].(map[string]any)["level"] = "info" },
		"no message":         func(run map[string]any) { delete(run["results"].([]any)[0].(map[string]any), "message") },
		"a property more":    func(run map[string]any) { run["results"].([]any)[0].(map[string]any)["check"] = "DS101" },
		"no driver":          func(run map[string]any) { delete(run["tool"].(map[string]any), "driver") },
		"line 0": func(run map[string]any) {
			location := run["results"].([]any)[0].(map[string]any)["locations"].([]any)[0].(map[string]any)
			location["physicalLocation"].(map[string]any)["region"] = map[string]any{"startLine": 0}
		},
	} {
		log := decode(t, text).(map[string]any)
		breakIt(log["runs"].([]any)[0].(map[string]any))
		if schema.Validate(log) == nil {
			t.Errorf("the schema takes %s", what)
		}
	}
}

// TestSARIFIndices: what names a rule or a kind of notification names it twice, and
// both are the same one.
func TestSARIFIndices(t *testing.T) {
	log := decode(t, print(t, rich(t), SARIF, Style{})).(map[string]any)
	run := log["runs"].([]any)[0].(map[string]any)
	driver := run["tool"].(map[string]any)["driver"].(map[string]any)
	id := func(list string, index any) any {
		i, err := index.(interface{ Int64() (int64, error) }).Int64()
		if err != nil {
			t.Fatal(err)
		}
		return driver[list].([]any)[i].(map[string]any)["id"]
	}
	for _, r := range run["results"].([]any) {
		result := r.(map[string]any)
		if got := id("rules", result["ruleIndex"]); got != result["ruleId"] {
			t.Errorf("a result of %v is of rule %v", result["ruleId"], got)
		}
	}
	notices := run["invocations"].([]any)[0].(map[string]any)["toolExecutionNotifications"].([]any)
	if len(notices) < 4 {
		t.Fatalf("only %d notifications", len(notices))
	}
	for _, n := range notices {
		notice := n.(map[string]any)
		descriptor := notice["descriptor"].(map[string]any)
		if got := id("notifications", descriptor["index"]); got != descriptor["id"] {
			t.Errorf("a notification %v is %v", descriptor["id"], got)
		}
		if rule, ok := notice["associatedRule"].(map[string]any); ok && id("rules", rule["index"]) != rule["id"] {
			t.Errorf("a notification of %v is of rule %v", rule["id"], id("rules", rule["index"]))
		}
	}
}

// TestPlaces: what can be opened is a file, and its URI is relative where it is.
func TestPlaces(t *testing.T) {
	for source, want := range map[string]struct {
		place
		uri string
	}{
		"":                                 {},
		"standard input:7":                 {},
		"configmap/kube-system/plan:3":     {},
		"cluster/nodes.yaml:12":            {place{"cluster/nodes.yaml", 12}, "cluster/nodes.yaml"},
		"./nodes.yaml:1":                   {place{"nodes.yaml", 1}, "nodes.yaml"},
		"nodes.yaml":                       {place{"nodes.yaml", 0}, "nodes.yaml"},
		"a b/100%#?.yaml:2":                {place{"a b/100%#?.yaml", 2}, "a%20b/100%25%23%3F.yaml"},
		"/etc/plan.yaml:4":                 {place{"/etc/plan.yaml", 4}, "file:///etc/plan.yaml"},
		`C:\cluster\nodes.yaml:5`:          {place{"C:/cluster/nodes.yaml", 5}, "file:///C%3A/cluster/nodes.yaml"},
		"configmap/kube-system/a/b.yaml:3": {place{"configmap/kube-system/a/b.yaml", 3}, "configmap/kube-system/a/b.yaml"},
		"über.yaml:1":                      {place{"über.yaml", 1}, "%C3%BCber.yaml"},
	} {
		at := placeOf(source)
		if at != want.place {
			t.Errorf("placeOf(%q) = %v, want %v", source, at, want.place)
		}
		physical := sarifPhysicalOf(at)
		if want.file == "" {
			if physical != nil {
				t.Errorf("%q is at %v", source, physical)
			}
			continue
		}
		relative := !strings.HasPrefix(want.uri, "file:")
		if physical.Artifact.URI != want.uri || (physical.Artifact.Base == sarifRoot) != relative {
			t.Errorf("%q is at %+v, want %s", source, physical.Artifact, want.uri)
		}
	}
}

// TestSARIFHasFiles: among files every result has one, also that of a finding which
// stands in none; of a cluster none has.
func TestSARIFHasFiles(t *testing.T) {
	missing := checks.Finding{Severity: severity.Error, Message: "is nowhere"}
	placed := checks.Finding{Severity: severity.Error, Object: snapshot.Ref{Kind: "AddressPlan", Name: "homelab"}, PlanAt: "spec.pods.ipv6"}
	results := []checks.Result{{
		Check: check("DS101", "x", severity.Error, "it holds", "x."), Status: checks.Failing, Findings: []checks.Finding{missing, placed},
	}}
	r := rich(t)
	r.Results = []Result{resultOf(results[0], Input{Plan: r.drawing, Snapshot: &snapshot.Snapshot{}})}
	if at := r.sarifLocations(r.Results[0].Findings[0]); len(at) != 1 || at[0].Physical == nil || at[0].Physical.Artifact.URI != "plan.yaml" || at[0].Physical.Region.Line != 1 {
		t.Errorf("among files it is at %+v", at)
	}
	r.Source.Type = "cluster"
	if at := r.sarifLocations(r.Results[0].Findings[0]); len(at) != 0 {
		t.Errorf("in a cluster it is at %+v", at)
	}
}
