package loadbalancers

import (
	"fmt"
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var bgpSessions = &checks.Check{
	ID:       "DS518",
	Name:     "bgp-session-families",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "every pool that MetalLB announces by BGP has, for each of its families, a peer whose session carries it",
		Why: `From 0.15 on a session carries the family of the address that it runs over: over a
peer with an IPv4 address no IPv6 prefix is announced. Before, each session carried both, so that an upgrade
takes the IPv6 routes away from a router that has one session. The session is up, IPv4 is there, Services
have both addresses, and no route leads to the second.`,
		Fix:    "Add a BGPPeer with an address of the other family, or set dualStackAddressFamily on the one that there is and activate the family on the router.",
		Limits: "Whether the router takes the family, and the next hop that it sees, is not known here. Pools that an L2Advertisement covers too, or may cover, are left out, and selectors of nodes are not evaluated.",
		Holds:  "MetalLB 0.15 and 0.16, with FRR",
		Since:  "0.1",
		Refs:   []string{"metallb v0.16.2 internal/bgp/frr/frr.go", "metallb v0.16.2 internal/bgp/frrk8s/frrk8s.go", "metallb v0.16.2 api/v1beta2/bgppeer_types.go"},
		Covers: []string{"LB-11"},
	},
	Needs: []snapshot.Kind{snapshot.MetalLBPools, snapshot.MetalLBAds, snapshot.MetalLBPeers},
	Uses:  []snapshot.Kind{snapshot.MetalLBSetup, snapshot.Services},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		pools, ads, peers, services := in.PoolsInForce(), in.AdsInForce(), in.MetalLBPeers(), in.Services()
		v, known := in.MetalLBVersion()
		if v.Before(metallb.OneFamilyPerSession) {
			return nil
		}
		for _, p := range pools {
			l2, bgp, unsure := announced(p, ads)
			told := peersOf(p, ads, peers)
			if p.AnnouncesItself() || l2 || !bgp || unsure || len(told) == 0 || !p.Parses() {
				continue
			}
			for _, f := range p.Families().List() {
				if slices.ContainsFunc(told, func(peer snapshot.BGPPeer) bool { return carries(peer, f) }) {
					continue
				}
				holders := slices.DeleteFunc(holdersOf(p.Pool, services), func(s snapshot.Service) bool { return !ipfam.SetOfAddrs(s.Ingress).Has(f) })
				finding := checks.Finding{
					Object: p.Ref, Field: addressesField(p, -1), Family: f,
					Message: fmt.Sprintf("has %s addresses, and is announced to %s, over %s alone: from MetalLB %s on a session carries its own family%s",
						f, told[0].Ref, f.Other(), metallb.OneFamilyPerSession, concerned(holders)),
					Fix: checks.Patch(told[0].Ref, `{"spec":{"dualStackAddressFamily":true}}`),
				}
				if known && len(holders) > 0 {
					finding.Severity = severity.Error
				}
				fs = append(fs, finding)
			}
		}
		return fs
	},
}

// peersOf is the peers that p is announced to.
func peersOf(p snapshot.Pool, ads []snapshot.Advertisement, peers []snapshot.BGPPeer) []snapshot.BGPPeer {
	var told []snapshot.BGPPeer
	for _, peer := range peers {
		if slices.ContainsFunc(ads, func(ad snapshot.Advertisement) bool {
			selected, _ := ad.Selects(p.Ref.Name)
			return ad.BGP && selected && ad.Namespace == p.Namespace && peer.Namespace == p.Namespace &&
				(len(ad.Peers) == 0 || slices.Contains(ad.Peers, peer.Name))
		}) {
			told = append(told, peer)
		}
	}
	return told
}

// carries reports whether prefixes of f are announced over the session. A peer
// whose address is not known may carry any.
func carries(p snapshot.BGPPeer, f ipfam.Family) bool {
	return p.Both || !p.Address.IsValid() || ipfam.Of(p.Address) == f
}
