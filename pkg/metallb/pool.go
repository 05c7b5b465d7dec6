// Package metallb is what MetalLB does with its pools, by version. It is pure.
// Unless a rule says otherwise it was read in, and tried with, metallb v0.16.2.
package metallb

import (
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
)

// Pool is a set of ranges that addresses of LoadBalancer Services come from.
// MetalLB takes both addresses of a Service from one pool.
type Pool struct {
	Name          string
	Addresses     []Addresses
	Protocol      string // "layer2" or "bgp"; not of an IPAddressPool
	AutoAssign    bool   // the default is true
	AvoidBuggyIPs bool
	// Restricted is whether serviceAllocation limits the pool to some Services,
	// and the rest says to which.
	Restricted       bool
	Priority         int
	Namespaces       []string
	ServiceSelectors bool // or namespaceSelectors: labels decide, which are not evaluated
}

// Addresses is one entry of a pool: a prefix or a FROM-TO.
type Addresses struct {
	Text   string         // as written
	Range  netipx.IPRange // invalid when Err is not empty
	Masked bool           // the text had host bits, and MetalLB takes the whole prefix
	Err    string         // why the text is no range
}

// ParseAddresses reads an entry as MetalLB 0.16 does. An entry that it refuses
// has Err set; Refusal has its words.
func ParseAddresses(text string) Addresses {
	r, masked, err := plan.ParseAddrs(text)
	if err != nil {
		return Addresses{Text: text, Err: err.Error()}
	}
	return Addresses{Text: text, Range: r, Masked: masked}
}

// String is the range in its shortest form, or the text when it is none.
func (a Addresses) String() string {
	if !a.Range.IsValid() {
		return a.Text
	}
	return plan.FormatAddrs(a.Range)
}

// Families is the families that the pool has addresses of.
func (p Pool) Families() ipfam.Set {
	var s ipfam.Set
	for _, a := range p.Addresses {
		s = s.With(ipfam.Of(a.Range.From()))
	}
	return s
}

// Parses reports whether every entry of the pool is a range, and there is one. If
// not, MetalLB goes on with what it had before, and nothing else about its pools
// can be told.
func (p Pool) Parses() bool {
	return len(p.Addresses) > 0 && !slices.ContainsFunc(p.Addresses, func(a Addresses) bool { return a.Err != "" })
}

// Of is the pool's ranges of family f, in their order.
func (p Pool) Of(f ipfam.Family) []Addresses {
	var of []Addresses
	for _, a := range p.Addresses {
		if ipfam.Of(a.Range.From()) == f {
			of = append(of, a)
		}
	}
	return of
}

// Owns reports whether a is one of the addresses that the pool gives out.
func (p Pool) Owns(a netip.Addr) bool {
	if p.AvoidBuggyIPs && buggy(a) {
		return false
	}
	return slices.ContainsFunc(p.Addresses, func(e Addresses) bool { return e.Range.Contains(a.Unmap()) })
}

// Owner is the name of the pool that has every one of as, if one has. MetalLB
// lets a Service keep addresses only if there is such a pool.
// Source: metallb v0.16.2, internal/allocator/allocator.go poolFor.
func Owner(pools []Pool, as []netip.Addr) (name string, ok bool) {
	for _, p := range pools {
		if p.ownsAll(as) {
			return p.Name, true
		}
	}
	return "", false
}

func (p Pool) ownsAll(as []netip.Addr) bool {
	return !slices.ContainsFunc(as, func(a netip.Addr) bool { return !p.Owns(a) })
}

// buggy reports whether avoidBuggyIPs is about a: old clients take an IPv4
// address that ends in .0 or .255 for a network's own or its broadcast address.
func buggy(a netip.Addr) bool {
	if !a.Unmap().Is4() {
		return false
	}
	last := a.Unmap().As4()[3]
	return last == 0 || last == 255
}
