package cni

import (
	"net/netip"
	"testing"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

func TestSet(t *testing.T) {
	known := configured{Cilium: snapshot.Cilium{Version: release.V(1, 20, 2)}, release: release.V(1, 20, 2), known: true}
	for name, tt := range map[string]struct {
		c        configured
		settings []cilium.Setting
		want     string
	}{
		"a value of the chart": {
			known, []cilium.Setting{{Key: "enable-ipv6-masquerade", Value: "true"}},
			"helm upgrade cilium cilium/cilium -n kube-system --reuse-values --set enableIPv6Masquerade=true --version 1.20.2" +
				" && kubectl rollout restart -n kube-system ds/cilium",
		},
		"what the operator reads, and a value that a shell would read": {
			known, []cilium.Setting{{Key: "cluster-pool-ipv6-cidr", Value: "fd00::/104"}, {Key: "ipv6-mcast-device", Value: "$(reboot)"}},
			"helm upgrade cilium cilium/cilium -n kube-system --reuse-values --set 'ipam.operator.clusterPoolIPv6PodCIDRList={fd00::/104}'" +
				" --set-string 'extraConfig.ipv6-mcast-device=$(reboot)' --version 1.20.2" +
				" && kubectl rollout restart -n kube-system ds/cilium deploy/cilium-operator",
		},
		"what the agent then wants besides": {
			configured{
				Cilium: snapshot.Cilium{
					Version: release.V(1, 16), Namespace: "cilium",
					Config: cilium.Config{"enable-bpf-masquerade": "true", "enable-ipv4-masquerade": "false", "kube-proxy-replacement": "true"},
				},
				release: release.V(1, 16), known: true,
			},
			[]cilium.Setting{{Key: "enable-ipv6-masquerade", Value: "false"}},
			"helm upgrade cilium cilium/cilium -n cilium --reuse-values --set enableIPv6Masquerade=false --set bpf.masquerade=false --version 1.16" +
				" && kubectl rollout restart -n cilium ds/cilium",
		},
		"the version is to be asked for": {
			configured{release: cilium.Latest}, []cilium.Setting{{Key: "tunnel"}},
			`helm upgrade cilium cilium/cilium -n kube-system --reuse-values --set tunnel=null --version "$(helm get metadata cilium -n kube-system -o json | jq -r .version)"` +
				" && kubectl rollout restart -n kube-system ds/cilium",
		},
	} {
		if got := tt.c.set(tt.settings...); got != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, tt.want)
		}
	}
}

func TestAround(t *testing.T) {
	for _, tt := range [][3]string{
		{"10.244.0.0/16", "10.245.0.0/16", "10.244.0.0/15"},
		{"fd00:10:244::/104", "fd00:10:245::/104", "fd00:10:244::/47"},
		{"10.0.0.0/8", "10.244.0.0/16", "10.0.0.0/8"},
		{"10.244.0.0/24", "10.244.0.0/16", "10.244.0.0/16"},
		{"10.0.0.0/8", "192.168.0.0/16", "0.0.0.0/0"},
	} {
		if got := around(netip.MustParsePrefix(tt[0]), netip.MustParsePrefix(tt[1])); got.String() != tt[2] {
			t.Errorf("around %s and %s: %s, want %s", tt[0], tt[1], got, tt[2])
		}
	}
}

func TestFittingMask(t *testing.T) {
	for pool, want := range map[string]int{
		"10.244.0.0/16":     24,
		"10.244.0.0/25":     32,
		"fd00:10:244::/96":  112,
		"fd00:10:244::/64":  80,
		"fd00:10:244::/112": 120,
		"fd00:10:244::/120": 128,
	} {
		if got := fittingMask(netip.MustParsePrefix(pool)); got != want {
			t.Errorf("%s: /%d, want /%d", pool, got, want)
		}
	}
}

// TestLiveWithoutKubeProxy: of a running cluster that it is not there is known,
// where kubeadm would have made it a DaemonSet.
func TestLiveWithoutKubeProxy(t *testing.T) {
	proxyMap := snapshot.Ref{Kind: "ConfigMap", Namespace: "kube-system", Name: "kube-proxy"}
	for name, tt := range map[string]struct {
		replacement string
		kubeadm     []snapshot.Kubeadm
		want        int
	}{
		"nobody serves":                     {"false", make([]snapshot.Kubeadm, 1), 1},
		"Cilium serves":                     {"true", make([]snapshot.Kubeadm, 1), 0},
		"kube-proxy may run some other way": {"false", nil, 0},
	} {
		snap := &snapshot.Snapshot{Source: snapshot.Source{Live: true}}
		snap.Cilium.ConfigRef = snapshot.Ref{Kind: "ConfigMap", Namespace: "kube-system", Name: "cilium-config"}
		snap.Cilium.Config = cilium.Config{"kube-proxy-replacement": tt.replacement}
		snap.Kubeadm = tt.kubeadm
		snap.KubeProxy = snapshot.KubeProxy{ConfigMap: proxyMap, Mode: "ipvs", NodePortAddresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}
		in := checks.NewInput(nil, snap)
		if got := oneServiceProxy.Run(in); len(got) != tt.want {
			t.Errorf("%s: %v, want %d findings", name, got, tt.want)
		}
		if _, ok := proxyConfiguration(in); ok {
			t.Errorf("%s: a ConfigMap without its DaemonSet is taken for a configuration", name)
		}
	}
}
