package loadbalancers

import (
	"fmt"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var loadBalancerIPField = &checks.Check{
	ID:       "DS510",
	Name:     "load-balancer-ip-field",
	Severity: severity.Error,
	Doc: checks.Doc{
		Claim: "no dual-stack Service asks MetalLB for its addresses by .spec.loadBalancerIP",
		Why: `The field holds one address, and MetalLB gives a dual-stack Service the addresses
that it asks for or none: with one address for two families the Service stays
pending, whether it requires or prefers both.`,
		Fix:    "Clear the field and name an address of each family in the annotation metallb.io/loadBalancerIPs, both from one pool.",
		Holds:  "MetalLB 0.12 to 0.16",
		Since:  "0.1",
		Refs:   []string{"metallb v0.16.2 controller/service.go allocateIPs", "https://github.com/MoJo2600/pihole-kubernetes/issues/228"},
		Covers: []string{"LB-03"},
	},
	Needs: []snapshot.Kind{snapshot.Services},
	Uses:  []snapshot.Kind{snapshot.MetalLBSetup, snapshot.MetalLBPools},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		v, _ := in.MetalLBVersion()
		for _, s := range in.Services() {
			if !in.MetalLBTakes(s) || !s.Dual() || v.Before(metallb.DualStack) {
				continue
			}
			as, by, err := metallb.Requested(s.Annotations, s.RequestedIP, v)
			if err != nil || by != ".spec.loadBalancerIP" || len(as) == 0 {
				continue
			}
			fs = append(fs, checks.Finding{
				Object: s.Ref, Field: by, Family: ipfam.Of(as[0]).Other(),
				Message: fmt.Sprintf("asks for %s alone and has both families: MetalLB gives it no address (requested loadBalancer IP(s) [%q] does not match the ipFamily of the service)", as[0], as[0]),
				Fix:     requestFix(s, as[0].String()+",<"+ipfam.Of(as[0]).Other().String()+" of the same pool>", v),
			})
		}
		return fs
	},
}

// requestFix asks by the annotation that version v reads, in place of the field.
func requestFix(s snapshot.Service, addresses string, v release.Version) string {
	return checks.Patch(s.Ref, fmt.Sprintf(`{"metadata":{"annotations":{"%s":"%s"}},"spec":{"loadBalancerIP":null}}`,
		annotationKey(metallb.AddressesAnnotation, v), addresses))
}

func annotationKey(name string, v release.Version) string {
	if v.Before(metallb.PreferOne) {
		return "metallb.universe.tf/" + name
	}
	return "metallb.io/" + name
}
