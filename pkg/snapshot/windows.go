package snapshot

import (
	"bytes"
	"unicode/utf8"
)

// windows1252 is the characters of the bytes 0x80 to 0x9f in the code page of
// western Europe, in which old editors save; the others are those of Latin-1.
var windows1252 = [...]rune{
	'€', 0x81, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', 0x8d, 'Ž', 0x8f,
	0x90, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', 0x9d, 'ž', 'Ÿ',
}

// fromWindows is data as text of Windows when it is no UTF-8, and then the first
// line that is none, from 1. What has a zero byte is no text at all.
func fromWindows(data []byte) (text []byte, line int) {
	if utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0 {
		return data, 0
	}
	line = 1
	bad := 0
	for bad < len(data) {
		r, size := utf8.DecodeRune(data[bad:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		if r == '\n' {
			line++
		}
		bad += size
	}
	for _, c := range data {
		r := rune(c)
		if c >= 0x80 && c < 0x80+byte(len(windows1252)) {
			r = windows1252[c-0x80]
		}
		text = utf8.AppendRune(text, r)
	}
	return text, line
}
