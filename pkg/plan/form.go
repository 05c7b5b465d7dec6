package plan

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
)

// form is the fields of a mapping.
type form []field

// field is one field of a form. Exactly one of fields, items and read says what
// its value is.
type field struct {
	name     string
	required bool
	fields   form                     // a mapping
	items    form                     // a list of mappings
	begin    func(*Plan)              // makes room for one of items
	read     func(r *reader, v value) // anything else
}

// value is a node of the file and the field that it is the value of.
type value struct {
	field string
	node  *yaml.Node
}

// maxValues is how many values of a file are looked at. A file of that size is
// no plan; what has so many is a short one whose aliases multiply.
const maxValues = 100_000

// reader fills a plan from a file and gathers what is wrong with it. How deep it
// descends is bounded by the form, whatever the file does.
type reader struct {
	plan     Plan
	problems []Problem
	values   int
	site     netip.Prefix // the delegated IPv6 prefix, which relative ranges start from
}

func (r *reader) reject(v value, message, fix string) {
	r.problems = append(r.problems, Problem{
		Severity: severity.Error, Field: v.field, At: positionOf(v.node), Message: message, Fix: fix,
	})
}

// follow is v with the node that its alias stands for. It is false once the file
// has had its share of values.
func (r *reader) follow(v value) (value, bool) {
	r.values++
	if r.values == maxValues+1 {
		r.reject(v, fmt.Sprintf("the plan has more than %d values; the rest was not read", maxValues), "")
	}
	if v.node.Kind == yaml.AliasNode && v.node.Alias != nil {
		v.node = v.node.Alias
	}
	return v, r.values <= maxValues
}

// mapping reads the fields of v. A mapping without a value has no fields.
func (r *reader) mapping(v value, fields form) {
	v, ok := r.follow(v)
	if !ok {
		return
	}
	seen := map[string]Position{}
	switch {
	case isNull(v.node):
	case v.node.Kind != yaml.MappingNode:
		r.reject(v, fmt.Sprintf("is %s; want a mapping with %s", describe(v.node), fields.names()), "")
		return
	default:
		for i := 0; i+1 < len(v.node.Content); i += 2 {
			r.entry(v, v.node.Content[i], v.node.Content[i+1], fields, seen)
		}
	}
	for _, f := range fields {
		if _, ok := seen[f.name]; f.required && !ok {
			r.reject(value{join(v.field, f.name), v.node}, "is missing", "")
		}
	}
}

// entry reads one key and its value.
func (r *reader) entry(v value, key, val *yaml.Node, fields form, seen map[string]Position) {
	if key.Kind != yaml.ScalarNode {
		r.reject(value{v.field, key}, fmt.Sprintf("a key is %s; want %s", describe(key), fields.names()), "")
		return
	}
	at := value{join(v.field, short(key.Value)), key}
	i := slices.IndexFunc(fields, func(f field) bool { return f.name == key.Value })
	if i < 0 {
		message, fix := "is no field of a plan here; want "+fields.names(), ""
		if name := nearest(key.Value, fields); name != "" {
			message, fix = "is no field of a plan", "write "+name
		}
		r.reject(at, message, fix)
		return
	}
	if first, dup := seen[key.Value]; dup {
		r.reject(at, fmt.Sprintf("stands here a second time; the first is on line %d", first.Line), "")
		return
	}
	seen[key.Value] = positionOf(key)
	r.plan.positions[at.field] = positionOf(key)
	if val.Kind == yaml.ScalarNode {
		r.plan.positions[at.field] = positionOf(val)
	}
	r.field(fields[i], value{at.field, val})
}

func (r *reader) field(f field, v value) {
	switch {
	case f.fields != nil:
		r.mapping(v, f.fields)
	case f.items != nil:
		r.list(v, func(item value) {
			f.begin(&r.plan)
			r.mapping(item, f.items)
		})
	default:
		if v, ok := r.follow(v); ok {
			f.read(r, v)
		}
	}
}

// list reads each item of v.
func (r *reader) list(v value, read func(value)) {
	v, ok := r.follow(v)
	switch {
	case !ok || isNull(v.node):
		return
	case v.node.Kind != yaml.SequenceNode:
		r.reject(v, fmt.Sprintf("is %s; want a list", describe(v.node)), "")
		return
	}
	for i, n := range v.node.Content {
		item, ok := r.follow(value{index(v.field, i), n})
		if !ok {
			return
		}
		r.plan.positions[item.field] = positionOf(n)
		read(item)
	}
}

// names is the names of the fields, for a message.
func (f form) names() string {
	names := make([]string, len(f))
	for i, field := range f {
		names[i] = field.name
	}
	return strings.Join(names, ", ")
}

func join(field, name string) string {
	if field == "" {
		return name
	}
	return field + "." + name
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// describe is a node in a message: what kind it is and, for a scalar, its text.
func describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Kind == yaml.AliasNode:
		return "an alias"
	case isNull(n):
		return "empty"
	}
	return fmt.Sprintf("%q", short(n.Value))
}

// short is s, cut to what a message can hold.
func short(s string) string {
	const most = 60
	runes := []rune(s)
	if len(runes) <= most {
		return s
	}
	return string(runes[:most]) + "…"
}
