package mend

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Merge is the text with a merge patch in the object that is meant. Only the lines of
// the fields that change are others. What it makes is read again: where that is not
// what was to come of it, nothing is changed and there is an error.
func Merge(text []byte, is func(*yaml.Node) bool, patch map[string]any) ([]byte, error) {
	before := newSource(text)
	out := text
	for _, l := range leaves(patch, nil) {
		s := newSource(out)
		o, err := s.find(is)
		if err != nil {
			return nil, err
		}
		e := editor{source: s, object: o}
		if out, err = e.set(o.node, l.path, l.value); err != nil {
			return nil, fmt.Errorf(".%s: %w", strings.Join(l.path, "."), err)
		}
	}
	return out, held(before, newSource(out), is, patch)
}

// leaf is a field that a patch sets.
type leaf struct {
	path  []string
	value any
}

func leaves(patch map[string]any, path []string) (all []leaf) {
	for _, k := range slices.Sorted(maps.Keys(patch)) {
		below := append(slices.Clone(path), k)
		if inner, ok := patch[k].(map[string]any); ok && len(inner) > 0 {
			all = append(all, leaves(inner, below)...)
			continue
		}
		all = append(all, leaf{below, patch[k]})
	}
	return all
}

var errNotWhatWasMeant = errors.New("is written in a way that it cannot be changed in")

// held is whether the object is what the patch makes of it, and all others are as they
// were: other documents to the letter, and others of its List in what they say.
func held(before, after source, is func(*yaml.Node) bool, patch map[string]any) error {
	was, now := before.documents(), after.documents()
	if len(was) != len(now) {
		return errNotWhatWasMeant
	}
	target, err := before.find(is)
	if err != nil {
		return err
	}
	for i := range was {
		if was[i].from != target.from {
			if before.text(was[i]) != after.text(now[i]) {
				return errNotWhatWasMeant
			}
			continue
		}
		a, b := objects(was[i].root), objects(now[i].root)
		if len(a) != len(b) {
			return errNotWhatWasMeant
		}
		for k := range a {
			var x, y any
			if a[k].Decode(&x) != nil || b[k].Decode(&y) != nil {
				return errNotWhatWasMeant
			}
			if is(a[k]) {
				x = merged(x, patch)
			}
			if !reflect.DeepEqual(plain(x), plain(y)) {
				return errNotWhatWasMeant
			}
		}
	}
	return nil
}

// merged is a after the merge patch, RFC 7396.
func merged(a any, patch map[string]any) any {
	was, _ := a.(map[string]any)
	out := maps.Clone(was)
	if out == nil {
		out = map[string]any{}
	}
	for k, v := range patch {
		inner, deeper := v.(map[string]any)
		switch {
		case v == nil:
			delete(out, k)
		case deeper:
			out[k] = merged(out[k], inner)
		default:
			out[k] = v
		}
	}
	return out
}

// plain is v as JSON has it, without mappings that are empty: those are left behind, or
// not, when their last field goes.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, inner := range v {
			if p := plain(inner); p != nil {
				out[k] = p
			}
		}
		if len(out) == 0 {
			return nil
		}
		return out
	case []any:
		out := []any{}
		for _, inner := range v {
			out = append(out, plain(inner))
		}
		return out
	case int:
		return float64(v)
	case nil, string, bool, float64:
		return v
	}
	return fmt.Sprint(v)
}

// editor changes one field of one object.
type editor struct {
	source
	object
}

// offset is where a node begins.
func (e editor) offset(n *yaml.Node) (int, error) { return e.at(e.row(n), n.Column) }

// row is the line of a node in the text.
func (e editor) row(n *yaml.Node) int { return e.from + n.Line - 1 }

func flow(n *yaml.Node) bool { return n.Style&yaml.FlowStyle != 0 }

// set sets the field at path below m, or takes it out when value is nil.
func (e editor) set(m *yaml.Node, path []string, value any) ([]byte, error) {
	if m.Kind != yaml.MappingNode || m.Anchor != "" {
		return nil, errNotWhatWasMeant
	}
	i := entry(m, path[0])
	switch {
	case i < 0 && value == nil:
		return e.data, nil
	case i < 0:
		return e.insert(m, path[0], nested(path[1:], value))
	}
	have := m.Content[i+1]
	switch {
	case len(path) == 1 && value == nil:
		return e.remove(m, i)
	case len(path) == 1:
		return e.replace(m.Content[i], have, value, flow(m))
	case have.Kind == yaml.ScalarNode && have.Tag == "!!null":
		if value == nil {
			return e.data, nil
		}
		return e.replace(m.Content[i], have, nested(path[1:], value), flow(m))
	case value == nil && len(have.Content) == 2 && entry(have, path[1]) == 0 && len(path) == 2 && len(m.Content) > 2:
		return e.remove(m, i) // nothing would be left of it
	}
	return e.set(have, path[1:], value)
}

func nested(path []string, value any) any {
	for _, k := range slices.Backward(path) {
		value = map[string]any{k: value}
	}
	return value
}

// besides is the fields that a new one stands best after.
var besides = map[string][]string{
	"ipFamilies":     {"ipFamilyPolicy", "type"},
	"ipFamilyPolicy": {"type", "ipFamilies"},
	"annotations":    {"namespace", "name"},
	"labels":         {"namespace", "name"},
}

// insert adds a field to a mapping.
func (e editor) insert(m *yaml.Node, key string, value any) ([]byte, error) {
	if flow(m) {
		return e.insertFlow(m, key, value)
	}
	after := len(m.Content) - 2
	for _, name := range besides[key] {
		if i := entry(m, name); i >= 0 {
			after = i
			break
		}
	}
	k, v := m.Content[after], m.Content[after+1]
	return e.insertAfter(e.end(k, v), blockLines(key, value, k.Column-1)), nil
}

func blockLines(key string, value any, indent int) []string {
	spaces := strings.Repeat(" ", indent)
	inner, ok := value.(map[string]any)
	if !ok || len(inner) == 0 {
		return []string{spaces + written(key, false) + ": " + written(value, false)}
	}
	lines := []string{spaces + written(key, false) + ":"}
	for _, k := range slices.Sorted(maps.Keys(inner)) {
		lines = append(lines, blockLines(k, inner[k], indent+2)...)
	}
	return lines
}

// end is the last line of a field in block style: what is indented further than its key
// belongs to it, and the entries of a list, which may stand as far out.
func (e editor) end(key, value *yaml.Node) int {
	indent := key.Column - 1
	last := e.row(key)
	for n := last + 1; n <= e.to; n++ {
		text := e.line(n)
		inner := strings.TrimLeft(text, " ")
		if strings.TrimSpace(inner) == "" {
			continue
		}
		deep := len(text) - len(inner)
		isEntry := deep == indent && value.Kind == yaml.SequenceNode && (inner == "-" || strings.HasPrefix(inner, "- "))
		if deep <= indent && !isEntry {
			if strings.HasPrefix(inner, "#") && deep == indent {
				continue
			}
			break
		}
		last = n
	}
	return last
}

// insertFlow adds a field to {…}.
func (e editor) insertFlow(m *yaml.Node, key string, value any) ([]byte, error) {
	from, err := e.offset(m)
	if err != nil {
		return nil, err
	}
	to, err := e.closing(from)
	if err != nil {
		return nil, err
	}
	quoted := len(m.Content) > 0 && m.Content[0].Style&yaml.DoubleQuotedStyle != 0
	text := written(key, quoted) + ": " + inFlow(value, quoted)
	end := to - 1
	for end > from && strings.IndexByte(" \t\r\n", e.data[end-1]) >= 0 {
		end--
	}
	if len(m.Content) > 0 && e.data[end-1] != ',' {
		text = ", " + text
	}
	return e.change(end, end, text), nil
}

// remove takes a field out of a mapping.
func (e editor) remove(m *yaml.Node, i int) ([]byte, error) {
	key, value := m.Content[i], m.Content[i+1]
	if value.Anchor != "" {
		return nil, errors.New("has an anchor, which others may refer to")
	}
	from, err := e.offset(key)
	if err != nil {
		return nil, err
	}
	if !flow(m) {
		row := e.row(key)
		if strings.TrimSpace(string(e.data[e.starts[row-1]:from])) != "" || len(m.Content) == 2 {
			return nil, errNotWhatWasMeant
		}
		return e.change(e.starts[row-1], e.starts[e.end(key, value)], ""), nil
	}
	if i+2 < len(m.Content) {
		next, err := e.offset(m.Content[i+2])
		return e.change(from, next, ""), err
	}
	to, err := e.finish(value)
	if err != nil {
		return nil, err
	}
	if i > 0 {
		if from, err = e.finish(m.Content[i-1]); err != nil {
			return nil, err
		}
	}
	return e.change(from, to, ""), nil
}

// replace puts another value in the place of one; bracketed is whether that stands between
// brackets.
func (e editor) replace(key, have *yaml.Node, value any, bracketed bool) ([]byte, error) {
	var is any
	if have.Kind == yaml.AliasNode || have.Anchor != "" {
		return nil, errors.New("is an alias or has an anchor, which others may refer to")
	}
	if err := have.Decode(&is); err == nil && reflect.DeepEqual(plain(is), plain(value)) {
		return e.data, nil
	}
	quoted := key.Style&yaml.DoubleQuotedStyle != 0
	list, isList := value.([]any)
	switch {
	case have.Kind == yaml.ScalarNode && have.Tag == "!!null" && have.Value == "":
		at, err := e.finish(key)
		if err != nil {
			return nil, err
		}
		if at >= len(e.data) || e.data[at] != ':' {
			return nil, errNotWhatWasMeant
		}
		return e.change(at+1, at+1, " "+inFlow(value, quoted)), nil
	case have.Kind == yaml.SequenceNode && !flow(have) && isList:
		return e.replaceEntries(have, list)
	case have.Kind == yaml.MappingNode && !flow(have), have.Kind == yaml.SequenceNode && !flow(have):
		return nil, errNotWhatWasMeant
	}
	from, err := e.offset(have)
	if err != nil {
		return nil, err
	}
	to, err := e.finish(have)
	if err != nil {
		return nil, err
	}
	if strings.Contains(string(e.data[from:to]), "#") && have.Kind != yaml.ScalarNode {
		return nil, errors.New("has a comment in it, which would be lost")
	}
	text := inFlow(value, quoted)
	if s, ok := value.(string); ok && have.Kind == yaml.ScalarNode {
		text = inStyle(s, have.Style, bracketed)
	}
	return e.change(from, to, text), nil
}

// replaceEntries makes of a list with an entry on each line a longer or shorter one:
// those that stay keep their lines, those that go lose them, and new ones come at the
// end.
func (e editor) replaceEntries(have *yaml.Node, list []any) ([]byte, error) {
	others := 0 // entries that are others, where they stand
	var kept []any
	gone := map[int]bool{}
	for i, n := range have.Content {
		var is any
		if err := n.Decode(&is); err != nil || n.Kind != yaml.ScalarNode || !strings.HasPrefix(strings.TrimLeft(e.line(e.row(n)), " "), "- ") {
			return nil, errNotWhatWasMeant
		}
		if i < len(list) && !reflect.DeepEqual(plain(is), plain(list[i])) {
			others++
		}
		if slices.Contains(list, is) {
			kept = append(kept, is)
		} else {
			gone[i] = true
		}
	}
	stay := len(kept) > 0 && len(kept) <= len(list) && reflect.DeepEqual(kept, list[:len(kept)])
	switch {
	case len(list) == len(have.Content) && (others == 1 || !stay):
		return e.rewriteEntries(have, list)
	case !stay:
		return nil, errNotWhatWasMeant
	}
	last := have.Content[len(have.Content)-1]
	indent := strings.Repeat(" ", have.Column-1)
	var lines []string
	for _, v := range list[len(kept):] {
		lines = append(lines, indent+"- "+written(v, false))
	}
	out := e.data
	if len(lines) > 0 {
		out = e.insertAfter(e.row(last), lines)
	}
	for i, n := range slices.Backward(have.Content) {
		if gone[i] {
			row := e.row(n)
			s := newSource(out)
			out = s.change(s.starts[row-1], s.starts[row], "")
		}
	}
	return out, nil
}

// rewriteEntries is for a list of as many entries: each stays on its line.
func (e editor) rewriteEntries(have *yaml.Node, list []any) ([]byte, error) {
	out := e.data
	for i, n := range slices.Backward(have.Content) {
		var is any
		if err := n.Decode(&is); err == nil && reflect.DeepEqual(plain(is), plain(list[i])) {
			continue
		}
		if n.Kind != yaml.ScalarNode || n.Anchor != "" {
			return nil, errNotWhatWasMeant
		}
		from, err := e.offset(n)
		if err != nil {
			return nil, err
		}
		to, err := e.finish(n)
		if err != nil {
			return nil, err
		}
		text := written(list[i], false)
		if s, ok := list[i].(string); ok {
			text = inStyle(s, n.Style, false)
		}
		out = source{data: out}.change(from, to, text)
	}
	return out, nil
}

// finish is where a node ends that is a scalar on one line, or in brackets.
func (e editor) finish(n *yaml.Node) (int, error) {
	from, err := e.offset(n)
	if err != nil {
		return 0, err
	}
	if n.Kind != yaml.ScalarNode {
		if !flow(n) {
			return 0, errNotWhatWasMeant
		}
		return e.closing(from)
	}
	switch {
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle|yaml.TaggedStyle) != 0:
		return 0, errNotWhatWasMeant
	case n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		return e.unquote(from)
	case !strings.HasPrefix(string(e.data[from:]), n.Value):
		return 0, errNotWhatWasMeant
	}
	return from + len(n.Value), nil
}

// unquote is the end of the quoted text that begins at from.
func (e editor) unquote(from int) (int, error) {
	quote := e.data[from]
	for at := from + 1; at < len(e.data); at++ {
		switch c := e.data[at]; {
		case quote == '"' && c == '\\':
			at++
		case c == quote && quote == '\'' && at+1 < len(e.data) && e.data[at+1] == '\'':
			at++
		case c == quote:
			return at + 1, nil
		}
	}
	return 0, errNotWhatWasMeant
}

// closing is the end of what begins with the bracket at from.
func (e editor) closing(from int) (int, error) {
	depth := 0
	for at := from; at < len(e.data); at++ {
		switch e.data[at] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return at + 1, nil
			}
		case '"', '\'':
			if strings.IndexByte(" \t\r\n,:[{", e.data[at-1]) < 0 {
				continue // within a word
			}
			end, err := e.unquote(at)
			if err != nil {
				return 0, err
			}
			at = end - 1
		case '#':
			if strings.IndexByte(" \t\r\n", e.data[at-1]) >= 0 {
				for at < len(e.data) && e.data[at] != '\n' {
					at++
				}
			}
		}
	}
	return 0, errNotWhatWasMeant
}
