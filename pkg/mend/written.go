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
		if !quoted && unquotedText.MatchString(v) && isPlain(v) {
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

// inStyle is a text as the one was written that it takes the place of, where it can be.
func inStyle(text string, style yaml.Style, bracketed bool) string {
	switch {
	case style == yaml.SingleQuotedStyle && !strings.ContainsAny(text, "'\n"):
		return "'" + text + "'"
	case style == 0 && !(bracketed && strings.ContainsAny(text, ",[]{}")) && isPlain(text):
		return text
	}
	return written(text, style == yaml.DoubleQuotedStyle)
}

// isPlain reports whether a text needs no quotes in a line of its own, for the library,
// which thinks of older parsers too: to these, yes is no text.
func isPlain(text string) bool {
	out, err := yaml.Marshal(text)
	return err == nil && string(out) == text+"\n"
}
