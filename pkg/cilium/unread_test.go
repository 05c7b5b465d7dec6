package cilium

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

func TestUnread(t *testing.T) {
	for name, tt := range map[string]struct {
		config  Config
		version release.Version
		want    []string // keys
	}{
		"the homelab, at the latest":              {Config{"tunnel": "vxlan", "kube-proxy-replacement": "strict"}, release.Version{}, []string{"kube-proxy-replacement", "tunnel"}},
		"the homelab, as it was":                  {Config{"tunnel": "vxlan", "kube-proxy-replacement": "strict"}, release.V(1, 11, 5), nil},
		"1.15 takes strict":                       {Config{"kube-proxy-replacement": "strict"}, release.V(1, 15, 19), nil},
		"1.16 does not":                           {Config{"kube-proxy-replacement": "strict"}, release.V(1, 16), []string{"kube-proxy-replacement"}},
		"true is a value of all":                  {Config{"kube-proxy-replacement": "true"}, release.V(1, 20), nil},
		"the successor is there too":              {Config{"tunnel": "disabled", "routing-mode": "native"}, release.V(1, 20), nil},
		"not yet":                                 {Config{"routing-mode": "native", "tunnel": "disabled"}, release.V(1, 13), nil},
		"not yet, and alone":                      {Config{"routing-mode": "native"}, release.V(1, 13), []string{"routing-mode"}},
		"a value that is the default anyhow":      {Config{"masquerade": "true"}, release.V(1, 11), nil},
		"an old switch that is off":               {Config{"masquerade": "false"}, release.V(1, 11), []string{"masquerade"}},
		"egress gateway, by its name of 1.15":     {Config{"enable-ipv4-egress-gateway": "true"}, release.V(1, 15), nil},
		"egress gateway, by its name of 1.20":     {Config{"enable-egress-gateway": "true"}, release.V(1, 15), []string{"enable-egress-gateway"}},
		"both names in 1.18":                      {Config{"enable-ipv4-egress-gateway": "true"}, release.V(1, 18), nil},
		"the old name in 1.19":                    {Config{"enable-ipv4-egress-gateway": "true"}, release.V(1, 19), []string{"enable-ipv4-egress-gateway"}},
		"off by its old name":                     {Config{"enable-ipv4-egress-gateway": "false"}, release.V(1, 19), nil},
		"NodePorts without the rest":              {Config{"enable-node-port": "true", "kube-proxy-replacement": "false"}, release.V(1, 19), []string{"enable-node-port"}},
		"NodePorts as part of the replacement":    {Config{"enable-node-port": "true", "kube-proxy-replacement": "true"}, release.V(1, 19), nil},
		"an address mode that is no more":         {Config{"ipam": "cluster-pool-v2beta"}, release.V(1, 15), []string{"ipam"}},
		"nothing written":                         {nil, release.V(1, 20), nil},
		"a native CIDR for IPv6 before there was": {Config{"ipv6-native-routing-cidr": "fd00::/48"}, release.V(1, 11), []string{"ipv6-native-routing-cidr"}},
	} {
		var got []string
		for _, u := range tt.config.Unread(tt.version) {
			got = append(got, u.Key)
		}
		slices.Sort(got)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestUnreadTable holds the table to its form: a source for each, a consequence
// for each that is passed over, and something to write for each that is refused.
func TestUnreadTable(t *testing.T) {
	for _, u := range unread {
		value := "true"
		if len(u.Values) > 0 {
			value = u.Values[0]
		}
		if u.Source == "" || u.In.Open() {
			t.Errorf("%s: no source, or no release that reads it", u.Key)
		}
		if u.Refused == (u.Without != nil) {
			t.Errorf("%s: is refused or has a consequence, not both", u.Key)
		}
		if u.Refused && (u.Instead == nil || len(u.Instead(value)) == 0) {
			t.Errorf("%s: refused, and nothing to write instead", u.Key)
		}
		if u.Without != nil && u.Without(value) == "" {
			t.Errorf("%s: no consequence", u.Key)
		}
	}
}

func TestSpan(t *testing.T) {
	v14, v15, v16 := release.V(1, 14), release.V(1, 15), release.V(1, 16)
	for name, tt := range map[string]struct {
		span  Span
		in    []release.Version
		out   []release.Version
		words string
	}{
		"from":  {Span{From: v15}, []release.Version{v15, v16}, []release.Version{v14, {}}, "1.15 and later"},
		"until": {Span{Until: v15}, []release.Version{v14}, []release.Version{v15, v16, {}}, "before 1.15"},
		"both":  {Span{v14, v16}, []release.Version{v14, v15}, []release.Version{v16, {}}, "1.14 to 1.15"},
		"open":  {Span{}, []release.Version{v14, {}}, nil, "every release"},
	} {
		for _, v := range tt.in {
			if !tt.span.Has(v) {
				t.Errorf("%s: %s is to be in it", name, v)
			}
		}
		for _, v := range tt.out {
			if tt.span.Has(v) {
				t.Errorf("%s: %s is not to be in it", name, v)
			}
		}
		if got := tt.span.String(); got != tt.words {
			t.Errorf("%s: %q, want %q", name, got, tt.words)
		}
	}
}
