// Package mend makes of the fixes that findings name the steps to take: each once, in
// their order, with what it touches, what restarts, what is interrupted, and whether
// it can be taken back. It is pure.
package mend

import (
	"cmp"
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
	var steps []Step
	for _, r := range results {
		for _, f := range r.Findings {
			if counts(f) && found.root(r.Check.ID, f) == (key{}) {
				steps = add(steps, step(r.Check.ID, f))
			}
		}
	}
	for _, r := range results {
		for _, f := range r.Findings {
			if root := found.root(r.Check.ID, f); counts(f) && root != (key{}) {
				follow(steps, root)
			}
		}
	}
	steps = joined(steps)
	steps = ordered(steps)
	contradict(steps)
	for i := range steps {
		s := &steps[i]
		s.Blanks = Blanks(s.Text)
		s.Effects = effectsOf(s.Actions, snap)
		s.Keeps = s.keeps(snap)
	}
	return steps
}

func counts(f checks.Finding) bool { return f.Suppressed == nil && !f.Known }

// condition is the words before commands that are for some clusters only.
var condition = regexp.MustCompile(`(?s)^((?:with|none,) [^:]*): ((?:helm|kubectl) .*)$`)

func step(id string, f checks.Finding) Step {
	s := Step{Mends: []Mended{{id, f}}, Severity: f.Severity, Text: f.Fix, Actions: Parse(f.Fix)}
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
func (found findings) root(id string, f checks.Finding) (root key) {
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

func follow(steps []Step, root key) {
	for i := range steps {
		for _, m := range steps[i].Mends {
			if keyOf(m.Check, m.Finding) == root {
				steps[i].Follow++
			}
		}
	}
}

// add adds a step, or what it mends to the one that does the same or begins with it.
func add(steps []Step, s Step) []Step {
	for i := range steps {
		if steps[i].When != s.When {
			continue
		}
		if text := steps[i].Text; text == s.Text || strings.HasPrefix(text, s.Text+"\n") {
			steps[i].takeOver(s)
			return steps
		}
		if strings.HasPrefix(s.Text, steps[i].Text+"\n") {
			steps[i].Text, steps[i].Actions = s.Text, s.Actions
			steps[i].takeOver(s)
			return steps
		}
	}
	return append(steps, s)
}

func (s *Step) takeOver(other Step) {
	s.Mends = append(s.Mends, other.Mends...)
	s.Severity = max(s.Severity, other.Severity)
	s.Follow += other.Follow
}

// id is the smallest ID of what s mends.
func (s Step) id() string {
	return slices.MinFunc(s.Mends, func(a, b Mended) int { return cmp.Compare(a.Check, b.Check) }).Check
}

// ordered is the steps in the order in which they are to be taken.
func ordered(steps []Step) []Step {
	urgency := make([]severity.Severity, len(steps))
	for i := range steps {
		urgency[i] = steps[i].Severity
	}
	for range steps { // as far as the longest way from a symptom to its cause
		for i := range steps {
			for j := range steps {
				if before(steps[i], steps[j]) {
					urgency[i] = max(urgency[i], urgency[j])
				}
			}
		}
	}
	left := make([]int, len(steps))
	for i := range left {
		left[i] = i
	}
	var out []Step
	for len(left) > 0 {
		free := slices.DeleteFunc(slices.Clone(left), func(i int) bool {
			return slices.ContainsFunc(left, func(j int) bool { return i != j && before(steps[j], steps[i]) })
		})
		if len(free) == 0 {
			free = left // two that wait for one another: joined steps may
		}
		next := slices.MinFunc(free, func(a, b int) int {
			return cmp.Or(-cmp.Compare(urgency[a], urgency[b]), cmp.Compare(steps[a].id(), steps[b].id()), cmp.Compare(a, b))
		})
		out = append(out, steps[next])
		left = slices.DeleteFunc(left, func(i int) bool { return i == next })
	}
	return out
}

// before reports whether findings that b mends may follow from some of a's check.
func before(a, b Step) bool {
	for _, cause := range a.Mends {
		for _, symptom := range b.Mends {
			if cause.Check != symptom.Check && explains(cause.Check, symptom.Check) {
				return true
			}
		}
	}
	return false
}

func explains(cause, symptom string) bool {
	return slices.ContainsFunc(catalog.Causes, func(e checks.Edge) bool { return e.Cause == cause && e.Symptom == symptom })
}
