package plan

import (
	"fmt"
	"net/netip"
	"strings"

	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
)

// Host is how a host is connected.
type Host struct {
	Addresses []HostAddress
	Routes    []Route
}

// HostAddress is an address of an interface, with the prefix of its network.
type HostAddress struct {
	Prefix    netip.Prefix // not masked
	Interface string
}

// clusterInterfaces is how the interfaces begin that a CNI or kube-proxy makes on
// a node, whose routes are the cluster's own.
// Source: metallb v0.16.2, internal/layer2/announcer.go, which leaves most of them
// out; cilium v1.20.2, pkg/defaults/defaults.go.
var clusterInterfaces = []string{"cilium_", "lxc", "cni", "cali", "vxlan.calico", "flannel", "kube-ipvs", "kube-bridge", "nodelocaldns", "tunl"}

func ofCluster(name string) bool {
	for _, begin := range clusterInterfaces {
		if strings.HasPrefix(name, begin) {
			return true
		}
	}
	return false
}

// Neighbours is what the host reaches by itself. The default route is none of it,
// nor are the addresses that every host has.
func (h Host) Neighbours() []Neighbour {
	var list []Neighbour
	seen := map[netip.Prefix]bool{}
	for _, a := range h.Addresses {
		addr := a.Prefix.Addr().Unmap()
		if ofHosts(addr) || ofCluster(a.Interface) {
			continue
		}
		network := netip.PrefixFrom(addr, min(a.Prefix.Bits(), addr.BitLen())).Masked()
		if !seen[network] && !network.IsSingleIP() {
			seen[network] = true
			list = append(list, Neighbour{Rule: HostFree, Addrs: netipx.RangeOfPrefix(network), Severity: severity.Warning, OnLink: true,
				What: fmt.Sprintf("the network of this host's %s", a.Interface), Why: "from here its addresses are hosts of that network"})
		}
		list = append(list, Neighbour{Rule: HostFree, Addrs: netipx.IPRangeFrom(addr, addr), Severity: severity.Error, Uses: []Use{LoadBalancers},
			What: fmt.Sprintf("this host's own address on %s", a.Interface)})
	}
	for _, r := range h.Routes {
		if seen[r.To] || ofHosts(r.To.Addr()) || r.To.Bits() == 0 {
			continue
		}
		seen[r.To] = true
		n := Neighbour{Rule: HostFree, Addrs: netipx.RangeOfPrefix(r.To), Severity: severity.Warning, Site: true,
			What: fmt.Sprintf("a route of this host by %s", r.Interface), Why: "from here its addresses are somewhere else"}
		if r.Gateway.IsValid() {
			n.What = fmt.Sprintf("a route of this host by %s to %s", r.Interface, r.Gateway)
		} else {
			n.OnLink = true
		}
		if ofCluster(r.Interface) {
			n.Severity, n.Why, n.Fix = severity.Info, "the host seems to be a node of a cluster", "check the plan on a host that is no node, if the cluster is the plan's own"
		}
		list = append(list, n)
	}
	return list
}

// ofHosts reports whether a is an address such as every host has.
func ofHosts(a netip.Addr) bool {
	return a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified()
}
