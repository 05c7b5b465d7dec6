//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// definitions is where the modules that are pinned in hack/lab/components/crds, or here,
// have the definitions that are read: real ones, so that a fixture of an object that the
// project would refuse is found out.
var definitions = map[string][]string{
	"go.universe.tf/metallb": {
		"config/crd/bases/metallb.io_ipaddresspools.yaml",
		"config/crd/bases/metallb.io_l2advertisements.yaml",
		"config/crd/bases/metallb.io_bgpadvertisements.yaml", "config/crd/bases/metallb.io_bgppeers.yaml",
	},
	// The last release that has this kind.
	"go.universe.tf/metallb@v0.13.12": {"config/crd/bases/metallb.io_addresspools.yaml"},
	"github.com/cilium/cilium": {
		"pkg/k8s/apis/cilium.io/client/crds/v2/ciliumnodes.yaml",
		"pkg/k8s/apis/cilium.io/client/crds/v2/ciliumnodeconfigs.yaml",
		"pkg/k8s/apis/cilium.io/client/crds/v2/ciliumloadbalancerippools.yaml",
		"pkg/k8s/apis/cilium.io/client/crds/v2/ciliumnetworkpolicies.yaml",
		"pkg/k8s/apis/cilium.io/client/crds/v2/ciliumclusterwidenetworkpolicies.yaml",
		"pkg/k8s/apis/cilium.io/client/crds/v2/ciliumegressgatewaypolicies.yaml",
	},
}

var crdResource = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}

// installCRDs installs the definitions of these modules and waits until they are
// served.
func (c *cluster) installCRDs(modules ...string) {
	c.t.Helper()
	for _, module := range modules {
		dir := c.moduleDir(module)
		for _, file := range definitions[module] {
			data, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil {
				c.t.Fatal(err)
			}
			objects, err := decode(data)
			if err != nil {
				c.t.Fatalf("%s: %v", file, err)
			}
			for _, u := range objects {
				c.put(u, "e2e")
			}
		}
	}
	c.eventually("the custom resources to be served", func() bool {
		for _, crd := range c.list(crdResource) {
			if !established(crd) {
				return false
			}
		}
		return true
	})
}

// moduleDir is the folder of a pinned module, which is fetched when it has to be.
func (c *cluster) moduleDir(module string) string {
	c.t.Helper()
	cmd := exec.CommandContext(c.t.Context(), "go", "mod", "download", "-json", module)
	cmd.Dir = repository("hack", "lab", "components", "crds")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var found struct{ Dir, Error string }
	if err == nil {
		err = json.Unmarshal(out, &found)
	}
	if err != nil || found.Dir == "" {
		c.t.Fatalf("fetch %s: %v %s%s", module, err, found.Error, strings.TrimSpace(stderr.String()))
	}
	return found.Dir
}

func established(crd unstructured.Unstructured) bool {
	conditions, _, _ := unstructured.NestedSlice(crd.Object, "status", "conditions")
	for _, condition := range conditions {
		if fields, ok := condition.(map[string]any); ok && fields["type"] == "Established" && fields["status"] == "True" {
			return true
		}
	}
	return false
}
