// Package mend makes of the fixes that findings name the steps to take: each once, in
// their order, with what it touches, what restarts, what is interrupted, and whether
// it can be taken back. It is pure.
package mend

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks/catalog"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// Mended is a finding that a step mends.
type Mended struct {
	Check   string
	Finding checks.Finding
}

// Step is one thing to do.
type Step struct {
	Mends    []Mended
	Severity severity.Severity // the worst of what it mends
	When     string            // the case that it is for; empty for this cluster as it is
	Text     string            // commands to be pasted, or what is to be done by hand
	Actions  []Action
	Effects
	// Keeps is why the step is not one that can be taken back; empty when it can.
	Keeps  string
	Blanks []string // of the text, which somebody has to fill in first
	// Against is the number of an earlier step that sets the same field otherwise:
	// one of the two is to be chosen. 0 is none.
	Against int
	// Follow is how many findings follow from those that it mends.
	Follow int
}

// Reversible reports whether the step can be taken by a program: what it does is known
// to the last field, interrupts nothing and can be taken back.
func (s Step) Reversible() bool { return s.Keeps == "" }

// Command reports whether the text is for a shell.
func (s Step) Command() bool {
	return slices.ContainsFunc(s.Actions, func(a Action) bool { return a.Verb != ByHand })
}

// Plan is the steps for the findings that count and that nothing explains which
// counts. What others follow from comes first, then what is worst, then what has the
// smaller ID.
func Plan(results []checks.Result, snap *snapshot.Snapshot) []Step {
	found := index(results)
	following := map[key]int{}
	for _, r := range results {
		for _, f := range r.Findings {
			if root := found.root(f); counts(f) && root != (key{}) {
				following[root]++
			}
		}
	}
	var list steps
	for _, r := range results {
		for _, f := range r.Findings {
			if counts(f) && found.root(f) == (key{}) {
				list.add(step(r.Check.ID, f, following[keyOf(r.Check.ID, f)]))
			}
		}
	}
	planned := ordered(joined(list.all))
	contradict(planned)
	for i := range planned {
		s := &planned[i]
		s.Blanks = Blanks(s.Text)
		s.Effects = effectsOf(s.Actions, snap)
		s.Keeps = s.keeps(snap)
	}
	return planned
}

func counts(f checks.Finding) bool { return f.Suppressed == nil && !f.Known }

// condition is the words before commands that are for some clusters only.
var condition = regexp.MustCompile(`(?s)^((?:with|none,) [^:]*): ((?:helm|kubectl) .*)$`)

func step(id string, f checks.Finding, following int) Step {
	s := Step{Mends: []Mended{{id, f}}, Severity: f.Severity, Text: f.Fix, Actions: Parse(f.Fix), Follow: following}
	if m := condition.FindStringSubmatch(f.Fix); m != nil {
		if actions, err := parse(m[2]); err == nil {
			s.When, s.Text, s.Actions = m[1], m[2], actions
		}
	}
	return s
}

// key tells findings apart.
type key struct{ check, object, field, family, message string }

func keyOf(id string, f checks.Finding) key {
	return key{id, f.Object.String(), f.Field, f.Family.String(), f.Message}
}

// findings is those of a run.
type findings map[key]checks.Finding

func index(results []checks.Result) findings {
	found := findings{}
	for _, r := range results {
		for _, f := range r.Findings {
			found[keyOf(r.Check.ID, f)] = f
		}
	}
	return found
}

// root is the earliest cause of f that counts; the zero key when there is none.
func (found findings) root(f checks.Finding) (root key) {
	for cause := f.Cause; cause != nil; {
		at := keyOf(cause.Check, cause.Finding)
		next := found[at]
		if counts(next) {
			root = at
		}
		cause = next.Cause
	}
	return root
}

// steps is those that there are so far.
type steps struct {
	all []Step
	at  map[string]int // by condition and text
}

// add adds a step, or what it mends to the one that does the same or begins with it.
func (l *steps) add(s Step) {
	if l.at == nil {
		l.at = map[string]int{}
	}
	if i, same := l.at[s.When+"\n"+s.Text]; same {
		l.all[i].takeOver(s)
		return
	}
	begins := func(long, short string) bool {
		return len(long) > len(short) && long[len(short)] == '\n' && strings.HasPrefix(long, short)
	}
	for i := range l.all {
		have := &l.all[i]
		switch {
		case have.When != s.When:
			continue
		case begins(have.Text, s.Text):
			have.takeOver(s)
			return
		case begins(s.Text, have.Text):
			have.Text, have.Actions = s.Text, s.Actions
			have.takeOver(s)
			l.at[s.When+"\n"+s.Text] = i
			return
		}
	}
	l.at[s.When+"\n"+s.Text] = len(l.all)
	l.all = append(l.all, s)
}

func (s *Step) takeOver(other Step) {
	s.Mends = append(s.Mends, other.Mends...)
	s.Severity = max(s.Severity, other.Severity)
	s.Follow += other.Follow
}

// ordered is the steps in the order in which they are to be taken: by what is worst of
// all that depends on them, and among those by their checks.
func ordered(list []Step) []Step {
	worst := map[string]severity.Severity{}
	for _, s := range list {
		for _, m := range s.Mends {
			worst[m.Check] = max(worst[m.Check], s.Severity)
		}
	}
	place := places(worst)
	urgency := func(s Step) severity.Severity {
		u := s.Severity
		for _, m := range s.Mends {
			for _, e := range catalog.Causes {
				if e.Cause == m.Check {
					u = max(u, worstBelow(e.Symptom, worst))
				}
			}
		}
		return u
	}
	first := func(s Step) int {
		return place[slices.MinFunc(s.Mends, func(a, b Mended) int { return cmp.Compare(place[a.Check], place[b.Check]) }).Check]
	}
	slices.SortStableFunc(list, func(a, b Step) int {
		return cmp.Or(-cmp.Compare(urgency(a), urgency(b)), cmp.Compare(first(a), first(b)))
	})
	return list
}

// worstBelow is the worst of what was found by a check and by those whose findings may
// follow from its own.
func worstBelow(id string, worst map[string]severity.Severity) severity.Severity {
	w := worst[id]
	for _, e := range catalog.Causes {
		if e.Cause == id {
			w = max(w, worstBelow(e.Symptom, worst))
		}
	}
	return w
}

// places is the order of the checks: by their IDs, but for those whose findings may
// follow from one with a larger ID.
func places(found map[string]severity.Severity) map[string]int {
	left := slices.Sorted(maps.Keys(found))
	place := map[string]int{}
	for len(left) > 0 {
		i := slices.IndexFunc(left, func(id string) bool {
			return !slices.ContainsFunc(catalog.Causes, func(e checks.Edge) bool { return e.Symptom == id && slices.Contains(left, e.Cause) })
		})
		i = max(i, 0) // there is no circle of causes
		place[left[i]] = len(place)
		left = slices.Delete(left, i, i+1)
	}
	return place
}
