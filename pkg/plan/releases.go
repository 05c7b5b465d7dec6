package plan

import (
	"fmt"
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
)

// Component is a program whose releases have limits of their own.
type Component string

// The components that a plan names a release of.
const (
	Kubernetes Component = "kubernetes"
	Cilium     Component = "cilium"
	MetalLB    Component = "metallb"
)

// Components is all of them, in the order of the plan's fields.
var Components = []Component{Kubernetes, Cilium, MetalLB}

// Releases is the minor releases of c whose rules this package knows, from the
// oldest to the newest.
func (c Component) Releases() []release.Version {
	var first, last release.Version
	switch c {
	case Kubernetes:
		first, last = release.V(1, 23), LatestKubernetes // two families are stable from 1.23 on
	case Cilium:
		first, last = release.V(1, 15), release.V(1, 20)
	case MetalLB:
		first, last = release.V(0, 9), release.V(0, 16)
	}
	var all []release.Version
	for v := first; v.Known() && v.Compare(last) <= 0; v.Minor++ {
		all = append(all, v)
	}
	return all
}

// With is the plan for the release v of c. The plan itself stays as it is.
func (p *Plan) With(c Component, v release.Version) *Plan {
	with := *p
	switch c {
	case Kubernetes:
		with.Versions.Kubernetes = v
	case Cilium:
		with.Versions.Cilium = v
	case MetalLB:
		with.Versions.MetalLB = v
	}
	return &with
}

// Verdict is what some releases of a component, next to each other among those
// that were asked about, have against a plan.
type Verdict struct {
	Component   Component
	First, Last release.Version
	// Problems is those that other releases of the component do not all have.
	Problems []Problem
}

// Takes reports whether the releases take the plan: nothing that they alone have
// against it is an error.
func (v Verdict) Takes() bool {
	return !slices.ContainsFunc(v.Problems, func(p Problem) bool { return p.Severity == severity.Error })
}

// Releases is the name of the releases: "1.29" or "1.29 to 1.33".
func (v Verdict) Releases() string {
	if v.First == v.Last {
		return v.First.String()
	}
	return fmt.Sprintf("%s to %s", v.First, v.Last)
}

// Across judges the plan by each of versions of c: what all of them have against
// it, and then the releases with what only some have. Releases that follow one
// another and say the same are one Verdict.
func (p *Plan) Across(c Component, versions []release.Version) (common []Problem, verdicts []Verdict) {
	versions = slices.Clone(versions)
	slices.SortFunc(versions, release.Version.Compare)
	versions = slices.Compact(versions)
	judged := make([][]Problem, len(versions))
	for i, v := range versions {
		judged[i] = p.With(c, v).Validate()
		if i == 0 {
			common = judged[0]
		}
		common = keep(common, func(p Problem) bool { return slices.Contains(judged[i], p) })
	}
	for i, v := range versions {
		own := keep(judged[i], func(p Problem) bool { return !slices.Contains(common, p) })
		if last := len(verdicts) - 1; last >= 0 && slices.Equal(verdicts[last].Problems, own) {
			verdicts[last].Last = v
			continue
		}
		verdicts = append(verdicts, Verdict{Component: c, First: v, Last: v, Problems: own})
	}
	return common, verdicts
}

func keep(problems []Problem, wanted func(Problem) bool) []Problem {
	return slices.DeleteFunc(slices.Clone(problems), func(p Problem) bool { return !wanted(p) })
}
