package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks/catalog"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

const root = "../.."

func TestRefusals(t *testing.T) {
	taken := []*checks.Check{{ID: "DS301", Name: "node-internal-ips"}, {ID: "DS614", Name: "service-families"}}
	for _, tt := range []struct{ id, name, want string }{
		{"DS615", "service-external-ips", ""},
		{"", "service-external-ips", `ID="": want DS and three digits, such as DS614`},
		{"DS31", "service-external-ips", `ID="DS31": want DS and three digits, such as DS614`},
		{"ds314", "service-external-ips", `ID="ds314": want DS and three digits, such as DS614`},
		{"DS314x", "service-external-ips", `ID="DS314x": want DS and three digits, such as DS614`},
		{"DS014", "service-external-ips", `ID="DS014": want DS and three digits, such as DS614`},
		{"DS615", "", `NAME="": want two or more words of small letters, such as service-external-ips`},
		{"DS615", "services", `NAME="services": want two or more words of small letters, such as service-external-ips`},
		{"DS615", "Service_IPs", `NAME="Service_IPs": want two or more words of small letters, such as service-external-ips`},
		{"DS615", "../service-ips", `NAME="../service-ips": want two or more words of small letters, such as service-external-ips`},
		{"DS615", "service-on-linux", "NAME=service-on-linux: Go reads a file name that ends in _linux as a build constraint; end it in another word"},
		{"DS614", "service-external-ips", "ID=DS614 is taken: it is service-families; free in this area is DS615"},
		{"DS315", "node-internal-ips", "NAME=node-internal-ips is taken: it is DS301"},
	} {
		c, err := newCheck(tt.id, tt.name)
		if err == nil {
			err = c.free(taken)
		}
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s %s:\n got %s\nwant %s", tt.id, tt.name, got, tt.want)
		}
	}
}

func TestVariable(t *testing.T) {
	for name, want := range map[string]string{
		"service-external-ips":     "serviceExternalIPs",
		"lb-pool-ipam":             "lbPoolIPAM",
		"pool-holds-both-families": "poolHoldsBothFamilies",
	} {
		if got := variable(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

// TestSkeletons compiles a skeleton in every area, each in its list, laid over the
// source by the compiler and not written into it. Package catalog is imported so
// that this test runs again when a check or what it stands on changes.
func TestSkeletons(t *testing.T) {
	dir := t.TempDir()
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	for _, area := range catalog.Areas {
		for _, f := range skeleton(t, area) {
			if !strings.HasSuffix(f.path, ".go") {
				continue
			}
			copied := filepath.Join(dir, strings.ReplaceAll(f.path, "/", "_"))
			if err := os.WriteFile(copied, f.data, 0o600); err != nil {
				t.Fatal(err)
			}
			over, err := filepath.Abs(filepath.Join(root, f.path))
			if err != nil {
				t.Fatal(err)
			}
			overlay.Replace[over] = copied
		}
	}
	text, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	args := slices.Concat([]string{"build", "-overlay", name}, buildFlags, []string{"./pkg/checks/..."})
	build := exec.CommandContext(t.Context(), "go", args...)
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestFixtures holds the manifests of each area's fixture to what the snapshot
// reads, and to leaving the story and the findings to the author.
func TestFixtures(t *testing.T) {
	kinds := map[string]snapshot.Kind{
		"ranges": snapshot.KubeadmConfig, "controlplane": snapshot.ControlPlane, "nodes": snapshot.Nodes,
		"cni": snapshot.CiliumNodes, "loadbalancers": snapshot.MetalLBPools, "services": snapshot.Services,
		"dns": snapshot.CoreDNSConfig, "policy": snapshot.NetworkPolicies, "workloads": snapshot.Workloads,
	}
	for _, area := range catalog.Areas {
		archive := txtar.Parse(skeleton(t, area)[1].data)
		if len(archive.Comment) > 0 {
			t.Errorf("%s: tells a story of its own, %q: nobody would write the right one", area.Folder, archive.Comment)
		}
		clusters := map[string]int{}
		for _, f := range archive.Files {
			folder, name, ok := strings.Cut(f.Name, "/")
			if !ok {
				continue
			}
			clusters[folder]++
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, name), f.Data, 0o600); err != nil {
				t.Fatal(err)
			}
			snap, err := snapshot.FromFiles([]string{dir}, snapshot.FileOptions{Now: time.Unix(0, 0)})
			if err != nil {
				t.Fatal(err)
			}
			if gap, ok := snap.Gap(kinds[area.Folder]); ok || len(snap.Problems) > 0 {
				t.Errorf("%s: %s: %s %v", area.Folder, f.Name, gap, snap.Problems)
			}
		}
		if clusters["broken"] == 0 || clusters["healthy"] == 0 {
			t.Errorf("%s: has %v; it takes a broken and a healthy cluster", area.Folder, clusters)
		}
	}
}

func skeleton(t *testing.T, area catalog.Area) []file {
	t.Helper()
	c, err := newCheck(area.Prefix+"99", area.Folder+"-of-the-skeleton")
	if err != nil {
		t.Fatal(err)
	}
	files, err := c.files(root)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestList(t *testing.T) {
	const before = "package nodes\n\nimport \"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks\"\n\n"
	const others = `package nodes

var (
	first = &checks.Check{ID: "DS301"}
	third = &checks.Check{Name: "third-node", ID: "DS303"}
)

func taken() {}
`
	for _, tt := range []struct{ name, list, id, want string }{
		{"empty", "var Checks = []*checks.Check{}\n", "DS302", "var Checks = []*checks.Check{\n\tnodeWithNews,\n}\n"},
		{"between", "var Checks = []*checks.Check{\n\tfirst,\n\tthird,\n}\n", "DS302", "var Checks = []*checks.Check{\n\tfirst,\n\tnodeWithNews,\n\tthird,\n}\n"},
		{"before", "var Checks = []*checks.Check{\n\tfirst,\n}\n", "DS300", "var Checks = []*checks.Check{\n\tnodeWithNews,\n\tfirst,\n}\n"},
		{"after", "var Checks = []*checks.Check{\n\tfirst,\n\tthird, // the last\n}\n", "DS304", "var Checks = []*checks.Check{\n\tfirst,\n\tthird, // the last\n\tnodeWithNews,\n}\n"},
		{"one line", "var Checks = []*checks.Check{first, third}\n", "DS304", "var Checks = []*checks.Check{first, third,\n\tnodeWithNews,\n}\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			writeFile(t, filepath.Join(dir, "nodes.go"), before+tt.list)
			writeFile(t, filepath.Join(dir, "others.go"), others)
			got, err := check{ID: tt.id, Name: "node-with-news", Var: "nodeWithNews"}.list(dir, ".")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(before+tt.want, string(got.data)); diff != "" {
				t.Errorf("list (-want +got):\n%s", diff)
			}
			if _, err := (check{ID: tt.id, Name: "the-taken", Var: "taken"}).list(dir, "."); err == nil {
				t.Error("a name that the package has already is no error")
			}
		})
	}
}

func TestRun(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "CHANGELOG.md"), "# Changelog\n\n## Unreleased (0.7)\n\n* retired: DS698\n")
	writeFile(t, filepath.Join(dir, "pkg/checks/testdata/DS696.txtar"), "left behind\n")
	writeFile(t, filepath.Join(dir, "pkg/checks/services/services.go"), "package services\n\nvar Checks = []*checks.Check{}\n")
	try := func(id string) string {
		err := run([]string{"-root", dir, "-id", id, "-name", "service-for-trial"}, &strings.Builder{})
		if err != nil {
			return err.Error()
		}
		return ""
	}
	if got, want := try("DS698"), "ID=DS698 stands in CHANGELOG.md: an ID is permanent and never used again"; got != want {
		t.Errorf("a retired ID: %s", got)
	}
	if got := try("DS697"); got != "" {
		t.Fatal(got)
	}
	source, err := os.ReadFile(filepath.Join(dir, "pkg/checks/services/service_for_trial.go"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(source), `Since:  "0.7",`) {
		t.Errorf("is not of the release that is being worked on:\n%s", source)
	}
	if got := try("DS697"); !strings.Contains(got, "serviceForTrial") {
		t.Errorf("the same once more: %q", got)
	}
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
