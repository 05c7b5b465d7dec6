package snapshot

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// TestDistributions: k3s, RKE2 and Talos say what kubeadm says, in other words.
func TestDistributions(t *testing.T) {
	pods, services := prefixes("10.42.0.0/16", "fd00:42::/56"), prefixes("10.43.0.0/16", "fd00:43::/112")
	args := Flags{"node-cidr-mask-size-ipv6": "64"}
	for name, test := range map[string]struct {
		text   string
		want   Kubeadm
		line   string // of the line that writes the pod ranges
		source string
	}{
		"k3s, lists": {
			text: "cluster-cidr: [10.42.0.0/16, \"fd00:42::/56\"]\nservice-cidr: [10.43.0.0/16, \"fd00:43::/112\"]\n" +
				"kube-controller-manager-arg: [v=2, --node-cidr-mask-size-ipv6=72, node-cidr-mask-size-ipv6=64]\ndisable-kube-proxy: true\n",
			want: Kubeadm{Ref: k3sRef, PodSubnet: pods, ServiceSubnet: services, NoKubeProxy: true,
				ControllerArgs: Flags{"node-cidr-mask-size-ipv6": "64", "v": "2"}},
			line: "in the configuration of k3s or RKE2: cluster-cidr: X,Y", source: FromK3s,
		},
		"k3s, text": {
			text: "cluster-cidr: 10.42.0.0/16,fd00:42::/56\nservice-cidr: 10.43.0.0/16, fd00:43::/112\n" +
				"kube-controller-manager-arg: node-cidr-mask-size-ipv6=64\n",
			want: Kubeadm{Ref: k3sRef, PodSubnet: pods, ServiceSubnet: services, ControllerArgs: args},
			line: "in the configuration of k3s or RKE2: cluster-cidr: X,Y", source: FromK3s,
		},
		"Talos": {
			text: "version: v1alpha1\nmachine: {type: controlplane}\ncluster:\n  clusterName: home\n" +
				"  network: {podSubnets: [10.42.0.0/16, \"fd00:42::/56\"], serviceSubnets: [10.43.0.0/16, \"fd00:43::/112\"]}\n" +
				"  apiServer: {image: \"registry.k8s.io/kube-apiserver:v1.34.1\"}\n" +
				"  controllerManager: {extraArgs: {node-cidr-mask-size-ipv6: 64}}\n  proxy: {disabled: true}\n",
			want: Kubeadm{Ref: Ref{Kind: talosKind, Name: "home"}, Kubernetes: release.V(1, 34, 1), PodSubnet: pods, ServiceSubnet: services,
				ControllerArgs: args, NoKubeProxy: true},
			line: "in the machine configuration of Talos: cluster.network.podSubnets: [X, Y]", source: FromTalos,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := factsOf(t, "config.yaml", []byte(test.text))
			if len(s.Problems) > 0 || len(s.Kubeadm) != 1 {
				t.Fatalf("%d configurations, problems: %v", len(s.Kubeadm), s.Problems)
			}
			got := s.Kubeadm[0]
			if diff := cmp.Diff(test.want, got, compareFacts); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if line := got.Line(got.PodField(), "X,Y"); line != test.line {
				t.Errorf("the line of the pod ranges is %q, want %q", line, test.line)
			}
			if got.ByKubeadm() || got.Source() != test.source || s.Claims(plan.Pods)[0].Source != test.source {
				t.Errorf("of %s, by kubeadm: %t", got.Source(), got.ByKubeadm())
			}
			manager := s.Programs(ControllerManager)[0]
			if line := manager.Line("allocate-node-cidrs", "false"); !strings.Contains(line, strings.TrimPrefix(manager.ExtraArgs(), ".")) {
				t.Errorf("allocate-node-cidrs: %q", line)
			}
			if !manager.AllocatesNodeRanges() || manager.Flags["cluster-cidr"] != "10.42.0.0/16,fd00:42::/56" ||
				manager.Flags["node-cidr-mask-size-ipv6"] != "64" {
				t.Errorf("kube-controller-manager has %v", manager.Flags)
			}
		})
	}
}

// TestMachines: the configurations of the machines of one cluster are one, whichever
// comes first; only what they contradict each other in is a problem.
func TestMachines(t *testing.T) {
	const (
		network = "  clusterName: home\n  network: {podSubnets: [10.42.0.0/16]}\n"
		worker  = "version: v1alpha1\nmachine: {type: worker}\ncluster:\n" + network
		control = "version: v1alpha1\nmachine: {type: controlplane}\ncluster:\n" + network +
			"  controllerManager: {extraArgs: {node-cidr-mask-size: \"25\"}}\n  proxy: {disabled: true}\n"
	)
	for _, text := range []string{worker + "---\n" + control, control + "---\n" + worker} {
		s := factsOf(t, "talos.yaml", []byte(text))
		if len(s.Problems) > 0 || len(s.Kubeadm) != 1 || s.Kubeadm[0].ControllerArgs["node-cidr-mask-size"] != "25" || !s.Kubeadm[0].NoKubeProxy {
			t.Errorf("%v, problems: %v", s.Kubeadm, s.Problems)
		}
		line := 1 + strings.Count(text[:strings.Index(text, "  controllerManager")], "\n")
		if got := s.Position(s.Kubeadm[0].Ref, ".cluster.controllerManager.extraArgs.node-cidr-mask-size"); got.Line != line {
			t.Errorf("the argument is at %s, want line %d", got, line)
		}
	}
	s := factsOf(t, "talos.yaml", []byte(control+"---\n"+strings.Replace(worker, "10.42", "10.43", 1)))
	if len(s.Problems) != 1 || !strings.Contains(s.Problems[0].String(), "differs from") {
		t.Errorf("problems: %v", s.Problems)
	}
}

// TestUnwrittenRanges: the ranges that a distribution takes when none are written
// are nobody's statement.
func TestUnwrittenRanges(t *testing.T) {
	s := factsOf(t, "config.yaml", []byte("disable-kube-proxy: true\nflannel-backend: none\n"))
	if len(s.Kubeadm) != 1 || !s.Kubeadm[0].NoKubeProxy {
		t.Fatalf("read %v", s.Kubeadm)
	}
	if flags := s.Programs(APIServer)[0].Flags; len(flags) > 0 {
		t.Errorf("kube-apiserver has %v", flags)
	}
	if claims := s.Claims(plan.Services); len(claims) > 0 {
		t.Errorf("claims %v", claims)
	}
}
