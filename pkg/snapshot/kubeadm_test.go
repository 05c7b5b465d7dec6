package snapshot

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestKubeadmShapes: the versions of kubeadm's documents say the same in two
// shapes, alone, with others in one file, and in the ConfigMap.
func TestKubeadmShapes(t *testing.T) {
	const (
		networking = "kubernetesVersion: v1.37.2\nnetworking: {podSubnet: \"10.244.0.0/16,fd00:10::/48\", serviceSubnet: 10.96.0.0/16}\n"
		asMap      = "controllerManager:\n  extraArgs: {node-cidr-mask-size-ipv6: \"64\", v: \"2\"}\n"
		asList     = "controllerManager:\n  extraArgs:\n  - {name: v, value: \"7\"}\n  - {name: node-cidr-mask-size-ipv6, value: \"64\"}\n  - {name: v, value: \"2\"}\n"
		document   = "kind: ClusterConfiguration\n" + networking
		start      = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\nlocalAPIEndpoint: {advertiseAddress: 192.0.2.1}\n---\n"
		join       = "---\napiVersion: kubeadm.k8s.io/v1beta4\nkind: JoinConfiguration\ndiscovery: {}\n"
	)
	for name, test := range map[string]struct {
		text      string
		advertise string
	}{
		"v1beta2":   {text: "apiVersion: kubeadm.k8s.io/v1beta2\n" + document + asMap},
		"v1beta3":   {text: "apiVersion: kubeadm.k8s.io/v1beta3\n" + document + asMap},
		"v1beta4":   {text: "apiVersion: kubeadm.k8s.io/v1beta4\n" + document + asList},
		"one file":  {text: start + "apiVersion: kubeadm.k8s.io/v1beta4\n" + document + asList + join, advertise: "192.0.2.1"},
		"after it":  {text: "apiVersion: kubeadm.k8s.io/v1beta4\n" + document + asList + "---\n" + start, advertise: "192.0.2.1"},
		"ConfigMap": {text: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kubeadm-config, namespace: kube-system}\ndata:\n  ClusterConfiguration: \"apiVersion: kubeadm.k8s.io/v1beta4\\nkind: ClusterConfiguration\\nkubernetesVersion: v1.37.2\\nnetworking:\\n  podSubnet: 10.244.0.0/16,fd00:10::/48\\n  serviceSubnet: 10.96.0.0/16\\ncontrollerManager:\\n  extraArgs:\\n  - name: node-cidr-mask-size-ipv6\\n    value: \\\"64\\\"\\n  - name: v\\n    value: \\\"2\\\"\\n\"\n"},
	} {
		t.Run(name, func(t *testing.T) {
			s := factsOf(t, "kubeadm.yaml", []byte(test.text))
			if len(s.Problems) > 0 || len(s.Kubeadm) != 1 {
				t.Fatalf("%d configurations, problems: %v", len(s.Kubeadm), s.Problems)
			}
			got := s.Kubeadm[0]
			if got.APIVersion == "" || got.Kubernetes != s.Kubernetes || s.Kubernetes.String() != "1.37.2" {
				t.Errorf("API version %q, Kubernetes %s and %s", got.APIVersion, got.Kubernetes, s.Kubernetes)
			}
			want := Kubeadm{Ref: kubeadmRef, APIVersion: got.APIVersion, Kubernetes: got.Kubernetes, Advertise: got.Advertise,
				PodSubnet: prefixes("10.244.0.0/16", "fd00:10::/48"), ServiceSubnet: prefixes("10.96.0.0/16"),
				ControllerArgs: Flags{"node-cidr-mask-size-ipv6": "64", "v": "2"}}
			if diff := cmp.Diff(want, got, compareFacts); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if test.advertise == "" && got.Advertise.IsValid() || test.advertise != "" && got.Advertise.String() != test.advertise {
				t.Errorf("advertises %s, want %q", got.Advertise, test.advertise)
			}
		})
	}
}
