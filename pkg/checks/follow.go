package checks

import (
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// Edge says that findings of one check may follow from those of another: when the
// cause is mended, the symptom goes.
type Edge struct {
	Symptom, Cause string // IDs of checks
	When           Relation
}

// Relation is whether symptom follows from cause, of a family that both may have.
type Relation func(symptom, cause Finding) bool

// Cause is the finding that explains another one.
type Cause struct {
	Check   string // its ID
	Finding Finding
}

// Follow tells each finding the one that explains it: that of the first edge that
// leads to one. A finding that is suppressed explains nothing, since nobody would
// see what hangs on it. The edges have no circle, so that following the causes ends.
func Follow(results []Result, edges []Edge) {
	found := map[string][]Finding{}
	for _, r := range results {
		for _, f := range r.Findings {
			if f.Suppressed == nil {
				found[r.Check.ID] = append(found[r.Check.ID], f)
			}
		}
	}
	for _, r := range results {
		for i := range r.Findings {
			r.Findings[i].Cause = causeOf(r.Check.ID, r.Findings[i], found, edges)
		}
	}
}

func causeOf(id string, symptom Finding, found map[string][]Finding, edges []Edge) *Cause {
	for _, e := range edges {
		if e.Symptom != id {
			continue
		}
		for _, cause := range found[e.Cause] {
			if familiesFit(symptom, cause) && e.When(symptom, cause) {
				return &Cause{Check: e.Cause, Finding: cause}
			}
		}
	}
	return nil
}

// familiesFit reports whether two findings may be about one family. One without a
// family may be about each.
func familiesFit(a, b Finding) bool {
	return !a.Family.Valid() || !b.Family.Valid() || a.Family == b.Family
}

// Everywhere is the relation to a fault of the whole cluster.
func Everywhere(Finding, Finding) bool { return true }

// SameObject is the relation of findings that are about one object, or about one
// that the other names as related.
func SameObject(symptom, cause Finding) bool {
	about := cause.about()
	return slices.ContainsFunc(symptom.about(), func(r snapshot.Ref) bool { return slices.Contains(about, r) })
}

// SameField is the relation of findings about one value.
func SameField(symptom, cause Finding) bool {
	return symptom.Object == cause.Object && symptom.Field == cause.Field
}

// SameNamespace is the relation of findings about objects of one namespace.
func SameNamespace(symptom, cause Finding) bool {
	return symptom.Object.Namespace != "" && symptom.Object.Namespace == cause.Object.Namespace
}

// SameNode is the relation of findings that are about one node, as a Node or as a
// CiliumNode, which has its name.
func SameNode(symptom, cause Finding) bool {
	nodes := cause.nodes()
	return slices.ContainsFunc(symptom.nodes(), func(n string) bool { return slices.Contains(nodes, n) })
}

// about is the objects that f is about.
func (f Finding) about() []snapshot.Ref { return append([]snapshot.Ref{f.Object}, f.Related...) }

func (f Finding) nodes() []string {
	var names []string
	for _, r := range f.about() {
		if r.Kind == "Node" || r.Kind == "CiliumNode" {
			names = append(names, r.Name)
		}
	}
	return names
}
