package cilium

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	"sigs.k8s.io/yaml"
)

// TestRenderAsTheChart holds Render to what `helm template` makes of the chart of
// cilium 1.20.2. Keys that the chart writes with nothing in them are left out.
func TestRenderAsTheChart(t *testing.T) {
	paths, err := filepath.Glob("testdata/chart/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var values map[string]any
			var want Config
			for i, to := range []any{&values, &want} {
				if err := yaml.Unmarshal(archive.Files[i].Data, to); err != nil {
					t.Fatal(err)
				}
			}
			got, fields := Render(values)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-chart +ours):\n%s", diff)
			}
			for key := range got {
				if !strings.HasPrefix(fields[key], ".") {
					t.Errorf("%s comes from the value %q", key, fields[key])
				}
			}
		})
	}
}

// TestRenderOldCharts: values of charts before 1.15 keep their meaning.
func TestRenderOldCharts(t *testing.T) {
	config, _ := Render(map[string]any{"tunnel": "disabled", "kubeProxyReplacement": "strict",
		"ipam": map[string]any{"operator": map[string]any{"clusterPoolIPv4PodCIDR": "10.1.0.0/16"}}})
	for key, want := range map[string]string{
		"tunnel": "disabled", "routing-mode": "", "tunnel-protocol": "",
		"kube-proxy-replacement": "strict", "cluster-pool-ipv4-cidr": "10.1.0.0/16",
	} {
		if config[key] != want {
			t.Errorf("%s: %q, want %q", key, config[key], want)
		}
	}
}

// TestRenderStrangeValues: a value of a shape that no option has is as if it were not given.
func TestRenderStrangeValues(t *testing.T) {
	config, _ := Render(map[string]any{
		"ipv6":                 map[string]any{"enabled": map[string]any{"really": true}},
		"ipam":                 "cluster-pool",
		"devices":              []any{"eth0", nil},
		"kubeProxyReplacement": nil,
		"extraConfig":          []any{"a"},
		"l2announcements":      map[string]any{"enabled": "yes"},
	})
	for key, want := range map[string]string{
		"enable-ipv6": "false", "ipam": "cluster-pool", "devices": "eth0 ", "kube-proxy-replacement": "false", "enable-l2-announcements": "",
	} {
		if config[key] != want {
			t.Errorf("%s: %q, want %q", key, config[key], want)
		}
	}
}
