package loadbalancers

import (
	"fmt"
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var poolOnLAN = &checks.Check{
	ID:       "DS502",
	Name:     "pool-on-lan",
	Severity: severity.Error,
	Doc: checks.Doc{
		Claim: "a pool that MetalLB announces in L2 mode lies in the LAN prefix of the plan",
		Why: `In L2 mode a speaker answers ARP and neighbour solicitations on the LAN. For an
address outside of the on-link prefix nobody on the LAN ever asks: clients send to
their router, which has no route. The Service has its address and is announced, and
no packet arrives.`,
		Fix:    "Take a free range of the LAN prefix, or route the range on the router to the nodes and name it in the plan's spec.routed, or announce it by BGP.",
		Limits: "Pools that a BGPAdvertisement covers, and pools that only a label selector of an advertisement covers, are not judged.",
		Holds:  "MetalLB 0.9 to 0.16",
		Since:  "0.1",
		Refs:   []string{"https://github.com/metallb/metallb/issues/433", "https://github.com/metallb/metallb/issues/2329"},
		Covers: []string{"LB-04"},
	},
	Needs: []snapshot.Kind{snapshot.MetalLBPools},
	Uses:  []snapshot.Kind{snapshot.MetalLBSetup, snapshot.MetalLBAds},
	Plan:  true,
	Run: func(in *checks.Input) (fs []checks.Finding) {
		p := in.Plan()
		ads := in.AdsInForce()
		for _, pool := range in.PoolsInForce() {
			if l2, bgp, unsure := announced(pool, ads); !l2 || bgp || unsure {
				continue
			}
			for i, a := range pool.Addresses {
				f := ipfam.Of(a.Range.From())
				lan := p.LAN.Prefixes.Of(f)
				if !a.Range.IsValid() || !lan.IsValid() || onLink(a.Range, lan, p.Routed) {
					continue
				}
				fs = append(fs, checks.Finding{
					Object: pool.Ref, Field: addressesField(pool, i), Family: f,
					Message: fmt.Sprintf("%s is announced in L2 mode and is not within the LAN %s: nobody asks on the LAN for its addresses", a, lan),
					Fix:     fmt.Sprintf("in place of %s: a free range of %s%s", a, lan, suggestion(p, f, lan)),
				})
			}
		}
		return fs
	},
}

// onLink reports whether packets for r reach the nodes: r is on the LAN, or the
// router sends it there.
func onLink(r netipx.IPRange, lan netip.Prefix, routed []netip.Prefix) bool {
	return slices.ContainsFunc(append(slices.Clone(routed), lan), func(p netip.Prefix) bool {
		return plan.Within(r, netipx.RangeOfPrefix(p.Masked()))
	})
}

// suggestion is the plan's own load-balancer ranges on the LAN, if it has any.
func suggestion(p *plan.Plan, f ipfam.Family, lan netip.Prefix) string {
	for _, pool := range p.LoadBalancers {
		for _, r := range pool.Addresses {
			if ipfam.Of(r.From()) == f && onLink(r, lan, nil) {
				return fmt.Sprintf("; the plan has %s", plan.FormatAddrs(r))
			}
		}
	}
	return ""
}
