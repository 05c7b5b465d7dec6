package loadbalancers

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// lbIPAMAnnotations ask Cilium's LB IPAM for addresses; the second is the older name.
var lbIPAMAnnotations = []string{"lbipam.cilium.io/ips", "io.cilium/lb-ipam-ips"}

// foreignLBIPAM is a request to LB IPAM for a family that the Service does not have.
func foreignLBIPAM(s snapshot.Service) (checks.Finding, bool) {
	for _, key := range lbIPAMAnnotations {
		as, _, err := metallb.Requested(map[string]string{"metallb.io/" + metallb.AddressesAnnotation: s.Annotations[key]}, "", metallb.Latest)
		has := s.Has()
		if err != nil || len(as) == 0 || has.Empty() || !familiesKnown(s) {
			continue
		}
		i := slices.IndexFunc(as, func(a netip.Addr) bool { return !has.Has(ipfam.Of(a)) })
		if i < 0 {
			continue
		}
		f := ipfam.Of(as[i])
		return checks.Finding{
			Severity: severity.Warning, Object: s.Ref, Field: ".metadata.annotations." + key, Family: f,
			Message: fmt.Sprintf("asks LB IPAM for %s and has %s only: nothing is behind that address", as[i], has),
			Fix:     checks.Patch(s.Ref, `{"spec":{"ipFamilyPolicy":"PreferDualStack"}}`),
		}, true
	}
	return checks.Finding{}, false
}
