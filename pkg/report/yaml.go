package report

import (
	"io"

	"sigs.k8s.io/yaml"
)

func (r *Report) writeYAML(w io.Writer) error { return WriteYAML(w, r) }

// WriteYAML prints v as YAML, with the fields of its JSON.
func WriteYAML(w io.Writer, v any) error {
	text, err := yaml.Marshal(v)
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}
