package report

import (
	"strings"
	"unicode/utf8"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
)

// Style is how text is printed: for whom, not what.
type Style struct {
	Width int  // of a line; words longer than that are never cut
	Color bool // marks are coloured; they differ in shape all the same
	ASCII bool // marks are words instead of symbols
}

// mark is the sign of an outcome.
type mark int

const (
	markError mark = iota
	markWarning
	markInfo
	markOK
	markSkipped
	markUnknown
	markNone
)

var (
	symbols = map[mark]string{markError: "✖", markWarning: "▲", markInfo: "●", markOK: "✔", markSkipped: "○", markUnknown: "?", markNone: " "}
	words   = map[mark]string{markError: "ERR", markWarning: "WARN", markInfo: "info", markOK: "ok", markSkipped: "skip", markUnknown: "unk", markNone: " "}
)

// The two colours, and the way back.
const (
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
	plain  = "\x1b[0m"
)

func (s Style) mark(m mark) string {
	sign := symbols[m]
	if s.ASCII {
		sign = words[m]
	}
	if code := colorOf(m); s.Color && code != "" {
		return code + sign + plain
	}
	return sign
}

// colorOf is the code of a mark's colour; most have none.
func colorOf(m mark) string {
	switch m {
	case markError:
		return red
	case markWarning, markUnknown:
		return yellow
	}
	return ""
}

// gutter is the mark with the spaces that make all marks equally wide, for cells
// that stand below one another.
func (s Style) gutter(m mark) string {
	signs := symbols
	if s.ASCII {
		signs = words
	}
	widest := 0
	for _, sign := range signs {
		widest = max(widest, utf8.RuneCountInString(sign))
	}
	return s.mark(m) + strings.Repeat(" ", widest-utf8.RuneCountInString(signs[m])+1)
}

// dash stands for nothing.
func (s Style) dash() string { return s.or("–", "-") }

// or is the first text, or the second where only ASCII is printed.
func (s Style) or(text, ascii string) string {
	if s.ASCII {
		return ascii
	}
	return text
}

func markOf(s severity.Severity) mark {
	switch s {
	case severity.Error:
		return markError
	case severity.Warning:
		return markWarning
	}
	return markInfo
}

func markOfVerdict(v Verdict) mark {
	switch v {
	case Agrees:
		return markOK
	case Differs, Missing:
		return markError
	}
	return markNone
}
