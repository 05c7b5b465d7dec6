package trace

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
)

// Differences is the steps at which the two paths part, in the order of a packet: other
// states, other words than those that only name the family's addresses, or a step that
// one family does not take. Endpoints of a Service that only one family reaches are a
// difference of the Service. What follows from a packet that was stopped earlier is no
// difference of its own.
func (t Trace) Differences() []Step {
	if !t.Query.Target.Families().Dual() {
		return nil // there is one path
	}
	var steps []Step
	var stopped ipfam.Pair[bool]
	for _, row := range t.Rows() {
		if (row.part(stopped) || row.Step == StepService && t.branchesPart()) && !slices.Contains(steps, row.Step) {
			steps = append(steps, row.Step)
		}
		for _, f := range ipfam.All {
			if hop := row.Hops.Of(f); hop != nil && hop.State == Stops {
				*stopped.At(f) = true
			}
		}
	}
	return steps
}

// branchesPart reports whether the families come to different ends at the endpoints.
func (t Trace) branchesPart() bool {
	same := func(a, b Branch) bool {
		return len(a.Endpoints) == len(b.Endpoints) && a.Path.Verdict == b.Path.Verdict
	}
	return !slices.EqualFunc(t.Paths.V4.Branches, t.Paths.V6.Branches, same)
}

// part reports whether the paths part at r, where some families may not get to it.
func (r Row) part(stopped ipfam.Pair[bool]) bool {
	for _, f := range ipfam.All {
		if r.Hops.Of(f) == nil {
			return !stopped.Of(f)
		}
	}
	return differs(*r.Hops.V4, *r.Hops.V6)
}

// differs reports whether two hops of the same step are of different kinds. Reasons count
// only where something is wrong: two policies may let a packet pass in their own ways.
func differs(a, b Hop) bool {
	away := a.State == NotReached || b.State == NotReached
	switch {
	case away && (silent(a) || silent(b)):
		return false
	case !away && a.State != b.State:
		return true
	case !slices.Equal(words(a.Text), words(b.Text)):
		return true
	}
	return !away && a.State != Passes && !slices.Equal(words(a.Because), words(b.Because))
}

// silent reports whether a hop says nothing but that no packet comes to it.
func silent(h Hop) bool { return h.Text == "" || h.Text == string(NotReached) }

// anyAddress stands for addresses, ranges of them, and the names of their families.
const anyAddress = "*"

// words is what a text says, whatever the family: each run of addresses is one word. That
// a target answers is left out, and how fast: its state says the one, and the other is never
// the same twice.
func words(text string) []string {
	text, _, _ = strings.Cut(text, answersIn)
	fields := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return strings.ContainsRune(" ,;=\"'()«»", r) })
	var said []string
	for _, word := range fields {
		if slices.Contains(kinds, word) {
			continue
		}
		if address(word) {
			word = anyAddress
			if len(said) > 0 && said[len(said)-1] == word {
				continue
			}
		}
		said = append(said, familiar(word))
	}
	return said
}

// kinds is the words for the kinds of addresses, which the families do not share.
var kinds = []string{"gua", "ula", "public", "rfc", "1918", "6598"}

// address reports whether word is an address, with a port or not, a prefix, or a range.
func address(word string) bool {
	for _, w := range []string{word, strings.TrimRight(word, ".:")} {
		_, noAddr := netip.ParseAddr(strings.Trim(w, "[]"))
		_, noPort := netip.ParseAddrPort(w)
		_, noPrefix := netip.ParsePrefix(w)
		if noAddr == nil || noPort == nil || noPrefix == nil {
			return true
		}
	}
	from, to, isRange := strings.Cut(word, "-")
	return isRange && address(from) && address(to)
}

// familiar is word without the family in it: "enable-ipv6-masquerade" is "enable-ip-masquerade".
func familiar(word string) string {
	if word == "aaaa" {
		return "a" // the two records of a name
	}
	return strings.NewReplacer("ipv4", "ip", "ipv6", "ip", "icmpv6", "icmp", "ip6tables", "iptables").Replace(word)
}
