package mend

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// unquotedText is a text that YAML takes for itself everywhere, in brackets too, unless
// it looks like a value of another type.
var unquotedText = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./-]*$|^[0-9][0-9a-fA-F./-]*[0-9a-fA-F]$`)

// written is a value as it is written into YAML, a list in brackets. Quoted is whether
// strings are quoted in any case, as JSON has it.
func written(v any, quoted bool) string {
	switch v := v.(type) {
	case string:
		var back any
		if err := yaml.Unmarshal([]byte(v), &back); err == nil && !quoted && back == any(v) && unquotedText.MatchString(v) {
			return v
		}
		return compact(v)
	case []any:
		var texts []string
		for _, one := range v {
			texts = append(texts, inFlow(one, quoted || strings.Contains(compact(one), ":")))
		}
		return "[" + strings.Join(texts, ", ") + "]"
	case map[string]any:
		return inFlow(v, quoted)
	}
	return compact(v)
}

// inFlow is a value as it is written between brackets.
func inFlow(v any, quoted bool) string {
	m, ok := v.(map[string]any)
	if !ok {
		return written(v, quoted)
	}
	var texts []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		texts = append(texts, written(k, quoted)+": "+inFlow(m[k], quoted))
	}
	return "{" + strings.Join(texts, ", ") + "}"
}
