package snapshot

import (
	"bytes"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A List in one document can be all of a cluster. The nodes of its YAML take twenty
// times the memory of its text, so a large one is read some items at a time.
const (
	largeList = 1 << 20
	pieceSize = 256 << 10
)

// listText is the frame of a List, without its items, and the items in pieces.
type listText struct {
	frame  []byte
	pieces []part
}

// cutList cuts p when it is a List in block style, as kubectl and everything else
// writes it: the items stand below a line "items:" with the same indent, up to the
// next line that has less.
func (p part) cutList() (listText, bool) {
	before, after, ok := bytes.Cut(p.data, []byte("\nitems:\n"))
	if !ok {
		return listText{}, false
	}
	indent := len(after) - len(bytes.TrimLeft(after, " "))
	begin := append(bytes.Repeat([]byte{' '}, indent), "- "...)
	if !bytes.HasPrefix(after, begin) {
		return listText{}, false
	}
	var l listText
	line := p.line + bytes.Count(before, []byte{'\n'}) + 2
	start, startLine, at := 0, line, 0
	for ; at < len(after); line++ {
		next := len(after)
		if i := bytes.IndexByte(after[at:], '\n'); i >= 0 {
			next = at + i + 1
		}
		text := after[at:next]
		switch item := bytes.HasPrefix(text, begin); {
		case item && at-start >= pieceSize:
			l.pieces = append(l.pieces, part{after[start:at], startLine})
			start, startLine = at, line
		case !item && isOutside(text, indent):
			l.pieces = append(l.pieces, part{after[start:at], startLine})
			l.frame = slices.Concat(before, []byte("\nitems: []\n"), after[at:])
			return l, true
		}
		at = next
	}
	l.pieces = append(l.pieces, part{after[start:], startLine})
	l.frame = slices.Concat(before, []byte("\nitems: []\n"))
	return l, true
}

// isOutside reports whether line ends a sequence with this indent.
func isOutside(line []byte, indent int) bool {
	text := bytes.TrimLeft(line, " ")
	return len(bytes.TrimSpace(text)) > 0 && text[0] != '#' && len(line)-len(text) <= indent
}

// decodeList is the objects of p when it is a large List, piece by piece. It is
// not ok when p is none, or has a fault, or an alias in one item of an anchor in
// another: p is then to be read as a whole, which also tells the fault.
func (p part) decodeList(file string) (objects []object, ok bool) {
	if len(p.data) < largeList {
		return nil, false
	}
	l, ok := p.cutList()
	if !ok {
		return nil, false
	}
	root, choice, err := parseYAML(l.frame)
	if err != nil || root == nil || choice > 0 {
		return nil, false
	}
	frame := newDocument(file, p.line, root)
	of, isList := strings.CutSuffix(frame.kind, "List")
	if !isList {
		return nil, false
	}
	for _, piece := range l.pieces {
		items, choice, err := parseYAML(piece.data)
		if err != nil || choice > 0 || items == nil || items.Kind != yaml.SequenceNode {
			return nil, false
		}
		frame.line = piece.line
		for _, d := range frame.appendItems(nil, items, of, 0) {
			objects = append(objects, d.decode()...)
		}
	}
	return objects, true
}
