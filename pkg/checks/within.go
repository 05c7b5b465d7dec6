package checks

import (
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// Within keeps the findings about objects of the namespaces, and those that they follow
// from. It returns how many others it has dropped. A check that has only such is
// skipped: that its claim holds is not said.
func Within(results []Result, namespaces []string) (dropped int) {
	kept := within(results, namespaces)
	for i := range results {
		r := &results[i]
		before := len(r.Findings)
		r.Findings = slices.DeleteFunc(r.Findings, func(f Finding) bool { return !kept[f.identity(r.Check.ID)] })
		dropped += before - len(r.Findings)
		if before > 0 && len(r.Findings) == 0 {
			r.Status, r.Reason = Skipped, "what it finds is outside of namespace "+strings.Join(namespaces, ", ")
		}
	}
	return dropped
}

// within is the findings that Within keeps.
func within(results []Result, namespaces []string) map[identity]bool {
	causes := map[identity]*Cause{}
	kept := map[identity]bool{}
	for _, r := range results {
		for _, f := range r.Findings {
			causes[f.identity(r.Check.ID)] = f.Cause
		}
	}
	for _, r := range results {
		for _, f := range r.Findings {
			if !slices.ContainsFunc(f.about(), func(o snapshot.Ref) bool { return slices.Contains(namespaces, o.Namespace) }) {
				continue
			}
			id := f.identity(r.Check.ID)
			kept[id] = true
			for cause := causes[id]; cause != nil; cause = causes[id] {
				id = cause.Finding.identity(cause.Check)
				kept[id] = true
			}
		}
	}
	return kept
}

// identity tells findings apart.
type identity struct {
	check   string
	object  snapshot.Ref
	field   string
	family  ipfam.Family
	message string
}

func (f Finding) identity(check string) identity {
	return identity{check, f.Object, f.Field, f.Family, f.Message}
}
