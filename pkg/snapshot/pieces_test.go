package snapshot

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPieces: a large List that is read in pieces gives what it gives as a whole,
// line for line, also where it is not as it should be.
func TestPieces(t *testing.T) {
	item := func(i int) string {
		return fmt.Sprintf(`- apiVersion: v1
  kind: Node
  metadata:
    name: node-%05d
    annotations:
      note: |
        - not an item

        items:
  spec:
    podCIDRs:
    - 10.244.%d.0/24
    - bad
`, i, i%250)
	}
	var kubectl, indented strings.Builder
	for i := range 6000 {
		kubectl.WriteString(item(i))
		indented.WriteString("  " + strings.TrimSuffix(strings.ReplaceAll(item(i), "\n", "\n  "), "  "))
	}
	// indented blank lines lose their indent, as editors do it
	head, tail := "apiVersion: v1\nitems:\n", "kind: List\nmetadata:\n  resourceVersion: \"\"\n"
	for _, test := range []struct {
		name, text string
		pieces     bool
	}{
		{"kubectl", head + kubectl.String() + tail, true},
		{"indented", head + strings.ReplaceAll(indented.String(), "\n  \n", "\n\n") + tail, true},
		{"kind first", "apiVersion: v1\nkind: NodeList\nitems:\n" + kubectl.String(), true},
		{"second document", "a: b\n---\n# comment\n" + head + kubectl.String() + "# more\n" + tail, true},
		{"no list", "apiVersion: v1\nkind: Widget\nitems:\n" + kubectl.String(), false},
		{"an alias", head + strings.Replace(kubectl.String(), "spec:", "spec: &a", 1) + "- apiVersion: v1\n  kind: Node\n  metadata: {name: z}\n  spec: *a\n" + tail, false},
		{"a fault", head + kubectl.String() + "- {\n" + tail, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			pieces := false
			for _, p := range split([]byte(test.text)) {
				if _, ok := p.decodeList("f"); ok {
					pieces = true
				}
			}
			if pieces != test.pieces {
				t.Errorf("read in pieces: %t, want %t", pieces, test.pieces)
			}
			b := newBuilder(Source{})
			for _, p := range split([]byte(test.text)) {
				documents, problem := p.parse("f")
				if problem != nil {
					b.snap.Problems = append(b.snap.Problems, *problem)
				}
				for _, d := range documents {
					for _, item := range d.objects() {
						for _, o := range item.decode() {
							b.add(o)
						}
					}
				}
			}
			want := b.fromFiles()
			got := factsOf(t, "f", []byte(test.text))
			if diff := cmp.Diff(told(want), told(got)); diff != "" {
				t.Errorf("(-whole +pieces):\n%.2000s", diff)
			}
			if test.pieces && len(got.Nodes) != 6000 {
				t.Errorf("%d nodes", len(got.Nodes))
			}
		})
	}
}
