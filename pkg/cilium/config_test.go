package cilium

import (
	"testing"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

func TestFamilies(t *testing.T) {
	for name, tt := range map[string]struct {
		config Config
		want   ipfam.Set
	}{
		"nothing written is both":  {nil, ipfam.SetOf(ipfam.V4, ipfam.V6)},
		"one off":                  {Config{"enable-ipv6": "false"}, ipfam.SetOf(ipfam.V4)},
		"another spelling of off":  {Config{"enable-ipv4": "0"}, ipfam.SetOf(ipfam.V6)},
		"no boolean is as missing": {Config{"enable-ipv6": "no"}, ipfam.SetOf(ipfam.V4, ipfam.V6)},
		"both off":                 {Config{"enable-ipv4": "F", "enable-ipv6": "False"}, 0},
	} {
		if got := tt.config.Families(); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

func TestMasquerade(t *testing.T) {
	for name, tt := range map[string]struct {
		config Config
		want   ipfam.Pair[Mechanism]
	}{
		"the agent's defaults": {nil, ipfam.Pair[Mechanism]{V4: IPTables, V6: IPTables}},
		"BPF for one family": {
			Config{"enable-bpf-masquerade": "true", "enable-ipv6-masquerade": "false"},
			ipfam.Pair[Mechanism]{V4: BPF, V6: NoMasquerade},
		},
		"a family that is off is not masqueraded": {
			Config{"enable-ipv6": "false", "enable-ipv6-masquerade": "true"},
			ipfam.Pair[Mechanism]{V4: IPTables, V6: NoMasquerade},
		},
	} {
		for _, f := range ipfam.All {
			if got := tt.config.Masquerade(f); got != tt.want.Of(f) {
				t.Errorf("%s: %s: %s, want %s", name, f, got, tt.want.Of(f))
			}
		}
	}
}

func TestNative(t *testing.T) {
	for name, tt := range map[string]struct {
		config  Config
		version release.Version
		want    bool
	}{
		"default":                        {nil, release.V(1, 20), false},
		"native":                         {Config{"routing-mode": "native"}, release.V(1, 20), true},
		"unknown is the latest":          {Config{"routing-mode": "native"}, release.Version{}, true},
		"tunnel is not read any more":    {Config{"tunnel": "disabled"}, release.V(1, 15), false},
		"tunnel is read still":           {Config{"tunnel": "disabled"}, release.V(1, 14), true},
		"routing-mode wins":              {Config{"tunnel": "disabled", "routing-mode": "tunnel"}, release.V(1, 14), false},
		"routing-mode is not read yet":   {Config{"routing-mode": "native"}, release.V(1, 13), false},
		"tunnel alone before its change": {Config{"tunnel": "vxlan"}, release.V(1, 11), false},
	} {
		if got := tt.config.Native(tt.version); got != tt.want {
			t.Errorf("%s: native is %t, want %t", name, got, tt.want)
		}
	}
}

func TestPools(t *testing.T) {
	c := Config{"cluster-pool-ipv6-cidr": "fd00:1::/104  2001:DB8::/104,10.0.0.0/8 nonsense"}
	pools, bad := c.Pools(ipfam.V6)
	if len(pools) != 2 || pools[1].String() != "2001:db8::/104" || len(bad) != 2 {
		t.Errorf("pools %v, bad %q", pools, bad)
	}
	if pools, bad := c.Pools(ipfam.V4); len(pools)+len(bad) != 0 {
		t.Errorf("a missing key gives %v, %q", pools, bad)
	}
	if c.MaskSize(ipfam.V4) != 24 || c.MaskSize(ipfam.V6) != 112 {
		t.Error("the operator's default masks are 24 and 112")
	}
}
