package snapshot

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// document is one YAML or JSON document of a file, or an item of a List.
type document struct {
	file       string
	line       int // of the file, where the first line of root's text is
	root       *yaml.Node
	apiVersion string
	kind       string
	choice     int // the line of the file where a template leaves open what there is; 0 where none does
}

func newDocument(file string, line int, root *yaml.Node) *document {
	root = follow(root)
	return &document{file: file, line: line, root: root, apiVersion: text(root, "apiVersion"), kind: text(root, "kind")}
}

// maxDepth is how deep a document may be nested. Kubernetes objects stay below
// 30; the bound keeps a hostile file from exhausting the stack.
const maxDepth = 200

// parse is the documents of p: one, or in JSON any number. What was understood
// before a fault is there beside the problem.
func (p part) parse(file string) (documents []*document, problem *Problem) {
	if p.empty() {
		return nil, nil
	}
	if first := bytes.TrimSpace(p.data)[0]; first == '{' || first == '[' {
		documents, p = p.parseJSON(file)
		if p.empty() {
			return documents, nil
		}
		// A tab can stand between the tokens of JSON, where YAML refuses it.
		p.data = bytes.ReplaceAll(p.data, []byte{'\t'}, []byte{' '})
	}
	root, choice, err := parseYAML(p.data)
	switch {
	case err != nil && isTemplate(p.data):
		return append(documents, p.unrendered(file)), nil
	case err != nil:
		return documents, p.fault(file, err)
	case root == nil:
		return documents, nil
	}
	d := newDocument(file, p.line, root)
	if choice > 0 {
		d.choice = p.line + choice - 1
	}
	return append(documents, d), nil
}

// brace is a placeholder as Flux and envsubst have it, which between the brackets
// of a YAML list is no YAML before it is filled in.
var brace = regexp.MustCompile(`\$\{[^{}\n]*\}`)

// parseYAML is the first document of data, or nil when there is none, and where a
// template leaves open what it has, as of parseTemplate.
func parseYAML(data []byte) (root *yaml.Node, choice int, err error) {
	root, err = firstDocument(data)
	if err != nil && brace.Match(data) {
		if filled, failed := firstDocument(brace.ReplaceAllFunc(data, asParenthesis)); failed == nil {
			if filled != nil {
				asBraces(filled, 0)
			}
			root, err = filled, nil
		}
	}
	switch {
	case !isTemplate(data):
	case err != nil:
		if before, open, failed := parseTemplate(data); failed == nil {
			return before, open, nil
		}
	case isBraced(root, 0):
		if before, failed := parseInline(data); failed == nil {
			return before, 0, nil
		}
	}
	return root, 0, err
}

func firstDocument(data []byte) (*yaml.Node, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err != nil || root.Kind != yaml.DocumentNode || len(root.Content) == 0 {
		return nil, err
	}
	return root.Content[0], nil
}

// asParenthesis is the placeholder ${X} as $(X), which has the same length and is YAML everywhere.
func asParenthesis(placeholder []byte) []byte {
	out := bytes.Clone(placeholder)
	out[1], out[len(out)-1] = '(', ')'
	return out
}

var parenthesis = regexp.MustCompile(`\$\(([^()\n]*)\)`)

// asBraces undoes asParenthesis below n.
func asBraces(n *yaml.Node, depth int) {
	n.Value = parenthesis.ReplaceAllString(n.Value, "$${$1}")
	for _, c := range n.Content {
		if depth < maxDepth {
			asBraces(c, depth+1)
		}
	}
}

// fault is err with its line counted from the start of the file. The library tells
// the line in its text only.
func (p part) fault(file string, err error) *Problem {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	line := p.line
	if rest, ok := strings.CutPrefix(message, "line "); ok {
		var n int
		if _, err := fmt.Sscanf(rest, "%d:", &n); err == nil {
			line += n - 1
			_, message, _ = strings.Cut(rest, ": ")
		}
		if strings.HasPrefix(message, "did not find expected") {
			line++ // the library counts the lines of its parser, unlike those of its scanner, from zero
		}
	}
	return &Problem{Position: Position{File: file, Line: line}, Message: "not YAML: " + message}
}

// at is the line in the file of n.
func (d *document) at(n *yaml.Node) int { return d.line + max(n.Line, 1) - 1 }

// objects is the documents of a List or of a typed list such as PodList, however
// deep, or of a bare sequence; otherwise d itself. Aliases are not followed:
// they could multiply.
func (d *document) objects() []*document { return d.appendObjects(nil, 0) }

func (d *document) appendObjects(to []*document, depth int) []*document {
	items, of := d.root, ""
	if d.root.Kind == yaml.MappingNode {
		items = child(d.root, "items")
		kind, isList := strings.CutSuffix(d.kind, "List")
		if !isList || items == nil {
			return append(to, d)
		}
		of = kind
	}
	if items.Kind != yaml.SequenceNode || depth > maxDepth {
		return append(to, d)
	}
	return d.appendItems(to, items, of, depth)
}

// appendItems appends the documents of a list of objects of the kind of, which may
// be empty.
func (d *document) appendItems(to []*document, items *yaml.Node, of string, depth int) []*document {
	for _, n := range items.Content {
		item := newDocument(d.file, d.line, n)
		item.choice = d.choice
		if item.kind == "" && of != "" { // the API leaves them out of the items of a typed list
			item.kind, item.apiVersion = of, d.apiVersion
		}
		if n.Kind == yaml.AliasNode {
			to = append(to, item)
			continue
		}
		to = item.appendObjects(to, depth+1)
	}
	return to
}

// follow is the node that n stands for.
func follow(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode && n.Alias != nil {
		return n.Alias
	}
	return n
}

// child is the value of key in the mapping n, or nil.
func child(n *yaml.Node, key string) *yaml.Node {
	n = follow(n)
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return follow(n.Content[i+1])
		}
	}
	return nil
}

// text is the scalar value of key in n, or empty.
func text(n *yaml.Node, key string) string {
	if c := child(n, key); c != nil && c.Kind == yaml.ScalarNode && c.Tag != "!!null" {
		return c.Value
	}
	return ""
}
