package report

import (
	"bytes"
	_ "embed"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var update = flag.Bool("update", false, "rewrite the golden files")

//go:embed testdata/rich.txtar
var richFiles []byte

// unpack reads the plan of an archive, which may have none, and its cluster. The
// names of files in the snapshot are those of the archive.
func unpack(t *testing.T, files *txtar.Archive) (*plan.Plan, *snapshot.Snapshot) {
	t.Helper()
	t.Chdir(t.TempDir())
	var p *plan.Plan
	for _, f := range files.Files {
		if f.Name == "plan.yaml" {
			parsed, problems := plan.Parse(f.Name, f.Data)
			for _, problem := range problems {
				t.Fatal(problem)
			}
			p = parsed
			continue
		}
		if err := os.MkdirAll(filepath.Dir(f.Name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f.Name, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	snap, err := snapshot.FromFiles([]string{"cluster"}, snapshot.FileOptions{Now: time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	return p, snap
}

// rich is a report with something of everything.
func rich(t *testing.T) *Report {
	t.Helper()
	p, snap := unpack(t, txtar.Parse(richFiles))
	r := Build(Input{Plan: p, PlanFound: true, Snapshot: snap, Results: richResults()})
	// The latest release changes with time; the golden files do not.
	r.Source.Versions = []Version{{"Kubernetes", release.V(1, 34, 1), false}, {"MetalLB", release.V(0, 16), true}}
	return r
}

func check(id, name string, s severity.Severity, claim, why string) *checks.Check {
	return &checks.Check{ID: id, Name: name, Severity: s, Doc: checks.Doc{Claim: claim, Why: why}}
}

func richResults() []checks.Result {
	inPlan := check("DS101", "ranges-are-apart", severity.Error, "no two ranges share an address",
		"An address that two owners give out is given out twice. Whoever gets it second is unreachable.")
	families := check("DS601", "service-families", severity.Warning, "a Service that prefers two families has two",
		"A Service made while the cluster was single-stack keeps\nits one family for ever. Clients of the other family get no address.")
	pools := check("DS501", "pool-holds-both-families", severity.Error, "a pool has addresses of both families",
		"A Service that requires both families gets no address at all.")
	ipv4Pool := snapshot.Ref{Kind: "IPAddressPool", Namespace: "metallb-system", Name: "lan-ipv4"}
	hostile := snapshot.Ref{Kind: "Service", Namespace: "shop", Name: "web\x1b[2J\u202egnp"}
	const migrate = "kubectl apply -f - <<'EOF'\nkind: IPAddressPool\nEOF"
	var many []checks.Finding
	for i := range 8 {
		many = append(many, checks.Finding{
			Severity: severity.Warning, Object: snapshot.Ref{Kind: "Service", Namespace: "shop", Name: fmt.Sprintf("cart-%d", i)},
			Field: ".spec.ipFamilies", Family: ipfam.V6, Message: "asks for PreferDualStack, has IPv4 only",
			Fix: fmt.Sprintf(`kubectl patch service cart-%d -n shop --type merge -p '{"spec":{"ipFamilies":["IPv4","IPv6"]}}'`, i),
		})
	}
	many = append(many, checks.Finding{Severity: severity.Info, Object: hostile, Field: ".metadata.name",
		Message: "has a name\nof two lines", Fix: "rename it"})
	return []checks.Result{
		{Check: inPlan, Status: checks.Failing, Findings: []checks.Finding{{
			Severity: severity.Error, Object: snapshot.Ref{Kind: "AddressPlan", Name: "homelab"}, Field: "spec.pods.ipv6", PlanAt: "spec.pods.ipv6",
			Family:  ipfam.V6,
			Message: "2001:db8:7653:299:cafe::/96 of the pods and 2001:db8:7653:299:cafe:1::/112 of the Services are in 2001:db8:7653:299::/64 and overlap with 2001:db8:7653:299:cafe:0:ffff:ffff-2001:db8:7653:299:cafe:1:ffff:ffff",
			Fix:     "spec:\n  pods:\n    ipv6: 2001:db8:7653:29a:cafe::/96",
		}}},
		{Check: check("DS201", "service-ranges-agree", severity.Error, "all sources name the same Service ranges", "x."), Status: checks.Passed},
		{Check: check("DS301", "node-internal-ips", severity.Warning, "every Node has an address of each family", "x."), Status: checks.Unknown,
			Reason: "nodes: forbidden: list nodes"},
		{Check: check("DS302", "node-pod-ranges", severity.Warning, "every Node has a pod range of each family", "x."), Status: checks.Unknown,
			Reason: "nodes: forbidden: list nodes"},
		{Check: check("DS401", "cilium-families", severity.Error, "Cilium has both families", "x."), Status: checks.Skipped,
			Reason: "cilium-config: not in the files"},
		{Check: pools, Status: checks.Failing, Findings: []checks.Finding{{
			Severity: severity.Error, Object: ipv4Pool, Field: ".spec.addresses", Family: ipfam.V6,
			Message: "holds 192.168.16.100-192.168.16.119 and no IPv6 address; MetalLB 0.12 and later takes both addresses from one pool",
			Fix:     `kubectl patch ipaddresspool lan-ipv4 -n metallb-system --type json -p '[{"op":"add","path":"/spec/addresses/-","value":"2001:db8:7653:216:ffff:fac:ade:0/112"}]'`,
		}}},
		{Check: check("DS505", "pool-advertised", severity.Warning, "every pool is advertised", "Nobody answers for its addresses."), Status: checks.Failing,
			Findings: []checks.Finding{{Severity: severity.Warning, Object: ipv4Pool, Message: "is advertised by nobody", Fix: migrate}}},
		{Check: check("DS506", "leftover-config", severity.Warning, "pools are custom resources", "The ConfigMap is read by nobody."), Status: checks.Failing,
			Findings: []checks.Finding{{Severity: severity.Warning, Object: ipv4Pool, Message: "stands in a ConfigMap too", Fix: migrate}}},
		{Check: families, Status: checks.Failing, Findings: many},
	}
}

func print(t *testing.T, r *Report, f Format, s Style) string {
	t.Helper()
	var out bytes.Buffer
	if err := r.Write(&out, f, s); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestFormats holds every format to its golden file.
func TestFormats(t *testing.T) {
	for _, test := range []struct {
		golden string
		format Format
		style  Style
	}{
		{"table-40.txt", Table, Style{Width: 40}},
		{"table-80.txt", Table, Style{Width: 80}},
		{"table-100.txt", Table, Style{Width: 100}},
		{"table-160.txt", Table, Style{Width: 160}},
		{"table-color.txt", Table, Style{Width: 100, Color: true}},
		{"table-ascii.txt", Table, Style{Width: 100, ASCII: true}},
		{"wide.txt", Wide, Style{Width: 80}},
		{"short.txt", Short, Style{Width: 80}},
		{"short-ascii.txt", Short, Style{Width: 80, ASCII: true}},
		{"report.json", JSON, Style{}},
		{"report.yaml", YAML, Style{}},
		{"report.junit.xml", JUnit, Style{}},
		{"report.sarif", SARIF, Style{}},
		{"report.github", GitHub, Style{}},
		{"report.md", Markdown, Style{}},
		{"report.html", HTML, Style{}},
		{"report.prom", Prometheus, Style{}},
	} {
		t.Run(test.golden, func(t *testing.T) {
			path, err := filepath.Abs(filepath.Join("testdata/golden", test.golden))
			if err != nil {
				t.Fatal(err)
			}
			golden(t, path, print(t, rich(t), test.format, test.style))
		})
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
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
		t.Errorf("%s (-want +got):\n%s", filepath.Base(path), diff)
	}
}

// TestVersions: what is there is judged by its release, or by the latest.
func TestVersions(t *testing.T) {
	_, snap := unpack(t, txtar.Parse(richFiles))
	got := versions(snap)
	want := []Version{{"Kubernetes", release.V(1, 34, 1), false}, {"MetalLB", metallb.Latest, true}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
}
