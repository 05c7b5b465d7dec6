package cni

import (
	"fmt"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var l2Announcements = &checks.Check{
	ID:       "DS424",
	Name:     "l2-announcements-families",
	Severity: severity.Error,
	Doc: checks.Doc{
		Claim: "Cilium's L2 announcements answer for the IPv6 addresses of its pools",
		Why: `Before 1.19 the announcements are ARP and nothing else. A pool with IPv6 ranges gives
Services IPv6 addresses that no node answers for: neighbours on the LAN ask, and
hear nothing. The first builds of 1.19 answer, but do not listen to the multicast
group that the question is sent to.`,
		Fix:    "Upgrade to a current 1.19 or later, or announce the IPv6 addresses by BGP or with MetalLB.",
		Limits: "Whether a CiliumL2AnnouncementPolicy selects the Services is not looked at. Where BGP is on, it may do the work.",
		Holds:  "Cilium 1.14 to 1.20",
		Since:  "0.1",
		Refs:   []string{"https://github.com/cilium/cilium/issues/28985", "https://github.com/cilium/cilium/issues/39648", "https://github.com/cilium/cilium/issues/44311"},
		Covers: []string{"LB-07", "LB-08"},
	},
	Needs: []snapshot.Kind{snapshot.CiliumConfig, snapshot.LBIPAMPools},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		c, ok := configuration(in)
		pools := in.LBIPAMPools()
		message := unannounced(c.release)
		if !ok || message == "" || !c.Config.Bool("enable-l2-announcements", false) || c.Config.Bool("enable-bgp-control-plane", false) {
			return nil
		}
		for _, p := range pools {
			for i, r := range p.Ranges {
				if p.Disabled || !r.Range.IsValid() || ipfam.Of(r.Range.From()) != ipfam.V6 {
					continue
				}
				fs = append(fs, checks.Finding{
					Object: p.Ref, Field: p.Field(i), Family: ipfam.V6,
					Message: fmt.Sprintf("has %s, and %s", plan.FormatAddrs(r.Range), message),
					Fix:     c.upgradeTo(cilium.Latest),
				})
				break
			}
		}
		return fs
	},
}

// unannounced is what v does not do for IPv6 addresses, or nothing.
func unannounced(v release.Version) string {
	switch {
	case v.Before(l2Announce6):
		return fmt.Sprintf("L2 announcements before Cilium %s are for IPv4 only", l2Announce6)
	case v.Known() && v == release.V(1, 19, 0):
		return "L2 announcements of Cilium 1.19.0 do not join the group that neighbours ask"
	}
	return ""
}

// l2Announce6 is the release from which L2 announcements answer neighbour
// solicitations (cilium/cilium#39648).
var l2Announce6 = release.V(1, 19)
