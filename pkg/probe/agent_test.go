package probe

import (
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/trace"
)

func sample(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/agent/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

var flows = ipfam.Pair[Flow]{
	V4: Flow{Pod: addr("10.244.0.35"), To: addr("203.0.113.80")},
	V6: Flow{Pod: addr("2001:db8:7653:299:cafe::2ebb"), To: addr("2001:db8:ffff::80")},
}

func sameAddrs() cmp.Option {
	return cmp.Options{cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })}
}

// TestReadAgent reads what the agent of a real node said: IPv4 is masqueraded, IPv6 is not.
func TestReadAgent(t *testing.T) {
	said := AgentSaid{Status: sample(t, "status.json"), Endpoints: sample(t, "endpoints.json"), NAT: sample(t, "nat.json"), IPMasq: "[]\n"}
	got, err := ReadAgent(said, flows)
	if err != nil {
		t.Fatal(err)
	}
	want := ipfam.Pair[*trace.Agent]{
		V4: &trace.Agent{Version: "1.20.2", Mechanism: trace.ByBPF, Exclusion: netip.MustParsePrefix("10.244.0.0/24"), Tunnel: "vxlan", Translated: addr("192.168.16.22")},
		V6: &trace.Agent{Version: "1.20.2", Mechanism: trace.KeepsSource, Tunnel: "vxlan"},
	}
	if diff := cmp.Diff(want, got, sameAddrs()); diff != "" {
		t.Error(diff)
	}
}

// TestMechanism is the forms of the status of several releases.
func TestMechanism(t *testing.T) {
	for status, want := range map[string]string{
		`{"masquerading":{"enabled":true,"enabledProtocols":{"ipv4":true,"ipv6":true},"mode":"iptables"}}`:                         "iptables iptables",
		`{"masquerading":{"enabled":true,"enabledProtocols":{"ipv6":true},"mode":"BPF","snat-exclusion-cidr-v6":"2001:db8::/32"}}`: "none none", // excluded
		`{"masquerading":{"enabled":true,"enabledProtocols":{"ipv4":true},"mode":"BPF","snat-exclusion-cidr-v6":"2001:db8::/32"}}`: "BPF none",
		`{"masquerading":{"enabled":false,"enabledProtocols":{}}}`:                                                                 "none none",
		`{"masquerading":{"enabled":true,"mode":"BPF"}}`:                                                                           "unknown unknown",
		`{"masquerading":{"enabled":true,"enabledProtocols":{"ipv4":true,"ipv6":true},"mode":"some day"}}`:                         "unknown unknown",
		`{"cilium":{"msg":"1.9.0"}}`: "unknown unknown",
	} {
		got, err := ReadAgent(AgentSaid{Status: status}, flows)
		if err != nil {
			t.Error(err)
			continue
		}
		if words := string(got.V4.Mechanism) + " " + string(got.V6.Mechanism); words != want {
			t.Errorf("%s: %s, want %s", status, words, want)
		}
	}
	for _, status := range []string{"", "{}", "[]", `Error: Cannot get status`, `{"masquerading":`} {
		if _, err := ReadAgent(AgentSaid{Status: status}, flows); err == nil {
			t.Errorf("%q is taken for a status", status)
		}
	}
}

// TestTables is the tables that the laboratory has nothing in, in each form.
func TestTables(t *testing.T) {
	const on = `{"masquerading":{"enabled":true,"enabledProtocols":{"ipv4":true,"ipv6":true},"mode":"BPF"}}`
	for _, c := range []struct {
		said AgentSaid
		v4   trace.Agent
	}{
		{AgentSaid{Egress: `[{"SourceIP":"10.244.0.35","DestCIDR":"0.0.0.0/0","EgressIP":"0.0.0.0","GatewayIP":"192.168.16.21"}]`}, trace.Agent{Mechanism: trace.ByGateway}},
		{AgentSaid{Egress: `[{"SourceIP":"10.244.0.35","DestCIDR":"0.0.0.0/0","GatewayIP":"192.168.16.21"},{"SourceIP":"10.244.0.35","DestCIDR":"203.0.113.0/24","GatewayIP":"Excluded CIDR"}]`}, trace.Agent{Mechanism: trace.ByBPF}},
		{AgentSaid{Egress: `[{"SourceIP":"10.244.0.36","DestCIDR":"0.0.0.0/0","GatewayIP":"192.168.16.21"}]`}, trace.Agent{Mechanism: trace.ByBPF}},
		{AgentSaid{Egress: "Cannot find egress gateway bpf maps"}, trace.Agent{Mechanism: trace.ByBPF}},
		{AgentSaid{IPMasq: `["10.0.0.0/8","203.0.113.0/24"]`}, trace.Agent{Mechanism: trace.KeepsSource, Exclusion: netip.MustParsePrefix("203.0.113.0/24")}},
		{AgentSaid{IPMasq: `[{"IP":"203.0.113.0","Mask":"////AA=="}]`}, trace.Agent{Mechanism: trace.KeepsSource, Exclusion: netip.MustParsePrefix("203.0.113.0/24")}},
		{AgentSaid{NAT: `[{"Key":{"SourceAddr":"10.244.0.35","DestAddr":"203.0.113.80","Flags":0},"Value":{"Addr":"192.168.16.22","Created":1}},{"Key":{"SourceAddr":"203.0.113.80","DestAddr":"192.168.16.23","Flags":1},"Value":{"Addr":"10.244.0.35","Created":2}},{"Key":`},
			trace.Agent{Mechanism: trace.ByBPF, Translated: addr("192.168.16.23")}},
		{AgentSaid{Endpoints: `[{"status":{"networking":{"addressing":[{"ipv4":"10.244.0.35"}]},"policy":{"realized":{"policy-enabled":"both","allowed-egress-identities":null}}}}]`}, trace.Agent{Mechanism: trace.ByBPF, PolicyDrops: true}},
		{AgentSaid{Endpoints: `[{"status":{"networking":{"addressing":[{"ipv4":"10.244.0.35"}]},"policy":{"realized":{"policy-enabled":"egress","allowed-egress-identities":[16777217]}}}}]`}, trace.Agent{Mechanism: trace.ByBPF}},
		{AgentSaid{Endpoints: `[{"status":{"networking":{"addressing":[{"ipv4":"10.244.0.35"}]},"policy":{"realized":{"policy-enabled":"ingress"}}}}]`}, trace.Agent{Mechanism: trace.ByBPF}},
	} {
		c.said.Status = on
		got, err := ReadAgent(c.said, flows)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.v4, *got.V4, sameAddrs()); diff != "" {
			t.Errorf("%+v:\n%s", c.said, diff)
		}
	}
}

// TestReadProc reads the files of a node and of a Pod.
func TestReadProc(t *testing.T) {
	for file, want := range map[string]ipfam.Pair[*trace.Routes]{
		"node.proc": {
			V4: &trace.Routes{Addresses: []netip.Addr{addr("10.244.0.109"), addr("192.168.16.22")}, Default: []netip.Addr{addr("192.168.16.1")}, HasRoute: true},
			V6: &trace.Routes{Addresses: []netip.Addr{addr("2001:db8:7653:216::22"), addr("2001:db8:7653:299:cafe::e55d")}, Default: []netip.Addr{addr("2001:db8:7653:216::1")}, HasRoute: true},
		},
		"pod.proc": {
			V4: &trace.Routes{Addresses: []netip.Addr{addr("10.244.0.35")}, Default: []netip.Addr{addr("10.244.0.109")}, HasRoute: true},
			V6: &trace.Routes{Addresses: []netip.Addr{addr("2001:db8:7653:299:cafe::2ebb")}, Default: []netip.Addr{addr("2001:db8:7653:299:cafe::e55d")}, HasRoute: true},
		},
	} {
		if diff := cmp.Diff(want, ReadAgentRoutes(AgentSaid{Proc: sample(t, file)}), sameAddrs()); diff != "" {
			t.Errorf("%s: %s", file, diff)
		}
	}
}

// TestNoDefaultRoute is namespaces that lack something: the kernel's own entry that rejects
// is no route, and where if_inet6 is missing there is no IPv6.
func TestNoDefaultRoute(t *testing.T) {
	const header = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
	zero := strings.Repeat("0", 32)
	got := readProc(header + "*\t00000000\t00000000\t0205\t0\t0\t0\t00000000\t0\t0\t0\n" +
		zero + " 00 " + zero + " 00 " + zero + " ffffffff 00000001 00000000 00200200       lo\n" +
		zero + " 00 20010db8000000000000000000000000 20 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n" +
		"20010db8000000000000000000000007 02 40 00 08     eth0\n20010db8000000000000000000000008 02 40 00 40     eth0\n")
	if got.V4 == nil || got.V4.HasRoute || got.V6 == nil || got.V6.HasRoute || len(got.V6.Addresses) != 0 {
		t.Errorf("%+v %+v", got.V4, got.V6)
	}
	got = readProc(header + "tun0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n")
	if !got.V4.HasRoute || len(got.V4.Default) != 0 || got.V6.HasRoute {
		t.Errorf("%+v %+v", got.V4, got.V6)
	}
	if got := readProc("cat: /proc/net/route: Permission denied\n"); got.V4 != nil || got.V6 != nil {
		t.Errorf("%+v %+v", got.V4, got.V6)
	}
}

func FuzzReadAgent(f *testing.F) {
	f.Add(sample(f, "status.json"), sample(f, "nat.json"), `["10.0.0.0/8",{"IP":"::","Mask":"/w=="}]`, sample(f, "pod.proc"))
	f.Add("{}", `[{"Key":{"SourceAddr":[1,2,3]}}]`, "[1]", "|-- ::\n/32 host LOCAL\n")
	f.Fuzz(func(t *testing.T, status, nat, ipmasq, proc string) {
		agents, err := ReadAgent(AgentSaid{Status: status, NAT: nat, IPMasq: ipmasq, Egress: ipmasq, Endpoints: nat}, flows)
		if err == nil && (agents.V4 == nil || agents.V6 == nil) {
			t.Error("no error, and no agent")
		}
		for _, family := range ipfam.All {
			if r := readProc(proc).Of(family); r != nil {
				for _, a := range append(r.Addresses, r.Default...) {
					if ipfam.Of(a) != family {
						t.Errorf("%s in %s", a, family)
					}
				}
			}
		}
	})
}
