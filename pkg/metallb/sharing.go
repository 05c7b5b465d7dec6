package metallb

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Sharing is what decides whether Services may have one address together: both have
// the same key and the same backend, and no port is of both.
type Sharing struct {
	Key string // annotation allow-shared-ip; empty is no sharing
	// Backend is empty with externalTrafficPolicy Cluster, and the text of the
	// selector with Local: internal/allocator/k8salloc/k8salloc.go BackendKey.
	Backend string
	Ports   []Port
}

// Port is a port of a Service.
type Port struct {
	Protocol string // TCP, UDP or SCTP
	Number   int32
}

// String is the port in MetalLB's words: TCP/80.
func (p Port) String() string { return fmt.Sprintf("%s/%d", p.Protocol, p.Number) }

// Use is a Service that has an address.
type Use struct {
	Service string // namespace/name
	Sharing
}

// Taken is the addresses that Services have from MetalLB, and all who have each.
type Taken map[netip.Addr][]Use

// refusal is MetalLB's words against s having a, empty when it may. The Service
// itself is never in its own way. MetalLB names the others in any order; here it is
// that of taken. Up to 0.13.5 more words follow.
// Source: metallb v0.16.2, internal/allocator/allocator.go checkSharing, sharingOK.
func (t Taken) refusal(s Service, a netip.Addr) string {
	var others []string
	var ports []Port
	share := true
	for _, u := range t[a] {
		if u.Service == s.key() {
			continue
		}
		others, ports = append(others, u.Service), append(ports, u.Ports...)
		share = share && s.Key != "" && s.Key == u.Key && s.Backend == u.Backend
	}
	if !share {
		return fmt.Sprintf("can't change sharing key for %q, address also in use by %s", s.key(), strings.Join(others, ","))
	}
	for _, p := range s.Ports {
		if slices.Contains(ports, p) {
			return fmt.Sprintf("port %s is already in use on %q", p, a)
		}
	}
	return ""
}

// refusalOf is refusal of the first of as that s may not have.
func (t Taken) refusalOf(s Service, as []netip.Addr) string {
	for _, a := range as {
		if words := t.refusal(s, a); words != "" {
			return words
		}
	}
	return ""
}
