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

	planned := snapshot.Program{Name: snapshot.ControllerManager, Planned: true, Flags: snapshot.Flags{
		"node-cidr-mask-size": "25", "node-cidr-mask-size-ipv6": "64",
	}}
	want = `in the kubeadm configuration: in controllerManager.extraArgs, instead of node-cidr-mask-size: node-cidr-mask-size-ipv4: "25"`
	if got := maskFix(planned, maskFlag, both); got != want {
		t.Errorf("kubeadm v1beta3: %q, want %q", got, want)
	}
}
