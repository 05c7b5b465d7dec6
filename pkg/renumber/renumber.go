// Package renumber carries an address plan and a cluster over to another delegated
// prefix: the new plan, which addresses of which Services change, and the steps, in
// their order. It is pure.
package renumber

import (
	"fmt"
	"net/netip"

	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
)

// Range is a range of a plan that moves.
type Range struct {
	Use     plan.Use
	Name    string // of a pool
	Field   string
	Was, Is netipx.IPRange
}

// Change is a plan and what has become of it.
type Change struct {
	Old, New *plan.Plan
	From, To netip.Prefix // the delegated prefix, before and after
	Ranges   []Range      // that move, in the plan's order
	Text     plan.Moving  // the file
}

// Plan moves the plan p, whose file is text, to the delegated IPv6 prefix to.
// Addresses of the old prefix in comments move too: they are about the ranges beside
// them. The problems are those that keep it from moving, each a range that has no
// room in a prefix longer than the old one; then there is no Change.
func Plan(p *plan.Plan, text []byte, to netip.Prefix) (*Change, []plan.Problem) {
	field := "spec.delegated.ipv6"
	from := p.Delegated.V6.Masked()
	if !from.IsValid() {
		return nil, []plan.Problem{problem(p, field, "is not there, and it is what a plan is moved out of", "write the prefix that the provider has routed to the site until now")}
	}
	c := &Change{Old: p, From: from, To: to.Masked()}
	problems := c.ranges()
	if len(problems) > 0 {
		return nil, problems
	}
	c.Text = plan.Move(string(text), c.From, c.To)
	moved, problems := plan.Parse(p.Source(), []byte(c.Text.Text))
	if moved == nil {
		return nil, problems
	}
	c.New = moved
	if wrong := c.held(); wrong != nil {
		return nil, []plan.Problem{*wrong}
	}
	return c, nil
}

func problem(p *plan.Plan, field, message, fix string) plan.Problem {
	return plan.Problem{Severity: severity.Error, Field: field, At: p.Position(field), Message: message, Fix: fix}
}

// ranges is what moves, or what has no room.
func (c *Change) ranges() (problems []plan.Problem) {
	site := netipx.RangeOfPrefix(c.From)
	var unfit []plan.Range
	for _, r := range c.Old.Ranges() {
		if r.Use == plan.Delegated || !plan.Within(r.Addrs, site) {
			continue
		}
		is, ok := c.move(r.Addrs)
		if !ok {
			unfit = append(unfit, r)
			continue
		}
		c.Ranges = append(c.Ranges, Range{Use: r.Use, Name: r.Name, Field: r.Field, Was: r.Addrs, Is: is})
	}
	taken := c.Old.Ranges()
	for _, r := range unfit {
		message := fmt.Sprintf("%s has no room in %s: where it is, it needs a prefix of /%d or shorter", r, c.To, c.longest(r.Addrs))
		fix := fmt.Sprintf("ask the provider for a /%d, or %s", c.longest(r.Addrs), c.instead(r, unfit, &taken))
		problems = append(problems, problem(c.Old, r.Field, message, fix))
	}
	return problems
}

// move is the range at the same place in the new prefix.
func (c *Change) move(r netipx.IPRange) (netipx.IPRange, bool) {
	from, ok1 := plan.MoveAddr(r.From(), c.From, c.To)
	to, ok2 := plan.MoveAddr(r.To(), c.From, c.To)
	return netipx.IPRangeFrom(from, to), ok1 && ok2
}

// longest is the longest delegated prefix that r has room in where it is.
func (c *Change) longest(r netipx.IPRange) int {
	bits := c.From.Bits()
	for bits < ipfam.V6.Bits() {
		longer := netip.PrefixFrom(c.From.Addr(), bits+1)
		if !longer.Contains(r.From()) || !longer.Contains(r.To()) {
			break
		}
		bits++
	}
	return bits
}

// instead is what to do with a range that has no room, before the plan is moved: a
// range that lies in another such one goes with that, and others to a free range in
// what the new prefix holds of the old one.
func (c *Change) instead(r plan.Range, unfit []plan.Range, taken *[]plan.Range) string {
	for _, other := range unfit {
		if other.Field != r.Field && other.Contains(r) {
			return fmt.Sprintf("move it together with %s, which it lies in", other.Field)
		}
	}
	within := netip.PrefixFrom(c.From.Addr(), c.To.Bits())
	if p, ok := r.Prefix(); ok && p.Bits() >= within.Bits() {
		if free, ok := plan.Free(netip.PrefixFrom(within.Addr(), p.Bits()), []netip.Prefix{within}, *taken); ok {
			*taken = append(*taken, plan.RangeOf(r.Use, free))
			if r.Use == plan.Routed {
				*taken = append(*taken, plan.RangeOf(plan.LAN, free)) // what is routed holds others, and is not free for all that
			}
			return fmt.Sprintf("move it to a free range such as %s first", free)
		}
	}
	return fmt.Sprintf("take a range out of %s first", within)
}

// held holds the file to what was to come of it: every range moved, or stayed.
func (c *Change) held() *plan.Problem {
	want := map[string]netipx.IPRange{}
	for _, r := range c.Old.Ranges() {
		want[r.Field] = r.Addrs
	}
	for _, r := range c.Ranges {
		want[r.Field] = r.Is
	}
	for _, r := range c.New.Ranges() {
		if r.Use != plan.Delegated && want[r.Field] != r.Addrs {
			wrong := problem(c.Old, r.Field, fmt.Sprintf("is written in a way that it cannot be moved in; it became %s", r), "write it without escapes")
			return &wrong
		}
	}
	if c.New.Delegated.V6 != c.To {
		wrong := problem(c.Old, "spec.delegated.ipv6", fmt.Sprintf("is written in a way that it cannot be moved in; it became %s", c.New.Delegated.V6), "write "+c.From.String())
		return &wrong
	}
	return nil
}

// Moves reports whether any range of the use moves.
func (c *Change) Moves(use plan.Use) bool {
	for _, r := range c.Ranges {
		if r.Use == use {
			return true
		}
	}
	return false
}

// moved is a as it is in the new prefix; false when it is not of the old one.
func (c *Change) moved(a netip.Addr) (netip.Addr, bool) {
	if !c.From.Contains(a) {
		return a, false
	}
	return plan.MoveAddr(a, c.From, c.To)
}
