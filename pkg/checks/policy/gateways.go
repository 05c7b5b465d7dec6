package policy

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// gateway6 is the release from which egress gateways take IPv6 (cilium/cilium#38452), and
// gatewayAddress6 the one from which egressIP may be of it (cilium/cilium#44524).
var gateway6, gatewayAddress6 = release.V(1, 18), release.V(1, 20)

var gatewayFamilies = &checks.Check{
	ID:       "DS806",
	Name:     "gateway-policy-families",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "an egress gateway policy for Pods of two families takes the packets of both",
		Why: `A policy takes what goes to its ranges and nothing else. Pods with two families that it has
ranges of one for leave by the gateway over that one, and over the other straight from their
nodes, with an address that no allow-list at the far end knows and that was to stay hidden.`,
		Fix:    "Add ::/0 beside 0.0.0.0/0, with masquerade of IPv6 on, or deny the Pods the other family.",
		Limits: "A family that a policy denies the Pods is not looked for. Ranges that are not all addresses of their family are an info.",
		Holds:  "Cilium 1.18 to 1.20; of earlier ones DS420 speaks",
		Since:  "0.1",
		Refs:   []string{"cilium v1.20.2, pkg/egressgateway/policy.go", "https://github.com/cilium/cilium/issues/36201", "https://github.com/cilium/cilium/issues/40075"},
		Covers: []string{"EGR-05"},
	},
	Needs: []snapshot.Kind{snapshot.EgressGateways},
	Uses:  podKinds,
	Run: func(in *checks.Input) (fs []checks.Finding) {
		gateways := in.EgressGateways()
		v, _ := in.CiliumVersion()
		if v.Before(gateway6) || !in.Families(plan.Pods).Dual() || gatewaysOff(in) {
			return nil
		}
		for _, g := range gateways {
			f, one := ipfam.SetOfPrefixes(g.Destinations).Single()
			if !one || slices.ContainsFunc(gateways, func(o snapshot.EgressGateway) bool {
				return reflect.DeepEqual(o.Subjects, g.Subjects) && ipfam.SetOfPrefixes(o.Destinations).Has(f.Other())
			}) {
				continue
			}
			finding := checks.Finding{
				Object: g.Ref, Field: ".spec.destinationCIDRs", Family: f.Other(), Severity: severity.Info,
				Message: fmt.Sprintf("takes %s only: over %s the same Pods leave past the gateway", checks.Some(texts(g.Destinations)), f.Other()),
				Fix:     add(g.Ref, ".spec.destinationCIDRs[0]", fmt.Sprintf("<%s ranges of the same hosts>", f.Other())),
			}
			if slices.Contains(g.Destinations, everywhere.Of(f)) {
				finding.Severity, finding.Fix = severity.Warning, add(g.Ref, ".spec.destinationCIDRs[0]", everywhere.Of(f.Other()).String())
			}
			fs = append(fs, finding)
		}
		return fs
	},
}

// gatewaysOff reports whether no agent carries out what the policies say.
func gatewaysOff(in *checks.Input) bool {
	c := in.Cilium()
	return c.ConfigRef != (snapshot.Ref{}) && !c.Config.EgressGateway(c.Version)
}

var gatewayAddress = &checks.Check{
	ID:       "DS807",
	Name:     "gateway-address-families",
	Severity: severity.Info,
	Doc: checks.Doc{
		Claim: "an egress gateway policy has an address for each family that it takes",
		Why: `egressIP is one address, of one family. For the other one the agent takes the first address
of the interface that has egressIP, which is not the one that the far end was told of; and
where that interface has none of the family, the policy works for neither. Before 1.20 an
egressIP of IPv6 is not taken at all.`,
		Fix:    "Make one policy for each family, each with an egressIP of its own.",
		Limits: "Which addresses the interface has is not known.",
		Holds:  "Cilium 1.18 to 1.20",
		Since:  "0.1",
		Refs:   []string{"cilium v1.20.2, pkg/egressgateway/policy.go deriveFromPolicyGatewayConfig", "https://github.com/cilium/cilium/pull/44524", "https://github.com/cilium/cilium/issues/48660"},
		Covers: []string{"EGR-05"},
	},
	Needs: []snapshot.Kind{snapshot.EgressGateways},
	Uses:  []snapshot.Kind{snapshot.CiliumConfig},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		v, known := in.CiliumVersion()
		policies := in.EgressGateways()
		if gatewaysOff(in) {
			return nil
		}
		for _, policy := range policies {
			for _, g := range policy.Gateways {
				f := ipfam.Of(g.EgressIP)
				finding := checks.Finding{Object: policy.Ref, Field: ".spec.egressGateway.egressIP", Family: f.Other(),
					Fix: fmt.Sprintf("make a second policy with the ranges of %s in destinationCIDRs and an egressIP of %[1]s or none, and take them out of this one", f.Other())}
				switch {
				case f == ipfam.V6 && known && v.Before(gatewayAddress6):
					finding.Severity, finding.Family = severity.Warning, f
					finding.Message = fmt.Sprintf("is %s, and Cilium before %s takes none of IPv6", g.EgressIP, gatewayAddress6)
					finding.Fix = "name the gateway's interface in .spec.egressGateway.interface in its place, or upgrade Cilium"
				case f.Valid() && ipfam.SetOfPrefixes(policy.Destinations).Has(f.Other()):
					finding.Message = fmt.Sprintf("is %s, and what goes to %s gets the first address of its interface, if that has one",
						g.EgressIP, checks.Some(texts(ipfam.Split(policy.Destinations).Of(f.Other()))))
				default:
					continue
				}
				fs = append(fs, finding)
			}
		}
		return fs
	},
}
