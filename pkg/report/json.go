package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

func (r *Report) writeJSON(w io.Writer) error { return WriteJSON(w, r) }

// WriteJSON prints v as indented JSON. Characters that a terminal would act upon
// or hide are written as escapes, which changes nothing of what the JSON means.
func WriteJSON(w io.Writer, v any) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(visible(text.Bytes()))
	return err
}

// visible is JSON text with hidden characters, which can stand inside of its
// strings only, as escapes.
func visible(text []byte) []byte {
	if !bytes.ContainsFunc(text, hiddenInJSON) {
		return text
	}
	var out bytes.Buffer
	for _, r := range string(text) {
		switch {
		case !hiddenInJSON(r):
			out.WriteRune(r)
		case r > 0xffff: // a surrogate pair, as JSON has it
			r -= 0x10000
			fmt.Fprintf(&out, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return out.Bytes()
}

func hiddenInJSON(r rune) bool { return r != '\n' && hidden(r) }
