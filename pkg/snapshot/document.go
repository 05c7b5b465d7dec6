package snapshot

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// document is one YAML or JSON document of a file, with the line that it begins
// on (from 1).
type document struct {
	file string
	line int
	root *yaml.Node
}

// maxDepth is how deep a document may be nested. Kubernetes objects stay below
// 30; the bound keeps a hostile file from exhausting the stack.
const maxDepth = 200

// split cuts data at the lines that begin with "---" and gives each part with
// its first line. A part that does not parse then does not hide the others.
func split(data []byte) []part {
	var parts []part
	start, startLine, line := 0, 1, 1
	for at := 0; at < len(data); line++ {
		next := len(data)
		if i := bytes.IndexByte(data[at:], '\n'); i >= 0 {
			next = at + i + 1
		}
		if isSeparator(data[at:next]) {
			parts = append(parts, part{data[start:at], startLine})
			start, startLine = next, line+1
		}
		at = next
	}
	return append(parts, part{data[start:], startLine})
}

type part struct {
	data []byte
	line int
}

func isSeparator(line []byte) bool {
	if !bytes.HasPrefix(line, []byte("---")) {
		return false
	}
	rest := bytes.TrimRight(line[3:], " \t\r\n")
	return len(rest) == 0 || bytes.HasPrefix(bytes.TrimLeft(rest, " \t"), []byte("#"))
}

// parse is the document of p, or nil when p is empty or only comments.
func (p part) parse(file string) (*document, error) {
	data := bytes.TrimSpace(p.data)
	if len(data) == 0 {
		return nil, nil
	}
	data = p.data
	if first := bytes.TrimSpace(data)[0]; first == '{' || first == '[' {
		// A tab can stand in JSON between tokens only, where YAML refuses it.
		data = bytes.ReplaceAll(data, []byte{'\t'}, []byte{' '})
	}
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err != nil {
		return nil, err
	}
	if root.Kind != yaml.DocumentNode || len(root.Content) == 0 {
		return nil, nil
	}
	return &document{file: file, line: p.line, root: root.Content[0]}, nil
}

// at is the line in the file of n.
func (d *document) at(n *yaml.Node) int { return d.line + n.Line - 1 }

// child is the value of key in the mapping n, or nil.
func child(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// text is the scalar value of key in n, or empty.
func text(n *yaml.Node, key string) string {
	if c := child(n, key); c != nil && c.Kind == yaml.ScalarNode {
		return c.Value
	}
	return ""
}

// lines is the line of every field of n, by the hash of its path.
func (d *document) lines(n *yaml.Node) map[uint64]int32 {
	lines := map[uint64]int32{}
	var walk func(n *yaml.Node, path string, depth int)
	walk = func(n *yaml.Node, path string, depth int) {
		if depth > maxDepth {
			return
		}
		switch n.Kind {
		case yaml.MappingNode:
			for i := 0; i+1 < len(n.Content); i += 2 {
				field := path + "." + n.Content[i].Value
				lines[pathHash(field)] = int32(d.at(n.Content[i]))
				walk(n.Content[i+1], field, depth+1)
			}
		case yaml.SequenceNode:
			for i, c := range n.Content {
				field := path + "[" + strconv.Itoa(i) + "]"
				lines[pathHash(field)] = int32(d.at(c))
				walk(c, field, depth+1)
			}
		}
	}
	walk(n, "", 0)
	return lines
}

var (
	errDeep  = fmt.Errorf("nested more than %d levels deep", maxDepth)
	errAlias = errors.New("has an anchor")
)

// toJSON is n as JSON. Anchors and merge keys are rare in manifests and go the
// slow way, which also bounds what they may expand to.
func toJSON(n *yaml.Node) ([]byte, error) {
	out, err := appendJSON(nil, n, 0)
	if !errors.Is(err, errAlias) {
		return out, err
	}
	var v any
	if err := n.Decode(&v); err != nil {
		return nil, err
	}
	return json.Marshal(v)
}

func appendJSON(out []byte, n *yaml.Node, depth int) ([]byte, error) {
	if depth > maxDepth {
		return nil, errDeep
	}
	var err error
	switch n.Kind {
	case yaml.MappingNode:
		out = append(out, '{')
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Kind != yaml.ScalarNode || n.Content[i].ShortTag() == "!!merge" {
				return nil, errAlias
			}
			if i > 0 {
				out = append(out, ',')
			}
			out = appendString(out, n.Content[i].Value)
			out = append(out, ':')
			if out, err = appendJSON(out, n.Content[i+1], depth+1); err != nil {
				return nil, err
			}
		}
		return append(out, '}'), nil
	case yaml.SequenceNode:
		out = append(out, '[')
		for i, c := range n.Content {
			if i > 0 {
				out = append(out, ',')
			}
			if out, err = appendJSON(out, c, depth+1); err != nil {
				return nil, err
			}
		}
		return append(out, ']'), nil
	case yaml.ScalarNode:
		return appendScalar(out, n)
	}
	return nil, errAlias
}

func appendScalar(out []byte, n *yaml.Node) ([]byte, error) {
	switch n.ShortTag() {
	case "!!null":
		return append(out, "null"...), nil
	case "!!bool", "!!int", "!!float":
		var v any
		if err := n.Decode(&v); err != nil {
			return nil, err
		}
		encoded, err := json.Marshal(v)
		if err != nil { // .inf and .nan have no JSON
			return appendString(out, n.Value), nil
		}
		return append(out, encoded...), nil
	}
	return appendString(out, n.Value), nil
}

func appendString(out []byte, s string) []byte {
	encoded, _ := json.Marshal(s) // a string always has JSON
	return append(out, encoded...)
}
