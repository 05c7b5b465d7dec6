package build

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestProfiles(t *testing.T) {
	smaller := map[string]bool{}
	for _, profile := range []Profile{ControlPlane, Plain, Cilium} {
		programs, err := Programs(profile)
		if err != nil {
			t.Fatal(err)
		}
		names := map[string]bool{}
		for _, p := range programs {
			if names[p.Name] {
				t.Errorf("%s: %s is built twice", profile, p.Name)
			}
			names[p.Name] = true
		}
		for name := range smaller {
			if !names[name] {
				t.Errorf("%s: %s is in a smaller profile and not here", profile, name)
			}
		}
		if len(names) == len(smaller) {
			t.Errorf("%s: nothing that a smaller profile has not", profile)
		}
		smaller = names
	}
	if _, err := Programs("simple"); err == nil {
		t.Error("a profile that is none is taken")
	}
}

// What a program says of itself is what its go.mod pins.
func TestVersions(t *testing.T) {
	version := regexp.MustCompile(`=v?(\d+\.\d+\.\d+)`)
	for component, of := range map[string]struct {
		module string
		flags  []string
	}{
		"kubernetes": {"k8s.io/kubernetes", kubernetesVersion},
		"containerd": {"github.com/containerd/containerd/v2", containerdVersion},
		"cilium":     {"github.com/cilium/cilium", ciliumVersion},
		"helm":       {"helm.sh/helm/v3", helmVersion},
	} {
		pinned, err := os.ReadFile(filepath.Join("..", "components", component, "go.mod"))
		if err != nil {
			t.Fatal(err)
		}
		says := version.FindStringSubmatch(strings.Join(of.flags, " "))
		if says == nil || !regexp.MustCompile(`[\t ]`+regexp.QuoteMeta(of.module)+` v`+regexp.QuoteMeta(says[1])+`\b`).Match(pinned) {
			t.Errorf("%s: its go.mod does not pin what %s says", component, of.flags)
		}
	}
}
