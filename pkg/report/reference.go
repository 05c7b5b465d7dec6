package report

import (
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
)

// span is a run of addresses as a source writes it: with its host bits.
type span struct {
	addrs netipx.IPRange
	text  string
}

func texts(spans []span) []string {
	list := make([]string, 0, len(spans))
	for _, s := range spans {
		list = append(list, s.text)
	}
	return list
}

// same reports whether a and b are the same addresses, in whatever order and
// spelling.
func same(a, b []span) bool { return value(a) == value(b) }

func value(spans []span) string {
	list := make([]string, 0, len(spans))
	for _, s := range spans {
		list = append(list, s.addrs.String())
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

// reference is what the sources of one use and family are compared with.
type reference struct {
	known bool // about the use at all; then an empty reference means that the family does not belong
	spans []span
	set   *netipx.IPSet
	mask  int // of a node's block; 0 when nobody says
}

func newReference(known bool, spans []span, mask int) reference {
	var b netipx.IPSetBuilder
	for _, s := range spans {
		b.AddRange(s.addrs)
	}
	set, err := b.IPSet()
	if err != nil { // an invalid range: nothing lies in it
		set = &netipx.IPSet{}
	}
	return reference{known: known, spans: spans, set: set, mask: mask}
}

// holds reports whether every span lies in the reference.
func (r reference) holds(spans []span) bool { return len(r.outside(spans)) == 0 }

func (r reference) outside(spans []span) []span {
	var out []span
	for _, s := range spans {
		if !r.set.ContainsRange(s.addrs) {
			out = append(out, s)
		}
	}
	return out
}

// planReference is the ranges of use in the plan.
func planReference(p *plan.Plan, use plan.Use) ipfam.Pair[reference] {
	var spans ipfam.Pair[[]span]
	known := false
	for _, r := range p.Ranges() {
		if r.Use == use {
			at := spans.At(r.Family())
			*at = append(*at, span{r.Addrs, r.String()})
			known = true
		}
	}
	var refs ipfam.Pair[reference]
	for _, f := range ipfam.All {
		mask := 0
		if use == plan.Pods {
			mask = p.Pods.NodeMask.Of(f)
		}
		*refs.At(f) = newReference(known, spans.Of(f), mask)
	}
	return refs
}

// commonReference is what most sources say, for want of a plan. Of two that are
// said equally often it is what a running program says before what was once
// meant. Pools of load balancers are not compared with one another.
func commonReference(use plan.Use, entries []*entry) ipfam.Pair[reference] {
	var refs ipfam.Pair[reference]
	if use == plan.LoadBalancers {
		return refs
	}
	for _, f := range ipfam.All {
		if e := mostCommon(entries, f); e != nil {
			*refs.At(f) = newReference(true, e.spans.Of(f), commonMask(entries, e.spans.Of(f), f))
		}
	}
	return refs
}

func mostCommon(entries []*entry, f ipfam.Family) *entry {
	votes := map[string]int{}
	for _, e := range entries {
		if e.votes(f) {
			votes[value(e.spans.Of(f))]++
		}
	}
	var best *entry
	for _, e := range entries {
		if !e.votes(f) {
			continue
		}
		switch n := votes[value(e.spans.Of(f))]; {
		case best == nil, n > votes[value(best.spans.Of(f))]:
			best = e
		case n == votes[value(best.spans.Of(f))] && best.intent && !e.intent:
			best = e
		}
	}
	return best
}

// commonMask is the node mask of the first source with these spans that has one,
// a running program before what was once meant.
func commonMask(entries []*entry, spans []span, f ipfam.Family) int {
	mask := 0
	for _, e := range entries {
		if n := e.masks.Of(f); n != 0 && e.votes(f) && same(e.spans.Of(f), spans) {
			if !e.intent {
				return n
			}
			mask = n
		}
	}
	return mask
}
