package plan

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// The tables of a host on the LAN of the plan below, with a VPN, a container bridge
// and a route to a prefix that is routed to the nodes.
const (
	table4 = `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	010200C0	0003	0	0	0	00000000	0	0	0
eth0	000200C0	00000000	0001	0	0	0	00FFFFFF	0	0	0
tun0	0000F40A	0101080A	0003	0	0	0	0000FCFF	0	0	0
cilium_host	0003F40A	0203F40A	0003	0	0	0	00FFFFFF	0	0	0
*	0000600A	00000000	0201	0	0	0	0000FFFF	0	0	0
`
	table6 = `20010db8000000700000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0
20010db8000000770000000000000000 40 00000000000000000000000000000000 00 20010db8000000700000000000000005 00000400 00000001 00000000 00000003     eth0
fd000000000000000000000000000000 08 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     tun0
fe800000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000002 00000000 00000001     eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000002 00000000 00000003     eth0
00000000000000000000000000000001 80 00000000000000000000000000000000 00 00000000000000000000000000000000 00000000 00000002 00000000 80200001       lo
ff000000000000000000000000000000 08 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000003 00000000 00000001     eth0
fd000000000000000000000000000000 07 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo
`
)

func hostOfTables(t *testing.T) Host {
	t.Helper()
	routes, err := ParseRoutes4(table4, binary.LittleEndian)
	if err != nil {
		t.Fatal(err)
	}
	more, err := ParseRoutes6(table6)
	if err != nil {
		t.Fatal(err)
	}
	h := Host{Routes: append(routes, more...)}
	for _, a := range []struct{ prefix, name string }{
		{"127.0.0.1/8", "lo"}, {"192.0.2.7/24", "eth0"}, {"2001:db8:0:70::7/64", "eth0"}, {"fe80::7/64", "eth0"},
		{"172.17.0.1/16", "docker0"}, {"10.244.3.1/32", "cilium_host"},
	} {
		h.Addresses = append(h.Addresses, HostAddress{Prefix: netip.MustParsePrefix(a.prefix), Interface: a.name})
	}
	return h
}

func TestRoutes(t *testing.T) {
	var got []string
	for _, r := range hostOfTables(t).Routes {
		text := r.To.String() + " " + r.Interface
		if r.Gateway.IsValid() {
			text += " " + r.Gateway.String()
		}
		got = append(got, text)
	}
	want := []string{
		"192.0.2.0/24 eth0", "10.244.0.0/14 tun0 10.8.1.1", "10.244.3.0/24 cilium_host 10.244.3.2",
		"2001:db8:0:70::/64 eth0", "2001:db8:0:77::/64 eth0 2001:db8:0:70::5", "fd00::/8 tun0 fe80::1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRoutesOfTheOtherByteOrder(t *testing.T) {
	routes, err := ParseRoutes4("Iface\neth0 C0000200 C0000201 0003 0 0 0 FFFFFF00 0 0 0\n", binary.BigEndian)
	if err != nil || len(routes) != 1 || routes[0].To.String() != "192.0.2.0/24" || routes[0].Gateway.String() != "192.0.2.1" {
		t.Errorf("%v, %v", routes, err)
	}
}

func TestBadRoutes(t *testing.T) {
	for text, want := range map[string]string{
		"Iface\neth0 00000000\n":                                 "line 2: 2 fields",
		"Iface\neth0 0000 00000000 0001 0 0 0 00FFFFFF 0 0 0\n":  `line 2: "0000" is no address`,
		"Iface\neth0 00000000 0 0001 0 0 0 00FFFFFF 0 0 0\n":     `line 2: "0" is no address`,
		"Iface\neth0 0000000A 00000000 x 0 0 0 00FFFFFF 0 0 0\n": "line 2: strconv",
		"Iface\neth0 0000000A 00000000 1 0 0 0 FF00FF00 0 0 0\n": "line 2: mask 0.255.0.255 has a gap",
	} {
		if _, err := ParseRoutes4(text, binary.LittleEndian); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	zero := strings.Repeat("0", 32)
	for text, want := range map[string]string{
		"fd00 40\n": "line 1: 2 fields",
		"fd00 40 " + zero + " 00 " + zero + " 0 0 0 1 eth0\n":                             `line 1: "fd00" is no address`,
		"\nfd" + zero[2:] + " ff " + zero + " 00 " + zero + " 0 0 0 1 eth0\n":             "line 2: length 255",
		"fd" + zero[2:] + " 40 " + zero + " 00 fe80 0 0 0 1 eth0\n":                       `line 1: "fe80" is no address`,
		"fd" + zero[2:] + " 40 " + zero + " 00 " + zero + " 0 0 0 123456789 eth0\n":       "line 1: strconv",
		"fd" + zero[2:] + " 40 " + zero + " 00 " + zero + " 0 0 0 1 eth0\nfd00 40 00 x\n": "line 2: 4 fields",
	} {
		if _, err := ParseRoutes6(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// What is read back from the fields of a route is what was written: nothing that
// a table says makes a prefix that is none.
func FuzzRoutes(f *testing.F) {
	f.Add(table4)
	f.Add(table6)
	f.Add("Iface\n* 00000000 00000000 1 0 0 0 FFFFFFFF\n")
	f.Fuzz(func(t *testing.T, text string) {
		four, _ := ParseRoutes4(text, binary.LittleEndian)
		six, _ := ParseRoutes6(text)
		for _, r := range append(four, six...) {
			if !r.To.IsValid() || r.To != r.To.Masked() || r.To.Bits() == 0 || r.Interface == "" {
				t.Errorf("%q: route %+v", text, r)
			}
		}
		(&Plan{}).Collisions(Host{Routes: append(four, six...)}.Neighbours())
	})
}

// neighbourly is a plan of which the fixtures' host is a neighbour.
const neighbourly = head + `spec:
  delegated: {ipv6: "2001:db8::/48"}
  lan: {ipv4: 192.0.2.0/24, ipv6: "2001:db8:0:70::/64"}
  routed: ["2001:db8:0:77::/64"]
  pods: {ipv4: 10.244.0.0/16, ipv6: "2001:db8:0:77::/96", nodeMask: {ipv4: 24, ipv6: 112}}
  services: {ipv4: 10.96.0.0/16, ipv6: "fd00:0:0:96::/112"}
  loadBalancers:
    - {name: lan, addresses: [192.0.2.5-192.0.2.9, "2001:db8:0:70::1:0/120"]}
    - {name: bgp, announce: bgp, addresses: [172.17.3.0/28]}
  egress: {ipv4: masquerade, ipv6: routed}
`

// messages is problems without their fixes, which are about free ranges.
func messages(problems []Problem) []string {
	var all []string
	for _, p := range problems {
		all = append(all, string(p.Rule)+" "+p.Severity.String()+" "+p.Field+": "+p.Message)
	}
	return all
}

func TestHostCollisions(t *testing.T) {
	got := messages(readPlan(t, neighbourly).Collisions(hostOfTables(t).Neighbours()))
	want := []string{
		"host warning spec.pods.ipv4: 10.244.0.0/16 lies in 10.244.0.0/14, a route of this host by tun0 to 10.8.1.1: from here its addresses are somewhere else",
		"host info spec.pods.ipv4: 10.244.0.0/16 holds 10.244.3.0/24, a route of this host by cilium_host to 10.244.3.2: the host seems to be a node of a cluster",
		"host warning spec.services.ipv6: fd00:0:0:96::/112 lies in fd00::/8, a route of this host by tun0 to fe80::1: from here its addresses are somewhere else",
		"host error spec.loadBalancers[0].addresses[0]: 192.0.2.5-192.0.2.9 holds 192.0.2.7/32, this host's own address on eth0",
		"host warning spec.loadBalancers[1].addresses[0]: 172.17.3.0/28 lies in 172.17.0.0/16, the network of this host's docker0: from here its addresses are hosts of that network",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The default route is about no network, whatever it is called.
func TestDefaultRouteIsNoNeighbour(t *testing.T) {
	h := Host{Routes: []Route{{To: netip.MustParsePrefix("0.0.0.0/0"), Interface: "eth0"}, {To: netip.MustParsePrefix("::/0"), Interface: "eth0"}}}
	if got := h.Neighbours(); len(got) > 0 {
		t.Errorf("%+v", got)
	}
}

func TestDocker(t *testing.T) {
	p := readPlan(t, head+`spec:
  pods: {ipv4: 172.18.0.0/16, ipv6: "fd00:d0c:1::/64", nodeMask: {ipv4: 24, ipv6: 80}}
  services: {ipv4: 172.17.5.0/24, ipv6: "fd00:d0c:2::/112"}
`)
	for _, c := range []struct {
		name, daemon string
		want         []string
	}{
		{"defaults", "", []string{
			"docker info spec.pods.ipv4: 172.18.0.0/16 is also a default of Docker's networks: containers on a host with Docker do not reach it",
			"docker warning spec.services.ipv4: 172.17.5.0/24 lies in 172.17.0.0/16, the default of Docker's bridge docker0: containers on a host with Docker do not reach it",
		}},
		{"configured", `{"bip": "172.18.255.1/24", "fixed-cidr-v6": "fd00:d0c:1::/64", "default-address-pools": [{"base": "fd00:d0d::/32", "size": 64}], "debug": true}`, []string{
			"docker warning spec.pods.ipv4: 172.18.0.0/16 holds 172.18.255.0/24, bip of Docker's daemon.json: containers on a host with Docker do not reach it",
			"docker warning spec.pods.ipv6: fd00:d0c:1::/64 is also fixed-cidr-v6 of Docker's daemon.json: containers on a host with Docker do not reach it",
		}},
	} {
		neighbours, err := Docker(c.daemon)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, messages(p.Collisions(neighbours))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
	for _, daemon := range []string{"{", `{"bip": "x"}`, `{"default-address-pools": [{"base": "10.0.0.0"}]}`} {
		if _, err := Docker(daemon); err == nil || !strings.HasPrefix(err.Error(), "daemon.json: ") {
			t.Errorf("%s: %v", daemon, err)
		}
	}
}

func FuzzDocker(f *testing.F) {
	f.Add(`{"bip": "172.18.255.1/24", "bip6": "fd00::1/64", "default-address-pools": [{"base": "fd00::/48", "size": 64}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		neighbours, err := Docker(text)
		if err != nil && neighbours != nil {
			t.Errorf("%q: both %v and %v", text, neighbours, err)
		}
		for _, n := range neighbours {
			if !n.Addrs.IsValid() {
				t.Errorf("%q: %+v", text, n)
			}
		}
	})
}

func TestDefaults(t *testing.T) {
	p := readPlan(t, head+`spec:
  lan: {ipv4: 192.168.16.0/24}
  pods: {ipv4: 10.42.0.0/16, ipv6: "fd5a:1:2:3::/64", nodeMask: {ipv4: 24, ipv6: 80}}
  services: {ipv4: 10.100.0.0/16, ipv6: "fd5a:1:2:4::/112"}
`)
	want := []string{
		"defaults info spec.pods.ipv4: 10.42.0.0/16 is also the default of k3s, RKE2 for pods, lies in 10.0.0.0/8, the default of Cilium for pods: a cluster with it cannot be joined or peered with this one",
		"defaults info spec.services.ipv4: 10.100.0.0/16 lies in 10.0.0.0/8, the default of Cilium for pods, lies in 10.96.0.0/12, the default of kubeadm, Talos for services: a cluster with it cannot be joined or peered with this one",
	}
	problems := p.Collisions(Defaults())
	if diff := cmp.Diff(want, messages(problems)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, problem := range problems {
		free := netip.MustParsePrefix(problem.Fix[strings.LastIndexByte(problem.Fix, ' ')+1:])
		if i := slices.IndexFunc(commonRanges, func(c commonRange) bool { return netip.MustParsePrefix(c.prefix).Overlaps(free) }); i >= 0 {
			t.Errorf("%s is no remedy: %s is a default too", problem.Fix, commonRanges[i].prefix)
		}
	}
}

// Two clusters on one LAN: their pools and pods must differ, the LAN and the
// delegated prefix are the same, and their ClusterIPs may be.
func TestPeer(t *testing.T) {
	one := readPlan(t, neighbourly)
	other := readPlan(t, `apiVersion: dualstack/v1alpha1
kind: AddressPlan
metadata: {name: other}
spec:
  delegated: {ipv6: "2001:db8::/48"}
  lan: {ipv4: 192.0.2.0/24, ipv6: "2001:db8:0:70::/64"}
  pods: {ipv4: 10.96.128.0/17, ipv6: "2001:db8:0:78::/96", nodeMask: {ipv4: 24, ipv6: 112}}
  services: {ipv4: 10.96.0.0/17, ipv6: "2001:db8:0:77::/112"}
  loadBalancers: [{name: lan, addresses: [192.0.2.9-192.0.2.12, "2001:db8:0:70::2:0/120"]}]
`)
	want := []string{
		"peer error spec.pods.ipv6: 2001:db8:0:77::/96 holds 2001:db8:0:77::/112, services of other: joined clusters do not reach one another's",
		"peer error spec.services.ipv4: 10.96.0.0/16 holds 10.96.128.0/17, pods of other: joined clusters do not reach one another's",
		"peer info spec.services.ipv4: 10.96.0.0/16 holds 10.96.0.0/17, services of other: a ClusterIP does not tell whose it is",
		"peer error spec.loadBalancers[0].addresses[0]: 192.0.2.5-192.0.2.9 shares 192.0.2.9/32 with 192.0.2.9-192.0.2.12, pool lan of other: joined clusters do not reach one another's",
	}
	if diff := cmp.Diff(want, messages(one.Collisions(other.Peer()))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n := len(other.Collisions(one.Peer())); n != len(want) {
		t.Errorf("the other way round there are %d problems, not %d", n, len(want))
	}
}

func TestNAT64(t *testing.T) {
	for pods, want := range map[string]int{"64:ff9b::/32": 1, "64:ff9b::/95": 1, "64:ff9b::/96": 0, "64:ff9b:1:8000::/56": 0, "fd00:64::/64": 0} {
		p := readPlan(t, head+"spec: {families: [IPv6], pods: {ipv6: \""+pods+"\"}}\n")
		if got := p.Collisions(p.NAT64()); len(got) != min(want, 1) {
			t.Errorf("%s: %v", pods, got)
		}
		special := slices.ContainsFunc(p.Validate(), func(problem Problem) bool { return strings.Contains(problem.Message, "NAT64") })
		if special != (want == 0 && strings.HasPrefix(pods, "64:")) {
			t.Errorf("%s: Validate tells of NAT64: %v", pods, special)
		}
	}
}

func TestAcross(t *testing.T) {
	p := readPlan(t, head+`spec:
  families: [IPv4]
  pods: {ipv4: 10.0.0.0/16}
  services: {ipv4: 172.16.0.0/11}
`)
	common, verdicts := p.Across(Kubernetes, Kubernetes.Releases())
	var got []string
	for _, v := range verdicts {
		got = append(got, v.Releases()+" "+map[bool]string{true: "takes", false: "refuses"}[v.Takes()])
	}
	if diff := cmp.Diff([]string{"1.23 to 1.33 refuses", "1.34 to 1.37 takes"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, c := range common {
		for _, v := range verdicts {
			if slices.Contains(v.Problems, c) {
				t.Errorf("%v is both common and of %s", c, v.Releases())
			}
		}
	}
	if p.Versions.Kubernetes.Known() {
		t.Error("the plan has been changed")
	}
	for _, c := range Components {
		if all := c.Releases(); len(all) < 2 || !slices.IsSortedFunc(all, release.Version.Compare) {
			t.Errorf("%s: %v", c, all)
		}
	}
}
