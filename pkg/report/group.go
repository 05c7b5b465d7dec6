package report

import (
	"cmp"
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
)

// group is the findings of one check and severity that nothing else explains, and all
// that follows from them.
type group struct {
	result   *Result
	severity severity.Severity // of the findings, not of what follows
	change   Change            // of the findings
	findings []Finding
	follow   []followers
	cause    string // the ID of the check that unfolded findings follow from
}

// followers is the findings of one check that follow from those of a group.
type followers struct {
	result   *Result
	findings []Finding
}

// worst is the severity of the group as a whole.
func (g group) worst() severity.Severity {
	worst := g.severity
	for _, f := range g.follow {
		for _, finding := range f.findings {
			worst = max(worst, finding.Severity)
		}
	}
	return worst
}

// unfolded is the groups with what follows from each as groups of their own after it.
func (r *Report) unfolded() (list []group) {
	for _, g := range r.groups() {
		follow := g.follow
		g.follow = nil
		list = append(list, g)
		for _, f := range follow {
			for _, s := range severity.All {
				of := group{result: f.result, severity: s, change: g.change, cause: g.result.ID}
				for _, finding := range f.findings {
					if finding.Severity == s {
						of.findings = append(of.findings, finding)
					}
				}
				if len(of.findings) > 0 {
					list = append(list, of)
				}
			}
		}
	}
	return list
}

// origin says what the findings of an unfolded group follow from.
func (g group) origin() string {
	if g.cause == "" {
		return ""
	}
	return "follows from " + g.cause
}

// following is how many findings follow from those of the group.
func (g group) following() (n int) {
	for _, f := range g.follow {
		n += len(f.findings)
	}
	return n
}

// groups is the findings of r, the new ones of a supposition first, then worst first and
// in the order of the checks.
func (r *Report) groups() []group {
	var groups []group
	hanging, hangs := r.hanging()
	for i := range r.Results {
		result := &r.Results[i]
		for _, s := range severity.All {
			for _, change := range []Change{New, Same, ""} {
				g := group{result: result, severity: s, change: change}
				for _, f := range result.Findings {
					if f.Severity == s && f.Change == change && f.counts() && !hangs[f.key(result.ID)] {
						g.findings = append(g.findings, f)
						g.add(hanging[f.key(result.ID)])
					}
				}
				if len(g.findings) > 0 {
					groups = append(groups, g)
				}
			}
		}
	}
	slices.SortStableFunc(groups, func(a, b group) int {
		return cmp.Or(cmp.Compare(a.change, b.change), -cmp.Compare(a.worst(), b.worst()))
	})
	return groups
}

// add adds what follows from one more finding.
func (g *group) add(more []followers) {
	for _, m := range more {
		i := slices.IndexFunc(g.follow, func(f followers) bool { return f.result == m.result })
		if i < 0 {
			g.follow = append(g.follow, m)
			continue
		}
		g.follow[i].findings = append(g.follow[i].findings, m.findings...)
	}
	slices.SortFunc(g.follow, func(a, b followers) int { return cmp.Compare(a.result.ID, b.result.ID) })
}

// counts reports whether f can fail a run.
func (f Finding) counts() bool { return f.Suppressed == nil && !f.Known }

// findingKey tells findings apart.
type findingKey struct{ check, object, field, family, message string }

func (f Finding) key(check string) findingKey {
	return findingKey{check, f.Object.String(), f.Field, f.Family.String(), f.Message}
}

func (c *Cause) key() findingKey {
	return findingKey{c.Check, c.Object.String(), c.Field, c.Family.String(), c.message}
}

// hanging is what follows from each finding: a symptom hangs on the earliest of its
// causes that counts, and on nothing when none does.
func (r *Report) hanging() (hanging map[findingKey][]followers, hangs map[findingKey]bool) {
	found := map[findingKey]Finding{}
	for _, result := range r.Results {
		for _, f := range result.Findings {
			found[f.key(result.ID)] = f
		}
	}
	hanging, hangs = map[findingKey][]followers{}, map[findingKey]bool{}
	for i := range r.Results {
		result := &r.Results[i]
		for _, f := range result.Findings {
			root, ok := rootOf(f, found)
			if !ok || !f.counts() {
				continue
			}
			hangs[f.key(result.ID)] = true
			of := hanging[root]
			if last := len(of) - 1; last >= 0 && of[last].result == result {
				of[last].findings = append(of[last].findings, f)
				continue
			}
			hanging[root] = append(of, followers{result, []Finding{f}})
		}
	}
	return hanging, hangs
}

// rootOf is the earliest cause of f that counts. What is new with a supposition hangs on
// nothing that was there before: nobody would look for it there.
func rootOf(f Finding, found map[findingKey]Finding) (root findingKey, ok bool) {
	for cause := f.Cause; cause != nil; cause = found[cause.key()].Cause {
		if c := found[cause.key()]; c.counts() && (c.Change == f.Change || f.Change != New) {
			root, ok = cause.key(), true
		}
	}
	return root, ok
}

// commonFix is the fix of every finding of g, when they have the same.
func (g group) commonFix() (string, bool) {
	for _, f := range g.findings {
		if f.Fix != g.findings[0].Fix {
			return "", false
		}
	}
	return g.findings[0].Fix, true
}
