// Package metallb is what MetalLB does with its pools, by version. It is pure.
// Unless a rule says otherwise it was read in, and tried with, metallb v0.16.2.
package metallb

import (
	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// Latest is the newest release whose rules this package knows, and the one that
// an installation of unknown version is judged by.
var Latest = release.V(0, 16)

// Pool is a set of ranges that addresses of LoadBalancer Services come from.
// MetalLB takes both addresses of a Service from one pool.
type Pool struct {
	Name          string
	Addresses     []Addresses
	Protocol      string // "layer2" or "bgp"; the ConfigMap era only
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
// has Err set.
func ParseAddresses(text string) Addresses {
	r, masked, err := plan.ParseAddrs(text)
	if err != nil {
		return Addresses{Text: text, Err: err.Error()}
	}
	return Addresses{Text: text, Range: r, Masked: masked}
}

// Families is the families that the pool has addresses of.
func (p Pool) Families() ipfam.Set {
	var s ipfam.Set
	for _, a := range p.Addresses {
		s = s.With(ipfam.Of(a.Range.From()))
	}
	return s
}
