package loadbalancers

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var privateAddresses = &checks.Check{
	ID:       "DS521",
	Name:     "unique-local-load-balancer-address",
	Severity: severity.Info,
	Doc: checks.Doc{
		Claim: "the IPv6 address of a dual-stack LoadBalancer Service is one that clients prefer to its IPv4 address",
		Why: `A client that finds both addresses of a name takes the one that ranks higher in its
policy table, and by default IPv4 ranks higher than unique-local IPv6. The Service works over both families,
and everybody goes on using IPv4; from outside of the site a unique-local address does not answer at all.`,
		Fix:    "Give the pool a range out of the site's public prefix; keep the unique-local one for a name of its own.",
		Limits: "All in one finding. A client whose policy table has the site's prefix prefers it.",
		Holds:  "every release: RFC 6724 2.1",
		Since:  "0.1",
		Refs:   []string{"RFC 6724 2.1 and 10.6", "RFC 4193"},
		Covers: []string{"PLAN-10"},
	},
	Needs: []snapshot.Kind{snapshot.Services},
	Run: func(in *checks.Input) []checks.Finding {
		var names []string
		var first snapshot.Service
		var address netip.Addr
		for _, s := range in.Services() {
			i := slices.IndexFunc(s.Ingress, func(a netip.Addr) bool { return a.Is6() && a.IsPrivate() })
			if !s.LoadBalancer() || i < 0 || !ipfam.SetOfAddrs(s.Ingress).Dual() {
				continue
			}
			if names = append(names, s.Ref.String()); len(names) == 1 {
				first, address = s, s.Ingress[i]
			}
		}
		if len(names) == 0 {
			return nil
		}
		others := ""
		if len(names) > 1 {
			others = "; as have " + checks.Some(names[1:])
		}
		return []checks.Finding{{
			Object: first.Ref, Field: ".status.loadBalancer.ingress", Family: ipfam.V6,
			Message: fmt.Sprintf("has the unique-local %s beside an IPv4 address, which clients prefer%s", address, others),
			Fix:     "a range out of the public prefix in the pool, in the place of the one with " + address.String(),
		}}
	},
}
