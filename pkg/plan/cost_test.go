package plan

import (
	"slices"
	"strings"
	"testing"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

func TestCostOf(t *testing.T) {
	old := Versions{Kubernetes: release.V(1, 32), MetalLB: release.V(0, 13, 12)}
	for _, test := range []struct {
		component, setting string
		change             Change
		versions           Versions
		want               Effort
	}{
		{"kube-apiserver", "--service-cluster-ip-range", Replace, Versions{}, Recreates},
		{"kube-apiserver", "--service-cluster-ip-range", Add, old, Restarts},
		{"kube-apiserver", "--service-cluster-ip-range", Reorder, old, Impossible},
		{"kube-controller-manager", "--cluster-cidr", Widen, Versions{}, Restarts},
		{"kube-controller-manager", "--cluster-cidr", Replace, Versions{}, Recreates},
		{"cilium", "cluster-pool-ipv6-cidr", Add, Versions{}, Restarts},
		{"cilium", "cluster-pool-ipv4-cidr", Replace, Versions{}, Recreates},
		{"cilium", "cluster-pool-ipv6-mask-size", Replace, Versions{}, Impossible},
		{"cilium", "enable-ipv6-masquerade", Replace, Versions{}, Restarts},
		{"metallb", ".spec.addresses", Replace, Versions{}, Live},
		{"metallb", ".spec.addresses", Replace, old, Restarts},
		{"lb-ipam", ".spec.blocks", Remove, Versions{}, Live},
	} {
		got, ok := CostOf(test.component, test.setting, test.change, test.versions)
		if !ok || got.Effort != test.want || got.Setting != test.setting {
			t.Errorf("%s of %s %s costs %s (%s, %t), want %s", test.change, test.component, test.setting, got.Effort, got.Setting, ok, test.want)
		}
	}
	if _, ok := CostOf("ServiceCIDR", ".spec.cidrs", Add, old); ok {
		t.Error("Kubernetes 1.32 has ServiceCIDRs")
	}
}

func TestCostsOfField(t *testing.T) {
	for field, first := range map[string]string{
		"spec.pods.ipv6":                     "router",
		"spec.pods.nodeMask.ipv4":            "kube-controller-manager",
		"spec.services.ipv4":                 "kube-apiserver",
		"spec.loadBalancers[1].addresses[0]": "metallb",
		"spec.loadBalancers[1].announce":     "metallb",
		"spec.lan.interface":                 "cilium",
	} {
		costs := CostsOf(field, Replace, Versions{})
		if len(costs) == 0 || costs[0].Component != first {
			t.Errorf("%s: %+v, want %s first", field, costs, first)
		}
	}
	if costs := CostsOf("spec.echo", Replace, Versions{}); costs != nil {
		t.Errorf("spec.echo costs %+v", costs)
	}
}

// For a setting and a change there is one rule in every release, and it says all
// that is asked of it.
func TestCostsAreWhole(t *testing.T) {
	var known []string
	for _, f := range formFields("", planForm) {
		known = append(known, strings.TrimSuffix(strings.ReplaceAll(f, "[]", ""), " required"))
	}
	seen := map[string][]Cost{}
	for _, c := range Costs() {
		if c.Effect == "" || c.Source == "" || c.Effort.String() == "unknown" || len(c.Changes) == 0 {
			t.Errorf("%s %s lacks a part", c.Component, c.Setting)
		}
		if (c.Effort == Restarts || c.Effort == Recreates) != (c.Restart != "") {
			t.Errorf("%s %s: %s, and %q is started anew", c.Component, c.Setting, c.Effort, c.Restart)
		}
		for _, f := range c.Fields {
			if !slices.Contains(known, f) {
				t.Errorf("%s %s: a plan has no %s", c.Component, c.Setting, f)
			}
		}
		for _, change := range c.Changes {
			key := c.Component + " " + c.Setting + " " + string(change)
			for _, other := range seen[key] {
				if !c.before.Known() && !other.before.Known() || !c.from.Known() && !other.from.Known() {
					t.Errorf("%s has two rules for one release", key)
				}
			}
			seen[key] = append(seen[key], c)
		}
	}
}
