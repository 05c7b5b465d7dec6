package trace

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
)

func TestDiffers(t *testing.T) {
	pass := func(text string) Hop { return Hop{State: Passes, Text: text} }
	for name, tc := range map[string]struct {
		a, b Hop
		want bool
	}{
		"addresses":          {pass("leaves as 192.168.16.22"), pass("leaves as 2001:db8::22"), false},
		"records":            {pass("A 192.0.2.1, 192.0.2.2"), pass("AAAA 2001:db8::1"), false},
		"prefixes and ports": {pass("10.0.0.0/8 to 192.0.2.1:80."), pass("::/0 to [2001:db8::1]:80"), false},
		"ranges":             {pass("in 192.0.2.1-192.0.2.9"), pass("in 2001:db8::-2001:db8::9"), false},
		"families":           {pass("no IPv4 rule, iptables"), pass("no IPv6 rule, ip6tables"), false},
		"times":              {pass("192.0.2.1, answers in 1.4ms"), pass("2001:db8::1, answers in 600µs"), false},
		"mechanism":          {pass("leaves as 192.168.16.22"), pass("keeps 2001:db8::22"), true},
		"numbers":            {pass("MTU 1500"), pass("MTU 1480"), true},
		"states":             {pass("x"), Hop{State: Doubtful, Text: "x"}, true},
		"reasons that pass":  {Hop{State: Passes, Because: "a"}, Hop{State: Passes, Because: "b"}, false},
		"reasons that stop":  {Hop{State: Stops, Because: "a"}, Hop{State: Stops, Because: "b"}, true},
		"keys":               {Hop{State: Open, Because: `enable-ipv4="true"`}, Hop{State: Open, Because: `enable-ipv6="true"`}, false},
		"not reached":        {pass("leaves as 192.168.16.22"), Hop{State: NotReached, Text: "not reached"}, false},
		"not reached, other": {pass("leaves as 192.168.16.22"), Hop{State: NotReached, Text: "keeps 2001:db8::22"}, true},
		"not reached, same":  {pass("routed"), Hop{State: NotReached, Text: "routed"}, false},
	} {
		if differs(tc.a, tc.b) != tc.want || differs(tc.b, tc.a) != tc.want {
			t.Errorf("%s: differs = %t, want %t", name, !tc.want, tc.want)
		}
	}
}

func TestDifferences(t *testing.T) {
	hops := func(states string, steps ...Step) []Hop {
		var hs []Hop
		for i, step := range steps {
			hs = append(hs, Hop{Step: step, State: map[byte]State{'p': Passes, 's': Stops, 'n': NotReached}[states[i]]})
		}
		return hs
	}
	for name, tc := range map[string]struct {
		v4, v6 []Hop
		want   []Step
	}{
		"none":       {nil, nil, nil},
		"same":       {hops("pp", StepPod, StepTarget), hops("pp", StepPod, StepTarget), nil},
		"a stop":     {hops("ppp", StepPod, StepPolicy, StepTarget), hops("psn", StepPod, StepPolicy, StepTarget), []Step{StepPolicy}},
		"cut short":  {hops("ppp", StepPod, StepPolicy, StepTarget), hops("ps", StepPod, StepPolicy), []Step{StepPolicy}},
		"one family": {hops("pp", StepPod, StepTarget), nil, []Step{StepPod, StepTarget}},
		"more steps": {hops("ppp", StepPod, StepGateway, StepTarget), hops("pp", StepPod, StepTarget), []Step{StepGateway}},
		"twice":      {hops("ppp", StepPolicy, StepNode, StepPolicy), hops("pp", StepPolicy, StepNode), []Step{StepPolicy}},
		"no step":    {hops("p", "x"), hops("p", "y"), []Step{"x", "y"}},
	} {
		tr := Trace{Paths: ipfam.Pair[Path]{V4: Path{Hops: tc.v4}, V6: Path{Hops: tc.v6}}}
		if diff := cmp.Diff(tc.want, tr.Differences()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		swapped := Trace{Paths: ipfam.Pair[Path]{V4: tr.Paths.V6, V6: tr.Paths.V4}}
		if got := len(swapped.Differences()); got != len(tc.want) {
			t.Errorf("%s: %d differences with the families swapped, want %d", name, got, len(tc.want))
		}
	}
}

// TestBranchesPart: what only one family reaches behind a Service is a difference.
func TestBranchesPart(t *testing.T) {
	path := func(verdicts ...Verdict) Path {
		p := Path{Hops: []Hop{{Step: StepService}}}
		for _, v := range verdicts {
			p.Branches = append(p.Branches, Branch{Endpoints: make([]netip.AddrPort, 2), Path: Path{Verdict: v}})
		}
		return p
	}
	for _, tc := range []struct {
		v4, v6 Path
		want   []Step
	}{
		{path(Reaches, Fails), path(Reaches, Fails), nil},
		{path(Reaches, Reaches), path(Reaches, Fails), []Step{StepService}},
		{path(Reaches), path(), []Step{StepService}},
	} {
		if diff := cmp.Diff(tc.want, (Trace{Paths: ipfam.Pair[Path]{V4: tc.v4, V6: tc.v6}}).Differences()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// TestRowsKeepEveryHop: each path reads in its own order, whatever the other's is.
func TestRowsKeepEveryHop(t *testing.T) {
	v4 := []Hop{{Step: StepPod}, {Step: StepTarget}, {Step: StepPolicy}, {Step: "x"}}
	v6 := []Hop{{Step: StepPolicy}, {Step: StepPolicy}, {Step: "y"}, {Step: StepReturn}}
	var got ipfam.Pair[[]Hop]
	for _, row := range (Trace{Paths: ipfam.Pair[Path]{V4: Path{Hops: v4}, V6: Path{Hops: v6}}}).Rows() {
		for _, f := range ipfam.All {
			if hop := row.Hops.Of(f); hop != nil {
				*got.At(f) = append(*got.At(f), *hop)
				if hop.Step != row.Step {
					t.Errorf("a hop of %s in a row of %s", hop.Step, row.Step)
				}
			}
		}
	}
	if diff := cmp.Diff(ipfam.Pair[[]Hop]{V4: v4, V6: v6}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestHalt(t *testing.T) {
	hops := []Hop{{Step: StepPod, State: Passes}, {Step: StepRouter, State: Open}, {Step: StepPolicy, State: Stops}}
	for verdict, want := range map[Verdict]Step{Reaches: "", Fails: StepPolicy, Unsure: StepRouter, "": ""} {
		if got := (Path{Hops: hops, Verdict: verdict}).Halt(); got != want {
			t.Errorf("%s: halts at %q, want %q", verdict, got, want)
		}
	}
}

// TestSeen: the network of a Node is not that of its Pods.
func TestSeen(t *testing.T) {
	near, far := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	row := FleetRow{Seen: []Observation{
		{Family: ipfam.V4, Tier: TierExec, Connect: TimedOut, Far: near},
		{Family: ipfam.V4, Tier: TierSibling, Connect: Connected, Far: far},
		{Family: ipfam.V4, Tier: TierHost, Connect: Refused, Far: far},
		{Family: ipfam.V6, Tier: TierExec, Error: "forbidden"},
	}}
	if o := row.Observed(ipfam.V4); o == nil || o.Tier != TierSibling {
		t.Errorf("observed %+v, want the sibling's", o)
	}
	if o := row.Observed(ipfam.V6); o != nil {
		t.Errorf("observed %+v, want nothing", o)
	}
	if got := SeenAs(row.Seen, ipfam.V4); got != near {
		t.Errorf("seen as %s, want %s", got, near)
	}
}
