package controlplane

import (
	"net/netip"
	"testing"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

func prefixes(texts ...string) []netip.Prefix {
	var ps []netip.Prefix
	for _, text := range texts {
		ps = append(ps, netip.MustParsePrefix(text))
	}
	return ps
}

func TestInOrderOf(t *testing.T) {
	six := statement{prefixes: prefixes("fd00::/56", "10.0.0.0/16")}
	for _, tt := range []struct {
		pools []netip.Prefix
		want  string
	}{
		{prefixes("10.245.0.0/16", "fd00:1::/56"), "fd00:1::/56,10.245.0.0/16"},
		{prefixes("10.245.128.0/17", "10.245.0.0/17"), "10.245.0.0/16"},
		{prefixes("10.1.0.0/16", "10.3.0.0/16"), "<IPv4 range around 10.1.0.0/16,10.3.0.0/16>"},
	} {
		if got := inOrderOf(six, statement{prefixes: tt.pools}); got != tt.want {
			t.Errorf("inOrderOf(IPv6 first, %v) = %q, want %q", tt.pools, got, tt.want)
		}
	}
}

func TestMended(t *testing.T) {
	for value, want := range map[string]string{
		"10.96.0.0/16, fd00::/112":              "10.96.0.0/16,fd00::/112",
		"fd00::/112,,10.96.0.0/16,10.97.0.0/16": "fd00::/112,10.96.0.0/16",
		"10.96.0.0":                             "<IPv4 range>,<IPv6 range>",
	} {
		if got := mended(value); got != want {
			t.Errorf("mended(%q) = %q, want %q", value, got, want)
		}
	}
}

func TestMaskFix(t *testing.T) {
	both := ipfam.SetOf(ipfam.V4, ipfam.V6)
	running := snapshot.Program{Name: snapshot.ControllerManager, Node: "a", Flags: snapshot.Flags{"node-cidr-mask-size": "72"}}
	want := "on a, in the manifest of kube-controller-manager (kubeadm: /etc/kubernetes/manifests/kube-controller-manager.yaml): " +
		"--node-cidr-mask-size-ipv4=24 --node-cidr-mask-size-ipv6=72 instead of --node-cidr-mask-size"
	if got := maskFix(running, maskFlag, both); got != want {
		t.Errorf("a Pod: %q, want %q", got, want)
	}

	const instead = "instead of node-cidr-mask-size: "
	flags := snapshot.Flags{"node-cidr-mask-size": "25", "node-cidr-mask-size-ipv6": "64"}
	for _, tt := range []struct {
		config snapshot.Kubeadm
		want   string
	}{
		{snapshot.Kubeadm{APIVersion: "kubeadm.k8s.io/v1beta3"},
			"in the kubeadm configuration: in controllerManager.extraArgs, " + instead + `node-cidr-mask-size-ipv4: "25"`},
		{snapshot.Kubeadm{APIVersion: "kubeadm.k8s.io/v1beta4"},
			"in the kubeadm configuration: in controllerManager.extraArgs, " + instead + `{name: node-cidr-mask-size-ipv4, value: "25"}`},
		{snapshot.Kubeadm{Ref: snapshot.Ref{Kind: "K3sConfig"}},
			"in the configuration of k3s or RKE2: in kube-controller-manager-arg, " + instead + `"node-cidr-mask-size-ipv4=25"`},
		{snapshot.Kubeadm{Ref: snapshot.Ref{Kind: "TalosConfig"}},
			"in the machine configuration of Talos: in cluster.controllerManager.extraArgs, " + instead + `node-cidr-mask-size-ipv4: "25"`},
	} {
		tt.config.ControllerArgs = flags
		facts := snapshot.Facts{Kubeadm: []snapshot.Kubeadm{tt.config}}
		if got := maskFix(facts.Programs(snapshot.ControllerManager)[0], maskFlag, both); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.config.Source(), got, tt.want)
		}
	}
}
