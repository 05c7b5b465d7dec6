package trace

import (
	"bytes"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var update = flag.Bool("update", false, "write the want sections of the archives anew")

// TestPolicy asks the policies of each archive about connections of the Pod
// lab/nginx-test on k8s-node-1. In the archive's section ask a line is "out TO" or
// "in FROM"; TO is an address, "internet IPv4", "pod NAMESPACE/NAME IPv4", "node NAME
// IPv4" or "someone ADDRESS", which is an address of the pod ranges; then perhaps ":PORT".
func TestPolicy(t *testing.T) {
	archives, err := filepath.Glob("testdata/policy/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, path := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			scene := sceneOf(t, archive)
			var got strings.Builder
			for line := range strings.Lines(section(archive, "ask")) {
				question := strings.TrimSpace(line)
				r := ask(t, scene, question)
				fmt.Fprintf(&got, "%s\n\t%s: %s\n", question, r.State, r.Text)
				for _, part := range [][2]string{{"because", r.Because}, {"fix", r.Fix}} {
					if part[1] != "" {
						fmt.Fprintf(&got, "\t%s: %s\n", part[0], part[1])
					}
				}
				if (r.State == Open) != (r.Known == Unknown) {
					t.Errorf("%s: %s is known by %s", question, r.State, r.Known)
				}
			}
			if *update {
				write(t, path, archive, got.String())
			} else if diff := cmp.Diff(section(archive, "want"), got.String()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func section(a *txtar.Archive, name string) string {
	for _, f := range a.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

func write(t *testing.T, path string, archive *txtar.Archive, want string) {
	archive.Files = slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return f.Name == "want" })
	archive.Files = append(archive.Files, txtar.File{Name: "want", Data: []byte(want)})
	if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
		t.Fatal(err)
	}
}

// sceneOf is the scene of an archive: two nodes, some Pods, the archive's policies, and
// what its section scene says, a word and its value on each line.
func sceneOf(t *testing.T, archive *txtar.Archive) *snapshot.Scene {
	t.Helper()
	s := &snapshot.Scene{}
	for i, name := range []string{"k8s-node-1", "k8s-node-2"} {
		s.Nodes = append(s.Nodes, snapshot.Node{Ref: snapshot.Ref{Kind: "Node", Name: name},
			InternalIPs: []netip.Addr{addr("192.168.16.%d", 21+i), addr("2001:db8:7653:216::%d", 21+i)},
			PodCIDRs: []netip.Prefix{netip.PrefixFrom(addr("10.244.%d.0", i+1), 24),
				netip.PrefixFrom(addr("2001:db8:7653:299:cafe:0:%d:0", i+1), 112)}})
	}
	s.Source = pod("lab", "nginx-test", 1, 7)
	s.Peers = []snapshot.Workload{s.Source, pod("lab", "web", 2, 8), pod("other", "web", 2, 9), pod("lab", "host", 2, 0)}
	s.Peers[3].HostNetwork, s.Peers[3].IPs = true, s.Nodes[1].InternalIPs
	for line := range strings.Lines(section(archive, "scene")) {
		set(t, s, strings.TrimSpace(line))
	}
	for text := range strings.SplitSeq(section(archive, "policies.yaml"), "---\n") {
		s.Policies = append(s.Policies, policiesOf(t, text)...)
	}
	return s
}

func addr(format string, n int) netip.Addr { return netip.MustParseAddr(fmt.Sprintf(format, n)) }

func pod(namespace, app string, node, host int) snapshot.Workload {
	return snapshot.Workload{
		Pod: snapshot.Pod{Ref: snapshot.Ref{Kind: "Pod", Namespace: namespace, Name: app}, Node: fmt.Sprintf("k8s-node-%d", node),
			IPs: []netip.Addr{addr(fmt.Sprintf("10.244.%d.%%d", node), host), addr(fmt.Sprintf("2001:db8:7653:299:cafe:0:%d:%%d", node), host)}},
		Labels:          map[string]string{"app": app},
		NamespaceLabels: map[string]string{"kubernetes.io/metadata.name": namespace, "team": namespace},
		ServiceAccount:  app,
	}
}

func set(t *testing.T, s *snapshot.Scene, line string) {
	t.Helper()
	word, value, _ := strings.Cut(line, " ")
	switch word {
	case "cilium":
		s.Cilium.DaemonSet = snapshot.Ref{Kind: "DaemonSet", Namespace: "kube-system", Name: "cilium"}
		s.Cilium.Version, _ = release.Parse(value)
		s.Cilium.Config = cilium.Config{}
	case "config":
		key, setting, _ := strings.Cut(value, "=")
		s.Cilium.Config[key] = setting
	case "plugin":
		s.Plugin.Name = value
	case "gap":
		s.Gaps = append(s.Gaps, snapshot.Gap{Kind: snapshot.Kind(value), Reason: snapshot.Forbidden})
	case "hostNetwork":
		s.Source.HostNetwork = true
	case "namespaces-unread":
		s.Source.NamespaceLabels, s.Peers[2].NamespaceLabels = nil, nil
	default:
		t.Fatalf("scene: %q", line)
	}
}

func policiesOf(t *testing.T, text string) []snapshot.Policy {
	t.Helper()
	var u unstructured.Unstructured
	if err := yaml.Unmarshal([]byte(text), &u.Object); err != nil {
		t.Fatal(err)
	}
	if u.GetKind() == "NetworkPolicy" {
		var n networkingv1.NetworkPolicy
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, &n); err != nil {
			t.Fatal(err)
		}
		return []snapshot.Policy{snapshot.PolicyOf(&n)}
	}
	policies, err := snapshot.PoliciesOf(&u)
	if err != nil {
		t.Fatal(err)
	}
	return policies
}

func ask(t *testing.T, s *snapshot.Scene, question string) Ruling {
	t.Helper()
	words := strings.Fields(question)
	d := Destination{}
	if last := words[len(words)-1]; last[0] == ':' {
		port, err := strconv.ParseUint(last[1:], 10, 16)
		if err != nil {
			t.Fatal(err)
		}
		d.Port, words = uint16(port), words[:len(words)-1]
	}
	last := words[len(words)-1]
	family, _ := ipfam.Parse(last)
	switch words[1] {
	case "internet":
		d.Family = family
	case "pod":
		d.Peer = peerNamed(t, s, words[2])
		d.Addr = ipfam.SplitAddrs(d.Peer.IPs).Of(family)[0]
	case "node":
		n := s.Nodes[slices.IndexFunc(s.Nodes, func(n snapshot.Node) bool { return n.Name == words[2] })]
		d.Node, d.OwnNode, d.Addr = true, n.Name == s.Source.Node, ipfam.SplitAddrs(n.InternalIPs).Of(family)[0]
	default:
		d.Addr, d.InCluster = netip.MustParseAddr(last), words[1] == "someone"
	}
	if d.Addr.IsValid() {
		d.Family = ipfam.Of(d.Addr)
	}
	if words[0] == "in" {
		return judgeIngress(s, s.Source, d.Addr, d.Peer, d.Port)
	}
	return judgeEgress(s, s.Source, d)
}

func peerNamed(t *testing.T, s *snapshot.Scene, name string) *snapshot.Workload {
	t.Helper()
	for i, p := range s.Peers {
		if p.Namespace+"/"+p.Name == name {
			return &s.Peers[i]
		}
	}
	t.Fatalf("no Pod %s", name)
	return nil
}

// TestPolicySwapped: with the families swapped in the policies, what happens to one
// family happens to the other.
func TestPolicySwapped(t *testing.T) {
	swap := strings.NewReplacer("0.0.0.0/0", `"::/0"`, `"::/0"`, "0.0.0.0/0", "world-ipv4", "world-ipv6", "world-ipv6", "world-ipv4")
	for _, name := range []string{"out-ipv4-only", "cilium-out-ipv4-only", "cilium-before-1.15", "cilium-entities"} {
		archive, err := txtar.ParseFile("testdata/policy/" + name + ".txtar")
		if err != nil {
			t.Fatal(err)
		}
		before := sceneOf(t, archive)
		for i, f := range archive.Files {
			if f.Name == "policies.yaml" {
				archive.Files[i].Data = []byte(swap.Replace(string(bytes.ReplaceAll(f.Data, []byte("'"), []byte(`"`)))))
			}
		}
		after := sceneOf(t, archive)
		for _, f := range ipfam.All {
			was := judgeEgress(before, before.Source, Destination{Family: f, Port: 80})
			is := judgeEgress(after, after.Source, Destination{Family: f.Other(), Port: 80})
			if was.State != is.State || (was.Fix == "") != (is.Fix == "") {
				t.Errorf("%s: %s of %s became %s", name, was.State, f, is.State)
			}
		}
	}
}
