package metallb

import (
	"net/netip"
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
)

// Choice is addresses that a Service may get, all of one pool.
type Choice struct {
	Addrs []netip.Addr // in the order of .status.loadBalancer.ingress
	Pool  string
}

// Families is the families of the addresses.
func (c Choice) Families() ipfam.Set { return ipfam.SetOfAddrs(c.Addrs) }

// Outcome is what a Service has when MetalLB is done with it.
type Outcome struct {
	Choice
	// Others is what it may have as well: other pools would do, and MetalLB takes any.
	Others []Choice
	Why    string // MetalLB's words, when there is no address
	// Unsure is whether labels, which are not evaluated, open a pool to the Service
	// or close it: one that was passed over, or the one that is chosen.
	Unsure bool
	// Kept is whether the Service keeps the addresses that it has, perhaps with
	// another one added. Otherwise MetalLB takes them back and gives it new ones,
	// which may be the old ones again.
	Kept bool
	// Changes is the families in which the Service has an address, still wants one,
	// and will or may get another one or none.
	Changes ipfam.Set
	// Flaps is whether MetalLB never is done, or may never be: a PreferDualStack
	// Service of a single-stack cluster gets an address of each family out of a pool
	// that has both free, one later than the other, and loses both because it has one
	// ClusterIP, again and again. 0.14.9 gives it both at once each time. Addrs is
	// then what it has after each loss.
	Flaps bool
}

// choices is all that the Service may have.
func (o Outcome) choices() []Choice { return append([]Choice{o.Choice}, o.Others...) }

// changes is the value for Outcome.Changes of s.
func (o Outcome) changes(s Service) ipfam.Set {
	var changed ipfam.Set
	for _, a := range s.Current {
		lacks := func(c Choice) bool { return !slices.Contains(c.Addrs, a) }
		if slices.Contains(s.Families, ipfam.Of(a)) && slices.ContainsFunc(o.choices(), lacks) {
			changed = changed.With(ipfam.Of(a))
		}
	}
	return changed
}
