package trace

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// randomScene is a scene with one Pod and some policies of ranges for it.
func randomScene(random *rand.Rand) *snapshot.Scene {
	s := &snapshot.Scene{Source: pod("lab", "nginx-test", 1, 7)}
	switch random.IntN(3) {
	case 0:
		s.Plugin.Name = "calico"
	default:
		s.Cilium.DaemonSet = snapshot.Ref{Kind: "DaemonSet", Name: "cilium"}
		s.Cilium.Config = cilium.Config{}
		s.Cilium.Version = release.V(1, 13+random.IntN(4))
	}
	for range random.IntN(3) {
		s.Policies = append(s.Policies, randomPolicy(random))
	}
	return s
}

func randomPolicy(random *rand.Rand) snapshot.Policy {
	p := snapshot.Policy{Ref: snapshot.Ref{Kind: "CiliumNetworkPolicy", Namespace: "lab", Name: "p"}, Egress: random.IntN(4) > 0}
	for range random.IntN(3) {
		p.EgressRules = append(p.EgressRules, randomRule(random))
	}
	if random.IntN(3) == 0 {
		p.EgressDenies = append(p.EgressDenies, randomRule(random))
	}
	return p
}

var randomRanges = [...]string{
	"0.0.0.0/0", "::/0", "2000::/3", "203.0.113.0/24", "2001:db8::/32", "10.0.0.0/8", "fd00::/8", "0.0.0.0/1", "8000::/1",
}

func randomRule(random *rand.Rand) snapshot.PolicyRule {
	r := snapshot.PolicyRule{Field: ".spec.egress[0]"}
	for range 1 + random.IntN(2) {
		text := randomRanges[random.IntN(len(randomRanges))]
		r.Peers = append(r.Peers, snapshot.PolicyPeer{Field: r.Field + ".toCIDR[0]", CIDR: netip.MustParsePrefix(text)})
	}
	if random.IntN(3) == 0 {
		r.Ports = []snapshot.PolicyPort{{Protocol: "TCP", Port: uint16(80 + random.IntN(2))}}
	}
	return r
}

// TestInternetIsEveryAddress: what is said of the internet is true of each of its
// addresses, and of one address it is always known.
func TestInternetIsEveryAddress(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	addresses := ipfam.SplitAddrs([]netip.Addr{
		netip.MustParseAddr("203.0.113.80"), netip.MustParseAddr("198.51.100.7"), netip.MustParseAddr("8.8.8.8"),
		netip.MustParseAddr("2001:db8:ffff::80"), netip.MustParseAddr("2620:fe::fe"), netip.MustParseAddr("2a00::1"),
	})
	for range 3000 {
		s, port := randomScene(random), uint16(random.IntN(3)*80)
		for _, f := range ipfam.All {
			whole := judgeEgress(s, s.Source, Destination{Family: f, Port: port})
			for _, a := range addresses.Of(f) {
				one := judgeEgress(s, s.Source, Destination{Addr: a, Port: port})
				if whole.State != Open && one.State != whole.State || one.State == Open {
					t.Fatalf("port %d: %s %s (%s), but %s %s (%s)\n%+v", port, f, whole.State, whole.Because, a, one.State, one.Because, s.Policies)
				}
			}
		}
	}
}

// TestPoliciesAdd: one more rule that lets through stops nothing, and one more denial lets
// nothing through.
func TestPoliciesAdd(t *testing.T) {
	random := rand.New(rand.NewPCG(8, 8))
	for range 3000 {
		s := randomScene(random)
		if len(s.Policies) == 0 {
			continue
		}
		to := Destination{Family: ipfam.All[random.IntN(2)], Port: uint16(random.IntN(3) * 80)}
		before := judgeEgress(s, s.Source, to)
		first, rule := s.Policies[0], randomRule(random)
		isolates := first.Egress
		s.Policies[0].EgressRules = append(slices.Clip(first.EgressRules), rule)
		if after := judgeEgress(s, s.Source, to); isolates && before.State == Passes && after.State != Passes {
			t.Fatalf("one more rule: %s became %s\n%+v", before.State, after.State, s.Policies)
		}
		s.Policies[0] = first
		s.Policies[0].EgressDenies = append(slices.Clip(first.EgressDenies), rule)
		if after := judgeEgress(s, s.Source, to); before.State == Stops && after.State != Stops {
			t.Fatalf("one more denial: %s became %s\n%+v", before.State, after.State, s.Policies)
		}
	}
}

// TestOddAddresses: IPv4-mapped addresses are IPv4, and a source that is not known leaves
// open what ranges let in.
func TestOddAddresses(t *testing.T) {
	s := &snapshot.Scene{Source: pod("lab", "nginx-test", 1, 7)}
	s.Plugin.Name = "calico"
	rule := snapshot.PolicyRule{Field: ".spec.ingress[0]", Peers: []snapshot.PolicyPeer{
		{Field: ".spec.ingress[0].from[0]", CIDR: netip.MustParsePrefix("203.0.113.0/24")}}}
	s.Policies = []snapshot.Policy{{Ref: snapshot.Ref{Kind: "NetworkPolicy", Namespace: "lab", Name: "in"}, Ingress: true,
		IngressRules: []snapshot.PolicyRule{rule}}}
	for a, want := range map[netip.Addr]State{
		netip.MustParseAddr("::ffff:203.0.113.80"): Passes,
		netip.MustParseAddr("203.0.113.80"):        Passes,
		netip.MustParseAddr("2001:db8::1%eth0"):    Stops,
		{}:                                         Open,
	} {
		if got := judgeIngress(s, s.Source, a, nil, 80); got.State != want {
			t.Errorf("%s: %s (%s), want %s", a, got.State, got.Because, want)
		}
	}
}
