package ranges

import (
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
)

var podsRouted = &checks.Check{
	ID:       "DS110",
	Name:     "public-pods-routed",
	Severity: severity.Error,
	Doc: checks.Doc{
		Claim: "public pod ranges that leave unmasqueraded are routed to the nodes",
		Why: `Every answer is dropped by the upstream router: connections out of pods hang in one
family and work in the other. A pod that sends with its own public address gets answers only
if that router has a route to the nodes, or the range is on their link and they answer for it.`,
		Fix:    "Add a route for the pod range on the upstream router and to spec.routed of the plan, or masquerade the family.",
		Limits: "The plan says what is routed; the router itself is not asked.",
		Holds:  "all releases",
		Since:  "0.1",
		Refs:   []string{"cilium v1.20.2, Documentation/network/concepts/routing.rst", "https://github.com/projectcalico/calico/issues/7096"},
		Covers: []string{"EGR-03", "RTR-01"},
	},
	Uses: podKinds,
	Plan: true,
	Run:  func(in *checks.Input) []checks.Finding { return egress(in, true) },
}

var privatePodsMasqueraded = &checks.Check{
	ID:       "DS111",
	Name:     "private-pods-masqueraded",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "pods with private addresses do not leave for the internet with them",
		Why: `The provider drops packets with such addresses, and inside of the site answers come back
only where the upstream router knows the way. Unique local addresses (fc00::/7) and private
IPv4 addresses are routed inside of a site at most, and where the plan has egress as routed,
packets of pods leave with them.`,
		Fix:    "Masquerade the family, or give the pods a range of the delegated prefix.",
		Limits: "A router further up that translates prefixes (NPTv6, NAT66) makes it work, and is not seen.",
		Holds:  "all releases",
		Since:  "0.1",
		Refs:   []string{"RFC 4193 section 4.3", "RFC 1918"},
		Covers: []string{"EGR-01"},
	},
	Uses: podKinds,
	Plan: true,
	Run:  func(in *checks.Input) []checks.Finding { return egress(in, false) },
}

// egress is the pod ranges, public or not, that get no answers by the plan.
func egress(in *checks.Input, public bool) (fs []checks.Finding) {
	p, cluster := in.Plan(), pods(in)
	for _, s := range slices.Concat(cluster, unsaid(cluster, ofUse(planned(in), plan.Pods))) {
		prefix, ok := s.Prefix()
		if !ok || plan.Public(s.Addrs) != public {
			continue
		}
		if bad, message, fix := p.PodEgress(prefix); bad != 0 {
			fs = append(fs, s.finding(message, fix))
		}
	}
	return fs
}
