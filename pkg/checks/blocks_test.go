package checks_test

import (
	"testing"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

func TestBlockUse(t *testing.T) {
	for _, tt := range []struct {
		name   string
		config cilium.Config // nil is no Cilium
		proxy  snapshot.KubeProxy
		want   checks.BlockUse
	}{
		{"no Cilium", nil, snapshot.KubeProxy{}, checks.BlocksUnclear},
		{"Cilium takes them", cilium.Config{"ipam": "kubernetes"}, snapshot.KubeProxy{}, checks.BlocksRead},
		{"Cilium has its own", cilium.Config{"ipam": "cluster-pool"}, snapshot.KubeProxy{}, checks.BlocksIgnored},
		{"another plugin gives addresses", cilium.Config{"ipam": "delegated-plugin"}, snapshot.KubeProxy{}, checks.BlocksUnclear},
		{"kube-proxy goes by them", cilium.Config{"ipam": "cluster-pool"}, snapshot.KubeProxy{DetectLocal: "NodeCIDR"}, checks.BlocksRead},
		{
			"kube-proxy would", cilium.Config{"ipam": "cluster-pool", "kube-proxy-replacement": "true"},
			snapshot.KubeProxy{DetectLocal: "NodeCIDR"}, checks.BlocksIgnored,
		},
		{"somebody routes", cilium.Config{"ipam": "cluster-pool", "routing-mode": "native"}, snapshot.KubeProxy{}, checks.BlocksUnclear},
		{
			"Cilium routes", cilium.Config{"ipam": "cluster-pool", "routing-mode": "native", "auto-direct-node-routes": "true"},
			snapshot.KubeProxy{}, checks.BlocksIgnored,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			snap := &snapshot.Snapshot{Facts: snapshot.Facts{KubeProxy: tt.proxy}}
			if tt.config != nil {
				snap.Cilium = snapshot.Cilium{Config: tt.config, ConfigRef: snapshot.Ref{Kind: "ConfigMap", Name: "cilium-config"}}
			}
			if got := checks.NewInput(nil, snap).BlockUse(); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

func TestBlockUseSeverity(t *testing.T) {
	for use, want := range map[checks.BlockUse][2]severity.Severity{
		checks.BlocksIgnored: {severity.Info, severity.Info},
		checks.BlocksUnclear: {severity.Warning, severity.Warning},
		checks.BlocksRead:    {severity.Error, severity.Warning},
	} {
		got := [2]severity.Severity{use.Severity(severity.Error), use.Severity(severity.Warning)}
		if got != want {
			t.Errorf("use %d: an error and a warning become %v, want %v", use, got, want)
		}
	}
}
