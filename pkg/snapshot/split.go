package snapshot

import (
	"bytes"
	"encoding/binary"
	"unicode/utf16"
)

// part is the text of one document, or of several in JSON, with the line of the
// file that it begins on (from 1).
type part struct {
	data []byte
	line int
}

// split cuts data into its documents, at the lines that begin with "---" or
// "...". No line of a YAML scalar may begin with these, however it is quoted, so a
// part that does not parse does not hide the others.
func split(data []byte) []part {
	var parts []part
	start, startLine, line := 0, 1, 1
	for at := 0; at < len(data); line++ {
		next := len(data)
		if i := bytes.IndexByte(data[at:], '\n'); i >= 0 {
			next = at + i + 1
		}
		switch marker(data[at:next]) {
		case "---": // a document may begin on the same line
			parts = append(parts, part{data[start:at], startLine})
			start, startLine = at+len("---"), line
		case "...":
			parts = append(parts, part{data[start:at], startLine})
			start, startLine = next, line+1
		}
		at = next
	}
	return append(parts, part{data[start:], startLine})
}

// marker is "---" or "..." when line begins with it, otherwise empty.
func marker(line []byte) string {
	if len(line) < 3 || (line[0] != '-' && line[0] != '.') || len(line) > 3 && !isSpace(line[3]) {
		return ""
	}
	switch m := string(line[:3]); m {
	case "---", "...":
		return m
	}
	return ""
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// empty reports whether p has nothing but space, comments and YAML directives.
func (p part) empty() bool {
	for line := range bytes.Lines(p.data) {
		line = bytes.TrimSpace(line)
		if len(line) > 0 && line[0] != '#' && line[0] != '%' {
			return false
		}
	}
	return true
}

// toUTF8 is data in UTF-8 and without a byte order mark. Windows PowerShell writes
// UTF-16 when output is redirected into a file.
func toUTF8(data []byte) []byte {
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return data[3:]
	case bytes.HasPrefix(data, []byte("\xff\xfe")):
		return fromUTF16(data[2:], binary.LittleEndian)
	case bytes.HasPrefix(data, []byte("\xfe\xff")):
		return fromUTF16(data[2:], binary.BigEndian)
	}
	return data
}

func fromUTF16(data []byte, order binary.ByteOrder) []byte {
	units := make([]uint16, len(data)/2)
	for i := range units {
		units[i] = order.Uint16(data[2*i:])
	}
	return []byte(string(utf16.Decode(units)))
}

// The lines around the logs that kubectl cluster-info dump writes between its lists.
const (
	logBegins = "==== START logs for container "
	logEnds   = "==== END logs for container "
)

// withoutLogs is data with the lines of logs empty, so that the others keep their
// numbers.
func withoutLogs(data []byte) []byte {
	if !bytes.Contains(data, []byte(logBegins)) {
		return data
	}
	out, inLog := make([]byte, 0, len(data)), false
	for line := range bytes.Lines(data) {
		ends := bytes.HasPrefix(line, []byte(logEnds))
		inLog = !ends && (inLog || bytes.HasPrefix(line, []byte(logBegins)))
		if inLog || ends {
			line = line[len(bytes.TrimRight(line, "\n")):]
		}
		out = append(out, line...)
	}
	return out
}
