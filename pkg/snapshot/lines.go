package snapshot

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// origin is the document that an object was read from, with the line of each of
// its fields.
type origin struct {
	file  string
	line  int
	lines lineTable
	under *origin // of the object that this one was laid over; may be nil
}

// over is o with under below it, which has the fields that o has not.
func (o *origin) over(under *origin) *origin {
	if o == nil || under == nil {
		return o
	}
	both := *o
	both.under = under
	return &both
}

// lineTable is the lines of a document's fields, each in 8 bytes: the upper bits
// of the hash of the field's path, then the line counted from that of the
// document. The paths as text, or a map, would cost more memory than the object.
// It is searched from its start to its end; only findings ask.
type lineTable []uint64

const (
	lineBits = 24
	lineMask = 1<<lineBits - 1
)

// find is the line of the field with this path, counted from that of the document.
func (t lineTable) find(path string) (int, bool) {
	want := hash(hashStart, path) &^ lineMask
	for _, entry := range t {
		if entry&^lineMask == want {
			return int(entry & lineMask), true
		}
	}
	return 0, false
}

// position is where field stands in the document, or the nearest field around it
// that the document has.
func (o *origin) position(field string) Position {
	if u := o.under; u != nil {
		_, here := o.lines.find(field)
		if _, below := u.lines.find(field); below && !here {
			return u.position(field)
		}
	}
	for path := field; path != ""; path = parentPath(path) {
		if line, ok := o.lines.find(path); ok {
			return Position{File: o.file, Line: o.line + line}
		}
	}
	return Position{File: o.file, Line: o.line}
}

// FNV-1a, written out so that the hash of a path goes on from that of its parent.
const (
	hashStart = 14695981039346656037
	hashPrime = 1099511628211
)

func hash(h uint64, s string) uint64 {
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * hashPrime
	}
	return h
}

// blockMark ends the path under which the first line of a block scalar's content
// is kept, for the documents that ConfigMaps carry inside them.
const blockMark = "\n"

// plainSubtrees is what no finding points into; of these only the first line is kept.
var plainSubtrees = hashes(".metadata.managedFields", ".metadata.ownerReferences", ".spec.affinity", ".spec.initContainers",
	".spec.tolerations", ".spec.volumes", ".status.conditions", ".status.containerStatuses", ".status.images",
	".status.initContainerStatuses", ".status.volumesAttached")

func hashes(paths ...string) map[uint64]bool {
	set := map[uint64]bool{}
	for _, path := range paths {
		set[hash(hashStart, path)] = true
	}
	return set
}

// origin is where d was read from.
func (d *document) origin() *origin {
	first := d.at(d.root)
	l := liner{first: first - d.line + 1}
	l.walk(d.root, hashStart, 0)
	return &origin{file: d.file, line: first, lines: append(make(lineTable, 0, len(l.lines)), l.lines...)}
}

// embed adds the lines of inner, which stands inside the text of the field path.
func (o *origin) embed(path string, inner *document) {
	l := liner{first: o.line - inner.line + 1}
	l.walk(inner.root, hash(hashStart, path), 1)
	o.lines = append(o.lines, l.lines...)
}

// liner gathers the lines of a document that begins on line first.
type liner struct {
	first int
	lines lineTable
}

func (l *liner) add(h uint64, line int) {
	l.lines = append(l.lines, h&^lineMask|uint64(min(max(line-l.first, 0), lineMask)))
}

func (l *liner) walk(n *yaml.Node, h uint64, depth int) {
	if depth > maxDepth || depth == 2 && plainSubtrees[h] {
		return
	}
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			field := hash(hash(h, "."), key.Value)
			l.add(field, key.Line)
			if value.Style == yaml.LiteralStyle {
				l.add(hash(field, blockMark), value.Line+1)
			}
			l.walk(value, field, depth+1)
		}
	case yaml.SequenceNode:
		for i, c := range n.Content {
			field := hash(hash(hash(h, "["), strconv.Itoa(i)), "]")
			l.add(field, c.Line)
			if flag, _, _ := strings.Cut(c.Value, "="); strings.HasPrefix(flag, "--") {
				l.add(hash(hashStart, flag), c.Line) // an argument of a program
			}
			l.walk(c, field, depth+1)
		}
	}
}
