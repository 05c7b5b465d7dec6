package report

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/trace"
)

var (
	podV4  = netip.MustParseAddr("10.244.1.17")
	podV6  = netip.MustParseAddr("2001:db8:7653:299:cafe::2ebb")
	nodeV4 = netip.MustParseAddr("192.168.16.22")
	farV4  = netip.MustParseAddr("198.51.100.20")
	farV6  = netip.MustParseAddr("2001:db8:5::20")
)

// healthyTrace is of a cluster whose IPv4 is masqueraded and whose IPv6 is routed.
func healthyTrace() trace.Trace {
	return trace.Trace{
		Query:  trace.Query{Target: trace.Target{Kind: trace.ToInternet, Text: "the internet", Port: 443}, Require: trace.RequireBoth},
		Pod:    snapshot.Ref{Kind: "Pod", Namespace: "lab", Name: "nginx-test"},
		Node:   "k8s-node-2",
		Chosen: "the first ready Pod of deployment/lab/nginx-test",
		Paths: ipfam.Pair[trace.Path]{
			V4: trace.Path{Family: ipfam.V4, Verdict: trace.Reaches, Source: nodeV4, Beyond: true, Mechanism: trace.ByBPF, Hops: []trace.Hop{
				{Step: trace.StepPod, State: trace.Passes, Known: trace.Read, Text: "10.244.1.17", Because: ".status.podIPs of the Pod"},
				{Step: trace.StepPolicy, State: trace.Passes, Known: trace.Read, Text: "no policy selects the Pod", Because: "0 of 2 NetworkPolicies of lab select it"},
				{Step: trace.StepDatapath, State: trace.Passes, Known: trace.Read, Text: "Cilium, native routing", Because: `routing-mode="native" in cilium-config`},
				{Step: trace.StepNode, State: trace.Passes, Known: trace.Read, Text: "k8s-node-2, 192.168.16.22"},
				{Step: trace.StepMasquerade, State: trace.Passes, Known: trace.Inferred, Text: "leaves as 192.168.16.22 (BPF)", Because: `enable-ipv4-masquerade="true", enable-bpf-masquerade="true" in cilium-config`},
				{Step: trace.StepLAN, State: trace.Passes, Known: trace.Inferred, Text: "192.168.16.0/24 to the default router", Because: "the plan: spec.lan.ipv4"},
				{Step: trace.StepRouter, State: trace.Passes, Known: trace.Inferred, Text: "gives it an address of its own (NAT)", Because: "192.168.16.22 is private (RFC 1918)"},
				{Step: trace.StepTarget, State: trace.Passes, Known: trace.Inferred, Text: "the internet, port 443"},
				{Step: trace.StepReturn, State: trace.Passes, Known: trace.Inferred, Text: "by the router's own table"},
			}},
			V6: trace.Path{Family: ipfam.V6, Verdict: trace.Reaches, Source: podV6, Mechanism: trace.KeepsSource, Hops: []trace.Hop{
				{Step: trace.StepPod, State: trace.Passes, Known: trace.Read, Text: "2001:db8:7653:299:cafe::2ebb", Because: ".status.podIPs of the Pod"},
				{Step: trace.StepPolicy, State: trace.Passes, Known: trace.Read, Text: "no policy selects the Pod", Because: "0 of 2 NetworkPolicies of lab select it"},
				{Step: trace.StepDatapath, State: trace.Passes, Known: trace.Read, Text: "Cilium, native routing", Because: `routing-mode="native" in cilium-config`},
				{Step: trace.StepNode, State: trace.Passes, Known: trace.Read, Text: "k8s-node-2, 2001:db8:7653:216:3e52:82ff:fe6e:22"},
				{Step: trace.StepMasquerade, State: trace.Passes, Known: trace.Inferred, Text: "keeps 2001:db8:7653:299:cafe::2ebb", Because: `enable-ipv6-masquerade="false" in cilium-config`},
				{Step: trace.StepLAN, State: trace.Passes, Known: trace.Inferred, Text: "2001:db8:7653:216::/64 to the default router", Because: "the plan: spec.lan.ipv6"},
				{Step: trace.StepRouter, State: trace.Passes, Known: trace.Inferred, Text: "passes it on unchanged", Because: "the plan: spec.delegated.ipv6"},
				{Step: trace.StepTarget, State: trace.Passes, Known: trace.Inferred, Text: "the internet, port 443"},
				{Step: trace.StepReturn, State: trace.Doubtful, Known: trace.Inferred, Text: "needs a route to 2001:db8:7653:299:cafe::/96 on the router", Because: "the plan routes it; no API shows the router's table", Check: "DS904"},
			}},
		},
		Programs: []trace.Program{
			{Names: []string{"glibc", "musl"}, Order: []ipfam.Family{ipfam.V6, ipfam.V4}, Rule: "rule 6: higher precedence"},
			{Names: []string{"Go"}, Order: []ipfam.Family{ipfam.V6, ipfam.V4}, Rule: "rule 6, then IPv4 after 300 ms"},
		},
		Summary: "Both families reach the internet, IPv4 as 192.168.16.22 and IPv6 as the Pod itself; applications use IPv6.",
	}
}

// stoppedTrace is healthyTrace with a policy that forgot IPv6.
func stoppedTrace() trace.Trace {
	t := healthyTrace()
	hops := t.Paths.V6.Hops
	hops[1] = trace.Hop{
		Step: trace.StepPolicy, State: trace.Stops, Known: trace.Read, Text: "egress-web has no rule for IPv6",
		Because: "networkpolicy/lab/egress-web .spec.egress[0].to has 0.0.0.0/0 and no ::/0", Check: "DS802",
		Fix: `kubectl patch networkpolicy egress-web -n lab --type json -p '[{"op":"add","path":"/spec/egress/0/to/-","value":{"ipBlock":{"cidr":"::/0"}}}]'`,
	}
	for i := 2; i < len(hops); i++ {
		hops[i].State, hops[i].Check = trace.NotReached, ""
	}
	t.Paths.V4.Hops[1] = trace.Hop{
		Step: trace.StepPolicy, State: trace.Passes, Known: trace.Read, Text: "egress-web allows 0.0.0.0/0",
		Because: "networkpolicy/lab/egress-web .spec.egress[0].to",
	}
	t.Paths.V6.Verdict, t.Paths.V6.Why, t.Paths.V6.Source = trace.Fails, hops[1].Text, netip.Addr{}
	t.Chosen = ""
	t.Summary = "IPv4 reaches the internet, IPv6 stops at a policy of the cluster; applications wait for IPv6 and then use IPv4, so that nobody will notice."
	return t
}

// probedTrace is healthyTrace with probes that saw another address than the predicted one.
func probedTrace() trace.Trace {
	t := healthyTrace()
	exec := "exec in pod lab/nginx-test, container nginx"
	t.Query.Target = trace.Target{
		Kind: trace.ToName, Text: "echo.example.net:443", Name: "echo.example.net", Port: 443,
		Addresses: ipfam.Pair[netip.Addr]{V4: farV4, V6: farV6},
	}
	for _, f := range ipfam.All {
		hops := t.Paths.At(f).Hops
		for i := range hops {
			if hops[i].Step != trace.StepPolicy {
				hops[i].Known = trace.Probed
			}
		}
		hops[7].Text = netip.AddrPortFrom(t.Query.Target.Addresses.Of(f), 443).String() + " answers"
		hops[8] = trace.Hop{Step: trace.StepReturn, State: trace.Passes, Known: trace.Probed, Text: "the answer came back"}
	}
	t.Paths.V6.Hops[4].State = trace.Doubtful
	t.Paths.V6.Hops[4].Text = "leaves as 2001:db8:7653:216:3e52:82ff:fe6e:22"
	t.Seen = []trace.Observation{
		{
			Family: ipfam.V4, Tier: trace.TierAgent, From: "exec in pod kube-system/cilium-x2x8k",
			Agent: &trace.Agent{Version: "1.18.4", Mechanism: trace.ByBPF, Exclusion: netip.MustParsePrefix("10.244.0.0/16"), Translated: nodeV4},
		},
		{Family: ipfam.V6, Tier: trace.TierAgent, From: "exec in pod kube-system/cilium-x2x8k", Error: "exec: forbidden: create pods/exec in kube-system"},
		{
			Family: ipfam.V4, Tier: trace.TierExec, From: exec, Own: podV4, Asked: true, Answers: []netip.Addr{farV4},
			Dialed: netip.AddrPortFrom(farV4, 443), Connect: trace.Connected, Took: 3210 * time.Microsecond, Status: 200,
			Far: nodeV4, Large: trace.Connected, PathMTU: 1500,
			Rungs: []trace.Rung{
				{Name: trace.RungNode, To: netip.AddrPortFrom(nodeV4, 10250), Outcome: trace.Connected},
				{Name: trace.RungRouter, To: netip.MustParseAddrPort("192.168.16.1:53"), Outcome: trace.Refused},
			},
			Hops:   []netip.Addr{nodeV4, netip.MustParseAddr("192.168.16.1"), {}},
			Routes: &trace.Routes{Addresses: []netip.Addr{podV4}, Default: []netip.Addr{netip.MustParseAddr("10.244.1.1")}, HasRoute: true},
		},
		{
			Family: ipfam.V6, Tier: trace.TierExec, From: exec, Own: podV6, Asked: true, Answers: []netip.Addr{farV6},
			Dialed: netip.AddrPortFrom(farV6, 443), Connect: trace.Connected, Took: 4 * time.Millisecond,
			Far: netip.MustParseAddr("2001:db8:7653:216:3e52:82ff:fe6e:22"), Large: trace.TimedOut, PathMTU: 1280,
			Routes: &trace.Routes{},
		},
	}
	t.Partings = []trace.Parting{{
		Family: ipfam.V6, Step: trace.StepMasquerade, Predicted: "keeps 2001:db8:7653:299:cafe::2ebb", Observed: "leaves as 2001:db8:7653:216:3e52:82ff:fe6e:22",
		Because: "the agent runs with another configuration than cilium-config: it was not restarted after the change", Check: "DS407",
		Fix: "kubectl -n kube-system rollout restart daemonset/cilium",
	}}
	t.Summary = "Both families reach echo.example.net:443, but IPv6 leaves as the node and not as the Pod."
	return t
}

// serviceTrace has endpoints of two kinds.
func serviceTrace() trace.Trace {
	t := healthyTrace()
	endpoint := func(f ipfam.Family, n int) netip.AddrPort {
		if f == ipfam.V4 {
			return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 244, 2, byte(n)}), 8080)
		}
		return netip.AddrPortFrom(netip.MustParseAddr(fmt.Sprintf("2001:db8:7653:299:cafe::1:%d", n)), 8080)
	}
	t.Query.Target = trace.Target{
		Kind: trace.ToService, Text: "service/shop/web", Ref: snapshot.Ref{Kind: "Service", Namespace: "shop", Name: "web"}, Port: 80,
		Addresses: ipfam.Pair[netip.Addr]{V4: netip.MustParseAddr("10.96.73.153"), V6: netip.MustParseAddr("2001:db8:7653:299:cafe:1:0:55da")},
	}
	for _, f := range ipfam.All {
		path := t.Paths.At(f)
		pod := path.Hops[0]
		path.Source, path.Beyond, path.Mechanism = podV4, false, trace.KeepsSource
		if f == ipfam.V6 {
			path.Source = podV6
		}
		path.Hops = []trace.Hop{
			pod,
			{Step: trace.StepService, State: trace.Passes, Known: trace.Read, Text: fmt.Sprintf("%s, to 3 endpoints", t.Query.Target.Addresses.Of(f)), Because: "by Cilium in the place of kube-proxy"},
			path.Hops[1], path.Hops[2],
			{Step: trace.StepTarget, State: trace.Passes, Known: trace.Read, Text: endpoint(f, 1).String() + " on k8s-node-3"},
		}
		away := trace.Path{Family: f, Verdict: trace.Fails, Why: "k8s-node-4 has no address of the family", Hops: []trace.Hop{{Step: trace.StepNode, State: trace.Stops, Known: trace.Read}}}
		if f == ipfam.V4 {
			away = trace.Path{Family: f, Verdict: trace.Reaches, Source: podV4}
		}
		path.Branches = []trace.Branch{
			{Endpoints: []netip.AddrPort{endpoint(f, 1), endpoint(f, 2)}, Path: trace.Path{Family: f, Verdict: trace.Reaches, Source: path.Source}},
			{Endpoints: []netip.AddrPort{endpoint(f, 9)}, Path: away},
		}
	}
	t.Summary = "IPv4 reaches service/shop/web; IPv6 reaches 2 of its 3 endpoints."
	return t
}

// openTrace is of a cluster whose network plugin is not known.
func openTrace() trace.Trace {
	t := healthyTrace()
	t.Node, t.Chosen = "k8s-node-2", ""
	t.Query.Require = trace.RequireAny
	t.Programs = nil
	for _, f := range ipfam.All {
		path := t.Paths.At(f)
		path.Verdict, path.Source, path.Beyond, path.Mechanism = trace.Unsure, netip.Addr{}, false, trace.MechanismOpen
		path.Why = "no network plugin that is known"
		open := func(step trace.Step, text, because string) trace.Hop {
			return trace.Hop{Step: step, State: trace.Open, Known: trace.Unknown, Text: text, Because: because}
		}
		path.Hops = []trace.Hop{
			path.Hops[0], path.Hops[1],
			open(trace.StepDatapath, "not known", "no Cilium, Calico or flannel was found; read configmaps -n kube-system: forbidden"),
			path.Hops[3],
			open(trace.StepMasquerade, "not known", "what the network plugin does is not known"),
			open(trace.StepRouter, "not known", ""),
			open(trace.StepTarget, "the internet, port 443", ""),
		}
	}
	t.Summary = "What becomes of the packets is not known: the network plugin is not; give --probe to look."
	return t
}

// hostileTrace has what would break out of every format, everywhere that text goes.
func hostileTrace() trace.Trace {
	const evil = "a\x1b[2J\n\"]; end --> b[\"<script>alert(1)</script>\u202e`%% #quot; \\N \\\" & é \xff"
	t := probedTrace()
	t.Pod.Name, t.Node, t.Chosen, t.Summary, t.Query.Target.Text = evil, evil, evil, evil, evil
	for _, f := range ipfam.All {
		path := t.Paths.At(f)
		path.Verdict, path.Why = trace.Fails, evil
		path.Branches = []trace.Branch{{Path: *path}}
		for i := range path.Hops {
			path.Hops[i].Text, path.Hops[i].Because, path.Hops[i].Check, path.Hops[i].Fix = evil, evil, evil, evil
			path.Hops[i].State = trace.Doubtful
		}
		path.Hops[2].Step, path.Hops[2].State, path.Hops[2].Known = evil, evil, evil
	}
	t.Partings = []trace.Parting{{Step: evil, Predicted: evil, Observed: evil, Because: evil, Check: evil, Fix: evil}}
	t.Programs = []trace.Program{{Names: []string{evil}, Rule: evil}}
	for i := range t.Seen {
		t.Seen[i].From, t.Seen[i].Tier = evil, evil
		t.Seen[i].Connect, t.Seen[i].Large = evil, evil
		t.Seen[i].Routes = &trace.Routes{Default: []netip.Addr{netip.MustParseAddr("fe80::1%" + "e\x1b[2J")}}
		t.Seen[i].Agent = &trace.Agent{Version: evil, Tunnel: evil, Mechanism: evil}
	}
	t.Seen[0].Error = evil
	return t
}

// fleet is n Nodes, of which every 50th, and the third, fails over IPv6.
func fleet(n int) []trace.FleetRow {
	var rows []trace.FleetRow
	for i := range n {
		row := trace.FleetRow{
			Node: fmt.Sprintf("k8s-node-%d", i+1), Pod: snapshot.Ref{Kind: "Pod", Namespace: "lab", Name: fmt.Sprintf("web-%d", i+1)},
			Paths: stoppedTrace().Paths,
		}
		row.Paths.V4.Source = netip.AddrFrom4([4]byte{192, 168, 16, byte(20 + i%200)})
		if i%50 != 2 {
			row.Paths.V6 = healthyTrace().Paths.V6
		}
		row.Paths.V6.Source = netip.MustParseAddr(fmt.Sprintf("2001:db8:7653:299:cafe:0:%x:2ebb", i+1))
		switch i {
		case 1:
			row.Seen = probedTrace().Seen
		case 3:
			row.Seen = []trace.Observation{
				{Family: ipfam.V4, Tier: trace.TierExec, Connect: trace.Refused},
				{Family: ipfam.V6, Tier: trace.TierExec, Connect: trace.TimedOut},
			}
		case 4, 5:
			row.Pod, row.Paths = snapshot.Ref{}, ipfam.Pair[trace.Path]{}
			row.Note = "no Pod of the default network runs there"
		}
		rows = append(rows, row)
	}
	return rows
}
