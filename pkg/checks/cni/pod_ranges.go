package cni

import (
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
)

// podRanges is the ranges that pods get their addresses out of: Cilium's pools
// where it has pools, otherwise what the first component says that names a whole
// range of the family, otherwise the plan's. It looks at
// snapshot.ClaimKinds[plan.Pods].
func podRanges(in *checks.Input, c configured) ipfam.Pair[[]netip.Prefix] {
	var ranges ipfam.Pair[[]netip.Prefix]
	claims := in.Claims(plan.Pods)
	for _, f := range ipfam.All {
		at := ranges.At(f)
		if c.Config.IPAM() == "cluster-pool" {
			*at, _ = c.Config.Pools(f)
		}
		for _, claim := range claims {
			if len(*at) == 0 && !claim.Blocks && claim.Ref != c.ConfigRef {
				*at = claim.Of(f)
			}
		}
		if p := in.Plan(); len(*at) == 0 && p != nil && p.Pods.Prefixes.Of(f).IsValid() {
			*at = []netip.Prefix{p.Pods.Prefixes.Of(f)}
		}
	}
	return ranges
}

// wantedRange is the range that pods are to have of f, for a fix: the plan's, or
// that of the first component that names a whole one.
func wantedRange(in *checks.Input, c configured, f ipfam.Family) (netip.Prefix, bool) {
	if p := in.Plan(); p != nil && p.Pods.Prefixes.Of(f).IsValid() {
		return p.Pods.Prefixes.Of(f), true
	}
	for _, claim := range in.Claims(plan.Pods) {
		if ps := claim.Of(f); len(ps) > 0 && !claim.Blocks && claim.Ref != c.ConfigRef {
			return ps[0], true
		}
	}
	return netip.Prefix{}, false
}

// holds reports whether all of inner is in outer.
func holds(outer, inner netip.Prefix) bool {
	return inner.IsValid() && outer.IsValid() && plan.Within(netipx.RangeOfPrefix(inner), netipx.RangeOfPrefix(outer))
}

// internet is the addresses that the internet's hosts have; IANA gives global
// IPv6 addresses out of 2000::/3 only.
var internet = ipfam.Pair[netip.Prefix]{V4: netip.MustParsePrefix("0.0.0.0/0"), V6: netip.MustParsePrefix("2000::/3")}

// exempts is the native routing CIDR of f when it has all of the internet: then
// nothing is masqueraded, whatever the switches say.
func exempts(c cilium.Config, f ipfam.Family) bool {
	p, ok := nativePrefix(c, f)
	return ok && holds(p, internet.Of(f))
}

// answered reports whether the plan has the router, or the LAN itself, bring
// packets to r.
func answered(p *plan.Plan, r netip.Prefix) bool {
	return holds(p.LAN.Prefixes.Of(ipfam.OfPrefix(r)), r) ||
		slices.ContainsFunc(p.Routed, func(routed netip.Prefix) bool { return holds(routed, r) })
}

// firstPrivate is the first of ranges whose addresses the internet has no way to.
func firstPrivate(ranges []netip.Prefix) (netip.Prefix, bool) {
	for _, r := range ranges {
		if !plan.Public(netipx.RangeOfPrefix(r)) {
			return r, true
		}
	}
	return netip.Prefix{}, false
}
