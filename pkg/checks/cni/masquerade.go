package cni

import (
	"fmt"
	"net/netip"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var masquerade = &checks.Check{
	ID:       "DS404",
	Name:     "masquerade-matches-egress",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "Cilium masquerades just the families whose pods are to leave with a node's address",
		Why: `A packet that leaves with a pod's own address needs a way back to it: a route on the
upstream router, or the pod's range on the LAN. Without one the answer is lost, and
clients see a timeout of one family only. The other way round, masquerade hides
pods that have public addresses behind their node's.`,
		Fix:    "Switch masquerade of the family with enableIPv4Masquerade or enableIPv6Masquerade, and switch it off only when the route back is there.",
		Limits: "Without a plan only the kind of the pods' addresses is known: private ones need masquerade, or a translation that Cilium does not see.",
		Holds:  "Cilium 1.10 to 1.20",
		Since:  "0.1",
		Refs:   []string{"cilium v1.20.2, Documentation/network/concepts/masquerading.rst", "cilium v1.20.2, bpf/lib/nat.h", "https://github.com/cilium/cilium/issues/6320"},
		Covers: []string{"EGR-01", "EGR-03", "EGR-04"},
	},
	Needs: []snapshot.Kind{snapshot.CiliumConfig},
	Uses:  snapshot.ClaimKinds[plan.Pods],
	Run: func(in *checks.Input) (fs []checks.Finding) {
		c, ok := configuration(in)
		if !ok {
			return nil
		}
		ranges := podRanges(in, c)
		for _, f := range c.Config.Families().List() {
			fault := egressFault(in.Plan(), c, f, ranges.Of(f))
			if fault.message == "" {
				continue
			}
			key := cilium.Key("enable-%s-masquerade", f)
			fs = append(fs, checks.Finding{
				Severity: fault.severity,
				Object:   c.ConfigRef, Field: c.field(key), Family: f,
				Message: fault.message,
				Fix:     c.set(cilium.Setting{Key: key, Value: fault.want}),
			})
		}
		return fs
	},
}

// fault is one of masquerade: what is wrong, how bad it is, and what the switch is to be.
type fault struct {
	message  string
	severity severity.Severity
	want     string
}

func egressFault(p *plan.Plan, c configured, f ipfam.Family, pods []netip.Prefix) fault {
	if p == nil || p.Egress.Of(f) == "" {
		return unplannedEgress(c, f, pods)
	}
	mechanism := c.Config.Masquerade(f)
	switch egress := p.Egress.Of(f); {
	case egress == plan.Masquerade && mechanism == cilium.NoMasquerade:
		for _, r := range pods {
			if !answered(p, r) {
				return fault{fmt.Sprintf("does not masquerade %s, and the plan has no way back to the pods' addresses %s: packets out of the cluster get no answer", f, r),
					severity.Error, "true"}
			}
		}
		return fault{fmt.Sprintf("does not masquerade %s, and the plan has pods leave with a node's address", f), severity.Warning, "true"}
	case egress == plan.RoutedEgress && mechanism != cilium.NoMasquerade && !exempts(c.Config, f):
		return fault{fmt.Sprintf("masquerades %s (%s), and the plan has pods leave with their own addresses", f, mechanism), severity.Warning, "false"}
	}
	return fault{}
}

// unplannedEgress judges by the addresses alone. Private IPv4 addresses that are
// routed natively are usually translated at the edge of the site; IPv6 has no such
// habit.
func unplannedEgress(c configured, f ipfam.Family, pods []netip.Prefix) fault {
	mechanism := c.Config.Masquerade(f)
	private, isPrivate := firstPrivate(pods)
	switch {
	case mechanism == cilium.NoMasquerade && isPrivate && (f == ipfam.V6 || !c.native()):
		return fault{fmt.Sprintf("does not masquerade %s, and the pods' addresses %s are private: packets to the internet get no answer", f, private),
			severity.Warning, "true"}
	case mechanism != cilium.NoMasquerade && !isPrivate && len(pods) > 0 && !exempts(c.Config, f):
		return fault{fmt.Sprintf("masquerades %s (%s), and the pods' addresses %s are public: they leave with a node's address all the same", f, mechanism, pods[0]),
			severity.Info, "false"}
	}
	return fault{}
}
