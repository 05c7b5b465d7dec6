package cni

import (
	"fmt"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var egressGateway = &checks.Check{
	ID:       "DS420",
	Name:     "egress-gateway-families",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "the egress gateway takes the IPv6 packets of pods as well",
		Why: `Up to 1.17 the egress gateway knows IPv4 only. Pods that have both families reach the
same names over IPv6 past the gateway, with their own node's address or their own:
allow-lists of the far end do not know it, and what was to stay hidden is shown. From
1.18 on policies for IPv6 need masquerade of IPv6.`,
		Fix:    "Upgrade to 1.18 or later and name IPv6 ranges in the policies, or deny the pods IPv6 egress.",
		Limits: "The policies themselves are not read.",
		Holds:  "Cilium 1.11 to 1.20",
		Since:  "0.1",
		Refs:   []string{"cilium v1.20.2, pkg/egressgateway/manager.go", "https://github.com/cilium/cilium/issues/36201", "https://github.com/cilium/cilium/issues/38452"},
		Covers: []string{"EGR-05"},
	},
	Needs: []snapshot.Kind{snapshot.CiliumConfig},
	Run: func(in *checks.Input) []checks.Finding {
		c, ok := configuration(in)
		if !ok || !c.Config.Families().Dual() {
			return nil
		}
		key := "enable-egress-gateway"
		if c.release.Before(egressGateway6) {
			key = "enable-ipv4-egress-gateway"
		}
		finding := checks.Finding{Object: c.ConfigRef, Field: c.field(key), Family: ipfam.V6}
		switch {
		case !c.Config.Bool(key, false):
			return nil
		case c.release.Before(egressGateway6):
			finding.Message = fmt.Sprintf("is on, and Cilium before %s takes IPv4 only: pods' IPv6 packets go past the gateway", egressGateway6)
			finding.Fix = c.upgradeTo(egressGateway6)
		case c.Config.Masquerade(ipfam.V6) == cilium.NoMasquerade:
			finding.Severity = severity.Info
			finding.Message = "is on while IPv6 is not masqueraded: egress gateway policies take IPv4 only"
			finding.Fix = c.set(cilium.Setting{Key: "enable-ipv6-masquerade", Value: "true"})
		default:
			return nil
		}
		return []checks.Finding{finding}
	},
}

// egressGateway6 is the release from which the gateway takes IPv6 (cilium/cilium#38452).
var egressGateway6 = release.V(1, 18)
