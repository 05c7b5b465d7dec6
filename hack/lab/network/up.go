package network

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/host"
	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/process"
)

// Hosts is the specifications of all hosts but the nodes.
func Hosts() []host.Spec {
	router := map[string]string{"net/ipv4/ip_forward": "1", "net/ipv6/conf/all/forwarding": "1"}
	return []host.Spec{
		{Name: LAN},
		{Name: Router, Sysctls: router},
		{Name: Laptop, Nameservers: servers()},
		{Name: Internet, Nameservers: servers()},
	}
}

// NodeSpec is a node as a host, with the folders that its programs keep on disk.
func NodeSpec(n Node) host.Spec {
	return host.Spec{
		Name: n.Name, Node: true, Nameservers: servers(),
		// Not the kubelet's: volumes such as kube-proxy's have kubeconfigs in them.
		Folders: []string{"/var/lib/containerd", "/var/lib/etcd", "/var/log"},
		Sysctls: map[string]string{
			"net/ipv4/ip_forward": "1", "net/ipv6/conf/all/forwarding": "1",
			// Cilium forwards between interfaces that the reverse path filter does not
			// know of.
			"net/ipv4/conf/all/rp_filter": "0", "net/ipv4/conf/default/rp_filter": "0",
		},
	}
}

func servers() []string {
	var all []string
	for _, a := range Echo.All() {
		all = append(all, a.String())
	}
	return all
}

// Up makes the links, addresses and routes of hosts that have nothing but a loopback.
func Up(ctx context.Context, hosts map[string]*host.Host, pods PodsIPv6) error {
	if err := ip(ctx, hosts[LAN], cables(hosts)); err != nil {
		return err
	}
	for _, h := range []struct {
		name string
		b    batch
	}{
		{Router, router(hosts[Internet].PID(), pods)},
		{Internet, internet()},
		{Laptop, onTheLAN("eth0", LaptopOnLAN)},
	} {
		if err := ip(ctx, hosts[h.name], h.b); err != nil {
			return err
		}
	}
	for _, n := range Nodes() {
		if err := ip(ctx, hosts[n.Name], onTheLAN(NodeDevice, n.Addresses)); err != nil {
			return err
		}
	}
	return run(ctx, hosts[Router], firewall(), "nft", "-f", "-")
}

// batch is commands for ip -batch.
type batch []string

func (b *batch) add(format string, args ...any) { *b = append(*b, fmt.Sprintf(format, args...)) }

// address adds addresses without waiting whether somebody else has them.
func (b *batch) address(device string, length netip.Prefix, address netip.Addr) {
	nodad := ""
	if address.Is6() {
		nodad = " nodad"
	}
	b.add("addr add %s/%d dev %s%s", address, length.Bits(), device, nodad)
}

// cables makes the switch, and the interface of everybody on the LAN. MAC addresses
// are fixed: they are what the neighbours' tables and captures show.
func cables(hosts map[string]*host.Host) batch {
	b := batch{"link add br0 type bridge", "link set br0 up", "link set lo up"}
	plug := func(name, device string, port int) {
		b.add("link add p%d type veth peer name %s address 02:16:16:00:00:%02x netns %d", port, device, port, hosts[name].PID())
		b.add("link set p%d master br0 up", port)
	}
	plug(Router, "lan0", 1)
	plug(Laptop, "eth0", 50)
	for i, n := range Nodes() {
		plug(n.Name, NodeDevice, 20+i)
	}
	return b
}

// onTheLAN is the network of a host whose next hop is the router.
func onTheLAN(device string, own Pair[netip.Addr]) batch {
	b := batch{"link set lo up", "link set " + device + " up"}
	b.address(device, onLAN.V4, own.V4)
	b.address(device, onLAN.V6, own.V6)
	for _, via := range RouterOnLAN.All() {
		b.add("route add default via %s", via)
	}
	return b
}

func router(internet int, pods PodsIPv6) batch {
	b := batch{"link set lo up", "link set lan0 up"}
	b.add("link add wan0 type veth peer name eth0 netns %d", internet)
	b.add("link set wan0 up")
	b.address("lan0", onLAN.V4, RouterOnLAN.V4)
	b.address("lan0", onLAN.V6, RouterOnLAN.V6)
	b.address("wan0", onUplink.V4, Uplink.V4)
	b.address("wan0", onUplink.V6, Uplink.V6)
	for _, via := range Provider.All() {
		b.add("route add default via %s", via)
	}
	b.add("route add %s", clusterRoute(pods))
	return b
}

// clusterRoute is the router's route to the cluster's own /64.
func clusterRoute(pods PodsIPv6) string {
	if pods == OnLink {
		return cluster.String() + " dev lan0"
	}
	return cluster.String() + " via " + Controller.Addresses.V6.String()
}

func internet() batch {
	b := batch{"link set lo up", "link set eth0 up"}
	for _, own := range []Pair[netip.Addr]{Provider, Echo} {
		b.address("eth0", onUplink.V4, own.V4)
		b.address("eth0", onUplink.V6, own.V6)
	}
	b.add("route add %s via %s", delegated, Uplink.V6)
	return b
}

// firewall is the router's: over IPv4 the LAN has the router's address outside, over
// IPv6 nothing is translated, and over neither does anything come in unasked.
func firewall() string {
	return fmt.Sprintf(`table inet home {
	chain translate {
		type nat hook postrouting priority srcnat
		oifname wan0 ip saddr %s snat ip to %s
	}
	chain forward {
		type filter hook forward priority filter; policy accept
		ct state established,related accept
		iifname wan0 meta l4proto icmpv6 accept
		iifname wan0 drop
	}
}
`, onLAN.V4, Uplink.V4)
}

// ip runs a batch in the host's network.
func ip(ctx context.Context, h *host.Host, b batch) error {
	return run(ctx, h, strings.Join(b, "\n")+"\n", "ip", "-batch", "-")
}

func run(ctx context.Context, h *host.Host, stdin string, args ...string) error {
	cmd := h.InNetwork(ctx, args...)
	cmd.Stdin = strings.NewReader(stdin)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := process.Do(cmd); err != nil {
		return fmt.Errorf("%s on %s: %w: %s", args[0], h.Name, err, bytes.TrimSpace(out.Bytes()))
	}
	return nil
}

// RoutePods gives every node, and the router, routes to the pods of the others. Over the
// masqueraded families pods leave the cluster with their node's address. The router does
// not know of the pods' IPv4.
func RoutePods(ctx context.Context, hosts map[string]*host.Host, ranges map[string][]netip.Prefix, masquerade4, masquerade6 bool) error {
	for _, n := range Nodes() {
		var b batch
		for _, other := range Nodes() {
			if other.Name != n.Name {
				b.routes(ranges[other.Name], other.Addresses)
			}
		}
		if err := ip(ctx, hosts[n.Name], b); err != nil {
			return err
		}
		if err := run(ctx, hosts[n.Name], masquerade(ranges[n.Name], masquerade4, masquerade6), "nft", "-f", "-"); err != nil {
			return err
		}
	}
	var b batch
	for _, n := range Nodes() {
		for _, r := range ranges[n.Name] {
			if r.Addr().Is6() {
				b.routes([]netip.Prefix{r}, n.Addresses)
			}
		}
	}
	return ip(ctx, hosts[Router], b)
}

// routes adds routes to ranges through a host.
func (b *batch) routes(ranges []netip.Prefix, via Pair[netip.Addr]) {
	for _, r := range ranges {
		next := via.V4
		if r.Addr().Is6() {
			next = via.V6
		}
		b.add("route replace %s via %s", r, next)
	}
}

// masquerade is the rules for the pods of a node.
func masquerade(ranges []netip.Prefix, v4, v6 bool) string {
	var rules []string
	for _, r := range ranges {
		switch is4 := r.Addr().Is4(); {
		case is4 && v4:
			rules = append(rules, fmt.Sprintf("\t\tip saddr %s ip daddr != %s oifname %s masquerade\n", r, podsIPv4, NodeDevice))
		case !is4 && v6:
			rules = append(rules, fmt.Sprintf("\t\tip6 saddr %s ip6 daddr != %s oifname %s masquerade\n", r, cluster, NodeDevice))
		}
	}
	return "table inet pods {\n\tchain leave {\n\t\ttype nat hook postrouting priority srcnat\n" + strings.Join(rules, "") + "\t}\n}\n"
}
