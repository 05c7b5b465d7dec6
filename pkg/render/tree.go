package render

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// entry is a key of a mapping and its value, with comments.
type entry struct {
	key   string
	value *yaml.Node
	above string // a comment of its own lines
}

// key is a key and its value.
func key(name string, value *yaml.Node) entry { return entry{key: name, value: value} }

// under is e with a comment above it.
func (e entry) under(comment string) entry {
	e.above = comment
	return e
}

// mapping is the entries as a mapping, in their order. Those without a value are
// left out.
func mapping(entries ...entry) *yaml.Node {
	m := &yaml.Node{Kind: yaml.MappingNode}
	for _, e := range entries {
		if e.value == nil {
			continue
		}
		k := scalar(e.key, "")
		k.HeadComment = comment(e.above)
		m.Content = append(m.Content, k, e.value)
	}
	return m
}

// sequence is the items as a list.
func sequence(items ...*yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.SequenceNode, Content: items}
}

// scalar is text, quoted where any reader of YAML would take it for something else,
// and the comment behind it.
func scalar(s, why string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s, LineComment: comment(why)}
	if otherThanText.MatchString(s) {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

// otherThanText is what YAML 1.1 reads as a truth or as a number of base 60, which
// the library does not, but kubectl and others do.
var otherThanText = regexp.MustCompile(`^(?i:y|yes|n|no|on|off|[-+]?[0-9][0-9_]*(:[0-9]+)+(\.[0-9]*)?)$`)

// quoted is text in quotes, for what is to look like text.
func quoted(s, why string) *yaml.Node {
	n := scalar(s, why)
	n.Style = yaml.DoubleQuotedStyle
	return n
}

// number is an integer.
func number(n int, why string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.Itoa(n), LineComment: comment(why)}
}

// truth is true or false.
func truth(b bool, why string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(b), LineComment: comment(why)}
}

// comment is text as a comment, one # for each line.
func comment(text string) string {
	if text == "" {
		return ""
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight("# "+oneLine(line), " ")
	}
	return strings.Join(lines, "\n")
}

// document is one document of a file: what stands above it, and its root.
type document struct {
	above string
	root  *yaml.Node
}

// yaml adds a file of documents, which begins with a comment.
func (j *job) yaml(name, title string, documents ...document) {
	var b bytes.Buffer
	b.WriteString(comment(title) + "\n")
	for i, d := range documents {
		if i > 0 {
			b.WriteString("---\n")
		}
		if d.above != "" {
			b.WriteString(comment(d.above) + "\n")
		}
		text, err := encode(d.root)
		if err != nil {
			j.faults = append(j.faults, fmt.Errorf("%s: %w", name, err))
		}
		b.Write(text)
	}
	j.file(name, apart(b.Bytes()))
}

// encode is a tree as text.
func encode(root *yaml.Node) ([]byte, error) {
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	err := errors.Join(e.Encode(root), e.Close())
	return b.Bytes(), err
}

// apart has an empty line before each comment at the margin, but for the first line of
// a document. Nothing of a value stands at the margin.
func apart(text []byte) []byte {
	var out []string
	previous := "---"
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") && !strings.HasPrefix(previous, "#") && previous != "---" {
			out = append(out, "\n")
		}
		out = append(out, line)
		previous = strings.TrimSuffix(line, "\n")
	}
	return []byte(strings.Join(out, ""))
}
