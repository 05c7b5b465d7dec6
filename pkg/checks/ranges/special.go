package ranges

import (
	"fmt"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var documentation = &checks.Check{
	ID:       "DS112",
	Name:     "documentation-prefix",
	Severity: severity.Info,
	Doc: checks.Doc{
		Claim: "no address is out of a prefix for documentation",
		Why: `192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24, 2001:db8::/32 and 3fff::/20 stand in
examples and are routed nowhere. A cluster that has them is an example too, or was copied
from one.`,
		Fix:    "Take a prefix that was assigned to the site, or a unique local one made at random (RFC 4193).",
		Holds:  "all releases",
		Since:  "0.1",
		Refs:   []string{"RFC 5737", "RFC 3849", "RFC 9637"},
		Covers: []string{"PLAN-08"},
	},
	Uses: kinds(podKinds, serviceKinds, poolKinds, []snapshot.Kind{snapshot.Nodes}),
	Run: func(in *checks.Input) (fs []checks.Finding) {
		var order []plan.SpecialPrefix
		places := map[plan.SpecialPrefix][]stated{}
		for _, s := range append(everything(in), nodeAddresses(in)...) {
			special, ok := plan.SpecialOf(s.Range)
			if !ok || !special.ForDocumentation() {
				continue
			}
			if places[special] == nil {
				order = append(order, special)
			}
			places[special] = append(places[special], s)
		}
		for _, special := range order {
			fs = append(fs, places[special][0].finding(
				fmt.Sprintf("%s is out of %s, %s; that prefix is used for %s", places[special][0], special.Prefix, special.Name, uses(places[special])),
				"take a prefix that was assigned to the site, in every one of these places"))
		}
		return fs
	},
}

// everything is the ranges of the cluster, and those of the plan that the cluster
// has not.
func everything(in *checks.Input) []stated {
	cluster := slices.Concat(pods(in), services(in), pools(in))
	return append(cluster, unsaid(cluster, planned(in))...)
}

func nodeAddresses(in *checks.Input) []stated {
	var list []stated
	for _, n := range in.Nodes() {
		for _, a := range n.InternalIPs {
			list = append(list, stated{
				Range: plan.Range{Use: plan.Nodes, Addrs: netipx.IPRangeFrom(a.Unmap(), a.Unmap())},
				ref:   n.Ref, field: ".status.addresses",
			})
		}
	}
	return list
}

// uses is what the ranges of list are for.
func uses(list []stated) string {
	var names []string
	for _, s := range list {
		if !slices.Contains(names, string(s.Use)) {
			names = append(names, string(s.Use))
		}
	}
	return strings.Join(names, ", ")
}

var specialPurpose = &checks.Check{
	ID:       "DS113",
	Name:     "special-purpose-prefix",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "no range is out of a prefix with a purpose of its own",
		Why: `Addresses out of such a prefix are passed on by nobody, or belong to somebody else.
Link-local, loopback and multicast addresses are no addresses of pods or Services; NAT64,
Teredo and 6to4 stand for IPv4 addresses; site-local ones are abolished; 2001:cafe::/32 was
copied from an example. The default pools of Cilium's chart, 10.0.0.0/8 and fd00::/104, are in
many clusters, so that two of them cannot be joined.`,
		Fix:   "Take ranges of the site's own: of its delegated prefix, of a unique local prefix made at random (RFC 4193), or private IPv4 ones that nothing else has.",
		Holds: "all releases; the defaults are those of Cilium 1.15 to 1.20",
		Since: "0.1",
		Refs: []string{
			"RFC 6890", "https://github.com/k3s-io/k3s/issues/10575",
			"cilium v1.20.2, install/kubernetes/cilium/values.yaml",
		},
		Covers: []string{"PLAN-08"},
	},
	Uses: kinds(podKinds, serviceKinds, poolKinds),
	Run: func(in *checks.Input) (fs []checks.Finding) {
		for _, s := range everything(in) {
			special, ok := plan.SpecialOf(s.Range)
			if !ok || special.ForDocumentation() {
				continue
			}
			f := s.finding(special.Describe(s.Range), s.remedy("<a range of the site's own>"))
			f.Severity = special.Severity
			fs = append(fs, f)
		}
		return fs
	},
}
