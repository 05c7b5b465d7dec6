package trace

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var (
	echo4 = netip.MustParseAddrPort("203.0.113.80:80")
	echo6 = netip.MustParseAddrPort("[2001:db8:ffff::80]:80")
)

// seenAll is what probes see of the homelab that is as predicted: of the Pod and of its
// node, and of the agent.
func seenAll() (pod, host, agent ipfam.Pair[Observation]) {
	for _, f := range ipfam.All {
		own, node, target, far := own4, node4, echo4, "203.0.113.2"
		if f == ipfam.V6 {
			own, node, target, far = own6, node6, echo6, own6
		}
		rungs := []Rung{{Name: RungNode, Outcome: Connected}, {Name: RungPeer, Outcome: Connected}, {Name: RungRouter, Outcome: Connected}}
		routes := &Routes{Addresses: ips(own), HasRoute: true}
		*pod.At(f) = Observation{Family: f, Tier: TierExec, Own: netip.MustParseAddr(own), Dialed: target, Connect: Connected, Status: 200, Far: netip.MustParseAddr(far), Large: Connected, Rungs: rungs, Routes: routes}
		*host.At(f) = Observation{Family: f, Tier: TierHost, Own: netip.MustParseAddr(node), Dialed: target, Connect: Connected, Rungs: append([]Rung{}, rungs...), Routes: &Routes{Addresses: ips(node), HasRoute: true}}
		*agent.At(f) = Observation{Family: f, Tier: TierAgent, Routes: &Routes{Addresses: ips(node), HasRoute: true}, Agent: &Agent{Version: "1.20.2", Mechanism: ByBPF}}
	}
	agent.V6.Agent = &Agent{Version: "1.20.2", Mechanism: KeepsSource}
	return pod, host, agent
}

// mute has a rung not answer.
func mute(o *Observation, name string) {
	for i := range o.Rungs {
		if o.Rungs[i].Name == name {
			o.Rungs[i].Outcome = TimedOut
		}
	}
}

// TestLocate is a target that does not answer over IPv6, and where what else answers puts
// the fault.
func TestLocate(t *testing.T) {
	type pair = ipfam.Pair[Observation]
	for _, tc := range []struct {
		name   string
		tiers  string // that were used: p, h, a
		change func(pod, host, agent *pair)
		step   Step
		says   string
	}{
		{"as predicted", "pha", func(_, _, _ *pair) {}, "", ""},
		{"as predicted, from beside the Pod", "p", func(p, _, _ *pair) {
			other := netip.MustParseAddr("2001:db8:7653:299:cafe::8ae7")
			p.V4.Tier, p.V4.Own = TierSibling, netip.MustParseAddr("10.244.0.99")
			p.V6.Tier, p.V6.Own, p.V6.Far = TierSibling, other, other
		}, "", ""},
		{"nothing but the target is silent", "p", func(p, _, _ *pair) { p.V6.Connect = TimedOut }, StepRouter, "the router answers"},
		{"the name has no AAAA", "p", func(p, _, _ *pair) { p.V6.Connect, p.V6.Asked = NotTried, true }, StepName, "has no IPv6 address"},
		{"taken out of the Pod's network", "p", func(p, _, _ *pair) { p.V6.Connect, p.V6.Routes = Unreachable, &Routes{} }, StepPod, "no IPv6 address in the Pod's network"},
		{"refused", "p", func(p, _, _ *pair) { p.V6.Connect = Refused }, StepTarget, "nobody listens"},
		{"the node has no default route, the agent says", "pa", func(p, _, a *pair) { p.V6.Connect, a.V6.Routes.HasRoute = Unreachable, false }, StepNode, "no default route of IPv6"},
		{"the node has no default route, its network says", "ph", func(p, h, _ *pair) { p.V6.Connect, h.V6.Connect, h.V6.Routes.HasRoute = TimedOut, Unreachable, false }, StepNode, "no default route of IPv6"},
		{"the node does not forward", "ph", func(p, _, _ *pair) { p.V6.Connect = TimedOut; mute(&p.V6, RungPeer) }, StepNode, "does not forward IPv6"},
		{"the LAN is dead", "ph", func(p, h, _ *pair) {
			p.V6.Connect, h.V6.Connect = TimedOut, TimedOut
			for _, o := range []*Observation{&p.V6, &h.V6} {
				mute(o, RungPeer)
				mute(o, RungRouter)
			}
		}, StepLAN, "reaches no other node"},
		{"the router is dead", "ph", func(p, h, _ *pair) {
			p.V6.Connect, h.V6.Connect = TimedOut, TimedOut
			mute(&p.V6, RungRouter)
			mute(&h.V6, RungRouter)
		}, StepLAN, "not its router"},
		{"no route back to the Pod", "ph", func(p, _, _ *pair) { p.V6.Connect = TimedOut; mute(&p.V6, RungRouter) }, StepReturn, "no answer comes back"},
		{"no route back, as far as the Pod alone can tell", "pa", func(p, _, _ *pair) { p.V6.Connect = TimedOut; mute(&p.V6, RungRouter) }, StepReturn, "no answer comes back"},
		{"beyond the router", "ph", func(p, h, _ *pair) { p.V6.Connect, h.V6.Connect = TimedOut, TimedOut }, StepRouter, "nobody beyond it"},
		{"large packets are lost", "p", func(p, _, _ *pair) { p.V6.Large = TimedOut }, StepSize, "small packets pass"},
		{"masqueraded, though the configuration says otherwise", "p", func(p, _, _ *pair) { p.V6.Far = netip.MustParseAddr(node6) }, StepMasquerade, "the target saw " + node6},
		{"the agent says otherwise", "pa", func(_, _, a *pair) { a.V6.Agent.Mechanism = ByBPF }, StepMasquerade, "the agent's masquerading of IPv6 is BPF"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			target, err := ParseTarget("203.0.113.80:80,[2001:db8:ffff::80]:80", "lab")
			if err != nil {
				t.Fatal(err)
			}
			s := homelab()
			got := Predict(s, homelabPlan(t), Query{Target: target, Require: RequireBoth})
			pod, host, agent := seenAll()
			tc.change(&pod, &host, &agent)
			var seen []Observation
			for _, tier := range []struct {
				letter string
				of     pair
			}{{"a", agent}, {"p", pod}, {"h", host}} {
				if strings.Contains(tc.tiers, tier.letter) {
					seen = append(seen, tier.of.V4, tier.of.V6)
				}
			}
			got.Compare(s, seen)
			if len(got.Partings) == 0 {
				if tc.step != "" {
					t.Fatalf("no parting, want one at %s", tc.step)
				}
				if got.Outcome() != Reaches || got.Summary != "Both families reach the target, as predicted." {
					t.Errorf("%s: %s", got.Outcome(), got.Summary)
				}
				return
			}
			first := got.Partings[0]
			if first.Family != ipfam.V6 || first.Step != tc.step || !strings.Contains(first.Observed+" "+first.Because, tc.says) {
				t.Errorf("parting %+v, want IPv6 at %s: %q", first, tc.step, tc.says)
			}
			if got.Paths.V4.Verdict != Reaches {
				t.Errorf("IPv4 %s: %s", got.Paths.V4.Verdict, got.Paths.V4.Why)
			}
		})
	}
}

// TestNotProbed is a target that was to be tried, and was not: a prediction is no pass then,
// and one that fails still does.
func TestNotProbed(t *testing.T) {
	target, err := ParseTarget("203.0.113.80:80,[2001:db8:ffff::80]:80", "lab")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		tier   Tier
		change func(*snapshot.Scene)
		want   Verdict
		says   string
	}{
		{TierExec, func(*snapshot.Scene) {}, Unsure, "Both families: predicted to reach the target, and could not be probed."},
		{TierAgent, func(*snapshot.Scene) {}, Reaches, "Both families reach the target, as far as the API tells."},
		{TierExec, func(s *snapshot.Scene) { s.Cilium.Config["enable-ipv6"] = "false" }, Fails, "IPv6: does not reach the target: datapath; IPv4: predicted to reach the target, and could not be probed."},
	} {
		s := homelab()
		tc.change(s)
		got := Predict(s, homelabPlan(t), Query{Target: target, Require: RequireBoth})
		got.Compare(s, []Observation{{Family: ipfam.V4, Tier: tc.tier, Error: "forbidden"}, {Family: ipfam.V6, Tier: tc.tier, Error: "forbidden"}})
		if got.Outcome() != tc.want || got.Summary != tc.says {
			t.Errorf("%s: %s: %s", tc.tier, got.Outcome(), got.Summary)
		}
	}
}

// TestSettled is hops that were open, once an answer came back.
func TestSettled(t *testing.T) {
	target, err := ParseTarget("[2001:db8:ffff::80]:80", "lab")
	if err != nil {
		t.Fatal(err)
	}
	s := homelab()
	got := Predict(s, nil, Query{Target: target, Require: RequireBoth})
	if got.Outcome() != Unsure || got.Summary != "IPv6: not known without --probe." {
		t.Errorf("%s: %s", got.Outcome(), got.Summary)
	}
	pod, _, _ := seenAll()
	got.Compare(s, []Observation{{Family: ipfam.V4, Tier: TierExec}, pod.V6})
	last := got.Paths.V6.Hops[len(got.Paths.V6.Hops)-1]
	if last.Text != "to "+own6+": the answer came back" || last.Because != "" || last.State != Passes || last.Known != Probed {
		t.Errorf("%+v", last)
	}
	if got.Summary != "IPv6: reaches the target as "+own6+"." || len(got.Differences()) != 0 || len(got.Programs) != 0 {
		t.Errorf("%s %v %v", got.Summary, got.Differences(), got.Programs)
	}
}

// TestOneAddress is a Pod without an address of IPv6, or of IPv4: it is told so, and no step
// makes an address up.
func TestOneAddress(t *testing.T) {
	for _, f := range ipfam.All {
		s := homelab()
		s.Source.IPs = []netip.Addr{snapshot.Of(s.Source.IPs, f)}
		target, err := ParseTarget("ifconfig.example", "lab")
		if err != nil {
			t.Fatal(err)
		}
		got := Predict(s, homelabPlan(t), Query{Target: target, Require: RequireBoth})
		want := fmt.Sprintf("%s reaches the target and %s does not (pod): applications use %[1]s at once, and nobody notices.", f, f.Other())
		if got.Summary != want || got.Outcome() != Fails {
			t.Errorf("%s: %s, want %s", got.Outcome(), got.Summary, want)
		}
		for _, h := range got.Paths.Of(f.Other()).Hops {
			if strings.Contains(h.Text+h.Because, netip.Addr{}.String()) {
				t.Errorf("%+v", h)
			}
		}
	}
}

// TestCompareFails is a packet that was predicted to end, and passes, or ends as it was
// predicted.
func TestCompareFails(t *testing.T) {
	s := homelab()
	s.Cilium.Config["enable-ipv6"] = "false"
	target, err := ParseTarget("203.0.113.80:80,[2001:db8:ffff::80]:80", "lab")
	if err != nil {
		t.Fatal(err)
	}
	pod, _, _ := seenAll()
	got := Predict(s, homelabPlan(t), Query{Target: target, Require: RequireBoth})
	got.Compare(s, []Observation{pod.V4, pod.V6})
	if len(got.Partings) == 0 || got.Partings[0].Step != StepDatapath || got.Outcome() != Reaches {
		t.Errorf("%s, %+v", got.Outcome(), got.Partings)
	}
	pod.V6.Connect, pod.V6.Far = TimedOut, netip.Addr{}
	got = Predict(s, homelabPlan(t), Query{Target: target, Require: RequireBoth})
	got.Compare(s, []Observation{pod.V4, pod.V6})
	if len(got.Partings) != 0 || got.Outcome() != Fails {
		t.Errorf("%s, %+v", got.Outcome(), got.Partings)
	}
	for r, want := range map[Requirement]Verdict{RequireBoth: Fails, RequireAny: Reaches, RequireV4: Reaches, RequireV6: Fails} {
		got.Query.Require = r
		if got.Outcome() != want {
			t.Errorf("--require %s: %s, want %s", r, got.Outcome(), want)
		}
	}
}
