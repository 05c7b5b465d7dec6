package plan

import (
	"iter"
	"net/netip"
	"strconv"
	"strings"
)

// Place is an address or a prefix in a text.
type Place struct {
	Line, Column int    // from 1; columns in bytes
	Was, Is      string // as the text has it; Is is empty for what was left as it is
	Why          string // why it was left
}

// Moving is a text in which the addresses of one prefix were moved into another.
type Moving struct {
	Text  string
	Moved []Place
	// Left is what has to do with the old prefix and was not moved: prefixes that
	// reach beyond it, and what has no room in the new one.
	Left []Place
}

// Move is text with each IPv6 address and prefix in old moved to the same place
// in to: the bits after old's length stay. All other bytes stay as they are, and a
// moved address keeps its spelling, expanded or compressed, in small or capital
// letters, as far as the groups that change are written out. The prefix old itself
// becomes to, with its length.
//
// What counts as an address is what stands between characters that are no part of
// a word; a colon or a full stop at its end, as in a key or a sentence, is not of
// it. Where to is longer than old, what has bits that to needs for itself is left.
func Move(text string, old, to netip.Prefix) Moving {
	m := mover{text: text, old: old.Masked(), to: to.Masked(), line: 1}
	for t := range tokens(text) {
		m.token(t)
	}
	m.out.WriteString(text[m.done:])
	return Moving{Text: m.out.String(), Moved: m.moved, Left: m.left}
}

// tokens is the IPv6 addresses of a text, in its order.
func tokens(text string) iter.Seq[token] {
	return func(yield func(token) bool) {
		for at := 0; at < len(text); at++ {
			end := at
			for end < len(text) && isAddressByte(text[end]) {
				end++
			}
			if end == at {
				continue
			}
			t, ok := tokenAt(text, at, end)
			if ok && !yield(t) {
				return
			}
			at = max(end, t.end) - 1
		}
	}
}

// mover writes a text anew.
type mover struct {
	text    string
	old, to netip.Prefix

	out         strings.Builder
	done        int // how much of the text is written
	line        int // the line of lineAt
	lineAt      int // where it starts
	moved, left []Place
}

// token is an address in a text, with its length when it is a prefix.
type token struct {
	start, addressEnd, end int
	addr                   netip.Addr
	bits                   int // -1 without a length
}

func isAddressByte(c byte) bool { return isHex(c) || c == ':' || c == '.' }

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func isWord(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
}

// tokenAt is the address in text[start:end], a run of the bytes that addresses
// are made of.
func tokenAt(text string, start, end int) (token, bool) {
	from, to := start, end
	for to > from && (text[to-1] == '.' || text[to-1] == ':' && !strings.HasSuffix(text[from:to], "::")) || strings.HasSuffix(text[from:to], ":::") {
		to--
	}
	for from < to && (text[from] == '.' || text[from] == ':' && !strings.HasPrefix(text[from:to], "::")) || strings.HasPrefix(text[from:to], ":::") {
		from++
	}
	if strings.Count(text[from:to], ":") < 2 {
		return token{}, false
	}
	partOfWord := from == start && start > 0 && isWord(text[start-1]) || to == end && end < len(text) && isWord(text[end])
	a, err := netip.ParseAddr(text[from:to])
	if err != nil || partOfWord {
		return token{}, false
	}
	t := token{start: from, addressEnd: to, end: to, addr: a, bits: -1}
	if to < len(text) && text[to] == '/' {
		digits := to + 1
		for digits < len(text) && text[digits] >= '0' && text[digits] <= '9' {
			digits++
		}
		n, err := strconv.Atoi(text[to+1 : digits])
		if err == nil && n <= 128 && (digits == len(text) || !isWord(text[digits])) {
			t.bits, t.end = n, digits
		}
	}
	return t, true
}

// token settles what becomes of one address.
func (m *mover) token(t token) {
	if t.bits >= 0 && t.bits < m.old.Bits() {
		if netip.PrefixFrom(t.addr, t.bits).Overlaps(m.old) {
			m.leave(t, "reaches beyond the old prefix")
		}
		return
	}
	if !m.old.Contains(t.addr) || m.old == m.to {
		return
	}
	if t.bits == m.old.Bits() && t.addr == m.old.Addr() {
		m.replace(t, m.to.Addr(), m.to.Bits())
		return
	}
	moved, ok := MoveAddr(t.addr, m.old, m.to)
	if !ok || t.bits >= 0 && t.bits < m.to.Bits() {
		m.leave(t, "has no room in "+m.to.String())
		return
	}
	m.replace(t, moved, t.bits)
}

// MoveAddr is the address at the same place in to as a is in old, which is to
// hold it; false when to is longer and needs bits that a has set.
func MoveAddr(a netip.Addr, old, to netip.Prefix) (netip.Addr, bool) {
	offset := join6(netip.PrefixFrom(netip.IPv6Unspecified(), old.Bits()), a)
	if netip.PrefixFrom(offset, to.Bits()).Masked().Addr() != netip.IPv6Unspecified() {
		return a, false
	}
	return join6(to, offset), true
}

// join6 is the bits of site, and after them those of a.
func join6(site netip.Prefix, a netip.Addr) netip.Addr {
	high, low := site.Masked().Addr().As16(), a.As16()
	for i := range low {
		bits := min(max(site.Bits()-8*i, 0), 8)
		mask := byte(0xff) >> bits
		low[i] = high[i]&^mask | low[i]&mask
	}
	return netip.AddrFrom16(low)
}

func (m *mover) leave(t token, why string) {
	at := m.place(t)
	at.Why = why
	m.left = append(m.left, at)
}

func (m *mover) replace(t token, a netip.Addr, bits int) {
	at := m.place(t)
	at.Is = respell(m.text[t.start:t.addressEnd], t.addr, a)
	if bits >= 0 {
		at.Is += "/" + strconv.Itoa(bits)
	}
	m.out.WriteString(m.text[m.done:t.start])
	m.out.WriteString(at.Is)
	m.done = t.end
	m.moved = append(m.moved, at)
}

func (m *mover) place(t token) Place {
	for i := m.lineAt; i < t.start; i++ {
		if m.text[i] == '\n' {
			m.line++
			m.lineAt = i + 1
		}
	}
	return Place{Line: m.line, Column: t.start - m.lineAt + 1, Was: m.text[t.start:t.end]}
}

// respell is the address to in the spelling of text, which is that of from.
func respell(text string, from, to netip.Addr) string {
	capitals := strings.ContainsAny(text, "ABCDEF") && !strings.ContainsAny(text, "abcdef")
	out, ok := regroup(text, from, to)
	if !ok {
		out = to.String()
	}
	if capitals {
		out = strings.ToUpper(out)
	}
	return out
}

// regroup is text with the groups that differ between from and to written anew;
// false when one of them is not written out in it.
func regroup(text string, from, to netip.Addr) (string, bool) {
	left, right, compressed := strings.Cut(text, "::")
	parts := splitGroups(left)
	tail := splitGroups(right)
	is, was := to.As16(), from.As16()
	first := 8 - len(tail)
	if strings.Contains(right, ".") {
		first-- // the last part is two groups
	}
	for i := range parts {
		rewriteGroup(&parts[i], i, was, is, padded(text))
	}
	for i := range tail {
		rewriteGroup(&tail[i], first+i, was, is, padded(text))
	}
	for compressed && len(parts) > 0 && parts[len(parts)-1] == "0" && !strings.HasSuffix(left, ":0") {
		parts = parts[:len(parts)-1] // :: stands for it
	}
	out := strings.Join(parts, ":")
	if compressed {
		out += "::" + strings.Join(tail, ":")
	}
	read, err := netip.ParseAddr(out)
	return out, err == nil && read == to
}

// rewriteGroup is the group at index of the address is, where it differs from was.
func rewriteGroup(text *string, index int, was, is [16]byte, padded bool) {
	at := 2 * index
	if strings.Contains(*text, ".") || is[at] == was[at] && is[at+1] == was[at+1] {
		return
	}
	group := strconv.FormatUint(uint64(is[at])<<8|uint64(is[at+1]), 16)
	if padded || len(*text) == 4 && (*text)[0] == '0' {
		group = strings.Repeat("0", 4-len(group)) + group
	}
	*text = group
}

func splitGroups(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ":")
}

// padded reports whether every group of the text has four digits.
func padded(text string) bool {
	for g := range strings.SplitSeq(text, ":") {
		if len(g) != 4 {
			return false
		}
	}
	return true
}
