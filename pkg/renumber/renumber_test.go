package renumber

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/draft"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const homelab = "../../examples/homelab/plan.yaml"

var newSite = netip.MustParsePrefix("2001:db8:beef:4400::/56")

func read(t *testing.T, text string) *plan.Plan {
	t.Helper()
	p, problems := plan.Parse("plan.yaml", []byte(text))
	if p == nil {
		t.Fatalf("%v\n%s", problems, text)
	}
	return p
}

func homelabText(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(homelab)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func change(t *testing.T, text string, to netip.Prefix) *Change {
	t.Helper()
	c, problems := Plan(read(t, text), []byte(text), to)
	if c == nil {
		t.Fatal(problems)
	}
	return c
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The plan of the example moves, and nothing but its addresses changes; of one that
// is relative, a line.
func TestPlan(t *testing.T) {
	text := homelabText(t)
	c := change(t, text, newSite)
	golden(t, "homelab-diff", File{Path: "plan.yaml", Was: text, Moving: c.Text}.Diff())
	if got, want := c.New.Services.V6.String(), "2001:db8:beef:4499:cafe:1::/112"; got != want {
		t.Errorf("Services are %s, want %s", got, want)
	}
	relative := string(read(t, text).ToRelative().Format(map[string]string{"spec.pods.ipv6": "a note"}))
	c = change(t, relative, newSite)
	if n := strings.Count(File{Path: "plan.yaml", Was: relative, Moving: c.Text}.Diff(), "\n+ "); n != 1 {
		t.Errorf("%d lines of the relative plan change:\n%s", n, c.Text.Text)
	}
	if !strings.Contains(c.Text.Text, "# a note") {
		t.Error("a comment is gone")
	}
}

func TestPlanIntoAnotherLength(t *testing.T) {
	text := homelabText(t)
	shorter := change(t, text, netip.MustParsePrefix("2001:db8:aa00::/48"))
	if got, want := shorter.New.LAN.Prefixes.V6.String(), "2001:db8:aa00:16::/64"; got != want {
		t.Errorf("the LAN in a /48 is %s, want %s", got, want)
	}
	c, problems := Plan(read(t, text), []byte(text), netip.MustParsePrefix("2001:db8:aa00:bb0::/60"))
	if c != nil {
		t.Fatalf("moved into a /60:\n%s", c.Text.Text)
	}
	var got strings.Builder
	for _, p := range problems {
		fmt.Fprintf(&got, "%v\n  fix: %s\n", p, p.Fix)
	}
	golden(t, "homelab-longer", got.String())
}

func TestPlanWithoutPrefix(t *testing.T) {
	text := "apiVersion: dualstack/v1alpha1\nkind: AddressPlan\nspec: {}\n"
	c, problems := Plan(read(t, text), []byte(text), newSite)
	if c != nil || len(problems) != 1 || problems[0].Field != "spec.delegated.ipv6" || problems[0].At.Line == 0 {
		t.Errorf("%+v", problems)
	}
}

// A value with escapes is no text that can be moved, and is not moved half.
func TestPlanWithEscapes(t *testing.T) {
	text := "apiVersion: dualstack/v1alpha1\nkind: AddressPlan\nspec:\n  delegated: {ipv6: \"2001:db8:7653:200::/56\"}\n  pods: {ipv6: \"2001\\x3adb8:7653:299::/64\"}\n"
	c, problems := Plan(read(t, text), []byte(text), newSite)
	if c != nil || len(problems) != 1 || problems[0].Field != "spec.pods.ipv6" {
		t.Errorf("%+v, %+v", c, problems)
	}
}

// Whatever is drafted can be moved, is as right in the new prefix as it was, and
// comes back to the very same file.
func TestDraftsMove(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7653, 299))
	for i := range 300 {
		d := draft.Demand{
			Delegated: netip.PrefixFrom(netip.MustParseAddr("2001:db8:7653::"), 40+rnd.IntN(23)).Masked(),
			LAN:       ipfam.Pair[netip.Prefix]{V4: netip.MustParsePrefix("192.168.16.0/20")},
			Relative:  rnd.IntN(2) == 0, Announce: []string{"l2", "bgp"}[rnd.IntN(2)],
			Nodes: 1 + rnd.IntN(1000), Services: 1 + rnd.IntN(5000),
		}
		p, notes, refusals := draft.Draft(d)
		if p == nil {
			t.Fatalf("%+v: %+v", d, refusals)
		}
		text := string(p.Format(notes))
		to := netip.PrefixFrom(netip.MustParseAddr("3fff:ab:cd00::"), d.Delegated.Bits()-rnd.IntN(10)).Masked()
		c := change(t, text, to)
		if before, after := rules(read(t, text)), rules(c.New); before != after {
			t.Fatalf("demand %d: before %s, after %s\n%s", i, before, after, c.Text.Text)
		}
		back := change(t, c.Text.Text, d.Delegated)
		if diff := cmp.Diff(text, back.Text.Text); diff != "" && to.Bits() == d.Delegated.Bits() {
			t.Fatalf("demand %d: there and back:\n%s", i, diff)
		}
		for j, r := range back.New.Ranges() {
			if was := p.Ranges()[j]; r.Addrs != was.Addrs {
				t.Fatalf("%s was %s and is %s", r.Field, was, r)
			}
		}
	}
}

func rules(p *plan.Plan) string {
	var list []string
	for _, problem := range p.Validate() {
		list = append(list, problem.Severity.String()+" "+string(problem.Rule))
	}
	return strings.Join(list, ", ")
}

func TestSteps(t *testing.T) {
	text := homelabText(t)
	first6 := strings.Replace(text, "spec:\n", "spec:\n  families: [IPv6, IPv4]\n", 1)
	for name, test := range map[string]struct {
		text  string
		setup Setup
	}{
		"steps-unknown":      {text, Setup{}},
		"steps-homelab":      {text, Setup{Known: true, ClusterPool: true, NodeIPAM: true, MetalLB: true}},
		"steps-kubeadm-1.32": {text, Setup{Known: true, NodeIPAM: true, KubeProxy: true, MetalLB: true, Versions: plan.Versions{Kubernetes: release.V(1, 32), MetalLB: release.V(0, 13, 12)}}},
		"steps-ipv6-first":   {first6, Setup{Known: true, ClusterPool: true, LBIPAM: true}},
	} {
		t.Run(name, func(t *testing.T) {
			steps := change(t, test.text, newSite).Steps(test.setup)
			golden(t, name, stepsText(steps))
		})
	}
}

func stepsText(steps []Step) string {
	var b strings.Builder
	for i, s := range steps {
		fmt.Fprintf(&b, "%d. %s\n", i+1, s.Title)
		if s.Where != "" {
			fmt.Fprintf(&b, "   where: %s\n", s.Where)
		}
		for _, do := range s.Do {
			fmt.Fprintf(&b, "     %s\n", do)
		}
		fmt.Fprintf(&b, "   restarts: %s\n   effect: %s\n   undo: %s\n   sources: %s\n", s.Restart, s.Effect, s.Undo, strings.Join(s.Sources, "; "))
	}
	return b.String()
}

// Only what the plan has moves: a plan whose pods and Services are of another prefix
// asks for no step about them.
func TestStepsAreOfWhatMoves(t *testing.T) {
	p, notes, refusals := draft.Draft(draft.Demand{
		Delegated: netip.MustParsePrefix("2001:db8:7653:200::/56"), ULASeed: "a seed",
		LAN: ipfam.Pair[netip.Prefix]{V4: netip.MustParsePrefix("192.168.16.0/24"), V6: netip.MustParsePrefix("2001:db8:7653:216::/64")},
	})
	if p == nil {
		t.Fatal(refusals)
	}
	steps := stepsText(change(t, string(p.Format(notes)), newSite).Steps(Setup{}))
	for _, word := range []string{"cluster pool", "ServiceCIDR", "drain", "clusterCIDR"} {
		if strings.Contains(steps, word) {
			t.Errorf("steps are about %s:\n%s", word, steps)
		}
	}
}

func TestAddresses(t *testing.T) {
	c := change(t, homelabText(t), newSite)
	for name, objects := range map[string]string{"addresses": services, "addresses-without-metallb": strings.Split(services, "---\n# MetalLB")[0]} {
		s, err := snapshot.FromFiles([]string{"-"}, snapshot.FileOptions{Stdin: bytes.NewReader([]byte(objects)), Now: time.Unix(0, 0)})
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		for _, a := range c.Addresses(s) {
			fmt.Fprintf(&got, "%s %s %s %s %s\n", a.Service, a.Field, a.Was, a.Fate, a.Is)
		}
		golden(t, name, got.String())
	}
}

const services = `
apiVersion: v1
kind: Service
metadata: {name: plain, namespace: lab}
spec: {type: ClusterIP, clusterIP: 10.96.0.9, clusterIPs: [10.96.0.9, "2001:db8:7653:299:cafe:1:0:9"], ipFamilyPolicy: PreferDualStack, ipFamilies: [IPv4, IPv6]}
---
apiVersion: v1
kind: Service
metadata: {name: first6, namespace: lab}
spec: {type: ClusterIP, clusterIP: "2001:db8:7653:299:cafe:1:0:8", clusterIPs: ["2001:db8:7653:299:cafe:1:0:8"], ipFamilies: [IPv6], externalIPs: ["2001:db8:7653:216::77", 192.168.16.9]}
---
apiVersion: v1
kind: Service
metadata: {name: dual, namespace: lab}
spec: {type: LoadBalancer, clusterIP: 10.96.0.10, clusterIPs: [10.96.0.10, "fd00::a"], ipFamilies: [IPv4, IPv6], loadBalancerSourceRanges: ["2001:db8:7653:216::/64", 192.0.2.0/24]}
status: {loadBalancer: {ingress: [{ip: 192.168.16.104}, {ip: "2001:db8:7653:216:ffff:fac:ade:0"}]}}
---
apiVersion: v1
kind: Service
metadata: {name: pinned, namespace: lab, annotations: {metallb.io/loadBalancerIPs: "192.168.16.105,2001:db8:7653:216:ffff:fac:ade:5"}}
spec: {type: LoadBalancer, clusterIP: 10.96.0.11, clusterIPs: [10.96.0.11, "fd00::b"], ipFamilies: [IPv4, IPv6]}
status: {loadBalancer: {ingress: [{ip: 192.168.16.105}, {ip: "2001:db8:7653:216:ffff:fac:ade:5"}]}}
---
apiVersion: v1
kind: Service
metadata: {name: elsewhere, namespace: lab}
spec: {type: LoadBalancer, clusterIP: 10.96.0.12, clusterIPs: [10.96.0.12]}
status: {loadBalancer: {ingress: [{ip: 192.168.16.106}]}}
---
# MetalLB
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: lan, namespace: metallb-system}
spec: {addresses: [192.168.16.100-192.168.16.119, "2001:db8:7653:216:ffff:fac:ade::/112"]}
`

func TestDiff(t *testing.T) {
	was := "a\nx 2001:db8:7653:216::1\ny 2001:db8:7653:216::2\nb\n\nc 2001:db8:7653:200::/56"
	f := File{Path: "f", Was: was, Moving: plan.Move(was, netip.MustParsePrefix("2001:db8:7653:200::/56"), newSite)}
	want := `--- f
+++ f
@@ -2,2 +2,2 @@
-x 2001:db8:7653:216::1
-y 2001:db8:7653:216::2
+x 2001:db8:beef:4416::1
+y 2001:db8:beef:4416::2
@@ -6 +6 @@
-c 2001:db8:7653:200::/56
\ No newline at end of file
+c 2001:db8:beef:4400::/56
\ No newline at end of file
`
	if diff := cmp.Diff(want, f.Diff()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
