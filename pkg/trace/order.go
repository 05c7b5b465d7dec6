package trace

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
)

// ProgramsOf is which family programs try first of a name that has these answers, from a
// Pod that has these sources: one entry for each order, with the programs that have it.
// Without any answer there is none. The tables are the programs' own: a glibc with
// /etc/gai.conf has another, and so has a program with a resolver of its own, as many
// runtimes have. The three connect to one address after the other, Go after 300 ms also
// to the other family at the same time.
func ProgramsOf(sources ipfam.Pair[netip.Addr], answers ipfam.Pair[[]netip.Addr]) []Program {
	if len(answers.V4)+len(answers.V6) == 0 {
		return nil
	}
	var programs []Program
	for _, r := range resolvers {
		order, rule := r.order(sources, answers)
		i := slices.IndexFunc(programs, func(p Program) bool { return slices.Equal(p.Order, order) })
		if i < 0 {
			programs = append(programs, Program{Order: order})
			i = len(programs) - 1
		}
		p := &programs[i]
		p.Names = append(p.Names, r.name)
		if !slices.Contains(strings.Split(p.Rule, "; "), rule) {
			p.Rule = strings.TrimPrefix(p.Rule+"; "+rule, "; ")
		}
	}
	return programs
}

// resolver is how a program sorts the addresses of a name.
type resolver struct {
	name       string
	labels     []policyEntry
	precedence []policyEntry
	scope      func(netip.Addr) int
}

// policyEntry is a row of a policy table: a label, or a precedence. IPv4 addresses are
// looked up as IPv4-mapped ones.
type policyEntry struct {
	prefix netip.Prefix
	value  int
}

func table(rows ...policyEntry) []policyEntry { return rows }

func row(prefix string, value int) policyEntry {
	return policyEntry{netip.MustParsePrefix(prefix), value}
}

// The programs. The rows of each table are sorted by length, so that the first that fits
// is the one. glibc still has the table of RFC 3484, with additions: unique local
// addresses have a label of their own and the precedence of global ones. musl and Go
// have that of RFC 6724, in which they come after IPv4, musl without the deprecated rows.
// Sources: glibc, nss/getaddrinfo.c at 07e3eb17744f, default_labels, default_precedence,
// default_scopes; musl 1.2.5, src/network/lookup_name.c defpolicy, scopeof; go 1.26,
// src/net/addrselect.go rfc6724policyTable, classifyScope. Of Go it is the resolver that
// is written in Go; with cgo it takes the order of the C library.
var resolvers = []resolver{
	{
		name: "glibc",
		labels: table(row("::1/128", 0), row("::ffff:0:0/96", 4), row("::/96", 3), row("2001::/32", 7),
			row("2002::/16", 2), row("fec0::/10", 5), row("fc00::/7", 6), row("::/0", 1)),
		precedence: table(row("::1/128", 50), row("::ffff:0:0/96", 10), row("::/96", 20), row("2002::/16", 30), row("::/0", 40)),
		scope:      scope,
	},
	{
		name: "musl",
		labels: table(row("::1/128", 0), row("::ffff:0:0/96", 4), row("2001::/32", 5), row("2002::/16", 2),
			row("fc00::/7", 13), row("::/0", 1)),
		precedence: table(row("::1/128", 50), row("::ffff:0:0/96", 35), row("2001::/32", 5), row("2002::/16", 30),
			row("fc00::/7", 3), row("::/0", 40)),
		scope: muslScope,
	},
	{
		name: "Go",
		labels: table(row("::1/128", 0), row("::ffff:0:0/96", 4), row("::/96", 3), row("2001::/32", 5), row("2002::/16", 2),
			row("3ffe::/16", 12), row("fec0::/10", 11), row("fc00::/7", 13), row("::/0", 1)),
		precedence: table(row("::1/128", 50), row("::ffff:0:0/96", 35), row("::/96", 1), row("2001::/32", 5), row("2002::/16", 30),
			row("3ffe::/16", 1), row("fec0::/10", 1), row("fc00::/7", 3), row("::/0", 40)),
		scope: scope,
	},
}

func lookUp(rows []policyEntry, a netip.Addr) int {
	a = netip.AddrFrom16(a.As16())
	for _, r := range rows {
		if within(r.prefix, a) {
			return r.value
		}
	}
	return 0
}

// within is Contains, which takes no IPv4-mapped address for one of IPv6.
func within(p netip.Prefix, a netip.Addr) bool {
	q, err := a.Prefix(p.Bits())
	return err == nil && q.Addr().As16() == p.Masked().Addr().As16()
}

// The scopes of RFC 6724, section 3.1, that addresses of one host have.
const (
	scopeLinkLocal = 0x2
	scopeSiteLocal = 0x5
	scopeGlobal    = 0xe
)

var siteLocal = netip.MustParsePrefix("fec0::/10")

// scope is that of a. To IPv4 it is global but for link-local addresses and loopback:
// private addresses are global.
func scope(a netip.Addr) int {
	switch {
	case a.IsLinkLocalUnicast() || a.IsLoopback():
		return scopeLinkLocal
	case siteLocal.Contains(a):
		return scopeSiteLocal
	}
	return scopeGlobal
}

// muslScope is scope, but looks at IPv4 addresses in their IPv4-mapped form, and then
// all of them are global.
func muslScope(a netip.Addr) int {
	if a.Unmap().Is4() {
		return scopeGlobal
	}
	return scope(a)
}

// candidate is an address to connect to, and what the rules ask of it.
type candidate struct {
	family     ipfam.Family
	scopes     bool // whether its scope is that of the source
	labels     bool // whether its label is
	precedence int
	scope      int
}

func (r resolver) candidate(to, from netip.Addr) candidate {
	to, from = to.Unmap(), from.Unmap()
	return candidate{
		family: ipfam.Of(to), scope: r.scope(to), scopes: r.scope(to) == r.scope(from),
		labels: lookUp(r.labels, to) == lookUp(r.labels, from), precedence: lookUp(r.precedence, to),
	}
}

// The rules that decide between families. Rules 3, 4 and 7 are about what is not known
// here: deprecated and home addresses, and tunnels. Rule 9 is for addresses of one
// family only.
// Source: RFC 6724, section 6.
var orderRules = [...]struct {
	text    string
	compare func(a, b candidate) int
}{
	{"rule 2: scopes match", func(a, b candidate) int { return compareBool(a.scopes, b.scopes) }},
	{"rule 5: labels match", func(a, b candidate) int { return compareBool(a.labels, b.labels) }},
	{"rule 6: higher precedence", func(a, b candidate) int { return cmp.Compare(b.precedence, a.precedence) }},
	{"rule 8: smaller scope", func(a, b candidate) int { return cmp.Compare(a.scope, b.scope) }},
}

// compareBool sorts true first.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

func compareCandidates(a, b candidate) (order int, rule string) {
	for _, r := range orderRules {
		if c := r.compare(a, b); c != 0 {
			return c, r.text
		}
	}
	return 0, "rule 10: order of the answers"
}

// order is the families that r tries, and the rule that decides between them. A family
// without a source or without an answer is not tried, which is rule 1.
func (r resolver) order(sources ipfam.Pair[netip.Addr], answers ipfam.Pair[[]netip.Addr]) ([]ipfam.Family, string) {
	var best []candidate
	var missing []string
	for _, f := range ipfam.All {
		switch from, to := sources.Of(f), answers.Of(f); {
		case len(to) == 0:
			missing = append(missing, "the name has no address of "+f.String())
		case !from.IsValid():
			missing = append(missing, "rule 1: no source of "+f.String())
		default:
			best = append(best, r.best(from, to))
		}
	}
	rule := strings.Join(missing, ", ")
	if len(best) == 2 {
		var c int
		if c, rule = compareCandidates(best[0], best[1]); c > 0 {
			slices.Reverse(best)
		}
	}
	var order []ipfam.Family
	for _, c := range best {
		order = append(order, c.family)
	}
	return order, rule
}

// best is the candidate that comes first of those of one family.
func (r resolver) best(from netip.Addr, to []netip.Addr) candidate {
	var all []candidate
	for _, a := range to {
		all = append(all, r.candidate(a, from))
	}
	return slices.MinFunc(all, func(a, b candidate) int {
		c, _ := compareCandidates(a, b)
		return c
	})
}
