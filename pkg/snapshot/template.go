package snapshot

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// expression is what a template language puts into a text: {{ }} of Go and Jinja,
// {% %} and {# #} of Jinja, %{ } of Terraform.
var expression = regexp.MustCompile(`\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}|%\{[^{}\n]*\}`)

// remark is a comment of a template, which may go over many lines.
var remark = regexp.MustCompile(`(?s)\{\{-?\s*/\*.*?\*/\s*-?\}\}|\{#.*?#\}`)

// isTemplate reports whether data has an expression of a template in it.
func isTemplate(data []byte) bool {
	return (bytes.Contains(data, []byte("{{")) || bytes.Contains(data, []byte("{%")) || bytes.Contains(data, []byte("%{"))) &&
		expression.Match(data)
}

// isBraced reports whether there is a mapping below n that is the key of another:
// what the YAML parser takes an expression without quotes for.
func isBraced(n *yaml.Node, depth int) bool {
	if n == nil || depth > maxDepth {
		return false
	}
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 && c.Kind == yaml.MappingNode || isBraced(c, depth+1) {
			return true
		}
	}
	return false
}

// parseInline is the document that data is when each expression is part of the
// value that it stands in.
func parseInline(data []byte) (*yaml.Node, error) {
	m := mask{}
	root, err := firstDocument(m.inline(data))
	if err != nil || root == nil {
		return nil, err
	}
	m.undo(root, 0)
	return root, nil
}

// parseTemplate is the document that data is before it is rendered. Expressions
// that have a line to themselves decide what there is at all; where it is none
// with them, it is read without, and choice is the first of their lines, from 1.
func parseTemplate(data []byte) (root *yaml.Node, choice int, err error) {
	data = remark.ReplaceAllFunc(data, onlyBreaks)
	if root, err = parseInline(data); err == nil {
		return root, 0, nil
	}
	var lines []byte
	for n, line := range bytes.SplitAfter(data, []byte{'\n'}) {
		if expression.Match(line) && len(bytes.TrimSpace(expression.ReplaceAll(line, nil))) == 0 {
			if choice == 0 {
				choice = n + 1
			}
			line = onlyBreaks(line)
		}
		lines = append(lines, line...)
	}
	if root, err = parseInline(lines); err != nil {
		return nil, 0, err
	}
	return root, choice, nil
}

// onlyBreaks is the line breaks of text, so that what follows keeps its line.
func onlyBreaks(text []byte) []byte {
	return bytes.Repeat([]byte{'\n'}, bytes.Count(text, []byte{'\n'}))
}

// mask is the expressions of a template, each of which a token stands for that
// YAML takes for text wherever it is.
type mask []string

// The token is the number of the expression between two characters of the private
// use area, which no configuration has.
const (
	tokenBegins = "\ue000"
	tokenEnds   = "\ue001"
)

var token = regexp.MustCompile(tokenBegins + `([0-9]+)` + tokenEnds)

func (m *mask) inline(data []byte) []byte {
	return expression.ReplaceAllFunc(data, func(found []byte) []byte {
		*m = append(*m, string(found))
		return []byte(tokenBegins + strconv.Itoa(len(*m)-1) + tokenEnds)
	})
}

// undo puts the expressions back below n.
func (m mask) undo(n *yaml.Node, depth int) {
	if strings.Contains(n.Value, tokenBegins) {
		n.Value = token.ReplaceAllStringFunc(n.Value, func(t string) string {
			i, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(t, tokenBegins), tokenEnds))
			if err != nil || i >= len(m) {
				return t
			}
			return m[i]
		})
	}
	for _, c := range n.Content {
		if depth < maxDepth {
			m.undo(c, depth+1)
		}
	}
}

// templateKind is what documents are counted as that are no YAML before they are
// rendered.
const templateKind = "template"

// unrendered is a document of which nothing is known until it is rendered.
func (p part) unrendered(file string) *document {
	return &document{file: file, line: p.line, root: &yaml.Node{Kind: yaml.MappingNode}, choice: p.line, kind: templateKind}
}

// decodeTemplate is the objects of d, of which only the kinds are known: its
// template leaves open which of its lines there will be.
func (d *document) decodeTemplate() []object {
	if d.kind == templateKind {
		return []object{{kind: templateKind}}
	}
	known := *d
	known.choice = 0
	objects := known.decode()
	for i := range objects {
		o := &objects[i]
		if o.kind != "" {
			continue
		}
		o.adds = append(o.adds, addsByName(d.ref())...)
		if len(o.adds) == 0 {
			*o = object{kind: templateKind}
			continue
		}
		*o = object{adds: o.adds, placeholders: []Problem{d.open()}}
	}
	return objects
}

// open is that d's template leaves something open.
func (d *document) open() Problem {
	return Problem{Position: Position{File: d.file, Line: d.choice}, Ref: d.ref(), Message: "a template leaves open what is here"}
}
