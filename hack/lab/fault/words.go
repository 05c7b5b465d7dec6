package fault

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// words splits a line as testscript does: at spaces, except within single quotes, where
// two of them are one; outside of quotes $NAME is a variable.
// Source: github.com/rogpeppe/go-internal v1.16.0, testscript/testscript.go parse.
func words(line string, variables map[string]string) ([]string, error) {
	var all []string
	var word strings.Builder
	begun := false // a word, which quotes can begin that have nothing between them
	end := func() {
		if begun {
			all = append(all, word.String())
		}
		word.Reset()
		begun = false
	}
	for line != "" {
		switch line[0] {
		case ' ', '\t':
			end()
			line = line[1:]
		case '\'':
			text, rest, err := quoted(line)
			if err != nil {
				return nil, err
			}
			word.WriteString(text)
			begun, line = true, rest
		default:
			n := strings.IndexAny(line, " \t'")
			if n < 0 {
				n = len(line)
			}
			text, err := expand(line[:n], variables)
			if err != nil {
				return nil, err
			}
			word.WriteString(text)
			begun, line = true, line[n:]
		}
	}
	end()
	return all, nil
}

// quoted is the text between the quote that line begins with and the one that closes
// it, and what comes after.
func quoted(line string) (text, rest string, err error) {
	var b strings.Builder
	for line = line[1:]; ; line = line[1:] {
		before, after, closed := strings.Cut(line, "'")
		if !closed {
			return "", "", errors.New("a quote is not closed")
		}
		b.WriteString(before)
		if line = after; !strings.HasPrefix(line, "'") {
			return b.String(), line, nil
		}
		b.WriteByte('\'')
	}
}

func expand(text string, variables map[string]string) (string, error) {
	var err error
	expanded := os.Expand(text, func(name string) string {
		value, ok := variables[name]
		if !ok {
			err = fmt.Errorf("$%s is not set", name)
		}
		return value
	})
	return expanded, err
}
