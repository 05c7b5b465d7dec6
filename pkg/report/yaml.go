package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

func (r *Report) writeYAML(w io.Writer) error { return WriteYAML(w, r) }

// WriteYAML prints v as YAML: the fields of its JSON in the same order. Strings
// with characters that a terminal would act upon or hide are quoted, and the
// characters escaped.
func WriteYAML(w io.Writer, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	var document yaml.Node // JSON is YAML, in a style of its own
	if err := yaml.Unmarshal(text, &document); err != nil {
		return err
	}
	restyle(&document)
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(&document); err != nil {
		return err
	}
	_, err = w.Write(visible(out.Bytes(), func(r rune) string { return fmt.Sprintf(`\U%08x`, r) }))
	return err
}

// restyle takes the style of JSON off, except for the quotes around hidden
// characters, between which alone they can be escaped.
func restyle(n *yaml.Node) {
	n.Style = 0
	if n.Kind == yaml.ScalarNode && strings.ContainsFunc(n.Value, hidden) {
		n.Style = yaml.DoubleQuotedStyle
	}
	for _, c := range n.Content {
		restyle(c)
	}
}
