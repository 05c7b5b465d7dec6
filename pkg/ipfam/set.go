package ipfam

import (
	"net/netip"
	"strings"
)

// Set is a set of families. The zero Set is empty.
type Set uint8

const (
	bit4 Set = 1 << iota
	bit6
)

func bit(f Family) Set {
	switch f {
	case V4:
		return bit4
	case V6:
		return bit6
	}
	return 0
}

// SetOf is the set of fs. The zero Family adds nothing.
func SetOf(fs ...Family) Set {
	var s Set
	for _, f := range fs {
		s |= bit(f)
	}
	return s
}

// SetOfAddrs is the set of the families of as.
func SetOfAddrs(as []netip.Addr) Set {
	var s Set
	for _, a := range as {
		s |= bit(Of(a))
	}
	return s
}

// SetOfPrefixes is the set of the families of ps.
func SetOfPrefixes(ps []netip.Prefix) Set {
	var s Set
	for _, p := range ps {
		s |= bit(OfPrefix(p))
	}
	return s
}

// Has reports whether f is in s.
func (s Set) Has(f Family) bool { return s&bit(f) != 0 }

// With is s and f.
func (s Set) With(f Family) Set { return s | bit(f) }

// Minus is what s has and t has not.
func (s Set) Minus(t Set) Set { return s &^ t }

// Empty reports whether s has no family.
func (s Set) Empty() bool { return s == 0 }

// Dual reports whether s has both families.
func (s Set) Dual() bool { return s == bit4|bit6 }

// Single is the one family of s, if s has exactly one.
func (s Set) Single() (Family, bool) {
	switch s {
	case bit4:
		return V4, true
	case bit6:
		return V6, true
	}
	return 0, false
}

// List is the families of s, IPv4 first.
func (s Set) List() []Family {
	var fs []Family
	for _, f := range All {
		if s.Has(f) {
			fs = append(fs, f)
		}
	}
	return fs
}

// String is "IPv4", "IPv6", "IPv4 and IPv6" or "no family".
func (s Set) String() string {
	if s.Empty() {
		return Family(0).String()
	}
	var names []string
	for _, f := range s.List() {
		names = append(names, f.String())
	}
	return strings.Join(names, " and ")
}
