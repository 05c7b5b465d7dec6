package expose

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var update = flag.Bool("update", false, "write what is foretold into the fixtures")

// TestForesee foretells what becomes of the Service of each testdata/forecast/*.txtar in
// the cluster of the same file. Unless it says alone, nodes.yaml and metallb.yaml are part
// of the cluster.
func TestForesee(t *testing.T) {
	paths, err := filepath.Glob("testdata/forecast/*.txtar")
	if err != nil || len(paths) < 12 {
		t.Fatalf("%d fixtures: %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) { foresee(t, path) })
	}
}

func foresee(t *testing.T, path string) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range archive.Files {
		files[f.Name] = string(f.Data)
	}
	cluster := files["cluster.yaml"]
	if !strings.Contains(string(archive.Comment), "alone") {
		cluster += "\n---\n" + read(t, "testdata/nodes.yaml") + "\n---\n" + read(t, "testdata/metallb.yaml")
	}
	services := load(t, files["service.yaml"]).Services
	if len(services) != 1 {
		t.Fatalf("service.yaml has %d Services", len(services))
	}
	snap := load(t, cluster)
	snap.Source.Live = true
	got := text(Foresee(Situation{Snapshot: snap, Service: services[0], Exists: len(services[0].Ingress) > 0}))
	if *update {
		archive.Files[len(archive.Files)-1] = txtar.File{Name: "want", Data: []byte(got)}
		if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := gocmp.Diff(files["want"], got); diff != "" && !*update {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func load(t *testing.T, manifests string) *snapshot.Snapshot {
	t.Helper()
	snap, err := snapshot.FromFiles([]string{"-"}, snapshot.FileOptions{Stdin: strings.NewReader(manifests), Now: time.Unix(0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	if len(snap.Problems) > 0 {
		t.Fatalf("%v", snap.Problems)
	}
	return snap
}

// text is a forecast as the fixtures have it.
func text(f Forecast) string {
	var b strings.Builder
	for _, l := range f.Lines {
		sign := "ok"
		if l.Unknown {
			sign = "unknown"
		} else if l.Severity != 0 {
			sign = l.Severity.String()
		}
		fmt.Fprintf(&b, "%s %s: %s\n", sign, l.About, l.Text)
		if l.Fix != "" {
			fmt.Fprintf(&b, "  %s\n", strings.ReplaceAll(l.Fix, "\n", "\n  "))
		}
	}
	return b.String()
}

// TestUnread has kinds that may not be read: nothing is foretold then, and above all no
// failure.
func TestUnread(t *testing.T) {
	service := load(t, `apiVersion: v1
kind: Service
metadata: {name: web, namespace: lab}
spec: {type: LoadBalancer, ipFamilyPolicy: RequireDualStack, ipFamilies: [IPv4, IPv6], clusterIP: 10.96.0.0, clusterIPs: [10.96.0.0, "2001:db8:7653:299:cafe:1::"]}`).Services[0]
	forbidden := func(k snapshot.Kind) snapshot.Gap {
		return snapshot.Gap{Kind: k, Reason: snapshot.Forbidden, Detail: "list " + string(k)}
	}
	for _, tc := range []struct {
		cluster string
		gap     snapshot.Kind
		want    string
	}{
		{read(t, "testdata/nodes.yaml") + "---\n" + read(t, "testdata/metallb.yaml"), snapshot.MetalLBPools, "unknown addresses: metallb-pools: forbidden: list metallb-pools\n"},
		{read(t, "testdata/nodes.yaml") + "---\n" + read(t, "testdata/metallb.yaml"), snapshot.Services, "unknown addresses: services: forbidden: list services\n"},
		{read(t, "testdata/nodes.yaml"), snapshot.MetalLBSetup, "unknown controller: metallb: forbidden: list metallb\n"},
		{read(t, "testdata/nodes.yaml"), snapshot.LBIPAMPools, "unknown controller: ciliumloadbalancerippools: forbidden: list ciliumloadbalancerippools\n"},
		{read(t, "testdata/metallb.yaml"), snapshot.Nodes, "unknown nodes: nodes: forbidden: list nodes\n"},
	} {
		snap := load(t, tc.cluster)
		snap.Source.Live = true
		snap.Gaps[tc.gap] = forbidden(tc.gap)
		f := Foresee(Situation{Snapshot: snap, Service: service})
		if got := text(f); !strings.Contains(got, tc.want) || tc.gap != snapshot.Nodes && f.Worst() == severity.Error {
			t.Errorf("without %s: %s\nwant %s", tc.gap, got, tc.want)
		}
	}
}

func TestBackends(t *testing.T) {
	dual := []string{"10.244.1.2", "2001:db8:7653:299:cafe::2"}
	backend := func(name string, ips []string, words ...string) snapshot.Backend {
		as, err := ParseAddresses(ips)
		if err != nil {
			t.Fatal(err)
		}
		return snapshot.Backend{Ref: snapshot.Ref{Kind: "Pod", Name: name}, IPs: as, Containers: []snapshot.Container{{Name: "c", Words: words}}}
	}
	ended := backend("done", nil)
	ended.Ended = true
	probed := backend("a", dual)
	probed.Containers[0].ProbeHosts = []string{"127.0.0.1"}
	s := Situation{Service: load(t, "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ipFamilyPolicy: RequireDualStack, selector: {app: web}}").Services[0]}
	for _, tc := range []struct {
		name     string
		backends []snapshot.Backend
		want     string
	}{
		{"none", nil, "warning pods: no Pod has these labels"},
		{"ended", []snapshot.Backend{ended}, "warning pods: no Pod has these labels"},
		{"both", []snapshot.Backend{backend("a", dual)}, "ok pods: 1 of 1 have IPv4 and IPv6 addresses\n"},
		{"one lacks IPv6", []snapshot.Backend{backend("a", dual), backend("b", dual[:1])}, "warning pods: 1 of 2 have no IPv6 address, and are no endpoints of that family: b"},
		{"one lacks IPv4", []snapshot.Backend{backend("a", dual), backend("b", dual[1:])}, "warning pods: 1 of 2 have no IPv4 address"},
		{"not started", []snapshot.Backend{backend("a", nil)}, "warning pods: none of 1 has an address yet"},
		{"binds", []snapshot.Backend{backend("a", dual, "gunicorn", "--bind=0.0.0.0:80")}, `warning listener: container c binds to an IPv4 address, "=0.0.0.0:80": nobody will answer over IPv6, unless the program is written in Go`},
		{"binds by a word", []snapshot.Backend{backend("a", dual, "sh", "-c", "exec serve -l 127.0.0.1 -p 80")}, "warning listener: container c binds to an IPv4 address, \"127.0.0.1\": nobody will answer over IPv6\n"},
		{"binds to both", []snapshot.Backend{backend("a", dual, "serve", "0.0.0.0:80", "[::]:80")}, "ok pods: 1 of 1 have IPv4 and IPv6 addresses\n"},
		{"no address of a bind", []snapshot.Backend{backend("a", dual, "serve", "--version=10.0.0.0.0", "x127.0.0.1y")}, "ok pods: 1 of 1 have IPv4 and IPv6 addresses\n"},
		{"probed", []snapshot.Backend{probed}, "warning listener: container c has a probe that asks 127.0.0.1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := s
			s.Backends = tc.backends
			got := text(Forecast{Lines: s.backendLines()})
			if !strings.Contains(got, tc.want) || strings.HasPrefix(tc.want, "ok") && got != tc.want {
				t.Errorf("%s\nwant %s", got, tc.want)
			}
		})
	}
	s.BackendsUnknown = "list pods -n lab: forbidden"
	if got := text(Forecast{Lines: s.backendLines()}); got != "unknown pods: list pods -n lab: forbidden\n" {
		t.Errorf("not read: %s", got)
	}
}

func TestWorst(t *testing.T) {
	if got := (Forecast{}).Worst(); got != 0 {
		t.Errorf("of nothing: %s", got)
	}
	f := Forecast{Lines: []Line{{Severity: severity.Warning}, {Severity: severity.Error}, {Severity: severity.Info}}}
	if got := f.Worst(); got != severity.Error {
		t.Errorf("%s", got)
	}
}
