package policy

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var exceptionFamilies = &checks.Check{
	ID:       "DS803",
	Name:     "policy-exceptions-of-both-families",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "a policy that lets Pods out everywhere except to private ranges excepts those of both families",
		Why: `Who keeps Pods from the LAN, the nodes or other Pods by IPv4 ranges and lets out ::/0 beside
it has kept them from nothing: each of those hosts has an IPv6 address too.`,
		Fix:    "Except the unique local and link-local addresses, and the site's own prefixes of the other family.",
		Limits: "A family with exceptions of its own is compared with the LAN of the plan only.",
		Holds:  "Kubernetes 1.23 to 1.37; Cilium 1.12 to 1.20",
		Since:  "0.1",
		Refs:   []string{"k8s.io/api v0.37.2 networking/v1/types.go IPBlock", "https://github.com/vibed-project/vibeD/issues/60", "https://github.com/rancher/k3k/issues/1143"},
		Covers: []string{"POL-03"},
	},
	Uses:  slices.Concat(policyKinds, podKinds),
	AnyOf: policyKinds,
	Run: func(in *checks.Input) (fs []checks.Finding) {
		policies := in.Policies()
		if !in.Families(plan.Pods).Dual() {
			return nil
		}
		for _, p := range policies {
			has := reachOf(p.EgressRules)
			if !p.Egress || has.unsure || p.Unjudged != "" {
				continue
			}
			denied := reachOf(p.EgressDenies)
			for _, f := range ipfam.All {
				open, kept := has.unkept(in.Plan(), f, denied)
				if len(kept) == 0 {
					continue
				}
				fs = append(fs, checks.Finding{
					Object: p.Ref, Field: open.Field, Family: f.Other(),
					Message: fmt.Sprintf("lets Pods out to %s, and keeps them from %s over %s only", open.CIDR, checks.Some(texts(kept)), f),
					Fix:     except(p.Ref, open, exceptions(in.Plan(), open)),
				})
			}
		}
		return fs
	},
}

// privates is what sites have addresses of their own in, by family.
var privates = ipfam.Pair[[]netip.Prefix]{
	V4: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16")},
	V6: []netip.Prefix{netip.MustParsePrefix("fc00::/7"), netip.MustParsePrefix("fe80::/10")},
}

// unkept is the private ranges of f that r excepts from all addresses of f, while open lets
// out to all of the other family.
func (r reach) unkept(p *plan.Plan, f ipfam.Family, denied reach) (open snapshot.PolicyPeer, kept []netip.Prefix) {
	peer, ok := r.wide(f)
	open, other := r.wide(f.Other())
	if !ok || !other {
		return open, nil
	}
	against := slices.Clone(open.Except)
	for _, d := range denied.ranges.Of(f.Other()) {
		against = append(against, d.CIDR)
	}
	for _, e := range peer.Except {
		switch {
		case ipfam.OfPrefix(e) != f || !ofSite(p, e):
		case len(against) == 0, p != nil && holds(e, p.LAN.Prefixes.Of(f)) && free(against, p.LAN.Prefixes.Of(f.Other())):
			kept = append(kept, e)
		}
	}
	return open, kept
}

// ofSite reports whether r has addresses of the site.
func ofSite(p *plan.Plan, r netip.Prefix) bool {
	f := ipfam.OfPrefix(r)
	overlaps := func(q netip.Prefix) bool { return q.IsValid() && q.Overlaps(r) }
	return slices.ContainsFunc(privates.Of(f), overlaps) || p != nil && (overlaps(p.LAN.Prefixes.Of(f)) || overlaps(p.Pods.Prefixes.Of(f)))
}

func holds(r, inner netip.Prefix) bool {
	return inner.IsValid() && r.Bits() <= inner.Bits() && r.Contains(inner.Addr())
}

// free reports whether none of ps has an address of r.
func free(ps []netip.Prefix, r netip.Prefix) bool {
	return r.IsValid() && !slices.ContainsFunc(ps, func(p netip.Prefix) bool { return p.Overlaps(r) })
}

// except is the command that adds exceptions, a list in JSON, to the range of peer. A range in
// toCIDR has none.
func except(object snapshot.Ref, peer snapshot.PolicyPeer, list string) string {
	switch {
	case object.Kind == "NetworkPolicy":
		return patchAdd(object, peer.Field+".ipBlock.except", "["+list+"]")
	case strings.Contains(peer.Field, "CIDRSet["):
		return patchAdd(object, peer.Field+".except", "["+list+"]")
	}
	return fmt.Sprintf("in the place of %s write in toCIDRSet: {cidr: %q, except: [%s]}", peer.Field, peer.CIDR, list)
}

// exceptions is what keeps Pods from the site over the family of peer: what is excepted
// already, the private ranges, and those of the plan.
func exceptions(p *plan.Plan, peer snapshot.PolicyPeer) string {
	f := ipfam.OfPrefix(peer.CIDR)
	wanted := slices.Clone(privates.Of(f))
	if p != nil {
		wanted = append(wanted, p.LAN.Prefixes.Of(f), p.Pods.Prefixes.Of(f), p.Services.Of(f))
	}
	list := slices.Clone(peer.Except)
	for _, r := range wanted {
		if r.IsValid() && !slices.ContainsFunc(list, func(e netip.Prefix) bool { return holds(e, r) }) {
			list = append(list, r.Masked())
		}
	}
	quoted := make([]string, len(list))
	for i, r := range list {
		quoted[i] = fmt.Sprintf("%q", r)
	}
	return strings.Join(quoted, ", ")
}

func texts(ps []netip.Prefix) (list []string) {
	for _, p := range ps {
		list = append(list, p.String())
	}
	return list
}

// public reports whether r is of addresses that are routed on the internet.
func public(r netip.Prefix) bool { return r.IsValid() && plan.Public(netipx.RangeOfPrefix(r.Masked())) }
