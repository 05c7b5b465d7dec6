package trace

import (
	"net/netip"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
)

// AddressKind is what an address is by its range alone: who can reach it.
func AddressKind(a netip.Addr) string {
	switch {
	case !a.IsValid():
		return "none"
	case a.IsLoopback():
		return "loopback"
	case a.IsLinkLocalUnicast():
		return "link-local"
	case a.IsPrivate() && a.Is4():
		return "RFC 1918"
	case a.IsPrivate():
		return "ULA"
	case carrier.Contains(a):
		return "RFC 6598"
	case a.Is4():
		return "public"
	}
	return "GUA"
}

// carrier is the addresses between a provider's translator and its customers (RFC 6598).
var carrier = netip.MustParsePrefix("100.64.0.0/10")

// routed reports whether the internet may lead back to an address: a router that sends a
// packet of any other out has to put an address of its own in its place.
func routed(a netip.Addr) bool {
	return !a.IsPrivate() && !a.IsLinkLocalUnicast() && !a.IsLoopback() && !carrier.Contains(a)
}

// somewhere stands for some host of the internet where a rule asks for an address. It is
// never printed.
var somewhere = ipfam.Pair[netip.Addr]{V4: netip.MustParseAddr("9.9.9.10"), V6: netip.MustParseAddr("2620:fe::10")}
