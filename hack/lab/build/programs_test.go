package build

import (
	"os"
	"path/filepath"
	"slices"
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

// What is built is what is pinned, and each image and each program has its name from
// these constants.
func TestVersions(t *testing.T) {
	for component, of := range map[string]struct{ module, version string }{
		"etcd":       {"go.etcd.io/etcd/server/v3", EtcdVersion},
		"kubernetes": {"k8s.io/kubernetes", KubernetesVersion},
		"containerd": {"github.com/containerd/containerd/v2", ContainerdVersion},
		"coredns":    {"github.com/coredns/coredns", CoreDNSVersion},
		"metallb":    {"go.universe.tf/metallb", MetalLBVersion},
		"cilium":     {"github.com/cilium/cilium", CiliumVersion},
		"helm":       {"helm.sh/helm/v3", HelmVersion},
	} {
		pinned, err := os.ReadFile(filepath.Join("..", "components", component, "go.mod"))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(strings.Split(string(pinned), "\n"), func(line string) bool {
			words := strings.Fields(strings.TrimPrefix(line, "require "))
			return len(words) >= 2 && words[0] == of.module && words[1] == "v"+of.version
		}) {
			t.Errorf("%s: its go.mod does not pin %s v%s", component, of.module, of.version)
		}
	}
	if minor := strings.Split(KubernetesVersion, ".")[1]; !slices.ContainsFunc(kubernetesFlags, func(flag string) bool {
		return strings.HasSuffix(flag, "gitMinor="+minor)
	}) {
		t.Errorf("%s: not of %s", kubernetesFlags, KubernetesVersion)
	}
}
