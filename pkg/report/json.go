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
	_, err := w.Write(visible(text.Bytes(), surrogates))
	return err
}

// surrogates is how JSON escapes a character beyond the first 65,536.
func surrogates(r rune) string {
	r -= 0x10000
	return fmt.Sprintf(`\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
}

// visible is text with its hidden characters, which stand in quoted strings only,
// as escapes; long is the escape of a character beyond the first 65,536.
func visible(text []byte, long func(rune) string) []byte {
	if !bytes.ContainsFunc(text, hiddenInText) {
		return text
	}
	var out bytes.Buffer
	for _, r := range string(text) {
		switch {
		case !hiddenInText(r):
			out.WriteRune(r)
		case r > 0xffff:
			out.WriteString(long(r))
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return out.Bytes()
}

func hiddenInText(r rune) bool { return r != '\n' && hidden(r) }
