package render

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	"golang.org/x/tools/txtar"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// readPlan is a plan as the user has it: in a file plan.yaml.
func readPlan(t testing.TB, path string) *plan.Plan {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return parsePlan(t, string(text))
}

func parsePlan(t testing.TB, text string) *plan.Plan {
	t.Helper()
	p, problems := plan.Parse("plan.yaml", []byte(text))
	for _, problem := range problems {
		t.Error(problem)
	}
	if p == nil {
		t.FailNow()
	}
	return p
}

func nodes(t testing.TB, texts ...string) []Node {
	t.Helper()
	var ns []Node
	for _, text := range texts {
		n, err := ParseNode(text)
		if err != nil {
			t.Fatal(err)
		}
		ns = append(ns, n)
	}
	return ns
}

// threeNodes is the nodes of examples/homelab-today.
var threeNodes = []string{
	"k8s-controller-0=192.168.16.20,2001:db8:7653:216::20",
	"k8s-node-0=192.168.16.21,2001:db8:7653:216::21",
	"k8s-node-1=2001:db8:7653:216::22,192.168.16.22",
}

const (
	today = "../../examples/homelab-today/plan.yaml"
	seed  = "../../examples/homelab/plan.yaml"
)

// golden is what is rendered, and under which name it is kept.
type golden struct {
	name   string
	plan   string
	target Target
	opts   Options
	nodes  []string
}

func of1(component Component, v ...int) Options {
	var o Options
	*At(&o.Versions, component) = release.V(v[0], v[1], v[2:]...)
	return o
}

var goldens = []golden{
	{name: "kubeadm", plan: today, target: Kubeadm},
	{name: "kubeadm-nodes", plan: today, target: Kubeadm, nodes: threeNodes, opts: of1(Kubernetes, 1, 37, 2)},
	{name: "kubeadm-1.30", plan: today, target: Kubeadm, nodes: threeNodes, opts: of1(Kubernetes, 1, 30)},
	{name: "kubeadm-v1beta3", plan: today, target: Kubeadm, opts: Options{KubeadmAPI: "v1beta3"}},
	{name: "kubeadm-own-cni", plan: today, target: Kubeadm, opts: Options{OwnCNI: true}},
	{name: "kubeadm-ipv6-first", plan: "testdata/plans/ipv6-first.yaml", target: Kubeadm, nodes: threeNodes},
	{name: "kubeadm-ipv6-first-placeholders", plan: "testdata/plans/ipv6-first.yaml", target: Kubeadm},
	{name: "kubeadm-ipv4", plan: "testdata/plans/ipv4.yaml", target: Kubeadm},
	{name: "kubeadm-ipv6", plan: "testdata/plans/ipv6.yaml", target: Kubeadm},
	{name: "cilium", plan: today, target: Cilium},
	{name: "cilium-nodes", plan: today, target: Cilium, nodes: threeNodes, opts: of1(Component(Cilium), 1, 20, 2)},
	{name: "cilium-1.10", plan: today, target: Cilium, opts: of1(Component(Cilium), 1, 10)},
	{name: "cilium-1.13", plan: today, target: Cilium, opts: of1(Component(Cilium), 1, 13)},
	{name: "cilium-1.15", plan: today, target: Cilium, opts: of1(Component(Cilium), 1, 15, 19)},
	{name: "cilium-lb-ipam", plan: today, target: Cilium, opts: Options{Balancer: ByCilium}},
	{name: "cilium-ipv4", plan: "testdata/plans/ipv4.yaml", target: Cilium},
	{name: "cilium-ipv6", plan: "testdata/plans/ipv6.yaml", target: Cilium},
	{name: "cilium-ipv6-1.13", plan: "testdata/plans/ipv6.yaml", target: Cilium, opts: of1(Component(Cilium), 1, 13)},
	{name: "cilium-ipv6-1.15", plan: "testdata/plans/ipv6.yaml", target: Cilium, opts: of1(Component(Cilium), 1, 15, 19)},
	{name: "cilium-unsaid-1.13", plan: "testdata/plans/unsaid.yaml", target: Cilium, opts: of1(Component(Cilium), 1, 13)},
	{name: "cilium-unsaid", plan: "testdata/plans/unsaid.yaml", target: Cilium},
	{name: "kubeadm-unsaid", plan: "testdata/plans/unsaid.yaml", target: Kubeadm},
	{name: "cilium-bgp", plan: "testdata/plans/bgp.yaml", target: Cilium, opts: Options{Balancer: ByCilium}},
	{name: "cilium-config", plan: today, target: CiliumConfig},
	{name: "cilium-config-1.10", plan: today, target: CiliumConfig, opts: of1(Component(Cilium), 1, 10)},
	{name: "cilium-config-1.15", plan: today, target: CiliumConfig, opts: of1(Component(Cilium), 1, 15, 19)},
	{name: "cilium-config-ipv6", plan: "testdata/plans/ipv6.yaml", target: CiliumConfig},
	{name: "lb-ipam", plan: today, target: LBIPAM},
	{name: "lb-ipam-1.19", plan: today, target: LBIPAM, opts: of1(Component(Cilium), 1, 19)},
	{name: "lb-ipam-ipv4-1.15", plan: "testdata/plans/ipv4.yaml", target: LBIPAM, opts: of1(Component(Cilium), 1, 15, 19)},
	{name: "lb-ipam-bgp-1.15", plan: "testdata/plans/bgp.yaml", target: LBIPAM, opts: of1(Component(Cilium), 1, 15, 19)},
	{name: "lb-ipam-bgp-1.13", plan: "testdata/plans/bgp.yaml", target: LBIPAM, opts: of1(Component(Cilium), 1, 13)},
	{name: "lb-ipam-bgp", plan: "testdata/plans/bgp.yaml", target: LBIPAM},
	{name: "kind", plan: today, target: Kind},
	{name: "kind-own-cni", plan: today, target: Kind, opts: Options{OwnCNI: true}},
	{name: "kind-ipv6-first", plan: "testdata/plans/ipv6-first.yaml", target: Kind},
	{name: "kind-ipv4", plan: "testdata/plans/ipv4.yaml", target: Kind},
	{name: "kind-ipv6", plan: "testdata/plans/ipv6.yaml", target: Kind, opts: Options{OwnCNI: true}},
	{name: "k3s", plan: today, target: K3s},
	{name: "k3s-own-cni", plan: today, target: K3s, opts: Options{OwnCNI: true}},
	{name: "k3s-ipv6-first", plan: "testdata/plans/ipv6-first.yaml", target: K3s},
	{name: "k3s-ipv4", plan: "testdata/plans/ipv4.yaml", target: K3s},
	{name: "k3s-ipv6", plan: "testdata/plans/ipv6.yaml", target: K3s, opts: Options{OwnCNI: true}},
	{name: "k3s-nodes", plan: today, target: K3s, nodes: threeNodes},
	{name: "rke2", plan: today, target: RKE2},
	{name: "rke2-own-cni", plan: today, target: RKE2, opts: Options{OwnCNI: true}},
	{name: "rke2-ipv6-first", plan: "testdata/plans/ipv6-first.yaml", target: RKE2},
	{name: "rke2-ipv4", plan: "testdata/plans/ipv4.yaml", target: RKE2},
	{name: "rke2-ipv6", plan: "testdata/plans/ipv6.yaml", target: RKE2, opts: Options{OwnCNI: true}},
	{name: "rke2-nodes", plan: today, target: RKE2, nodes: threeNodes},
	{name: "talos", plan: today, target: Talos},
	{name: "talos-own-cni", plan: today, target: Talos, opts: Options{OwnCNI: true}},
	{name: "talos-ipv6-first", plan: "testdata/plans/ipv6-first.yaml", target: Talos},
	{name: "talos-ipv4", plan: "testdata/plans/ipv4.yaml", target: Talos},
	{name: "talos-ipv6", plan: "testdata/plans/ipv6.yaml", target: Talos, opts: Options{OwnCNI: true}},
	{name: "talos-nodes", plan: today, target: Talos, nodes: threeNodes},
	{name: "frr", plan: today, target: FRR},
	{name: "frr-nodes", plan: today, target: FRR, nodes: threeNodes},
	{name: "frr-bgp", plan: "testdata/plans/bgp.yaml", target: FRR},
	{name: "frr-bgp-nodes", plan: "testdata/plans/bgp.yaml", target: FRR, nodes: []string{"cp=203.0.113.20,2001:db8:7653:216::20", "worker=203.0.113.21,2001:db8:7653:216::21"}},
	{name: "radvd", plan: today, target: Radvd},
	{name: "radvd-ipv6", plan: "testdata/plans/ipv6.yaml", target: Radvd},
	{name: "networkd", plan: today, target: Networkd},
	{name: "networkd-nodes", plan: today, target: Networkd, nodes: threeNodes},
	{name: "networkd-ipv4", plan: "testdata/plans/ipv4.yaml", target: Networkd},
	{name: "networkd-ipv6", plan: "testdata/plans/ipv6.yaml", target: Networkd},
	{name: "networkd-ipv6-first", plan: "testdata/plans/ipv6-first.yaml", target: Networkd},
	{name: "nftables", plan: today, target: NFTables},
	{name: "nftables-bgp", plan: "testdata/plans/bgp.yaml", target: NFTables},
	{name: "nftables-ipv4", plan: "testdata/plans/ipv4.yaml", target: NFTables},
	{name: "nftables-ipv6", plan: "testdata/plans/ipv6.yaml", target: NFTables},
	{name: "nftables-ipv6-first", plan: "testdata/plans/ipv6-first.yaml", target: NFTables},
	{name: "metallb", plan: today, target: MetalLB},
	{name: "metallb-0.12", plan: today, target: MetalLB, opts: of1(Component(MetalLB), 0, 12, 1)},
	{name: "metallb-0.11", plan: today, target: MetalLB, opts: of1(Component(MetalLB), 0, 11)},
	{name: "metallb-seed", plan: seed, target: MetalLB},
	{name: "metallb-ipv6-first", plan: "testdata/plans/ipv6-first.yaml", target: MetalLB},
	{name: "metallb-bgp", plan: "testdata/plans/bgp.yaml", target: MetalLB},
	{name: "metallb-bgp-0.12", plan: "testdata/plans/bgp.yaml", target: MetalLB, opts: of1(Component(MetalLB), 0, 12)},
}

// TestGolden holds every target, and every form that it has had, to
// testdata/golden/NAME.txtar: the notes, then the files.
func TestGolden(t *testing.T) {
	rendered := map[Target]bool{}
	for _, g := range goldens {
		rendered[g.target] = true
		t.Run(g.name, func(t *testing.T) {
			g.opts.Nodes = nodes(t, g.nodes...)
			files, notes, err := Render(readPlan(t, g.plan), g.target, g.opts)
			if err != nil {
				t.Fatal(err)
			}
			toldOfPlaceholders(t, files, notes)
			archive := &txtar.Archive{}
			for _, n := range notes {
				archive.Comment = fmt.Appendln(archive.Comment, n)
			}
			for _, f := range files {
				archive.Files = append(archive.Files, txtar.File{Name: f.Name, Data: f.Content})
			}
			got, path := string(txtar.Format(archive)), filepath.Join("testdata/golden", g.name+".txtar")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	for _, target := range Targets {
		if !rendered[target] {
			t.Errorf("%s has no golden file", target)
		}
	}
	kept, err := filepath.Glob("testdata/golden/*.txtar")
	if err != nil || len(kept) != len(goldens) {
		t.Errorf("%d golden files for %d renderings: %v", len(kept), len(goldens), err)
	}
}

var placeholder = regexp.MustCompile(`\$\{[A-Z0-9_]+\}`)

// toldOfPlaceholders: whatever is to be filled in is said on standard error too.
func toldOfPlaceholders(t *testing.T, files []File, notes []Note) {
	t.Helper()
	for _, f := range files {
		for _, name := range placeholder.FindAllString(string(f.Content), -1) {
			if !slices.ContainsFunc(notes, func(n Note) bool {
				return strings.Contains(n.Message, name) && (n.File == "" || n.File == f.Name)
			}) {
				t.Errorf("%s: no note about %s", f.Name, name)
			}
		}
	}
}

// TestTargets: every target that is listed can be rendered and asked for by name.
func TestTargets(t *testing.T) {
	for _, target := range Targets {
		if got, err := ParseTarget(string(target)); err != nil || got != target || renderers[target] == nil {
			t.Errorf("%s: %s, %v", target, got, err)
		}
	}
	if len(renderers) != len(Targets) {
		t.Errorf("%d renderers for %d targets", len(renderers), len(Targets))
	}
	_, _, err := Render(readPlan(t, today), "flannel", Options{})
	if err == nil || !strings.Contains(err.Error(), `"flannel": want one of kubeadm, `) {
		t.Errorf("an unknown target: %v", err)
	}
}

// TestNames: whatever nodes are called, no two files have one name.
func TestNames(t *testing.T) {
	names := map[string]Target{}
	for _, opts := range []Options{{}, {Nodes: nodes(t, "init=203.0.113.20,2001:db8:7653:216::20", "patch=203.0.113.21,2001:db8:7653:216::21",
		"config=203.0.113.22,2001:db8:7653:216::22", "sysctl=203.0.113.23,2001:db8:7653:216::23")}} {
		for _, target := range Targets {
			files, _, err := Render(readPlan(t, "testdata/plans/bgp.yaml"), target, opts)
			if err != nil {
				t.Error(err)
			}
			seen := map[string]bool{}
			for _, f := range files {
				if owner, ok := names[f.Name]; seen[f.Name] || ok && owner != target {
					t.Errorf("%s: %s is a file of %s", target, f.Name, owner)
				}
				seen[f.Name], names[f.Name] = true, target
			}
		}
	}
}

// TestFaults: everything that keeps a plan from being rendered, at once, each with its
// field.
func TestFaults(t *testing.T) {
	whole := readPlan(t, today)
	for _, test := range []struct {
		name   string
		plan   *plan.Plan
		target Target
		opts   Options
		want   []string
	}{
		{name: "no ranges", target: Kubeadm, plan: parsePlan(t, "apiVersion: dualstack/v1alpha1\nkind: AddressPlan\nspec:\n  families: [IPv6]\n"), want: []string{
			"plan.yaml:3: spec.pods.ipv6: is not given", "plan.yaml:3: spec.services.ipv6: is not given"}},
		{name: "no pools", target: MetalLB, plan: parsePlan(t, "apiVersion: dualstack/v1alpha1\nkind: AddressPlan\nspec: {}\n"), want: []string{
			"plan.yaml:3: spec.loadBalancers: is not given"}},
		{name: "masks", target: Kubeadm, plan: parsePlan(t, "apiVersion: dualstack/v1alpha1\nkind: AddressPlan\nspec:\n  pods: {ipv4: 10.0.0.0/8, ipv6: 'fd4a:91c2:77::/64', nodeMask: {ipv4: 25, ipv6: 96}}\n  services: {ipv4: 10.96.0.0/11, ipv6: 'fd4a:91c2:78::/126'}\n"), want: []string{
			"spec.pods.nodeMask.ipv4: node mask /25 is 17 bits longer", "spec.pods.nodeMask.ipv6: node mask /96 is 32 bits longer",
			"spec.services.ipv4: 10.96.0.0/11 has 21 host bits", "spec.services.ipv6: fd4a:91c2:78::/126 has 4 addresses"}},
		{name: "v1beta3 of today", target: Kubeadm, plan: whole, opts: Options{KubeadmAPI: "v1beta3", Versions: plan.Versions{Kubernetes: release.V(1, 37)}},
			want: []string{"kubeadm 1.37 refuses v1beta3: want v1beta4"}},
		{name: "v1beta4 too early", target: Kubeadm, plan: whole, opts: Options{KubeadmAPI: "v1beta4", Versions: plan.Versions{Kubernetes: release.V(1, 30, 14)}},
			want: []string{"kubeadm 1.30.14 refuses v1beta4: want v1beta3"}},
		{name: "unknown API", target: Kubeadm, plan: whole, opts: Options{KubeadmAPI: "v1beta2"}, want: []string{`"v1beta2": want v1beta3 or v1beta4`}},
		{name: "old kubeadm", target: Kubeadm, plan: whole, opts: of1(Kubernetes, 1, 21), want: []string{"kubeadm 1.21: want 1.22 or later"}},
		{name: "old Cilium", target: Cilium, plan: whole, opts: of1(Component(Cilium), 1, 9), want: []string{"Cilium 1.9: want 1.10 or later"}},
		{name: "old MetalLB", target: MetalLB, plan: whole, opts: of1(Component(MetalLB), 0, 8), want: []string{"MetalLB 0.8: want 0.9 or later"}},
		{name: "LB IPAM of old", target: LBIPAM, plan: whole, opts: of1(Component(Cilium), 1, 12), want: []string{"LB IPAM: Cilium 1.12 does not have it: want 1.13 or later"}},
		{name: "L2 of old", target: LBIPAM, plan: whole, opts: of1(Component(Cilium), 1, 13), want: []string{
			"plan.yaml:39: spec.loadBalancers[0].announce: pool lan is announced on the LAN, and Cilium 1.13 announces nothing there: want 1.14 or later"}},
		{name: "L2 without IPv6", target: LBIPAM, plan: whole, opts: of1(Component(Cilium), 1, 18), want: []string{"Cilium 1.18 answers ARP alone there: want 1.19 or later"}},
		{name: "K3s of old", target: K3s, plan: whole, opts: of1(Kubernetes, 1, 22), want: []string{"k3s 1.22: want 1.23.7 or later"}},
		{name: "flannel", target: K3s, plan: readPlan(t, "testdata/plans/bgp.yaml"), opts: Options{OwnCNI: true}, want: []string{"plan.yaml:18: spec.egress.ipv4: is routed, and K3s's own plug-in masquerades IPv4"}},
		{name: "wide Services of K3s", target: K3s, plan: parsePlan(t, "apiVersion: dualstack/v1alpha1\nkind: AddressPlan\nspec:\n  families: [IPv6]\n  pods: {ipv6: 'fd4a:91c2:77::/56'}\n  services: {ipv6: 'fd4a:91c2:78::/108'}\n"),
			want: []string{"plan.yaml:6: spec.services.ipv6: fd4a:91c2:78::/108 is wider than /112"}},
		{name: "Talos without a network", target: Talos, plan: parsePlan(t, "apiVersion: dualstack/v1alpha1\nkind: AddressPlan\nspec:\n  families: [IPv6]\n  pods: {ipv6: 'fd4a:91c2:77::/56'}\n  services: {ipv6: 'fd4a:91c2:78::/108'}\n"),
			want: []string{"plan.yaml:3: spec.lan.ipv6: is not given"}},
		{name: "radvd of IPv4", target: Radvd, plan: readPlan(t, "testdata/plans/ipv4.yaml"), want: []string{"plan.yaml:6: spec.lan.ipv6: is not given: there is nothing to advertise"}},
		{name: "nothing to route", target: FRR, plan: readPlan(t, "testdata/plans/ipv4.yaml"), want: []string{"plan.yaml:4: spec.routed: is not given, and no pool is announced by BGP"}},
		{name: "no interface", target: Networkd, plan: parsePlan(t, "apiVersion: dualstack/v1alpha1\nkind: AddressPlan\nspec:\n  lan: {ipv4: 192.0.2.0/24}\n"),
			want: []string{"plan.yaml:4: spec.lan.interface: is not given", "plan.yaml:4: spec.lan.ipv6: is not given"}},
		{name: "an interface of two lines", target: Networkd, plan: parsePlan(t, "apiVersion: dualstack/v1alpha1\nkind: AddressPlan\nspec:\n  families: [IPv4]\n  lan: {ipv4: 192.0.2.0/24, interface: \"eth0\\n[Network]\"}\n"),
			want: []string{`spec.lan.interface: "eth0?[Network]" is no name of an interface`}},
		{name: "no LAN", target: NFTables, plan: parsePlan(t, "apiVersion: dualstack/v1alpha1\nkind: AddressPlan\nspec: {families: [IPv6]}\n"), want: []string{"plan.yaml:3: spec.lan.ipv6: is not given"}},
		{name: "pools without a good name", target: MetalLB, plan: parsePlan(t, "apiVersion: dualstack/v1alpha1\nkind: AddressPlan\nspec:\n  loadBalancers:\n    - {name: 'a b', addresses: [192.0.2.0/28]}\n"),
			want: []string{`plan.yaml:5: spec.loadBalancers[0].name: "a b" is no name of an object`}},
		{name: "no Cilium", target: LBIPAM, plan: whole, opts: Options{OwnCNI: true}, want: []string{"there is no LB IPAM"}},
		{name: "nodes", target: Kubeadm, plan: whole, opts: Options{Nodes: nodes(t, "a=192.168.16.20", "a=192.168.16.20,2001:db8:7653:216::20",
			"b=192.168.17.20,2001:db8:7653:216:ffff:fac:ade:100", "c=192.168.16.255,2001:db8:7653:216::")}, want: []string{
			"node a: has no IPv6 address, and spec.families (not given) has IPv4 and IPv6", "node a is named twice", "node a: 192.168.16.20 is also that of a",
			"node b: 192.168.17.20 lies outside of the LAN 192.168.16.0/24 (plan.yaml:14 spec.lan.ipv4)",
			"node b: 2001:db8:7653:216:ffff:fac:ade:100 lies in 2001:db8:7653:216:ffff:fac:ade:100-2001:db8:7653:216:ffff:fac:ade:119 (plan.yaml:42 spec.loadBalancers[0].addresses[1])",
			"node c: 192.168.16.255 is no address of one host", "node c: 2001:db8:7653:216:: is no address of one host"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			files, _, err := Render(test.plan, test.target, test.opts)
			if err == nil || files != nil {
				t.Fatalf("rendered: %v, %v", files, err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("no %q in:\n%v", want, err)
				}
			}
			if got := strings.Count(err.Error(), "\n") + 1; got != len(test.want) {
				t.Errorf("%d faults, want %d:\n%v", got, len(test.want), err)
			}
		})
	}
}

// FuzzParseNode: whatever is taken for a node can be part of a file's name, and written
// as it was read.
func FuzzParseNode(f *testing.F) {
	for _, text := range append(threeNodes, "a=", "a=::1%lo", "a/b=192.0.2.1", "a=::ffff:192.0.2.1,::1") {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := ParseNode(text)
		if err != nil {
			return
		}
		if n.Name == "" || filepath.Base(n.Name) != n.Name || strings.HasPrefix(n.Name, ".") {
			t.Errorf("%q: the name %q", text, n.Name)
		}
		var as []string
		for _, family := range ipfam.All {
			if a := n.Addresses.Of(family); a.IsValid() {
				as = append(as, a.String())
				if ipfam.Of(a) != family || a.Is4In6() {
					t.Errorf("%q: %s is no %s", text, a, family)
				}
			}
		}
		again, err := ParseNode(n.Name + "=" + strings.Join(as, ","))
		if err != nil || again != n {
			t.Errorf("%q: %+v, then %+v, %v", text, n, again, err)
		}
	})
}

// FuzzRender: of no plan whatsoever comes a panic, or a file that is not what its name
// says, or that a comment of more than its line has got into.
func FuzzRender(f *testing.F) {
	for _, path := range []string{today, seed, "testdata/plans/ipv6-first.yaml", "testdata/plans/ipv4.yaml", "testdata/plans/ipv6.yaml", "testdata/plans/bgp.yaml"} {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add("plan.yaml", string(text))
		f.Add("a\nb: {", string(text))
	}
	f.Fuzz(func(t *testing.T, source, text string) {
		p, _ := plan.Parse(source, []byte(text))
		if p == nil {
			return
		}
		for _, target := range Targets {
			files, _, err := Render(p, target, Options{})
			if err != nil && files != nil {
				t.Errorf("%s: %d files and %v", target, len(files), err)
			}
			for _, file := range files {
				wellFormed(t, file)
			}
		}
	})
}

func wellFormed(t *testing.T, f File) {
	t.Helper()
	if !utf8.Valid(f.Content) {
		t.Errorf("%s is no text", f.Name)
	}
	if filepath.Ext(f.Name) != ".yaml" {
		return
	}
	d := yaml.NewDecoder(bytes.NewReader(f.Content))
	for {
		var root map[string]any
		switch err := d.Decode(&root); {
		case errors.Is(err, io.EOF):
			return
		case err != nil || len(root) == 0:
			t.Errorf("%s: %v, %v in:\n%s", f.Name, root, err, f.Content)
			return
		}
	}
}

func TestParseNode(t *testing.T) {
	for text, want := range map[string]string{
		"a":                          `"a": want NAME=IPV4,IPV6`,
		"../a=192.0.2.1":             `"../a=192.0.2.1": "../a" is no name of a node`,
		"=192.0.2.1":                 `"" is no name of a node`,
		"A=192.0.2.1":                `"A" is no name of a node`,
		"a=":                         `"" is no address`,
		"a=192.0.2.1,":               `"" is no address`,
		"a=fe80::1%eth0":             "fe80::1%eth0 has a zone",
		"a=192.0.2.1,192.0.2.2":      "192.0.2.1 and 192.0.2.2 are both IPv4",
		"a=::ffff:192.0.2.1,1.1.1.1": "192.0.2.1 and 1.1.1.1 are both IPv4",
	} {
		if _, err := ParseNode(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	n := nodes(t, "a.example=2001:DB8::1, 192.0.2.1")[0]
	if n.Name != "a.example" || n.Addresses.V4.String() != "192.0.2.1" || n.Addresses.V6.String() != "2001:db8::1" {
		t.Errorf("%+v", n)
	}
}
