package snapshot

import "regexp"

var placeholder = regexp.MustCompile(`\$\{[^{}]+\}|\{\{.+\}\}|\$\([A-Za-z_][A-Za-z0-9_]*\)`)

// isPlaceholder reports whether text has something in it that another program is
// to replace: ${X} of Flux and envsubst, {{ .X }} of Helm, $(X) of kustomize.
func isPlaceholder(text string) bool { return placeholder.MatchString(text) }
