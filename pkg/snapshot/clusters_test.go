package snapshot

import (
	"strings"
	"testing"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// TestClusterKinds: whatever makes a cluster, its ranges are the same, the line of
// each has its place, and what to write is in the words of the tool.
func TestClusterKinds(t *testing.T) {
	const pods, services = `["10.42.0.0/16", "fd00:42::/56"]`, `["10.43.0.0/16", "fd00:43::/112"]`
	for name, test := range map[string]struct {
		text, source, line string
	}{
		"kind": {
			text: "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nnetworking:\n  kubeProxyMode: none\n" +
				"  podSubnet: 10.42.0.0/16,fd00:42::/56 #\n  serviceSubnet: 10.43.0.0/16,fd00:43::/112\nnodes: [{image: \"kindest/node:v1.34.0\"}]\n" +
				"kubeadmConfigPatches:\n- |\n  kind: ClusterConfiguration\n  controllerManager: {extraArgs: {node-cidr-mask-size-ipv6: \"72\"}}\n",
			source: FromKind, line: "in the configuration of kind: networking.podSubnet: 10.0.0.0/16,fd00::/56",
		},
		"k0s": {
			text: "apiVersion: k0s.k0sproject.io/v1beta1\nkind: ClusterConfig\nmetadata: {name: k0s}\nspec:\n  network:\n    podCIDR: 10.42.0.0/16 #\n" +
				"    serviceCIDR: 10.43.0.0/16\n    kubeProxy: {disabled: true}\n" +
				"    dualStack: {enabled: true, IPv6podCIDR: \"fd00:42::/56\", IPv6serviceCIDR: \"fd00:43::/112\"}\n" +
				"  controllerManager: {extraArgs: {node-cidr-mask-size-ipv6: \"72\"}}\n",
			source: FromK0s,
			line:   "in the configuration of k0s: spec.network.podCIDR: 10.0.0.0/16, spec.network.dualStack.IPv6podCIDR: fd00::/56",
		},
		"Cluster API": {
			text: "apiVersion: controlplane.cluster.x-k8s.io/v1beta2\nkind: KubeadmControlPlane\nmetadata: {name: plane}\nspec:\n  version: v1.34.0\n" +
				"  kubeadmConfigSpec:\n    initConfiguration: {skipPhases: [addon/kube-proxy]}\n" +
				"    clusterConfiguration: {controllerManager: {extraArgs: [{name: node-cidr-mask-size-ipv6, value: \"72\"}]}}\n---\n" +
				"apiVersion: cluster.x-k8s.io/v1beta2\nkind: Cluster\nmetadata: {name: home}\nspec:\n  controlPlaneRef: {kind: KubeadmControlPlane, name: plane}\n" +
				"  clusterNetwork:\n    pods:\n      cidrBlocks: " + pods + " #\n    services: {cidrBlocks: " + services + "}\n",
			source: FromClusterAPI, line: "in the Cluster: spec.clusterNetwork.pods.cidrBlocks: [10.0.0.0/16, fd00::/56]",
		},
		"talhelper": {
			text: "clusterName: home\nendpoint: https://192.168.50.10:6443\nkubernetesVersion: v1.34.0\nclusterPodNets: " + pods + " #\nclusterSvcNets: " + services +
				"\nnodes: []\npatches:\n- \"@a.yaml\"\n- |\n  cluster: {proxy: {disabled: true}}\ncontrolPlane:\n  patches:\n" +
				"  - '[{\"op\": \"add\", \"path\": \"/cluster/controllerManager/extraArgs/node-cidr-mask-size-ipv6\", \"value\": 72}]'\n",
			source: FromTalhelper, line: "in the configuration of talhelper: clusterPodNets: [10.0.0.0/16, fd00::/56]",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := factsOf(t, "cluster.yaml", []byte(test.text))
			if len(s.Problems) > 0 || len(s.Kubeadm) != 1 {
				t.Fatalf("%d configurations, problems: %v", len(s.Kubeadm), s.Problems)
			}
			k := s.Kubeadm[0]
			if join(k.PodSubnet) != "10.42.0.0/16,fd00:42::/56" || join(k.ServiceSubnet) != "10.43.0.0/16,fd00:43::/112" {
				t.Errorf("ranges %v and %v", k.PodSubnet, k.ServiceSubnet)
			}
			if k.ControllerArgs["node-cidr-mask-size-ipv6"] != "72" || !k.NoKubeProxy || k.Source() != test.source || k.ByKubeadm() {
				t.Errorf("%+v of %s", k, k.Source())
			}
			if name != "k0s" && k.Kubernetes != release.V(1, 34, 0) {
				t.Errorf("version %s", k.Kubernetes)
			}
			line := 1 + strings.Count(test.text[:strings.Index(test.text, "#")], "\n")
			if at := s.Position(k.Ref, k.PodField()); at.Line != line {
				t.Errorf("the pod ranges are at %s, want line %d", at, line)
			}
			if got := k.Line(k.PodField(), "10.0.0.0/16,fd00::/56"); got != test.line {
				t.Errorf("line %q, want %q", got, test.line)
			}
		})
	}
}

// TestSecondPatch: two patches of one HelmRelease that say different things are
// those of two clusters.
func TestSecondPatch(t *testing.T) {
	const head = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: cilium}\nspec:\n"
	base := head + "  chart: {spec: {chart: cilium}}\n  values: {ipam: {mode: kubernetes}}\n"
	patch := head + "  values: {kubeProxyReplacement: true, ipv6: {enabled: true}}\n"
	other := strings.Replace(patch, "ipv6: {enabled: true}", "ipv6: {enabled: false}", 1)
	for _, text := range []string{base + "---\n" + patch, patch + "---\n" + base, base + "---\n" + patch + "---\n" + patch} {
		if s := factsOf(t, "a.yaml", []byte(text)); len(s.Problems) > 0 || s.Cilium.Config["enable-ipv6"] != "true" || s.Cilium.Config.IPAM() != "kubernetes" {
			t.Errorf("%v, problems: %v", s.Cilium.Config, s.Problems)
		}
	}
	s := factsOf(t, "a.yaml", []byte(base+"---\n"+patch+"---\n"+other))
	if len(s.Problems) != 1 || !strings.Contains(s.Problems[0].String(), "is patched in another way") || s.Problems[0].Position.Line != 14 {
		t.Errorf("problems: %v", s.Problems)
	}
}
