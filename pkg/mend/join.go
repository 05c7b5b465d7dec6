package mend

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
)

// joined is the steps with those made one that change the same object, or upgrade the
// same Helm release: what restarts then restarts once.
func joined(list []Step) []Step {
	var out []Step
	at := map[string][]int{} // by what they change
	for _, s := range list {
		of := s.changes()
		if of == "" {
			out = append(out, s)
			continue
		}
		into := slices.IndexFunc(at[of], func(i int) bool {
			one, ok := out[i].with(s)
			if ok {
				out[i] = one
			}
			return ok
		})
		if into >= 0 {
			continue
		}
		at[of] = append(at[of], len(out))
		out = append(out, s)
	}
	return out
}

// changes is the first thing that s changes, which is empty for a step by hand; steps
// that can be one have the same.
func (s Step) changes() string {
	if a := s.Actions[0]; a.Verb == Helm {
		return "helm " + a.Release.Name
	}
	return s.Actions[0].Target.Ref().String()
}

// with is s and t in one, where they can be.
func (s Step) with(t Step) (Step, bool) {
	one := s
	one.Mends = slices.Clone(s.Mends)
	switch {
	case s.When != t.When:
		return s, false
	case s.isPatch() && t.isPatch() && s.Actions[0].Target == t.Actions[0].Target:
		merged, ok := agree(s.Actions[0].Patch, t.Actions[0].Patch)
		if !ok {
			return s, false
		}
		a := s.Actions[0]
		a.Patch = merged
		one.Actions, one.Text = []Action{a}, a.command()
	case s.isUpgrade() && t.isUpgrade():
		upgrade, ok := s.Actions[0].Release.with(t.Actions[0].Release)
		if !ok {
			return s, false
		}
		one.Actions = []Action{{Verb: Helm, Release: upgrade}}
		for _, restart := range slices.Concat(s.Actions[1:], t.Actions[1:]) {
			if !slices.ContainsFunc(one.Actions, func(a Action) bool { return a.Target == restart.Target }) {
				one.Actions = append(one.Actions, restart)
			}
		}
		one.Text = upgrade.command() + restarts(one.Actions[1:])
	default:
		return s, false
	}
	one.takeOver(t)
	return one, true
}

// isPatch reports whether s is a merge patch and nothing else, whatever the object has.
func (s Step) isPatch() bool {
	return len(s.Actions) == 1 && s.Actions[0].Verb == Patch && s.Actions[0].Overwrite
}

// isUpgrade reports whether s sets values of a Helm release, and restarts what reads
// them.
func (s Step) isUpgrade() bool {
	return s.Actions[0].Verb == Helm && len(s.Actions[0].Release.Sets) > 0 &&
		!slices.ContainsFunc(s.Actions[1:], func(a Action) bool { return a.Verb != Restart })
}

// agree is two merge patches in one; false when they set a field differently.
func agree(a, b map[string]any) (map[string]any, bool) {
	out := map[string]any{}
	maps.Copy(out, a)
	for k, v := range b {
		have, there := out[k]
		inner1, map1 := have.(map[string]any)
		inner2, map2 := v.(map[string]any)
		switch {
		case !there:
			out[k] = v
		case map1 && map2:
			both, ok := agree(inner1, inner2)
			if !ok {
				return nil, false
			}
			out[k] = both
		case !reflect.DeepEqual(have, v):
			return nil, false
		}
	}
	return out, true
}

// with is an upgrade that sets the values of both; false when they differ about one.
func (r Release) with(s Release) (Release, bool) {
	if r.Name != s.Name || r.Chart != s.Chart || r.Namespace != s.Namespace || r.Version != s.Version {
		return r, false
	}
	both := r
	both.Sets = slices.Clone(r.Sets)
	for _, set := range s.Sets {
		i := slices.IndexFunc(both.Sets, func(have Set) bool { return have.Key == set.Key })
		switch {
		case i < 0:
			both.Sets = append(both.Sets, set)
		case both.Sets[i] != set:
			return r, false
		}
	}
	return both, true
}

// command is a merge patch as it is pasted.
func (a Action) command() string { return checks.Patch(a.Target.Ref(), compact(a.Patch)) }

// compact is v as JSON on one line, with nothing escaped that need not be.
func compact(v any) string {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return "" // it came out of JSON or YAML
	}
	return strings.TrimSuffix(text.String(), "\n")
}

func (r Release) command() string {
	words := []string{checks.Command("helm", "upgrade", r.Name, r.Chart, "-n", r.Namespace, "--reuse-values")}
	for _, s := range r.Sets {
		words = append(words, s.Flag, s.raw)
	}
	if r.Version != "" {
		words = append(words, "--version", r.Version)
	}
	return strings.Join(words, " ")
}

// restarts is the commands after an upgrade: one for each namespace.
func restarts(actions []Action) string {
	var namespaces []string
	of := map[string][]string{}
	for _, a := range actions {
		t := a.Target
		if of[t.Namespace] == nil {
			namespaces = append(namespaces, t.Namespace)
		}
		of[t.Namespace] = append(of[t.Namespace], t.Resource+"/"+t.Name)
	}
	var text strings.Builder
	for _, n := range namespaces {
		text.WriteString(" && " + checks.Command(append([]string{"kubectl", "rollout", "restart", "-n", n}, of[n]...)...))
	}
	return text.String()
}

// contradict marks steps that set a field otherwise than an earlier one.
func contradict(list []Step) {
	at := map[string][]int{}
	for i := range list {
		of := list[i].changes()
		if of == "" {
			continue
		}
		for _, j := range at[of] {
			if list[i].Against == 0 && against(list[j], list[i]) {
				list[i].Against = j + 1
			}
		}
		at[of] = append(at[of], i)
	}
}

func against(s, t Step) bool {
	for _, a := range s.Actions {
		for _, b := range t.Actions {
			if a.Verb == Patch && b.Verb == Patch && a.Target.Ref() == b.Target.Ref() {
				if _, ok := agree(a.Patch, b.Patch); !ok {
					return true
				}
			}
			if a.Verb == Helm && b.Verb == Helm && a.Release.Name == b.Release.Name && a.Release.contradicts(b.Release) {
				return true
			}
		}
	}
	return false
}

func (r Release) contradicts(s Release) bool {
	return slices.ContainsFunc(r.Sets, func(a Set) bool {
		return slices.ContainsFunc(s.Sets, func(b Set) bool { return a.Key == b.Key && a.Value != b.Value })
	})
}
