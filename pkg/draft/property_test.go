package draft

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
)

// randomDemand favours the ends of what is possible: small LANs, long delegated
// prefixes, numbers around powers of two, much to avoid.
func randomDemand(rnd *rand.Rand) Demand {
	pick := func(texts ...string) netip.Prefix { return netip.MustParsePrefix(texts[rnd.IntN(len(texts))]) }
	some := func(n int) bool { return rnd.IntN(n) == 0 }
	size := func(bits int) int { return max(1, 1<<rnd.IntN(bits)+rnd.IntN(3)-1) }
	d := Demand{Name: "random"}
	switch rnd.IntN(6) {
	case 0:
		d.Families = []ipfam.Family{ipfam.V4}
	case 1:
		d.Families = []ipfam.Family{ipfam.V6}
	case 2:
		d.Families = []ipfam.Family{ipfam.V6, ipfam.V4}
	}
	d.Delegated = pick("2001:db8:7653:200::/56", "2001:db8:7653:200::/56", "2001:db8::/48", "2001:db8:1:10::/60", "2001:db8:1:2::/64", "2001:db8:1:2:3::/80", "2a02:100:200::/46")
	if some(4) {
		d.ULASeed = fmt.Sprint(rnd.Uint64())
	}
	if d.ULASeed != "" && some(2) {
		d.Delegated = noPrefix
	}
	d.LAN.V4 = pick("192.168.16.0/24", "192.168.16.0/24", "192.168.0.0/16", "10.0.0.0/8", "10.1.2.0/24", "172.16.0.0/12", "192.168.1.16/28", "10.244.7.0/24", "10.96.0.0/12", "203.0.113.0/26")
	if d.Delegated.IsValid() && !some(3) {
		d.LAN.V6, _ = firstFree(d.Delegated, min(128, max(d.Delegated.Bits(), 64)+rnd.IntN(2)*rnd.IntN(8)), netip.Addr{}, nil)
	}
	if some(8) {
		d.LAN.V4 = noPrefix
	}
	if some(3) && d.LAN.V4.IsValid() {
		from := plus(d.LAN.V4.Addr(), 1)
		d.Reserved = append(d.Reserved, netipx.IPRangeFrom(from, plus(from, rnd.Uint64N(plan.Count(netipx.RangeOfPrefix(d.LAN.V4))-2))))
	}
	if some(2) {
		d.Nodes, d.PodsPerNode = size(18), size(12)
	}
	if some(2) {
		d.Services = size(22)
	}
	if some(2) {
		d.LoadBalancers = size(12)
	}
	if some(8) {
		d.LoadBalancers = NoLoadBalancers
	}
	if some(6) {
		d.NodeMask = ipfam.Pair[int]{V4: 20 + rnd.IntN(10), V6: 104 + rnd.IntN(20)}
	}
	if some(6) && d.LAN.V4.IsValid() {
		from := plus(d.LAN.V4.Addr(), 2)
		d.Pool = []netipx.IPRange{netipx.IPRangeFrom(from, plus(from, rnd.Uint64N(8)))}
	}
	if some(5) {
		d.Announce = "bgp"
	}
	if some(5) {
		d.Egress.V6 = []plan.Egress{plan.Masquerade, plan.RoutedEgress, plan.NoEgress}[rnd.IntN(3)]
	}
	if some(8) {
		d.Egress.V4 = plan.RoutedEgress
	}
	for range rnd.IntN(4) {
		d.Avoid = append(d.Avoid, pick("10.0.0.0/8", "10.244.0.0/16", "10.96.0.0/16", "172.16.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "10.0.0.0/9",
			"10.128.0.0/10", "2001:db8:7653:2ff::/64", "2001:db8:7653:280::/57", "2001:db8:1:10::/61", "10.250.1.0/24", "192.168.16.64/26", "fd00::/8"))
	}
	if some(3) {
		d.Versions.Kubernetes = []release.Version{release.V(1, 29), release.V(1, 32), release.V(1, 33), release.V(1, 34), release.V(1, 37)}[rnd.IntN(5)]
	}
	return d
}

// Every draft is read back, is valid, and has what was asked for with a fifth to
// spare. Every refusal names a demand, and where it offers something, there is a
// plan with the first offer of each.
func TestRandomDemands(t *testing.T) {
	const demands = 2000
	rnd := rand.New(rand.NewPCG(7653, 216))
	drafted, offered := 0, 0
	for i := range demands {
		d := randomDemand(rnd)
		p, notes, refusals := Draft(d)
		if p != nil {
			drafted++
			holds(t, d, p, notes, i%4 == 0)
		} else {
			offered += wouldDo(t, d, refusals)
		}
		if t.Failed() {
			t.Fatalf("demand %d: %+v", i, d)
		}
	}
	t.Logf("%d of %d demands have a plan, %d others would with what is offered", drafted, demands, offered)
	if drafted < demands/3 || offered < demands/10 {
		t.Error("the demands are of one kind")
	}
}

func holds(t *testing.T, d Demand, p *plan.Plan, notes map[string]string, relative bool) {
	t.Helper()
	forms := []*plan.Plan{p}
	if relative {
		forms = append(forms, p.ToRelative())
	}
	for _, form := range forms {
		text := form.Format(notes)
		back, problems := plan.Parse("plan.yaml", text)
		if back == nil {
			t.Fatalf("%v\n%s", problems, text)
		}
		for _, problem := range back.Validate() {
			if problem.Severity > severity.Info {
				t.Errorf("%s %v\n%s", problem.Severity, problem, text)
			}
		}
		enough(t, d, back)
		disjoint(t, back)
		avoids(t, d, back)
	}
}

// enough counts by itself: no more than four fifths may be used.
func enough(t *testing.T, d Demand, p *plan.Plan) {
	t.Helper()
	c := p.Capacity()
	d = d.complete()
	for _, f := range d.want().List() {
		for _, n := range []struct {
			what string
			want int
			have uint64
		}{
			{"nodes", d.Nodes, c.Nodes.Of(f)}, {"pods per node", d.PodsPerNode, c.PodsPerNode.Of(f)},
			{"Services", d.Services, c.Services.Of(f)}, {"load balancers", max(d.LoadBalancers, 0), c.LoadBalancers.Of(f)},
		} {
			if float64(n.want) > 0.8*float64(n.have) {
				t.Errorf("%d %s %s for %d", n.have, f, n.what, n.want)
			}
		}
	}
	if mask := d.NodeMask; d.want().Has(ipfam.V4) && mask.V4 != 0 && mask.V4 != p.Pods.NodeMask.V4 {
		t.Errorf("node mask %d, asked for %d", p.Pods.NodeMask.V4, mask.V4)
	}
}

func disjoint(t *testing.T, p *plan.Plan) {
	t.Helper()
	ranges := p.Ranges()
	for i, r := range ranges {
		for _, s := range ranges[:i] {
			holder := s.Use == plan.Delegated || s.Use == plan.Routed || s.Use == plan.LAN && (r.Use == plan.Reserved || r.Use == plan.LoadBalancers)
			if !holder && r.Addrs.Overlaps(s.Addrs) {
				t.Errorf("%s %s overlaps %s %s", r.Use, r, s.Use, s)
			}
		}
	}
}

func avoids(t *testing.T, d Demand, p *plan.Plan) {
	t.Helper()
	for _, r := range p.Ranges() {
		for _, a := range d.Avoid {
			if (r.Use == plan.Pods || r.Use == plan.Services) && r.Addrs.Overlaps(netipx.RangeOfPrefix(a)) {
				t.Errorf("%s %s overlaps %s, which is to be avoided", r.Use, r, a)
			}
		}
	}
}

// wouldDo is 1 when what the refusals offer leads to a plan.
func wouldDo(t *testing.T, d Demand, refusals []Refusal) int {
	t.Helper()
	if len(refusals) == 0 {
		t.Fatal("neither a plan nor a refusal")
	}
	for _, r := range refusals {
		if r.Flag == "" || r.Message == "" {
			t.Errorf("%+v lacks a part", r)
		}
		if len(r.Offers) == 0 {
			if r.Fix == "" {
				t.Errorf("%s %s: and nothing would do", r.Flag, r.Message)
			}
			return 0
		}
		d = r.Offers[0].Apply(d)
	}
	p, _, still := Draft(d)
	if p == nil {
		t.Errorf("with %v there is no plan: %+v", refusals, still)
		return 0
	}
	return 1
}
