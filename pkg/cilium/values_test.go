package cilium

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRender(t *testing.T) {
	values := map[string]any{
		"ipv6":           map[string]any{"enabled": true},
		"routingMode":    "native",
		"bpf":            map[string]any{"masquerade": true},
		"extraConfig":    map[string]any{"ipv6-mcast-device": "eno1"},
		"ipMasqAgent":    nil,
		fromPoolValue:    true,
		"ipam":           map[string]any{"operator": map[string]any{"clusterPoolIPv6PodCIDRList": []any{"fd00:1::/104"}, "clusterPoolIPv6MaskSize": 120}},
		"k8sServiceHost": "192.0.2.1",
	}
	config, fields := Render(values)
	for key, want := range map[string]string{
		"enable-ipv4":              "true",
		"enable-ipv6":              "true",
		"enable-bpf-masquerade":    "true",
		"routing-mode":             "native",
		"cluster-pool-ipv4-cidr":   "10.0.0.0/8", // the chart's, not the operator's
		"cluster-pool-ipv6-cidr":   "fd00:1::/104",
		"ipv4-native-routing-cidr": "10.0.0.0/8",
		"ipv6-native-routing-cidr": "fd00:1::/104",
		"ipv6-mcast-device":        "eno1",
	} {
		if config[key] != want {
			t.Errorf("%s: %q, want %q", key, config[key], want)
		}
	}
	if fields["ipv6-mcast-device"] != ".extraConfig.ipv6-mcast-device" || fields["enable-ipv6"] != ".ipv6.enabled" {
		t.Errorf("fields %v", fields)
	}
	want := Config{
		"enable-ipv6": "true", "routing-mode": "native", "enable-bpf-masquerade": "true", "ipv6-mcast-device": "eno1",
		"cluster-pool-ipv6-cidr": "fd00:1::/104", "cluster-pool-ipv6-mask-size": "120",
		"ipv4-native-routing-cidr": "10.0.0.0/8", "ipv6-native-routing-cidr": "fd00:1::/104",
	}
	if diff := cmp.Diff(want, Given(values)); diff != "" {
		t.Errorf("given (-want +got):\n%s", diff)
	}
}

func TestRenderLeavesOutWhatIsOff(t *testing.T) {
	config, _ := Render(map[string]any{"ipam": map[string]any{"mode": "kubernetes"}})
	if config["enable-ipv6"] != "false" {
		t.Errorf("the chart has IPv6 off, got %q", config["enable-ipv6"])
	}
	for _, key := range []string{"cluster-pool-ipv4-cidr", "cluster-pool-ipv6-cidr"} {
		if config.Has(key) {
			t.Errorf("%s is rendered in mode kubernetes", key)
		}
	}
}

func TestValue(t *testing.T) {
	for key, want := range map[string]string{
		"enable-ipv6":            "ipv6.enabled",
		"cluster-pool-ipv6-cidr": "ipam.operator.clusterPoolIPv6PodCIDRList",
		"ipv6-mcast-device":      "extraConfig.ipv6-mcast-device",
	} {
		if got := Value(key); got != want {
			t.Errorf("%s: %s, want %s", key, got, want)
		}
	}
	for _, key := range unvalued {
		if HasValue(key) || Value(key) != "extraConfig."+key {
			t.Errorf("%s: is said to have a value", key)
		}
	}
}

func TestHelmFlag(t *testing.T) {
	for want, s := range map[string]Setting{
		"--set ipv6.enabled=true": {"enable-ipv6", "true"},
		"--set ipam.operator.clusterPoolIPv6PodCIDRList={fd00::/104,fd01::/104}": {"cluster-pool-ipv6-cidr", "fd00::/104 fd01::/104"},
		"--set-string extraConfig.ipv6-mcast-device=eno1":                        {"ipv6-mcast-device", "eno1"},
		`--set-string extraConfig.ipv6-mcast-device=a\,b`:                        {"ipv6-mcast-device", "a,b"},
		"--set tunnel=null": {"tunnel", ""},
	} {
		if got := strings.Join(s.HelmFlag(), " "); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
