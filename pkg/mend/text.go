package mend

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// source is the text of a file, which is changed where it has to be and nowhere else.
type source struct {
	data    []byte
	starts  []int // of the lines, and the end of the text
	newline string
}

func newSource(data []byte) source {
	s := source{data: data, newline: "\n"}
	if i := bytes.IndexByte(data, '\n'); i > 0 && data[i-1] == '\r' {
		s.newline = "\r\n"
	}
	s.starts = []int{0}
	for i, c := range data {
		if c == '\n' && i+1 < len(data) {
			s.starts = append(s.starts, i+1)
		}
	}
	s.starts = append(s.starts, len(data))
	return s
}

// lines is how many lines there are.
func (s source) lines() int { return len(s.starts) - 1 }

// line is the text of a line, from 1, without its end.
func (s source) line(n int) string {
	return strings.TrimRight(string(s.data[s.starts[n-1]:s.starts[n]]), "\r\n")
}

// at is the offset of a character: the library counts lines and characters from 1.
func (s source) at(line, column int) (int, error) {
	if line < 1 || line > s.lines() {
		return 0, errPlace
	}
	at := s.starts[line-1]
	for range column - 1 {
		_, n := utf8.DecodeRune(s.data[at:])
		if at += n; n == 0 || at > s.starts[line] {
			return 0, errPlace
		}
	}
	return at, nil
}

var errPlace = errors.New("stands where it is not found again")

// change is text in the place of another.
func (s source) change(from, to int, text string) []byte {
	out := append([]byte{}, s.data[:from]...)
	out = append(out, text...)
	return append(out, s.data[to:]...)
}

// insertAfter is the text with lines after a line.
func (s source) insertAfter(line int, lines []string) []byte {
	at := s.starts[line]
	text := strings.Join(lines, s.newline) + s.newline
	if at > 0 && s.data[at-1] != '\n' {
		text = s.newline + strings.TrimSuffix(text, s.newline)
	}
	return s.change(at, at, text)
}

// document is one document of a text, which its nodes count the lines of from 1.
type document struct {
	root       *yaml.Node // of the whole document; nil for one that is no YAML
	from, to   int        // its lines, from 1, both of them its own; the marker is not
	marker     int        // the line with ---, or 0
	unreadable bool
}

var marker = regexp.MustCompile(`^(---|\.\.\.)([ \t].*)?$`)

// documents is those of the text. One that begins on the line of its marker is taken for
// unreadable.
func (s source) documents() []document {
	var all []document
	current := document{from: 1}
	end := func(last int) {
		current.to = last
		if current.from <= current.to {
			s.parse(&current)
		}
		all = append(all, current)
	}
	for n := 1; n <= s.lines(); n++ {
		m := marker.FindStringSubmatch(s.line(n))
		if m == nil {
			continue
		}
		end(n - 1)
		rest := strings.TrimSpace(m[2])
		current = document{from: n + 1, marker: n, unreadable: rest != "" && !strings.HasPrefix(rest, "#")}
	}
	end(s.lines())
	return all
}

func (s source) parse(d *document) {
	var root yaml.Node
	if err := yaml.Unmarshal(s.data[s.starts[d.from-1]:s.starts[d.to]], &root); err != nil {
		d.unreadable = true
	}
	if root.Kind == yaml.DocumentNode && len(root.Content) > 0 && !d.unreadable {
		d.root = root.Content[0]
	}
}

// object is the mapping of an object in a document, be it an item of a List.
type object struct {
	document
	node *yaml.Node
	item bool
}

// find is the one object of the text that is meant.
func (s source) find(is func(*yaml.Node) bool) (object, error) {
	var found []object
	for _, d := range s.documents() {
		for _, n := range objects(d.root) {
			if is(n) {
				found = append(found, object{d, n, n != d.root})
			}
		}
	}
	switch len(found) {
	case 0:
		return object{}, errors.New("is not found in the file")
	case 1:
		return found[0], nil
	}
	return object{}, fmt.Errorf("stands in the file %d times", len(found))
}

// objects is n, or the items of a List, however deep.
func objects(n *yaml.Node) (all []*yaml.Node) {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	items := child(n, "items")
	if items == nil || items.Kind != yaml.SequenceNode || !strings.HasSuffix(scalar(n, "kind"), "List") {
		return []*yaml.Node{n}
	}
	for _, one := range items.Content {
		all = append(all, objects(one)...)
	}
	return all
}

// text is the lines of a document.
func (s source) text(d document) string {
	if d.from > d.to {
		return ""
	}
	return string(s.data[s.starts[d.from-1]:s.starts[d.to]])
}

// named is whether a mapping is the object of this kind, in whatever case, and name.
func named(t Target) func(*yaml.Node) bool {
	want := t.Ref().String()
	return func(n *yaml.Node) bool {
		header := child(n, "metadata")
		ref := Target{Resource: strings.ToLower(scalar(n, "kind"))}
		if header != nil {
			ref.Namespace, ref.Name = scalar(header, "namespace"), scalar(header, "name")
		}
		return ref.Resource != "" && ref.Ref().String() == want
	}
}

func child(n *yaml.Node, key string) *yaml.Node {
	if i := entry(n, key); i >= 0 {
		return n.Content[i+1]
	}
	return nil
}

// entry is where a key stands among the content of a mapping; -1 when it has none.
func entry(n *yaml.Node, key string) int {
	if n.Kind != yaml.MappingNode {
		return -1
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return i
		}
	}
	return -1
}

func scalar(n *yaml.Node, key string) string {
	if c := child(n, key); c != nil && c.Kind == yaml.ScalarNode {
		return c.Value
	}
	return ""
}
