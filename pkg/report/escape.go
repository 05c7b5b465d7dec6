package report

import (
	"fmt"
	"strings"
	"unicode"
)

// Escape is s with everything made visible that could move a terminal's cursor,
// change its state, or make text read other than it stands: control characters,
// marks of direction and other invisible characters, and bytes that are no
// UTF-8. Names and values come from the cluster, whoever wrote them there.
func Escape(s string) string {
	if !strings.ContainsFunc(s, hidden) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case !hidden(r):
			b.WriteRune(r)
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// hidden reports whether r has no shape of its own on a terminal. A byte that is
// no UTF-8 arrives here as the replacement character.
func hidden(r rune) bool {
	return r == unicode.ReplacementChar || r != ' ' && !unicode.IsGraphic(r) || unicode.Is(unicode.Cf, r) ||
		unicode.In(r, unicode.Zl, unicode.Zp)
}

// EscapeText is Escape of a text of several lines.
func EscapeText(s string) string { return strings.Join(escapeLines(s), "\n") }

// escapeLines is Escape of each line of s by itself.
func escapeLines(s string) []string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	for i, line := range lines {
		lines[i] = Escape(line)
	}
	return lines
}
