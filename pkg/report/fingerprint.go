package report

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// fingerprintBytes is how much of the hash a fingerprint has: that two of a million
// findings share one has a chance below one in a million million.
const fingerprintBytes = 10

// Fingerprints is what stays of each finding from one run to the next, in their
// order: a hash of the check, the object, the field and the family. The place in a
// file, the severity, the fix and the message have no part in it: all of them may
// change while the mistake is the same.
//
// A check may find several things in one field. Only such findings are told apart
// by their messages too, without the counts in them. When a second one joins a
// first, the first therefore gets another fingerprint: what compares two runs says
// too much then, and never too little.
func (r Result) Fingerprints() []string {
	same := map[string]int{}
	for _, f := range r.Findings {
		same[f.identity(r.ID)]++
	}
	seen := map[string]int{}
	list := make([]string, 0, len(r.Findings))
	for _, f := range r.Findings {
		key := f.identity(r.ID)
		if same[key] > 1 {
			key = joinParts(key, uncounted(f.Message))
		}
		if seen[key]++; seen[key] > 1 {
			key = joinParts(key, strconv.Itoa(seen[key]))
		}
		hash := sha256.Sum256([]byte(key))
		list = append(list, hex.EncodeToString(hash[:fingerprintBytes]))
	}
	return list
}

// identity is what a finding of the check id is about.
func (f Finding) identity(id string) string {
	return joinParts(id, f.Object.Kind, f.Object.Namespace, f.Object.Name, f.Field, f.Family.String())
}

// joinParts makes one text of several, another for every list of parts.
func joinParts(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(strconv.Quote(p))
	}
	return b.String()
}

// uncounted is a message without the numbers that stand alone in it: they count,
// and what is counted comes and goes.
func uncounted(message string) string {
	return strings.Join(slices.DeleteFunc(strings.Fields(message), func(word string) bool {
		return !strings.ContainsFunc(word, func(r rune) bool { return !unicode.IsDigit(r) && r != ',' && r != ';' })
	}), " ")
}
