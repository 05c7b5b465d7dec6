package mend

import (
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// Verb is what an action does.
type Verb string

// The verbs.
const (
	Patch   Verb = "patch"   // JSON that is merged into an object; also annotate and label
	JSON    Verb = "json"    // a list of operations on an object, RFC 6902
	Create  Verb = "create"  // an object that is not there
	Apply   Verb = "apply"   // an object that may be there
	Delete  Verb = "delete"  // an object, or those that a selector names
	Rewrite Verb = "rewrite" // an object, by a program that edits its text
	Restart Verb = "restart" // the Pods of a workload
	Drain   Verb = "drain"   // a node; also its way back, uncordon
	Helm    Verb = "helm"    // an upgrade of a release
	Look    Verb = "look"    // nothing is changed
	ByHand  Verb = "by hand" // what is no command
)

// Target names an object as kubectl takes it.
type Target struct {
	Resource   string // "service", "ipaddresspools.metallb.io", "ds"; the kind in lower case where it is from a manifest
	Namespace  string
	Name       string // empty for those that a selector names
	APIVersion string // of a manifest
}

// short is the names of resources that are not a kind in lower case.
var short = map[string]string{"ds": "daemonset", "deploy": "deployment", "sts": "statefulset", "pods": "pod", "nodes": "node"}

// Ref is the object as findings name it.
func (t Target) Ref() snapshot.Ref {
	kind, _, grouped := strings.Cut(t.Resource, ".")
	if grouped {
		kind = strings.TrimSuffix(kind, "s")
	}
	if long, ok := short[kind]; ok {
		kind = long
	}
	return snapshot.Ref{Kind: kind, Namespace: t.Namespace, Name: t.Name}
}

// Release is an upgrade of a Helm release that keeps its values but for some.
type Release struct {
	Name, Chart, Namespace string
	Sets                   []Set
	Version                string // of the chart as it is written; empty when none is named
}

// Set is one value of a Helm release.
type Set struct {
	Flag       string // --set or --set-string
	Key, Value string
	raw        string
}

// Action is one thing that a fix does.
type Action struct {
	Verb      Verb
	Target    Target
	Patch     map[string]any // of Patch
	Text      string         // of ByHand, and the operations of JSON
	Manifest  map[string]any // of Create and Apply
	Overwrite bool           // a Patch that may change a label or an annotation that is there
	Release   Release        // of Helm
}

// Parse reads the text of a fix as package checks and its folders write it. What is
// no command that they write is one action by hand.
func Parse(fix string) []Action {
	actions, err := parse(fix)
	if err != nil {
		return []Action{{Verb: ByHand, Text: fix}}
	}
	return actions
}

func parse(fix string) (actions []Action, err error) {
	lines := strings.Split(fix, "\n")
	at := 0
	next := func() (string, bool) {
		if at++; at >= len(lines) {
			return "", false
		}
		return lines[at], true
	}
	for ; at < len(lines); at++ {
		text := lines[at]
		if then, ok := strings.CutPrefix(text, "# then: "); ok {
			if after, err := parse(then); err == nil {
				actions = append(actions, after...)
				continue
			}
		}
		if comment, ok := strings.CutPrefix(text, "#"); ok {
			actions = append(actions, Action{Verb: ByHand, Text: strings.TrimSpace(comment)})
			continue
		}
		l, err := readLine(text, next)
		if err != nil {
			return nil, err
		}
		done, err := l.actions()
		if err != nil {
			return nil, err
		}
		actions = append(actions, done...)
	}
	if !slices.ContainsFunc(actions, func(a Action) bool { return a.Verb != ByHand }) {
		return nil, errProse
	}
	return actions, nil
}

func (l line) actions() (actions []Action, err error) {
	for i := 0; i < len(l.commands); {
		n := i + 1
		for n < len(l.commands) && l.commands[n].piped {
			n++
		}
		done, err := pipeline(l.commands[i:n])
		if err != nil {
			return nil, err
		}
		actions = append(actions, done...)
		i = n
	}
	if l.prose != "" {
		actions = append(actions, Action{Verb: ByHand, Text: l.prose})
	}
	return actions, nil
}

// pipeline is what commands do of which each reads what the one before prints.
func pipeline(commands []simple) ([]Action, error) {
	last := commands[len(commands)-1]
	switch first := commands[0].words; {
	case len(commands) == 1:
		return last.actions()
	case len(commands) == 2 && first[0].text == "echo" && len(first) == 2:
		last.input = first[1].text
		return last.actions()
	case len(commands) == 3 && commands[1].words[0].text == "sed" && last.is("kubectl", "apply", "-f", "-"):
		read, err := commands[0].actions()
		if err != nil || len(read) != 1 || read[0].Verb != Look {
			return nil, errProse
		}
		return []Action{{Verb: Rewrite, Target: read[0].Target}}, nil
	}
	return nil, errProse
}

func (s simple) is(words ...string) bool {
	return slices.EqualFunc(s.words, words, func(w word, text string) bool { return w.text == text })
}

// actions is what a command does by itself.
func (s simple) actions() ([]Action, error) {
	if len(s.words) < 2 {
		return nil, errProse
	}
	switch s.words[0].text {
	case "helm":
		return s.helm()
	case "kubectl":
		return s.kubectl()
	}
	return nil, errProse
}

// arguments is the words after the verb, flags apart.
type arguments struct {
	words []word
	flags map[string]string
}

// switches is the flags of kubectl that have no value.
var switches = []string{"--overwrite", "--ignore-daemonsets", "--delete-emptydir-data", "-A"}

// arguments wants no other flags than known.
func (s simple) arguments(known ...string) (arguments, error) {
	a := arguments{flags: map[string]string{}}
	for words := s.words[2:]; len(words) > 0; words = words[1:] {
		w := words[0].text
		switch {
		case !strings.HasPrefix(w, "-") || w == "-":
			if strings.HasSuffix(w, ",") || words[0].asks {
				return a, errProse
			}
			a.words = append(a.words, words[0])
			continue
		case !slices.Contains(known, w):
			return a, errProse
		case slices.Contains(switches, w):
			a.flags[w] = "true"
			continue
		case len(words) == 1 || words[1].asks || strings.HasSuffix(words[1].text, ","):
			return a, errProse
		}
		a.flags[w] = words[1].text
		words = words[1:]
	}
	return a, nil
}

// targets is the objects that the words name: KIND NAME, KIND/NAME…, or KIND with a
// selector.
func (a arguments) targets() ([]Target, error) {
	var found []Target
	add := func(resource, name string) {
		found = append(found, Target{Resource: resource, Namespace: a.flags["-n"], Name: name})
	}
	selected := a.flags["-l"] != ""
	switch {
	case len(a.words) == 0:
		return nil, errProse
	case strings.Contains(a.words[0].text, "/"):
		for _, w := range a.words {
			resource, name, ok := strings.Cut(w.text, "/")
			if !ok || strings.Contains(name, "/") {
				return nil, errProse
			}
			add(resource, name)
		}
	case len(a.words) == 2 && !selected:
		add(a.words[0].text, a.words[1].text)
	case len(a.words) == 1:
		add(a.words[0].text, "")
	default:
		return nil, errProse
	}
	return found, nil
}

func (s simple) kubectl() ([]Action, error) {
	switch verb := s.words[1].text; verb {
	case "patch":
		return s.patch()
	case "annotate", "label":
		return s.mark(verb + "s")
	case "create", "apply":
		return s.manifests(Verb(verb))
	case "delete":
		return s.each(Delete, false, "-n", "-l", "--field-selector")
	case "set":
		return s.setEnv()
	case "drain", "uncordon":
		return s.drain()
	case "rollout":
		if len(s.words) < 4 || s.words[2].text != "restart" {
			return nil, errProse
		}
		return simple{words: s.words[1:]}.each(Restart, true, "-n")
	case "get":
		return s.each(Look, false, "-n", "-l", "-o", "-A")
	case "describe":
		return s.each(Look, true, "-n")
	case "dualstack":
		return []Action{{Verb: Look}}, nil
	}
	return nil, errProse
}

// each is the same verb for each of the objects; named is whether they must be named.
func (s simple) each(verb Verb, named bool, flags ...string) ([]Action, error) {
	a, err := s.arguments(flags...)
	if err != nil {
		return nil, err
	}
	targets, err := a.targets()
	if err != nil {
		return nil, err
	}
	var actions []Action
	for _, t := range targets {
		if t.Name == "" && (named || verb == Delete && a.flags["-l"] == "") {
			return nil, errProse
		}
		actions = append(actions, Action{Verb: verb, Target: t})
	}
	return actions, nil
}

func (s simple) drain() ([]Action, error) {
	a, err := s.arguments("--ignore-daemonsets", "--delete-emptydir-data")
	if err != nil || len(a.words) != 1 {
		return nil, errProse
	}
	return []Action{{Verb: Drain, Target: Target{Resource: "node", Name: a.words[0].text}}}, nil
}

// setEnv is set env KIND/NAME NAME=VALUE…, which makes the Pods of a workload anew.
func (s simple) setEnv() ([]Action, error) {
	if len(s.words) < 5 || s.words[2].text != "env" {
		return nil, errProse
	}
	a, err := simple{words: s.words[1:]}.arguments("-n")
	if err != nil || len(a.words) < 2 || slices.ContainsFunc(a.words[1:], func(w word) bool { return !strings.Contains(w.text, "=") }) {
		return nil, errProse
	}
	a.words = a.words[:1]
	targets, err := a.targets()
	if err != nil || targets[0].Name == "" {
		return nil, errProse
	}
	return []Action{{Verb: Restart, Target: targets[0], Text: "set env"}}, nil
}

func (s simple) patch() ([]Action, error) {
	a, err := s.arguments("-n", "--type", "-p")
	if err != nil {
		return nil, err
	}
	targets, err := a.targets()
	if err != nil || len(targets) != 1 || targets[0].Name == "" {
		return nil, errProse
	}
	action := Action{Verb: Patch, Target: targets[0], Overwrite: true}
	switch text := a.flags["-p"]; a.flags["--type"] {
	case "merge":
		err = json.Unmarshal([]byte(text), &action.Patch)
	case "json":
		var operations []any
		action.Verb, action.Text = JSON, text
		err = json.Unmarshal([]byte(text), &operations)
	default:
		err = errProse
	}
	return []Action{action}, err
}

// mark is annotate and label: KIND NAME KEY=VALUE… KEY-….
func (s simple) mark(field string) ([]Action, error) {
	if field == "annotates" {
		field = "annotations"
	}
	a, err := s.arguments("-n", "--overwrite")
	if err != nil || len(a.words) < 3 {
		return nil, errProse
	}
	marks := map[string]any{}
	for _, w := range a.words[2:] {
		if key, value, ok := strings.Cut(w.text, "="); ok {
			marks[key] = value
			continue
		}
		key, ok := strings.CutSuffix(w.text, "-")
		if !ok {
			return nil, errProse
		}
		marks[key] = nil
	}
	a.words = a.words[:2]
	targets, err := a.targets()
	if err != nil || len(targets) != 1 {
		return nil, errProse
	}
	return []Action{{
		Verb: Patch, Target: targets[0], Overwrite: a.flags["--overwrite"] != "",
		Patch: map[string]any{"metadata": map[string]any{field: marks}},
	}}, nil
}

// manifests is create and apply of what stands in the input.
func (s simple) manifests(verb Verb) (actions []Action, err error) {
	if !s.is("kubectl", string(verb), "-f", "-") || s.input == "" {
		return nil, errProse
	}
	decoder := yaml.NewDecoder(strings.NewReader(s.input))
	for {
		var m map[string]any
		err := decoder.Decode(&m)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		target, ok := targetOf(m)
		if !ok {
			return nil, errProse
		}
		actions = append(actions, Action{Verb: verb, Target: target, Manifest: m})
	}
	return actions, nil
}

func targetOf(m map[string]any) (Target, bool) {
	header, _ := m["metadata"].(map[string]any)
	kind, ok1 := m["kind"].(string)
	version, ok2 := m["apiVersion"].(string)
	name, ok3 := header["name"].(string)
	namespace, _ := header["namespace"].(string)
	return Target{Resource: strings.ToLower(kind), Namespace: namespace, Name: name, APIVersion: version}, ok1 && ok2 && ok3
}

// helm is upgrade RELEASE CHART -n NAMESPACE --reuse-values, with values and a version.
func (s simple) helm() ([]Action, error) {
	if len(s.words) < 4 || s.words[1].text != "upgrade" {
		return nil, errProse
	}
	r := Release{Name: s.words[2].text, Chart: s.words[3].text}
	keeps := false
	for words := s.words[4:]; len(words) > 0; words = words[1:] {
		flag := words[0].text
		if flag == "--reuse-values" {
			keeps = true
			continue
		}
		if len(words) == 1 {
			return nil, errProse
		}
		value := words[1]
		words = words[1:]
		switch flag {
		case "-n":
			r.Namespace = value.text
		case "--version":
			r.Version = value.raw
		case "--set", "--set-string":
			key, text, ok := strings.Cut(value.text, "=")
			if !ok {
				return nil, errProse
			}
			r.Sets = append(r.Sets, Set{Flag: flag, Key: key, Value: text, raw: value.raw})
		default:
			return nil, errProse
		}
	}
	if !keeps {
		return nil, errProse // it would put all other values back
	}
	return []Action{{Verb: Helm, Release: r}}, nil
}

// blank is what somebody has to fill in.
var blank = regexp.MustCompile(`<[A-Za-z][^<>]*>`)

// Blanks is what in the text of a fix is still to be filled in, each once.
func Blanks(fix string) []string {
	found := blank.FindAllString(fix, -1)
	slices.Sort(found)
	return slices.Compact(found)
}
