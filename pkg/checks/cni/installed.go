package cni

import (
	"strconv"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
)

// line is what to write for s into the object that installs the chart.
func (c configured) line(s cilium.Setting) string {
	field := strings.TrimPrefix(c.Values.Field(s.Key), ".")
	if s.Value == "" {
		return "remove " + field
	}
	return field + ": " + yamlValue(s)
}

// yamlValue is the value of s in YAML: a list, a boolean or a number where the
// chart reads one, otherwise text. What the chart copies as it is has to be text.
func yamlValue(s cilium.Setting) string {
	if strings.HasSuffix(cilium.Value(s.Key), "List") {
		return `["` + strings.Join(strings.Fields(s.Value), `", "`) + `"]`
	}
	_, err := strconv.Atoi(s.Value)
	plain := err == nil || s.Value == "true" || s.Value == "false"
	if plain && s.HelmFlag()[0] == "--set" {
		return s.Value
	}
	return strconv.Quote(s.Value)
}
