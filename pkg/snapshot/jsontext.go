package snapshot

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// parseJSON is the JSON values that p begins with, one after the other, and what
// follows them. JSON is read by a parser of its own: it may hold what YAML does
// not (tabs, surrogate pairs), and several values without a separator.
func (p part) parseJSON(file string) (documents []*document, rest part) {
	rest = p
	for {
		r := jsonReader{dec: json.NewDecoder(bytes.NewReader(rest.data)), data: rest.data, line: 1}
		r.dec.UseNumber()
		root, err := r.value(0)
		if err != nil {
			return documents, rest
		}
		documents = append(documents, newDocument(file, rest.line, root))
		rest = part{rest.data[r.at:], rest.line + r.line - 1}
	}
}

// jsonReader makes nodes of JSON, as the YAML parser would, with their lines.
type jsonReader struct {
	dec  *json.Decoder
	data []byte
	at   int // how far was read
	line int // of at
}

var errDeep = errors.New("nested too deep")

func (r *jsonReader) token() (json.Token, error) {
	t, err := r.dec.Token()
	if err != nil {
		return nil, err
	}
	end := int(r.dec.InputOffset())
	r.line += bytes.Count(r.data[r.at:end], []byte{'\n'})
	r.at = end
	return t, nil
}

func (r *jsonReader) value(depth int) (*yaml.Node, error) {
	t, err := r.token()
	if err != nil {
		return nil, err
	}
	return r.node(t, depth)
}

func (r *jsonReader) node(t json.Token, depth int) (*yaml.Node, error) {
	n := &yaml.Node{Kind: yaml.ScalarNode, Line: r.line}
	switch t := t.(type) {
	case json.Delim:
		n.Kind, n.Tag = yaml.MappingNode, "!!map"
		if t == '[' {
			n.Kind, n.Tag = yaml.SequenceNode, "!!seq"
		}
		return n, r.fill(n, depth)
	case string:
		n.Tag, n.Value, n.Style = "!!str", t, yaml.DoubleQuotedStyle
	case json.Number:
		n.Tag, n.Value = "!!int", t.String()
		if strings.ContainsAny(n.Value, ".eE") {
			n.Tag = "!!float"
		}
	case bool:
		n.Tag, n.Value = "!!bool", "false"
		if t {
			n.Value = "true"
		}
	default:
		n.Tag, n.Value = "!!null", "null"
	}
	return n, nil
}

// fill reads the members of n up to its end.
func (r *jsonReader) fill(n *yaml.Node, depth int) error {
	if depth >= maxDepth {
		return errDeep
	}
	for {
		t, err := r.token()
		if err != nil {
			if errors.Is(err, io.EOF) {
				return io.ErrUnexpectedEOF
			}
			return err
		}
		if t == json.Delim('}') || t == json.Delim(']') {
			return nil
		}
		c, err := r.node(t, depth+1)
		if err != nil {
			return err
		}
		n.Content = append(n.Content, c)
	}
}
