package renumber

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// Fate is what becomes of an address.
type Fate string

// The fates.
const (
	Moves     Fate = "moves"     // to the same place in the new prefix, because it is asked for by name
	Anew      Fate = "anew"      // another is assigned
	MayChange Fate = "mayChange" // it is of the other family, and is assigned together with one that goes
	ByHand    Fate = "byHand"    // it is written into the Service, and stays until it is changed there
)

// Address is an address of a Service that does not stay, or may not.
type Address struct {
	Service snapshot.Ref
	Field   string // ".spec.clusterIPs[1]", ".status.loadBalancer.ingress", an annotation
	Was     netip.Addr
	Is      netip.Addr // what it becomes, or can be asked for; invalid for MayChange
	Fate    Fate
}

// ciliumAnnotations is the annotations that ask Cilium's LB IPAM for addresses.
// Source: cilium v1.20.2, pkg/annotation/k8s.go.
var ciliumAnnotations = []string{"lbipam.cilium.io/ips", "io.cilium/lb-ipam-ips"}

// Addresses is the addresses of Services that change with the plan, or may, in the
// order of the Services.
func (c *Change) Addresses(s *snapshot.Snapshot) []Address {
	var list []Address
	for _, service := range s.Services {
		list = append(list, c.clusterIPs(service)...)
		list = append(list, c.loadBalancer(service, s.MetalLB)...)
		list = append(list, c.written(service, s.MetalLB.Version)...)
	}
	return list
}

func (c *Change) clusterIPs(s snapshot.Service) (list []Address) {
	for i, a := range s.ClusterIPs {
		if is, ok := c.moved(a); ok {
			list = append(list, Address{Service: s.Ref, Field: index(".spec.clusterIPs", i), Was: a, Is: is, Fate: Anew})
		}
	}
	return list
}

// loadBalancer is the addresses in the status of a Service. MetalLB takes all of
// them away when one has left the pools, so that one of the other family may change too.
// Source: metallb v0.16.2, controller/service.go convergeBalancer.
func (c *Change) loadBalancer(s snapshot.Service, m snapshot.MetalLB) (list []Address) {
	asked := len(c.asked(s, m.Version)) > 0
	goes := slices.ContainsFunc(s.Ingress, func(a netip.Addr) bool { _, ok := c.moved(a); return ok })
	for _, a := range s.Ingress {
		at := Address{Service: s.Ref, Field: ".status.loadBalancer.ingress", Was: a, Fate: Anew}
		is, ok := c.moved(a)
		switch {
		case ok && asked:
			at.Is, at.Fate = is, Moves
		case ok:
			at.Is = is
		case goes && !asked && m.Present():
			at.Fate = MayChange
		default:
			continue
		}
		list = append(list, at)
	}
	return list
}

// request is an address that a Service asks for by name.
type request struct {
	field string
	addr  netip.Addr
}

// asked is the addresses that a Service asks its load balancer for.
func (c *Change) asked(s snapshot.Service, v release.Version) (list []request) {
	add := func(field, texts string) {
		for text := range strings.SplitSeq(texts, ",") {
			if a, err := netip.ParseAddr(strings.TrimSpace(text)); err == nil {
				list = append(list, request{field, a})
			}
		}
	}
	add(".spec.loadBalancerIP", s.RequestedIP)
	key, value := metallb.Annotation(s.Annotations, metallb.AddressesAnnotation, v)
	add(key, value)
	for _, key := range ciliumAnnotations {
		add(key, s.Annotations[key])
	}
	return list
}

// written is the addresses that somebody wrote into a Service.
func (c *Change) written(s snapshot.Service, v release.Version) (list []Address) {
	requests := c.asked(s, v)
	for i, a := range s.ExternalIPs {
		requests = append(requests, request{index(".spec.externalIPs", i), a})
	}
	for i, p := range s.SourceRanges {
		requests = append(requests, request{index(".spec.loadBalancerSourceRanges", i), p.Addr()})
	}
	for _, r := range requests {
		if is, ok := c.moved(r.addr); ok {
			list = append(list, Address{Service: s.Ref, Field: r.field, Was: r.addr, Is: is, Fate: ByHand})
		}
	}
	return list
}
