package checks_test

import (
	"slices"
	"testing"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks/catalog"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// TestCauses holds the edges to be ones between checks, each once, and in no circle.
func TestCauses(t *testing.T) {
	seen := map[[2]string]bool{}
	causes := map[string][]string{}
	for _, e := range catalog.Causes {
		for _, id := range []string{e.Symptom, e.Cause} {
			if c, ok := catalog.Find(id); !ok || c.ID != id {
				t.Errorf("%s from %s: no check is %s", e.Symptom, e.Cause, id)
			}
		}
		if pair := [2]string{e.Symptom, e.Cause}; seen[pair] {
			t.Errorf("%s from %s: stands twice", e.Symptom, e.Cause)
		} else {
			seen[pair] = true
		}
		causes[e.Symptom] = append(causes[e.Symptom], e.Cause)
	}
	var visit func(id string, path []string)
	visit = func(id string, path []string) {
		if slices.Contains(path, id) {
			t.Fatalf("a circle: %v", append(path, id))
		}
		for _, c := range causes[id] {
			visit(c, append(slices.Clone(path), id))
		}
	}
	for id := range causes {
		visit(id, nil)
	}
}

func TestFollow(t *testing.T) {
	service := func(name string) snapshot.Ref { return snapshot.Ref{Kind: "Service", Namespace: "shop", Name: name} }
	node := snapshot.Ref{Kind: "Node", Name: "a"}
	result := func(id string, fs ...checks.Finding) checks.Result {
		return checks.Result{Check: &checks.Check{ID: id}, Status: checks.Failing, Findings: fs}
	}
	edges := []checks.Edge{
		{Symptom: "S", Cause: "first", When: checks.SameObject},
		{Symptom: "S", Cause: "second", When: checks.SameNode},
		{Symptom: "first", Cause: "root", When: checks.Everywhere},
	}
	results := []checks.Result{
		result("root", checks.Finding{Object: node, Family: ipfam.V6}),
		result("first", checks.Finding{Object: snapshot.Ref{Kind: "Pool"}, Related: []snapshot.Ref{service("web")}, Family: ipfam.V6}),
		result("second", checks.Finding{Object: snapshot.Ref{Kind: "CiliumNode", Name: "a"}}),
		result("S",
			checks.Finding{Object: service("web"), Family: ipfam.V6, Related: []snapshot.Ref{node}}, // both explain it: the first edge counts
			checks.Finding{Object: service("web"), Family: ipfam.V4},                                // the other family
			checks.Finding{Object: service("api"), Family: ipfam.V4, Related: []snapshot.Ref{node}},
			checks.Finding{Object: service("cart"), Family: ipfam.V6},
		),
	}
	checks.Follow(results, edges)
	var got []string
	for _, r := range results {
		for _, f := range r.Findings {
			cause := "-"
			if f.Cause != nil {
				cause = f.Cause.Check
			}
			got = append(got, r.Check.ID+"<"+cause)
		}
	}
	want := []string{"root<-", "first<root", "second<-", "S<first", "S<-", "S<second", "S<-"}
	if !slices.Equal(got, want) {
		t.Errorf("causes: %v, want %v", got, want)
	}
}
