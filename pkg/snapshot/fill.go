package snapshot

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// filler fills Go values from the nodes of a document by their json tags, as the
// API server would from JSON: names in their exact case, null sets nothing, an
// unknown field is passed over, a value of the wrong type is a problem. Unlike by
// way of JSON every problem is found, and has its field and its line.
type filler struct {
	doc          *document
	ref          Ref
	problems     []Problem
	placeholders []Problem    // values that are still to be filled in by something else
	path         []segment    // of the current value
	aliases      []*yaml.Node // what the aliases stand for that the current value is inside of
	expanded     int          // how many nodes were visited by way of aliases
	stopped      bool
}

// segment is a field, or an item when name is empty.
type segment struct {
	name  string
	index int
}

// maxExpanded is how many nodes aliases may stand for. The largest ConfigMap has a
// thousandth of it.
const maxExpanded = 100_000

// fill sets what to points to from d, which is the value of the fields in, if any.
func (d *document) fill(ref Ref, to any, in ...string) *filler {
	f := &filler{doc: d, ref: ref, path: make([]segment, 0, 16)}
	for _, name := range in {
		f.path = append(f.path, segment{name: name})
	}
	v := reflect.ValueOf(to).Elem()
	f.value(d.root, v, setterFor(v.Type()))
	return f
}

// value sets v from n.
func (f *filler) value(n *yaml.Node, v reflect.Value, set setter) {
	if n.Kind == yaml.AliasNode {
		n = follow(n)
		if slices.Contains(f.aliases, n) {
			f.stop(n, "what the anchor %q stands for contains itself", n.Anchor)
			return
		}
		f.aliases = append(f.aliases, n)
		defer func() { f.aliases = f.aliases[:len(f.aliases)-1] }()
	}
	if f.within(n) && !isNull(n) {
		set(f, n, v)
	}
}

func (f *filler) fieldValue(name string, n *yaml.Node, v reflect.Value, set setter) {
	f.path = append(f.path, segment{name: name})
	f.value(n, v, set)
	f.path = f.path[:len(f.path)-1]
}

func (f *filler) itemValue(index int, n *yaml.Node, v reflect.Value, set setter) {
	f.path = append(f.path, segment{index: index})
	f.value(n, v, set)
	f.path = f.path[:len(f.path)-1]
}

// within reports whether n may still be read: a document may be too deep, or have
// too much behind its aliases.
func (f *filler) within(n *yaml.Node) bool {
	if len(f.aliases) > 0 {
		f.expand(n)
	}
	if len(f.path) > maxDepth {
		f.stop(n, "nested more than %d levels deep", maxDepth)
	}
	return !f.stopped
}

// expand counts a node that is there by way of an alias.
func (f *filler) expand(n *yaml.Node) {
	if f.expanded++; f.expanded > maxExpanded {
		f.stop(n, "its aliases stand for more than %d values", maxExpanded)
	}
}

// stop ends the reading of the document with a problem.
func (f *filler) stop(n *yaml.Node, format string, args ...any) {
	if !f.stopped {
		f.problem(n, format, args...)
	}
	f.stopped = true
}

func (f *filler) field() string {
	var b strings.Builder
	for _, s := range f.path {
		if s.name != "" {
			b.WriteString("." + s.name)
		} else {
			fmt.Fprintf(&b, "[%d]", s.index)
		}
	}
	return b.String()
}

func (f *filler) at(n *yaml.Node, format string, args ...any) Problem {
	return Problem{Position: Position{File: f.doc.file, Line: f.doc.at(n)},
		Ref: f.ref, Field: f.field(), Message: fmt.Sprintf(format, args...)}
}

func (f *filler) problem(n *yaml.Node, format string, args ...any) {
	f.problems = append(f.problems, f.at(n, format, args...))
}

// wrong notes that n is not what is wanted.
func (f *filler) wrong(n *yaml.Node, wanted string) {
	switch address := unquoted(n); {
	case n.Kind == yaml.ScalarNode && isPlaceholder(n.Value):
		f.placeholders = append(f.placeholders, f.at(n, "%s is a placeholder", n.Value))
	case address != "":
		f.problem(n, "a mapping where %s is wanted; without quotes YAML takes %s for a key", wanted, address)
	default:
		f.problem(n, "%s where %s is wanted", describe(n), wanted)
	}
}

// unquoted is the IPv6 address that became the mapping n because it ends in a
// colon and has no quotes, or empty.
func unquoted(n *yaml.Node) string {
	if n.Kind != yaml.MappingNode || len(n.Content) != 2 || !isNull(n.Content[1]) {
		return ""
	}
	if key := n.Content[0].Value; strings.HasSuffix(key, ":") {
		return key + ":"
	}
	return ""
}

func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	value := n.Value
	if utf8.RuneCountInString(value) > 40 {
		value = string([]rune(value)[:40]) + "…"
	}
	switch scalarType(n) {
	case boolean:
		return "the boolean " + value
	case number:
		return "the number " + value
	}
	return fmt.Sprintf("the text %q", value)
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// The types of a scalar.
type scalar string

const (
	boolean  scalar = "boolean"
	number   scalar = "number"
	textual  scalar = "text"
	noScalar scalar = ""
)

// scalarType is the type of n. kubectl and Helm read YAML 1.1, in which yes, no,
// on and off are booleans too.
func scalarType(n *yaml.Node) scalar {
	if n.Kind != yaml.ScalarNode {
		return noScalar
	}
	switch n.Tag {
	case "!!bool":
		return boolean
	case "!!int", "!!float":
		return number
	}
	if _, ok := bool11[n.Value]; ok && n.Style == 0 {
		return boolean
	}
	return textual
}

var bool11 = map[string]bool{
	"y": true, "Y": true, "yes": true, "Yes": true, "YES": true, "on": true, "On": true, "ON": true,
	"n": false, "N": false, "no": false, "No": false, "NO": false, "off": false, "Off": false, "OFF": false,
}

// isTrue is the value of a boolean.
func isTrue(n *yaml.Node) bool { return bool11[n.Value] || strings.EqualFold(n.Value, "true") }

// fields is the content of the mapping n, key and value by turns, with what its
// merge keys bring; a key that stands twice is a problem.
func (f *filler) fields(n *yaml.Node) []*yaml.Node {
	f.checkKeys(n)
	for i := 0; i < len(n.Content); i += 2 {
		if n.Content[i].Tag == "!!merge" {
			return f.merged(n, 0)
		}
	}
	return n.Content
}

// merged is the content of n: its own keys, then those of the mappings that it
// merges which it does not have itself.
func (f *filler) merged(n *yaml.Node, depth int) []*yaml.Node {
	var own, merges []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		value := follow(n.Content[i+1])
		switch {
		case n.Content[i].Tag != "!!merge":
			own = append(own, n.Content[i], n.Content[i+1])
		case value.Kind == yaml.SequenceNode:
			merges = append(merges, value.Content...)
		default:
			merges = append(merges, value)
		}
	}
	has := map[string]bool{}
	for i := 0; i < len(own); i += 2 {
		has[own[i].Value] = true
	}
	for _, m := range merges {
		if depth > maxDepth {
			f.stop(m, "merges itself")
		}
		if m = follow(m); m.Kind != yaml.MappingNode || f.stopped {
			continue
		}
		content := f.merged(m, depth+1)
		for i := 0; i+1 < len(content); i += 2 {
			f.expand(content[i])
			if key := content[i].Value; !has[key] {
				has[key] = true
				own = append(own, content[i], content[i+1])
			}
		}
	}
	return own
}

// checkKeys notes keys that stand twice, of which YAML parsers take either.
func (f *filler) checkKeys(n *yaml.Node) {
	const few = 12
	if len(n.Content) <= 2*few {
		for i := 2; i < len(n.Content); i += 2 {
			for j := 0; j < i; j += 2 {
				f.checkKey(n.Content[j], n.Content[i])
			}
		}
		return
	}
	seen := make(map[string]*yaml.Node, len(n.Content)/2)
	for i := 0; i < len(n.Content); i += 2 {
		key := n.Content[i]
		if first, ok := seen[key.Value]; ok {
			f.checkKey(first, key)
		} else {
			seen[key.Value] = key
		}
	}
}

func (f *filler) checkKey(first, second *yaml.Node) {
	if first.Value == second.Value && second.Tag != "!!merge" {
		f.problem(second, "the key %q stands twice, first on line %d", second.Value, f.doc.at(first))
	}
}
