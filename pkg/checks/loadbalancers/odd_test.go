package loadbalancers_test

import (
	"net/netip"
	"testing"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks/loadbalancers"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks/services"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// TestOddObjects runs every check over objects with next to nothing in them, under
// releases old and new: whatever they find, they come back, and every finding has
// an object, a message and a fix.
func TestOddObjects(t *testing.T) {
	lb := func(name string, change func(*snapshot.Service)) snapshot.Service {
		s := snapshot.Service{Ref: snapshot.Ref{Kind: "Service", Name: name}, Type: "LoadBalancer"}
		change(&s)
		return s
	}
	annotated := map[string]string{"metallb.universe.tf/address-pool": "none", "metallb.io/address-pool": "none"}
	list := []snapshot.Service{
		{},
		lb("empty", func(*snapshot.Service) {}),
		lb("live", func(s *snapshot.Service) { s.Live, s.Policy = true, "RequireDualStack" }),
		lb("asks", func(s *snapshot.Service) { s.Annotations = annotated }),
		lb("bad-address", func(s *snapshot.Service) { s.RequestedIP = "here" }),
		lb("three", func(s *snapshot.Service) {
			s.Ingress = []netip.Addr{netip.MustParseAddr("::"), netip.MustParseAddr("0.0.0.0"), netip.MustParseAddr("::1")}
			s.ClusterIPs = s.Ingress
		}),
		lb("twice", func(s *snapshot.Service) {
			s.Families, s.Policy = []ipfam.Family{ipfam.V6, ipfam.V6}, "PreferDualStack"
		}),
	}
	entries := []metallb.Addresses{{}, metallb.ParseAddresses("nonsense"), metallb.ParseAddresses("::/0"), metallb.ParseAddresses("0.0.0.0/0")}
	pools := []snapshot.Pool{{}, {Pool: metallb.Pool{Addresses: entries, AutoAssign: true, AvoidBuggyIPs: true}}, {ConfigMapEra: true, Pool: metallb.Pool{Addresses: entries[:1]}}}
	for _, version := range []release.Version{{}, release.V(0, 9, 6), release.V(0, 12), release.V(0, 13, 5), metallb.Latest} {
		for _, p := range []*plan.Plan{nil, {}, {Families: []ipfam.Family{ipfam.V6, ipfam.V4}}} {
			for n := range pools {
				snap := &snapshot.Snapshot{Facts: snapshot.Facts{
					Nodes: []snapshot.Node{{}}, Pods: []snapshot.Pod{{}, {Running: true, IPs: []netip.Addr{{}}}},
					Services: list, EndpointSlices: []snapshot.EndpointSlice{{}, {Service: "empty", Family: ipfam.V4, Ready: 1}},
					LBIPAMPools: []snapshot.LBIPAMPool{{}, {Ranges: entries}},
					MetalLB:     snapshot.MetalLB{Version: version, Pools: pools[:n+1], Ads: []snapshot.Advertisement{{}, {Pools: []string{""}}}},
				}}
				for _, r := range checks.Run(append(append([]*checks.Check{}, loadbalancers.Checks...), services.Checks...), p, snap) {
					for _, f := range r.Findings {
						if f.Message == "" || f.Fix == "" {
							t.Errorf("%s: no message or no fix: %+v", r.Check.ID, f)
						}
					}
				}
			}
		}
	}
}
