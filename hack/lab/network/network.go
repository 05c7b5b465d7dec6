// Package network is the home network around the cluster: a LAN with a router, a laptop
// and the nodes, and beyond the router an internet of one host.
package network

import (
	"net/netip"
)

// Pair is an address or a prefix of each family.
type Pair[T any] struct{ V4, V6 T }

// All is both, IPv4 first.
func (p Pair[T]) All() []T { return []T{p.V4, p.V6} }

func addresses(v4, v6 string) Pair[netip.Addr] {
	return Pair[netip.Addr]{netip.MustParseAddr(v4), netip.MustParseAddr(v6)}
}

func prefixes(v4, v6 string) Pair[netip.Prefix] {
	return Pair[netip.Prefix]{netip.MustParsePrefix(v4), netip.MustParsePrefix(v6)}
}

// The hosts, beside the nodes.
const (
	LAN      = "lan" // the switch
	Router   = "router"
	Laptop   = "laptop"
	Internet = "internet"
)

// Node is a node of the cluster.
type Node struct {
	Name      string
	Addresses Pair[netip.Addr]
}

// Controller runs the control plane.
var Controller = Node{"k8s-controller-0", addresses("192.168.16.20", "2001:db8:7653:216::20")}

// Workers are the other nodes.
var Workers = []Node{
	{"k8s-node-0", addresses("192.168.16.21", "2001:db8:7653:216::21")},
	{"k8s-node-1", addresses("192.168.16.22", "2001:db8:7653:216::22")},
}

// Nodes is all nodes, the control plane's first.
func Nodes() []Node { return append([]Node{Controller}, Workers...) }

// NodeDevice is the interface of every node on the LAN. The founding cluster's
// configuration names it.
const NodeDevice = "eno1"

// The addresses of what is not a node.
var (
	RouterOnLAN = addresses("192.168.16.1", "2001:db8:7653:216::1")
	LaptopOnLAN = addresses("192.168.16.50", "2001:db8:7653:216::50")
	// Uplink is the router's address towards the internet: over IPv4 all of the LAN
	// has it there.
	Uplink = addresses("203.0.113.2", "2001:db8:ffff::2")
	// Provider is the next hop of the router.
	Provider = addresses("203.0.113.1", "2001:db8:ffff::1")
	// Echo answers with the address of who asks, and is also the DNS server that knows
	// EchoName.
	Echo = addresses("203.0.113.80", "2001:db8:ffff::80")

	onLAN    = prefixes("192.168.16.0/24", "2001:db8:7653:216::/64")
	onUplink = prefixes("203.0.113.0/24", "2001:db8:ffff::/64")
	// delegated is what the provider routes to the router.
	delegated = netip.MustParsePrefix("2001:db8:7653:200::/56")
	// podsIPv4 is never routed.
	podsIPv4 = netip.MustParsePrefix("10.244.0.0/16")
	// cluster is the /64 for the cluster's own use.
	cluster = netip.MustParsePrefix("2001:db8:7653:299::/64")
)

// EchoName is the name of Echo in the lab's DNS.
const EchoName = "ifconfig.example"

// PodsIPv6 is how the router reaches the pods' IPv6 addresses.
type PodsIPv6 string

// The ways to reach them. On-link the router asks the LAN for each address, and the
// node's CNI plugin answers for its pods; routed it hands all to the control plane's
// node, which forwards.
const (
	OnLink PodsIPv6 = "on-link"
	Routed PodsIPv6 = "routed"
)
