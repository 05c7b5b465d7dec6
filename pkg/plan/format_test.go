package plan

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// What Format writes is the plan that it wrote, for the plans of the examples and for
// any other.
func TestFormatIsReadBack(t *testing.T) {
	plans := map[string]*Plan{"empty": {}}
	for _, file := range []string{"../../examples/homelab/plan.yaml", "../../examples/homelab-today/plan.yaml"} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		plans[file] = mustParse(t, string(data))
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range 500 {
		plans[fmt.Sprintf("random plan %d", i)] = randomPlan(rnd)
	}
	for name, p := range plans {
		text := p.Format(nil)
		back, problems := Parse("plan.yaml", text)
		if back == nil {
			t.Fatalf("%s: %v\n%s", name, problems, text)
		}
		if diff := cmp.Diff(p, back, sameContent); diff != "" {
			t.Fatalf("%s: (-written +read):\n%s\n%s", name, diff, text)
		}
	}
}

func mustParse(t *testing.T, text string) *Plan {
	t.Helper()
	p, problems := Parse("plan.yaml", []byte(text))
	if p == nil {
		t.Fatal(problems)
	}
	return p
}

// sameContent compares plans but for what they were read from.
var sameContent = cmp.Options{
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
	cmp.Comparer(func(a, b netipx.IPRange) bool { return a == b }),
	cmpopts.IgnoreUnexported(Plan{}),
	cmpopts.EquateEmpty(),
	cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Families" }, cmp.Comparer(func(a, b []ipfam.Family) bool {
		return slices.Equal(a, b) || len(a) == 0 && slices.Equal(b, ipfam.All[:])
	})),
}

func randomPlan(rnd *rand.Rand) *Plan {
	some := func() bool { return rnd.IntN(3) > 0 }
	prefixes := func() (ps ipfam.Pair[netip.Prefix]) {
		for _, f := range ipfam.All {
			if some() {
				*ps.At(f) = randomPrefix(rnd, f)
			}
		}
		return ps
	}
	addresses := func(least int) (rs []netipx.IPRange) {
		for range least + rnd.IntN(3) {
			p := randomPrefix(rnd, ipfam.All[rnd.IntN(2)])
			r := netipx.RangeOfPrefix(p.Masked())
			if some() && p.Addr().Compare(r.From()) >= 0 {
				r = netipx.IPRangeFrom(r.From(), p.Addr())
			}
			rs = append(rs, r)
		}
		return rs
	}
	p := &Plan{Delegated: prefixes(), Services: prefixes()}
	p.LAN = Network{Prefixes: prefixes(), Reserved: addresses(0)}
	p.Pods = PodRanges{Prefixes: prefixes(), NodeMask: ipfam.Pair[int]{V4: rnd.IntN(33), V6: rnd.IntN(129)}}
	if some() {
		p.Name, p.LAN.Interface, p.Echo = "it's: a # name", "eno1", "echo.example"
		p.Egress = ipfam.Pair[Egress]{V4: Masquerade, V6: RoutedEgress}
		p.Families = []ipfam.Family{ipfam.V6, ipfam.V4}
	}
	if some() {
		p.Routed = []netip.Prefix{randomPrefix(rnd, ipfam.V6), randomPrefix(rnd, ipfam.V4)}
		p.Expect = Expectation{Nodes: rnd.IntN(9), PodsPerNode: rnd.IntN(9), Services: rnd.IntN(9), LoadBalancers: rnd.IntN(9)}
		p.Versions.Kubernetes, p.Versions.Cilium = release.V(1, 30), release.V(1, 20, 2)
	}
	for _, name := range []string{"lan", "1.20", "- x"}[:rnd.IntN(4)] {
		p.LoadBalancers = append(p.LoadBalancers, Pool{Name: name, Announce: []string{"", "l2", "bgp"}[rnd.IntN(3)], Addresses: addresses(1)})
	}
	return p
}

// A prefix with host bits is written with them: that is what the plan says.
func randomPrefix(rnd *rand.Rand, f ipfam.Family) netip.Prefix {
	var a [16]byte
	for i := range a {
		a[i] = byte(rnd.Uint32())
	}
	if f == ipfam.V4 {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte(a[:4])), rnd.IntN(33))
	}
	return netip.PrefixFrom(netip.AddrFrom16(a), rnd.IntN(129))
}

// Notes stand above their fields, and where a field would be that is not there.
func TestFormatNotes(t *testing.T) {
	p := mustParse(t, head+`metadata: {name: homelab}
spec:
  pods: {ipv4: 10.244.0.0/16, ipv6: "2001:db8:7653:299:cafe:0::/96", nodeMask: {ipv6: 112}}
  loadBalancers: [{name: lan, addresses: [192.168.16.100-192.168.16.119]}]
`)
	got := string(p.Format(map[string]string{
		"":                                   "A plan\nof two lines.",
		"spec.lan":                           "lan: not known",
		"spec.services.ipv4":                 "ipv4: 10.96.0.0/16 or 10.97.0.0/16",
		"spec.pods":                          "Of kubeadm.",
		"spec.pods.ipv6":                     "As written.",
		"spec.pods.nodeMask.ipv6":            "16 bits longer.",
		"spec.loadBalancers[0].addresses[0]": "Twenty.",
	}))
	const want = `# A plan
# of two lines.
apiVersion: dualstack/v1alpha1
kind: AddressPlan
metadata:
  name: homelab
spec:
  # lan: not known

  # Of kubeadm.
  pods:
    ipv4: 10.244.0.0/16
    # As written.
    ipv6: 2001:db8:7653:299:cafe:0::/96
    nodeMask:
      # 16 bits longer.
      ipv6: 112

  services:
    # ipv4: 10.96.0.0/16 or 10.97.0.0/16

  loadBalancers:
    - name: lan
      addresses:
        # Twenty.
        - 192.168.16.100-192.168.16.119
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, problems := Parse("plan.yaml", []byte(got)); len(problems) > 0 {
		t.Error(problems)
	}
}
