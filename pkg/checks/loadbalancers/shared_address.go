package loadbalancers

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var sharedAddress = &checks.Check{
	ID:       "DS515",
	Name:     "shared-address-announcer",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "Services that share an address in L2 mode have the same first address",
		Why: `In L2 mode the node that announces a Service is chosen by the Service's first
address. A dual-stack Service that shares its IPv6 address with an IPv6-only one is
chosen by its IPv4 address, the other by the IPv6 address: two nodes may answer for
the same address, and connections over that family break at random.`,
		Fix:    "Give both Services the same families and addresses, or make them one Service with the ports of both.",
		Limits: "Which node announces is not computed: two first addresses may choose the same node.",
		Holds:  "MetalLB 0.12 to 0.16",
		Since:  "0.1",
		Refs:   []string{"metallb v0.16.2 speaker/layer2_controller.go ShouldAnnounce", "https://github.com/metallb/metallb/issues/968"},
	},
	Needs: []snapshot.Kind{snapshot.Services, snapshot.MetalLBPools},
	Uses:  []snapshot.Kind{snapshot.MetalLBSetup, snapshot.MetalLBAds},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		pools, ads := in.PoolsInForce(), in.AdsInForce()
		first := map[netip.Addr]snapshot.Service{}
		for _, s := range in.Services() {
			if !in.MetalLBTakes(s) {
				continue
			}
			for _, a := range s.Ingress {
				other, shared := first[a]
				if !shared {
					first[a] = s
					continue
				}
				if other.Ingress[0] == s.Ingress[0] || !inL2(a, pools, about(s, ads)) || !inL2(a, pools, about(other, ads)) {
					continue
				}
				fs = append(fs, checks.Finding{
					Object: s.Ref, Field: ".status.loadBalancer.ingress", Family: ipfam.Of(a),
					Message: fmt.Sprintf("shares %s with %s, and its first address is %s, not %s: the announcing node is chosen by the first address, so two nodes may answer for %s",
						a, other.Ref, s.Ingress[0], other.Ingress[0], a),
					Fix: sameAddresses(s, other),
				})
			}
		}
		return fs
	},
}

// inL2 reports whether the pool that has a is announced in L2 mode.
func inL2(a netip.Addr, pools []snapshot.Pool, ads []snapshot.Advertisement) bool {
	for _, p := range pools {
		if l2, _, _ := announced(p, ads); l2 && p.Owns(a) {
			return true
		}
	}
	return false
}

// sameAddresses gives the Service with fewer addresses those of the other.
func sameAddresses(a, b snapshot.Service) string {
	if len(a.Ingress) > len(b.Ingress) {
		a, b = b, a
	}
	texts := make([]string, len(b.Ingress))
	for i, address := range b.Ingress {
		texts[i] = address.String()
	}
	policy := "SingleStack"
	if ipfam.SetOfAddrs(b.Ingress).Dual() {
		policy = "RequireDualStack"
	}
	return checks.Patch(a.Ref, fmt.Sprintf(`{"metadata":{"annotations":{"metallb.io/%s":"%s"}},"spec":{"ipFamilyPolicy":"%s"}}`,
		metallb.AddressesAnnotation, strings.Join(texts, ","), policy))
}
