package snapshot

import (
	"net/netip"
	"slices"
)

// Location is the node that an address is of, its own or one of its Pods'. The zero one is
// no node that is known.
type Location struct {
	Node string
	Pod  bool
}

// Locate looks for a among the addresses of nodes, and then among their pod ranges. With
// Cilium, which goes by its own, the ranges of the Nodes say nothing.
func (s *Scene) Locate(a netip.Addr) Location {
	if at, known := s.Located[a]; known {
		return at
	}
	for i := range s.Nodes {
		if n := &s.Nodes[i]; slices.Contains(n.InternalIPs, a) || slices.Contains(n.ExternalIPs, a) {
			return Location{Node: n.Name}
		}
	}
	for i := range s.CiliumNodes {
		if n := &s.CiliumNodes[i]; slices.Contains(n.Internal, a) || slices.Contains(n.External, a) || slices.Contains(n.Router, a) {
			return Location{Node: n.Name}
		}
	}
	for i := range s.CiliumNodes {
		if n := &s.CiliumNodes[i]; within(a, n.PodCIDRs) || within(a, n.PoolCIDRs) {
			return Location{Node: n.Name, Pod: true}
		}
	}
	for i := range s.Nodes {
		if n := &s.Nodes[i]; !s.Cilium.Present() && within(a, n.PodCIDRs) {
			return Location{Node: n.Name, Pod: true}
		}
	}
	return Location{}
}

func within(a netip.Addr, ranges []netip.Prefix) bool {
	return slices.ContainsFunc(ranges, func(p netip.Prefix) bool { return p.Masked().Contains(a) })
}

// locateAll looks for what a fleet's packets may be for, once for all of its Pods: a look
// goes through all nodes.
func (s *Scene) locateAll(literals []netip.Addr) {
	s.Located = map[netip.Addr]Location{}
	for _, a := range literals {
		s.Located[a] = s.Locate(a)
	}
	for _, e := range s.Endpoints {
		s.Located[e.Address] = s.Locate(e.Address)
	}
}
