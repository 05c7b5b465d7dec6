package ranges

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// stated is a range and where the cluster, or the plan, says it.
type stated struct {
	plan.Range
	written netip.Prefix // with host bits; invalid for a pool's
	ref     snapshot.Ref
	field   string
	planAt  string           // of the plan's ranges
	mask    int              // the length of a node's block, of pods
	release release.Version  // of the program or the plan; may be unknown
	program snapshot.Program // that has the range in a flag; zero for others

	list  []string              // the ranges that stand in one place with this one
	at    int                   // which of them it is
	write func([]string) string // where and how they are written
}

// remedy is what to write so that instead stands in the place of the range.
func (s stated) remedy(instead string) string {
	list := slices.Clone(s.list)
	list[s.at] = instead
	return s.write(list)
}

// more is what to write so that another range is added to this one.
func (s stated) more(another string) string { return s.write(append(slices.Clone(s.list), another)) }

// each is what to write so that every range of the place is changed by f, one
// line for all of them: one that mends the first alone would not do.
func (s stated) each(f func(netip.Prefix) netip.Prefix) string {
	list := slices.Clone(s.list)
	for i, text := range list {
		if p, err := netip.ParsePrefix(text); err == nil {
			list[i] = f(p.Masked()).String()
		}
	}
	return s.write(list)
}

// alone is s as the only range in its place.
func (s stated) alone(write func(string) string) stated {
	s.list, s.at = []string{s.String()}, 0
	s.write = func(list []string) string { return write(list[0]) }
	return s
}

// seen is the name of s in a sentence about another range.
func (s stated) seen() string {
	if s.planAt != "" {
		return "the plan's " + s.planAt
	}
	return fmt.Sprintf("%s %s", s.ref, s.field)
}

// finding is a finding about s.
func (s stated) finding(message, fix string) checks.Finding {
	return checks.Finding{Object: s.ref, Field: s.field, Family: s.Family(), Message: message, Fix: fix, PlanAt: s.planAt}
}

func texts(ps []netip.Prefix) []string {
	list := make([]string, len(ps))
	for i, p := range ps {
		list[i] = p.String()
	}
	return list
}

// distinct is list without ranges that an earlier entry has too: three API
// servers with one flag say one thing.
func distinct(list []stated) []stated {
	var kept []stated
	for _, s := range list {
		if !slices.ContainsFunc(kept, func(k stated) bool { return s.same(k) && s.mask == k.mask }) {
			kept = append(kept, s)
		}
	}
	return kept
}

// same reports whether s and t are one range for one use.
func (s stated) same(t stated) bool { return s.Use == t.Use && s.Addrs == t.Addrs }

// unsaid is the ranges of more that list has not.
func unsaid(list, more []stated) []stated {
	return slices.DeleteFunc(slices.Clone(more), func(s stated) bool { return slices.ContainsFunc(list, s.same) })
}

// ofUse is the ranges of list for use.
func ofUse(list []stated, use plan.Use) []stated {
	return slices.DeleteFunc(slices.Clone(list), func(s stated) bool { return s.Use != use })
}

// of is the ranges of list of family f.
func of(list []stated, f ipfam.Family) []stated {
	return slices.DeleteFunc(slices.Clone(list), func(s stated) bool { return s.Family() != f })
}

// some is the first of names and how many more there are.
func some(names []string) string {
	const most = 3
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

func prefixRange(use plan.Use, p netip.Prefix) stated {
	return stated{Range: plan.RangeOf(use, p), written: p}
}
