package mend_test

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/mend"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// TestWriteMendsFixtures: of every fixture of the checks, what is written into its files
// is no longer found, nothing else is touched, and writing it again changes nothing.
func TestWriteMendsFixtures(t *testing.T) {
	wrote := map[string]int{}
	for _, f := range fixtures(t) {
		t.Run(f.name, func(t *testing.T) {
			results, snap := f.audit(t)
			steps := mend.Plan(results, snap)
			w := mend.Write(steps, snap, os.ReadFile)
			deletes := slices.ContainsFunc(steps, func(s mend.Step) bool {
				return slices.ContainsFunc(s.Actions, func(a mend.Action) bool { return a.Verb == mend.Delete })
			})
			for _, file := range w.Files {
				if !deletes {
					onlyLines(t, file)
				}
				if err := os.WriteFile(file.Name, file.Is, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			for i, why := range w.Left {
				if why != "" && slices.ContainsFunc(steps[i].Actions, func(a mend.Action) bool { return a.Verb == mend.Patch }) {
					t.Logf("left: %s: %s", steps[i].Text, why)
				}
			}
			after, _ := f.audit(t)
			for i, s := range steps {
				if w.Left[i] != "" {
					continue
				}
				for _, m := range s.Mends {
					wrote[m.Check]++
					if !comesLater(s, snap) && found(after, m) {
						t.Errorf("%s %s: %s: still found after:\n%s", m.Check, m.Finding.Object, m.Finding.Message, s.Text)
					}
				}
			}
			if again := mend.Write(steps, snap, os.ReadFile); len(again.Files) > 0 {
				t.Errorf("writing it again changes %s:\n%s", again.Files[0].Name, again.Files[0].Is)
			}
		})
	}
	t.Logf("written: %v", wrote)
	for _, id := range []string{"DS501", "DS505", "DS514", "DS601"} {
		if wrote[id] == 0 {
			t.Errorf("nothing is written for %s", id)
		}
	}
}

// comesLater reports whether what mends s comes when the files are applied: a ConfigMap
// is made of the values, and a Service that was dumped gets the second address.
func comesLater(s mend.Step, snap *snapshot.Snapshot) bool {
	return s.Actions[0].Verb == mend.Helm || slices.ContainsFunc(snap.Services, func(v snapshot.Service) bool {
		return v.Live && v.Ref.String() == s.Actions[0].Target.Ref().String()
	})
}

func found(results []checks.Result, m mend.Mended) bool {
	for _, r := range results {
		for _, f := range r.Findings {
			if r.Check.ID == m.Check && f.Object == m.Finding.Object && f.Message == m.Finding.Message {
				return true
			}
		}
	}
	return false
}

// onlyLines is that a file has all its lines in their order, but for those of the fields
// that are written, and ends its lines as before.
func onlyLines(t *testing.T, file mend.File) {
	t.Helper()
	was, is := strings.Split(string(file.Was), "\n"), strings.Split(string(file.Is), "\n")
	at, lost := 0, 0
	for _, line := range was {
		if i := slices.Index(is[at:], line); i >= 0 {
			at += i + 1
		} else {
			lost++
		}
	}
	if lost > len(was)/2+1 {
		t.Errorf("%s: %d of %d lines are others:\n%s", file.Name, lost, len(was), file.Is)
	}
	if bytes.Count(file.Was, []byte("#")) > bytes.Count(file.Is, []byte("#")) {
		t.Errorf("%s: comments are lost:\n%s", file.Name, file.Is)
	}
}

const release = `# Cilium, by Flux.
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: cilium
  namespace: kube-system
spec:
  chart:
    spec:
      chart: cilium
      version: 1.19.3
  values:
    ipam:
      mode: cluster-pool # not kubernetes
    ipv6:
      enabled: false
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
networking:
  podSubnet: 10.244.0.0/16,fd00:10:244::/56
  serviceSubnet: 10.96.0.0/16,fd00:10:96::/112
`

// TestWriteInstallation: values go into the object that installs the chart.
func TestWriteInstallation(t *testing.T) {
	f := fixture{name: "Flux", dir: t.TempDir()}
	f.write(t, []txtar.File{{Name: "cluster.yaml", Data: []byte(release)}})
	results, snap := f.audit(t)
	w := mend.Write(mend.Plan(results, snap), snap, os.ReadFile)
	if len(w.Files) != 1 || !slices.Contains(w.Then, "kubectl rollout restart -n kube-system ds/cilium deploy/cilium-operator") {
		t.Fatalf("%d files; then %q; left %q", len(w.Files), w.Then, w.Left)
	}
	want := strings.Replace(release, "enabled: false", "enabled: true", 1)
	if got := string(w.Files[0].Is); !strings.HasPrefix(got, "# Cilium, by Flux.\n") || !strings.Contains(got, "mode: cluster-pool # not kubernetes\n") || !strings.Contains(got, "enabled: true\n") {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestWriteLeavesRangesInUse: a range that a cluster has been made with is not changed by
// a file, and a second family beside it is.
func TestWriteLeavesRangesInUse(t *testing.T) {
	f := fixture{name: "kubeadm", dir: t.TempDir()}
	f.write(t, []txtar.File{{Name: "cluster.yaml", Data: []byte("apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nnetworking:\n  serviceSubnet: 10.96.0.0/16 # as ever\n")}})
	_, snap := f.audit(t)
	object := snapshot.Ref{Kind: "ClusterConfiguration", Namespace: "kube-system", Name: "kubeadm-config"}
	for is, want := range map[string]string{"10.96.0.0/16,fd00:10:96::/112": "", "10.97.0.0/16,fd00:10:96::/112": "networking.serviceSubnet: 10.96.0.0/16 is in use in a cluster that is made with it: change it by hand"} {
		steps := mend.Plan(results(t, map[string][]checks.Finding{"DS101": {finding(severity.Error, object, "in the kubeadm configuration: networking.serviceSubnet: "+is)}}), snap)
		w := mend.Write(steps, snap, os.ReadFile)
		if w.Left[0] != want {
			t.Errorf("%s: left %q, want %q", is, w.Left[0], want)
		}
		if want == "" && !strings.HasSuffix(string(w.Files[0].Is), "  serviceSubnet: "+is+" # as ever\n") {
			t.Errorf("got\n%s", w.Files[0].Is)
		}
	}
}
