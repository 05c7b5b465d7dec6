package snapshot

import (
	"iter"
	"regexp"
)

// placeholder is the forms of a value that is not there yet, anywhere in a text.
var placeholder = regexp.MustCompile(`\$\{[^{}]+\}|\{\{.+?\}\}|\{%.+?%\}|\$\([A-Za-z_][A-Za-z0-9_]*\)|<no value>|ENC\[[A-Z0-9_]+,[^\]]*\]?|\$ANSIBLE_VAULT;`)

// wholePlaceholder is the forms that are one only when nothing stands beside them.
var wholePlaceholder = regexp.MustCompile(`^(?:\$[A-Za-z_][A-Za-z0-9_]*|<[^<>]+>|%[A-Z_][A-Z0-9_]*%|@[A-Z_][A-Z0-9_]*@|__[A-Z][A-Z0-9_]*__|\(\([^()]+\)\))$`)

// isPlaceholder reports whether text has something in it that another program is
// to replace: ${X} and $X of Flux and envsubst, {{ .X }} of Helm and Jinja, {% %}
// of Jinja, $(X) of kustomize, <X> of a README or of a vault plugin, %X%, @X@ and
// __X__ of scripts, ((X)) of Concourse; what a template left empty, <no value>;
// or what SOPS, ENC[AES256_GCM,…], or Ansible encrypted.
func isPlaceholder(text string) bool {
	return placeholder.MatchString(text) || wholePlaceholder.MatchString(text)
}

// items is the parts of a list with commas, of which those inside of a placeholder
// are none: "{{ join(',') }}", "ENC[AES256_GCM,data:…]".
func items(list string) iter.Seq[string] {
	return func(yield func(string) bool) {
		spans := placeholder.FindAllStringIndex(list, -1)
		start := 0
		for i := range len(list) {
			for len(spans) > 0 && i >= spans[0][1] {
				spans = spans[1:]
			}
			if list[i] != ',' || len(spans) > 0 && i >= spans[0][0] {
				continue
			}
			if !yield(list[start:i]) {
				return
			}
			start = i + 1
		}
		yield(list[start:])
	}
}
