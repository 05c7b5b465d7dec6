package cni

import (
	"testing"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// TestInstalled: a fix names the object that installs the chart, since what helm
// sets beside it does not last.
func TestInstalled(t *testing.T) {
	c := configured{Cilium: snapshot.Cilium{Config: cilium.Config{}, Values: snapshot.CiliumValues{
		Ref: snapshot.Ref{Kind: "HelmRelease", Namespace: "kube-system", Name: "cilium"}, In: ".spec.values",
	}}}
	for want, s := range map[string]cilium.Setting{
		"spec.values.ipv6.enabled: true":                {Key: "enable-ipv6", Value: "true"},
		"spec.values.extraConfig.enable-x: \"true\"":    {Key: "enable-x", Value: "true"},
		"spec.values.ipv6NativeRoutingCIDR: \"fd::/8\"": {Key: "ipv6-native-routing-cidr", Value: "fd::/8"},
		"spec.values.ipam.operator.clusterPoolIPv4PodCIDRList: [\"10.0.0.0/16\", \"10.1.0.0/16\"]": {
			Key: "cluster-pool-ipv4-cidr", Value: "10.0.0.0/16 10.1.0.0/16"},
		"remove spec.values.tunnel": {Key: "tunnel"},
	} {
		if got := c.line(s); got != want {
			t.Errorf("%v: %q, want %q", s, got, want)
		}
	}
	const set = "in helmrelease/kube-system/cilium: spec.values.enableIPv6Masquerade: true; when that is applied: kubectl rollout restart -n kube-system ds/cilium"
	if got := c.set(cilium.Setting{Key: "enable-ipv6-masquerade", Value: "true"}); got != set {
		t.Errorf("set: %q, want %q", got, set)
	}
	const upgrade = "in helmrelease/kube-system/cilium: the chart's version 1.19; one minor release after the other"
	if got := c.upgradeTo(release.V(1, 19)); got != upgrade {
		t.Errorf("upgrade: %q, want %q", got, upgrade)
	}
}
