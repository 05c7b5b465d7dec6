package checks

import (
	"regexp"
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// Comparison is what two runs of the same checks found, the second after a change.
type Comparison struct {
	// New is, for each result of the second run, which of its findings the first
	// run had not.
	New [][]bool
	// Gone is the findings of the first run that the second looked for and has not.
	Gone []Result
	// Untold is how many findings of the first run are of checks that could not
	// look in the second: whether they are gone is not known.
	Untold int
}

// Compare compares two runs of the same checks. A finding is the same when it says
// the same of the same object. Where only its words or a place in a list differ,
// it is the same if it has not become worse.
func Compare(before, after []Result) Comparison {
	earlier := map[string]Result{}
	for _, r := range before {
		earlier[r.Check.ID] = r
	}
	var c Comparison
	for _, r := range after {
		old := earlier[r.Check.ID]
		if r.Status == Skipped || r.Status == Unknown {
			c.New = append(c.New, nil)
			c.Untold += len(old.Findings)
			continue
		}
		fresh, gone := compare(old.Findings, r.Findings)
		c.New = append(c.New, fresh)
		if len(gone) > 0 {
			c.Gone = append(c.Gone, Result{Check: r.Check, Status: old.Status, Findings: gone})
		}
	}
	return c
}

// subject is what a finding is about, and its words where these count.
type subject struct {
	object  snapshot.Ref
	field   string
	planAt  string
	family  ipfam.Family
	message string
}

// place is the number of an entry of a list.
var place = regexp.MustCompile(`\[[0-9]+\]`)

func (f Finding) exactly() subject {
	return subject{f.Object, f.Field, f.PlanAt, f.Family, f.Message}
}

func (f Finding) roughly() subject {
	return subject{object: f.Object, field: place.ReplaceAllString(f.Field, "[]"), planAt: place.ReplaceAllString(f.PlanAt, "[]"), family: f.Family}
}

// compare is which findings of after are new, and which of before are gone.
func compare(before, after []Finding) (fresh []bool, gone []Finding) {
	fresh, left := make([]bool, len(after)), make([]bool, len(before))
	for i := range fresh {
		fresh[i] = true
	}
	for i := range left {
		left[i] = true
	}
	for _, about := range []func(Finding) subject{Finding.exactly, Finding.roughly} {
		places := map[subject][]int{}
		for j, f := range before {
			if left[j] {
				places[about(f)] = append(places[about(f)], j)
			}
		}
		for i, f := range after {
			at := slices.IndexFunc(places[about(f)], func(j int) bool { return left[j] && f.Severity <= before[j].Severity })
			if fresh[i] && at >= 0 {
				fresh[i], left[places[about(f)][at]] = false, false
			}
		}
	}
	for j, f := range before {
		if left[j] {
			gone = append(gone, f)
		}
	}
	return fresh, gone
}

// OnlyNew is the results of the second run with the findings that are new and no others.
func (c Comparison) OnlyNew(after []Result) []Result {
	only := make([]Result, 0, len(after))
	for i, r := range after {
		var fresh []Finding
		for j, f := range r.Findings {
			if c.New[i][j] {
				fresh = append(fresh, f)
			}
		}
		r.Findings = fresh
		only = append(only, r)
	}
	return only
}
