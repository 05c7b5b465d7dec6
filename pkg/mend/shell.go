package mend

import (
	"errors"
	"regexp"
	"strings"
)

// word is one word of a command line: what the command gets, and how it is written.
type word struct {
	text string
	raw  string
	asks bool // it has the output of another command in it
}

// simple is one command with its words.
type simple struct {
	words []word
	piped bool   // it reads what the one before it prints
	input string // of a here-document
}

// line is the commands of one line, and what follows them that is no command.
type line struct {
	commands []simple
	prose    string
}

// errProse is that a text is for people and not for a shell.
var errProse = errors.New("is no command")

// plainWord is what may stand in a word without quotes, as checks.Command leaves it.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./~-]+`)

// quotedWord is a substitution in double quotes, which is all that is written in them.
var quotedWord = regexp.MustCompile(`^"\$\([^"]*\)"`)

// readLine reads a line as it is written by checks.Command and its like. That is a
// small part of what a shell takes: anything else is prose. A here-document takes its
// text from next, which gives the lines that follow.
func readLine(text string, next func() (string, bool)) (line, error) {
	var l line
	current := simple{}
	end := func(piped bool) error {
		if len(current.words) == 0 {
			return errProse
		}
		l.commands = append(l.commands, current)
		current = simple{piped: piped}
		return nil
	}
	for rest := text; ; {
		rest = strings.TrimLeft(rest, " ")
		switch {
		case rest == "":
			return l, end(false)
		case strings.HasPrefix(rest, "&&"):
			if err := end(false); err != nil {
				return line{}, err
			}
			rest = rest[len("&&"):]
		case rest[0] == '|':
			if err := end(true); err != nil {
				return line{}, err
			}
			rest = rest[1:]
		case strings.IndexByte(";#(", rest[0]) >= 0:
			l.prose = strings.TrimSpace(strings.TrimLeft(rest, ";# "))
			return l, end(false)
		case strings.HasPrefix(rest, "<<'EOF'"):
			for {
				more, ok := next()
				if !ok {
					return line{}, errProse
				}
				if more == "EOF" {
					break
				}
				current.input += more + "\n"
			}
			rest = rest[len("<<'EOF'"):]
		default:
			w, n := readWord(rest)
			if n == 0 {
				return line{}, errProse
			}
			current.words = append(current.words, w)
			rest = rest[n:]
		}
	}
}

// readWord is the word that text begins with, and how long it is; 0 when there is none
// that a shell would read as it is meant.
func readWord(text string) (w word, n int) {
	for n < len(text) && !strings.ContainsRune(" ;", rune(text[n])) {
		rest := text[n:]
		plain, asked := plainWord.FindString(rest), quotedWord.FindString(rest)
		switch {
		case plain != "":
			w.text += plain
			n += len(plain)
		case asked != "":
			w.text, w.asks = w.text+asked, true
			n += len(asked)
		case strings.HasPrefix(rest, `\'`):
			w.text += "'"
			n += len(`\'`)
		case rest[0] == '\'':
			quoted, _, closed := strings.Cut(rest[1:], "'")
			if !closed {
				return word{}, 0
			}
			w.text += quoted
			n += len(quoted) + len("''")
		default:
			return word{}, 0
		}
	}
	w.raw = text[:n]
	return w, n
}
