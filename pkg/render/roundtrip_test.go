package render_test

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.yaml.in/yaml/v3"
	"go4.org/netipx"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks/catalog"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/render"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var plans = []string{
	"../../examples/homelab-today/plan.yaml", "../../examples/homelab/plan.yaml",
	"testdata/plans/ipv6-first.yaml", "testdata/plans/ipv4.yaml", "testdata/plans/ipv6.yaml", "testdata/plans/bgp.yaml", "testdata/plans/unsaid.yaml",
}

// sets is files that make up a cluster together, with what they are rendered with.
var sets = map[string]struct {
	targets []render.Target
	opts    render.Options
}{
	"kubeadm":             {targets: []render.Target{render.Kubeadm, render.Cilium, render.MetalLB}},
	"kubeadm v1beta3":     {targets: []render.Target{render.Kubeadm, render.Cilium, render.MetalLB}, opts: versions("1.30", "1.18", "0.13.12")},
	"Cilium 1.13":         {targets: []render.Target{render.Kubeadm, render.Cilium}, opts: versions("1.29", "1.13", "")},
	"Cilium 1.15":         {targets: []render.Target{render.Kubeadm, render.Cilium}, opts: versions("1.29", "1.15.19", "")},
	"ConfigMap's MetalLB": {targets: []render.Target{render.Kubeadm, render.Cilium, render.MetalLB}, opts: versions("1.29", "1.12", "0.12.1")},
	"LB IPAM":             {targets: []render.Target{render.Kubeadm, render.Cilium, render.LBIPAM}, opts: render.Options{Balancer: render.ByCilium}},
	"LB IPAM 1.19":        {targets: []render.Target{render.Kubeadm, render.CiliumConfig, render.LBIPAM}, opts: byCilium(versions("1.29", "1.19.4", ""))},
	"both of Cilium":      {targets: []render.Target{render.Kubeadm, render.Cilium, render.CiliumConfig, render.MetalLB}},
	"K3s":                 {targets: []render.Target{render.K3s, render.Cilium, render.MetalLB}},
	"RKE2":                {targets: []render.Target{render.RKE2, render.Cilium, render.MetalLB}},
	"Talos":               {targets: []render.Target{render.Talos, render.Cilium, render.LBIPAM}, opts: render.Options{Balancer: render.ByCilium}},
	"RKE2's own":          {targets: []render.Target{render.RKE2, render.MetalLB}, opts: render.Options{OwnCNI: true}},
	"without Cilium":      {targets: []render.Target{render.Kubeadm, render.MetalLB}, opts: render.Options{OwnCNI: true}},
}

func versions(kubernetes, cilium, metallb string) render.Options {
	var o render.Options
	for text, at := range map[string]*release.Version{kubernetes: &o.Versions.Kubernetes, cilium: &o.Versions.Cilium, metallb: &o.Versions.MetalLB} {
		if text == "" {
			continue
		}
		v, err := release.Parse(text)
		if err != nil {
			panic(err) // a mistake in the table, which is made before any test
		}
		*at = v
	}
	return o
}

func byCilium(o render.Options) render.Options {
	o.Balancer = render.ByCilium
	return o
}

func readPlan(t *testing.T, path string) *plan.Plan {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	p, problems := plan.Parse("plan.yaml", text)
	for _, problem := range problems {
		t.Error(problem)
	}
	if p == nil {
		t.FailNow()
	}
	return p
}

// lanNodes is two nodes on the network of a plan.
func lanNodes(p *plan.Plan) []render.Node {
	list := []render.Node{{Name: "cp"}, {Name: "worker"}}
	for i := range list {
		for _, f := range p.Families {
			a := p.LAN.Prefixes.Of(f).Masked().Addr()
			for range 20 + i {
				a = a.Next()
			}
			*list[i].Addresses.At(f) = a
		}
	}
	return list
}

// written renders a set into a folder.
func written(t *testing.T, p *plan.Plan, targets []render.Target, opts render.Options) string {
	t.Helper()
	dir := t.TempDir()
	for _, target := range targets {
		files, _, err := render.Render(p, target, opts)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if err := os.WriteFile(filepath.Join(dir, f.Name), f.Content, 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	running := image("apps/v1", "DaemonSet", "kube-system", "cilium", "k8s-app: cilium", "cilium-agent", "quay.io/cilium/cilium", opts.Versions.Cilium) +
		image("apps/v1", "Deployment", "metallb-system", "controller", "app: metallb, component: controller", "controller", "quay.io/metallb/controller", opts.Versions.MetalLB)
	if err := os.WriteFile(filepath.Join(dir, "running.yaml"), []byte(running), 0o666); err != nil {
		t.Fatal(err)
	}
	return dir
}

// image is a workload that tells which release of a program runs, if one is named.
func image(apiVersion, kind, namespace, name, labels, container, repository string, v release.Version) string {
	if !v.Known() {
		return ""
	}
	return fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata: {namespace: %s, name: %s, labels: {%s}}\n"+
		"spec: {template: {metadata: {labels: {%[5]s}}, spec: {containers: [{name: %[6]s, image: '%[7]s:v%[8]d.%[9]d.%[10]d'}]}}}\n---\n",
		apiVersion, kind, namespace, name, labels, container, repository, v.Major, v.Minor, v.Patch)
}

// TestRoundTrip reads each set back as doctor reads files, with nodes and with
// placeholders: what the files say of the ranges is what the plan says, and no check
// has an error about them.
func TestRoundTrip(t *testing.T) {
	for name, set := range sets {
		for _, path := range plans {
			for _, named := range []bool{true, false} {
				p := readPlan(t, path)
				opts, targets := set.opts, slices.Clone(set.targets)
				if len(p.LoadBalancers) == 0 {
					targets = slices.DeleteFunc(targets, balances)
				}
				story := name + "/" + strings.TrimSuffix(filepath.Base(path), ".yaml") + "/placeholders"
				if named {
					opts.Nodes, story = lanNodes(p), strings.TrimSuffix(story, "placeholders")+"nodes"
				}
				t.Run(story, func(t *testing.T) {
					snap, err := snapshot.FromFiles([]string{written(t, p, targets, opts)}, snapshot.FileOptions{})
					if err != nil {
						t.Fatal(err)
					}
					for _, problem := range snap.Problems {
						t.Error(problem)
					}
					claims(t, p, snap, opts, slices.ContainsFunc(targets, balances))
					if named {
						sound(t, p, snap)
					}
				})
			}
		}
	}
}

func balances(t render.Target) bool { return t == render.MetalLB || t == render.LBIPAM }

// claims holds what the files say of each use to the plan.
func claims(t *testing.T, p *plan.Plan, snap *snapshot.Snapshot, opts render.Options, balanced bool) {
	t.Helper()
	whole := cmp.Options{cmpopts.EquateComparable(netip.Prefix{}, netipx.IPRange{}), cmpopts.EquateEmpty()}
	for use, ranges := range map[plan.Use]ipfam.Pair[netip.Prefix]{plan.Pods: p.Pods.Prefixes, plan.Services: p.Services} {
		found := snap.Claims(use)
		if len(found) == 0 {
			t.Errorf("no claim about %s", use)
		}
		for _, c := range found {
			for _, f := range ipfam.All {
				var want []netip.Prefix
				if r := ranges.Of(f); p.Want().Has(f) && (use == plan.Pods || c.Source != "cilium" || len(c.Of(f)) > 0) {
					want = []netip.Prefix{r.Masked()}
				}
				if diff := cmp.Diff(want, c.Of(f), whole); diff != "" {
					t.Errorf("%s of %s (-plan +%s):\n%s", f, use, c.Source, diff)
				}
				if mask := c.NodeMask.Of(f); use == plan.Pods && mask != 0 && mask != p.NodeMask(f) {
					t.Errorf("node mask of %s: %s has %d, the plan %d", f, c.Source, mask, p.NodeMask(f))
				}
			}
			if c.Source != "cilium" && ipfam.OfPrefix(c.Prefixes[0]) != p.Families[0] {
				t.Errorf("%s has %v, and the plan's first family is %s", c.Source, c.Prefixes, p.Families[0])
			}
		}
	}
	got := map[string][]netipx.IPRange{}
	for _, c := range snap.Claims(plan.LoadBalancers) {
		got[c.Ref.Name] = c.Ranges
	}
	for _, pool := range p.LoadBalancers {
		ranges, ok := got[pool.Name]
		if ok && !sameRanges(ranges, pool.Addresses) {
			t.Errorf("pool %s: %v, the plan has %v", pool.Name, ranges, pool.Addresses)
		}
		if !ok && balanced && (pool.Announce != "none" || !opts.Versions.MetalLB.Before(metallb.CustomResources)) {
			t.Errorf("nobody has pool %s", pool.Name)
		}
	}
}

func sameRanges(a, b []netipx.IPRange) bool {
	var sets [2]*netipx.IPSet
	for i, rs := range [][]netipx.IPRange{a, b} {
		var builder netipx.IPSetBuilder
		for _, r := range rs {
			builder.AddRange(r)
		}
		set, err := builder.IPSet()
		if err != nil {
			return false
		}
		sets[i] = set
	}
	return sets[0].Equal(sets[1])
}

// sound runs every check over the files: none has an error.
func sound(t *testing.T, p *plan.Plan, snap *snapshot.Snapshot) {
	t.Helper()
	passed := 0
	for _, r := range checks.Run(catalog.All, p, snap) {
		if r.Status == checks.Passed {
			passed++
		}
		for _, f := range r.Findings {
			if f.Severity == severity.Error {
				t.Errorf("%s %s: %s %s: %s", r.Check.ID, r.Check.Name, f.Object, f.Field, f.Message)
			}
		}
	}
	if passed < 10 {
		t.Errorf("only %d checks passed: the files were not looked at", passed)
	}
}

// TestYAML reads every YAML file with both libraries that read such files, and both have
// to find the same in it.
func TestYAML(t *testing.T) {
	for _, path := range plans {
		p := readPlan(t, path)
		for _, target := range render.Targets {
			files, _, err := render.Render(p, target, render.Options{})
			if err != nil {
				continue // the plan lacks what this target needs
			}
			for _, f := range files {
				if filepath.Ext(f.Name) == ".yaml" {
					sameInBoth(t, f)
				}
			}
		}
	}
}

func sameInBoth(t *testing.T, f render.File) {
	t.Helper()
	for text := range strings.SplitSeq(string(f.Content), "\n---\n") {
		var a, b any
		if err := yaml.Unmarshal([]byte(text), &a); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
		if err := sigsyaml.UnmarshalStrict([]byte(text), &b); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
		if diff := cmp.Diff(normal(a), b); diff != "" {
			t.Errorf("%s (-yaml.v3 +sigs):\n%s", f.Name, diff)
		}
	}
}

// normal is v with its numbers as JSON has them.
func normal(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, item := range v {
			v[k] = normal(item)
		}
	case []any:
		for i, item := range v {
			v[i] = normal(item)
		}
	case int:
		return float64(v)
	}
	return v
}

// TestTheExample: of the plan of examples/homelab-today come the files beside it, but for
// the spelling of addresses, the names of nodes, and objects that no plan has.
func TestTheExample(t *testing.T) {
	const folder = "../../examples/homelab-today/"
	opts := versions("1.37.2", "1.20.2", "0.16.2")
	for _, text := range []string{"k8s-controller-0=192.168.16.20,2001:db8:7653:216::20", "k8s-node-0=192.168.16.21,2001:db8:7653:216::21"} {
		n, err := render.ParseNode(text)
		if err != nil {
			t.Fatal(err)
		}
		opts.Nodes = append(opts.Nodes, n)
	}
	targets := []render.Target{render.Kubeadm, render.Cilium, render.CiliumConfig, render.MetalLB}
	dir := written(t, readPlan(t, folder+"plan.yaml"), targets, opts)
	for rendered, example := range map[string]string{
		"kubeadm-init.yaml": "kubeadm-init.yaml", "kubeadm-join-k8s-node-0.yaml": "kubeadm-join.yaml",
		"cilium-values.yaml": "cilium-values.yaml", "metallb.yaml": "metallb.yaml",
	} {
		got, want := documents(t, filepath.Join(dir, rendered)), documents(t, folder+example)
		if diff := cmp.Diff(want[:len(got)], got); diff != "" {
			t.Errorf("%s (-example +rendered):\n%s", rendered, diff)
		}
		for _, left := range want[len(got):] {
			if kind := left.(map[string]any)["kind"]; kind != "Deployment" {
				t.Errorf("%s has no %s", rendered, kind)
			}
		}
	}
	// The ConfigMap of the example has the chart's defaults besides.
	got, want := documents(t, filepath.Join(dir, "cilium-config.yaml"))[0], documents(t, folder+"cilium-config.yaml")[0]
	whole := want.(map[string]any)["data"].(map[string]any)
	for name, value := range got.(map[string]any)["data"].(map[string]any) {
		if whole[name] != value {
			t.Errorf("cilium-config has %s %q, the example %q", name, value, whole[name])
		}
	}
}

// documents is a YAML file with addresses in their shortest form and without the names
// of nodes, which kubeadm takes from the machine.
func documents(t *testing.T, path string) []any {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var list []any
	for part := range strings.SplitSeq(strings.ReplaceAll(string(text), ":cafe:0::", ":cafe::"), "\n---\n") {
		var d map[string]any
		if err := sigsyaml.Unmarshal([]byte(part), &d); err != nil {
			t.Fatal(err)
		}
		if registration, ok := d["nodeRegistration"].(map[string]any); ok {
			delete(registration, "name")
		}
		list = append(list, d)
	}
	return list
}
