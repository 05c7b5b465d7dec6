package plan

import (
	"regexp"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// Change is what happens to a setting that holds ranges.
type Change string

// The changes.
const (
	Add     Change = "add"     // a range, or a second family, beside what is there
	Replace Change = "replace" // a range by another
	Widen   Change = "widen"   // a range by one that holds it
	Remove  Change = "remove"  // a range, or a family
	Reorder Change = "reorder" // the same ranges, another family first
)

// Effort is what a change takes, the least first.
type Effort int

// The efforts.
const (
	Live       Effort = iota + 1 // it is taken while everything runs
	Restarts                     // programs are started anew; what was given out stays
	Recreates                    // objects that hold an address are made anew
	Impossible                   // not in a running cluster
)

// String is the effort as a predicate of the change.
func (e Effort) String() string {
	switch e {
	case Live:
		return "live"
	case Restarts:
		return "restart"
	case Recreates:
		return "re-create"
	case Impossible:
		return "cannot be changed"
	}
	return "unknown"
}

// Cost is what it takes to change one setting of one component in a running
// cluster.
type Cost struct {
	Component string   // as a snapshot's claim has it: "kube-apiserver", "cilium", "metallb"; and "router"
	Setting   string   // the component's own word: "--cluster-cidr", "cluster-pool-ipv6-cidr"
	Fields    []string // of a plan, without the family: "spec.pods", "spec.pods.nodeMask"
	Changes   []Change
	Effort    Effort
	Restart   string // what is started anew, or re-created; empty for Live and Impossible
	Effect    string // what becomes of what was given out before: a sentence without its full stop
	Undo      string // how it is taken back; empty when it cannot be
	Source    string

	from, before release.Version // the releases of the component that it holds for
}

// CostOf is what change costs for a setting of component, in these releases; an
// unknown release counts as the newest. Settings of Cilium that are there for
// each family are named with the family that they are about. It is false for a
// setting that no rule is known of.
func CostOf(component, setting string, change Change, v Versions) (Cost, bool) {
	i := slices.IndexFunc(costs, func(c Cost) bool {
		return c.Component == component && slices.Contains(settings(c.Setting), setting) && slices.Contains(c.Changes, change) && c.holds(v)
	})
	if i < 0 {
		return Cost{}, false
	}
	c := costs[i]
	c.Setting = setting
	return c, true
}

// CostsOf is what change costs for each setting that a field of a plan decides
// about ("spec.pods", "spec.services", "spec.loadBalancers", …; a family or an
// index at its end does not matter), in the order in which they are to be changed.
func CostsOf(field string, change Change, v Versions) []Cost {
	var found []Cost
	for _, c := range costs {
		if slices.Contains(c.Fields, costField(field)) && slices.Contains(c.Changes, change) && c.holds(v) {
			found = append(found, c)
		}
	}
	return found
}

// settings is the names in the Setting of a rule that is for several.
func settings(s string) []string { return strings.Split(s, "|") }

// indexes is the indexes in a field.
var indexes = regexp.MustCompile(`\[\d+\]`)

// costField is field without its family and its indexes.
func costField(field string) string {
	field = indexes.ReplaceAllString(field, "")
	for field != "" && !slices.ContainsFunc(costs, func(c Cost) bool { return slices.Contains(c.Fields, field) }) {
		field = parentField(field)
	}
	return field
}

// Costs is every cost that is known, of all releases.
func Costs() []Cost { return slices.Clone(costs) }

// Releases is the releases of the component that the cost is of; either is
// unknown when there is no such bound.
func (c Cost) Releases() (from, before release.Version) { return c.from, c.before }

func (c Cost) holds(v Versions) bool {
	is := v.of(c.Component)
	return !is.Before(c.from) && (!c.before.Known() || is.Before(c.before))
}

// of is the release of the program that a component belongs to.
func (v Versions) of(component string) release.Version {
	switch component {
	case "cilium", "lb-ipam":
		return v.Cilium
	case "metallb":
		return v.MetalLB
	}
	return v.Kubernetes
}

// SettingOf is the name that a rule's Setting has for family f, of several: that with
// the family in it. It is false where none has, and the names are not by family.
func SettingOf(names string, f ipfam.Family) (string, bool) {
	var found []string
	for _, name := range settings(names) {
		if f.Valid() && strings.Contains(name, key(f)) {
			found = append(found, name)
		}
	}
	return strings.Join(found, ", "), len(found) > 0
}
