package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// project is one whose custom resources the plugin reads.
type project struct {
	name, module string
	definitions  []string // patterns of the files in its module
	releases     []string
}

// projects has of Cilium the first release of each minor one, the last of the one
// that knows .spec.cidrs and .spec.blocks, and the pinned one. Of MetalLB it has the
// first release with custom resources, the last without and the first with a field
// that is read, one of each later minor release, and the pinned one. What is pinned
// is so by hack/lab/components/crds.
var projects = []project{
	{
		name: "cilium", module: "github.com/cilium/cilium",
		definitions: []string{
			"pkg/k8s/apis/cilium.io/client/crds/*/ciliumnodes.yaml",
			"pkg/k8s/apis/cilium.io/client/crds/*/ciliumnodeconfigs.yaml",
			"pkg/k8s/apis/cilium.io/client/crds/*/ciliumloadbalancerippools.yaml",
			"pkg/k8s/apis/cilium.io/client/crds/*/ciliumnetworkpolicies.yaml",
			"pkg/k8s/apis/cilium.io/client/crds/*/ciliumclusterwidenetworkpolicies.yaml",
			"pkg/k8s/apis/cilium.io/client/crds/*/ciliumegressgatewaypolicies.yaml",
		},
		releases: []string{"1.12.0", "1.13.0", "1.14.0", "1.15.0", "1.15.19", "1.16.0", "1.17.0", "1.18.0", "1.19.0", "1.20.2"},
	},
	{
		name: "metallb", module: "go.universe.tf/metallb",
		definitions: []string{
			"config/crd/bases/metallb.io_ipaddresspools.yaml",
			"config/crd/bases/metallb.io_addresspools.yaml",
			"config/crd/bases/metallb.io_l2advertisements.yaml",
			"config/crd/bases/metallb.io_bgpadvertisements.yaml",
			"config/crd/bases/metallb.io_bgppeers.yaml",
		},
		releases: []string{"0.13.2", "0.13.3", "0.13.4", "0.13.7", "0.13.9", "0.13.12", "0.14.9", "0.15.2", "0.16.2"},
	},
}

// module is the contents of one release, as go mod download prints it.
type module struct {
	Path, Version, Error string
	Dir                  string
	Sum                  string // of the contents, as in go.sum
}

// query names a module as the go command takes it: "go.universe.tf/metallb@v0.16.2".
func (p project) query(release string) string { return p.module + "@v" + release }

// download fetches the modules of all releases that the module cache does not have,
// by their queries.
func download(projects []project) (map[string]module, error) {
	args := []string{"mod", "download", "-json"}
	for _, p := range projects {
		for _, release := range p.releases {
			args = append(args, p.query(release))
		}
	}
	cmd := exec.Command("go", args...)
	cmd.Dir = os.TempDir() // in a module the sums of the others would go into its go.sum
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	failed := cmd.Run()
	modules := map[string]module{}
	for d := json.NewDecoder(&out); d.More(); {
		var m module
		if err := d.Decode(&m); err != nil {
			return nil, fmt.Errorf("go mod download: %w", err)
		}
		if m.Error != "" {
			failed = errors.Join(failed, errors.New(m.Error))
		}
		modules[m.Path+"@"+m.Version] = m
	}
	if failed != nil {
		return nil, fmt.Errorf("go mod download: %w\n%s", failed, strings.TrimSpace(stderr.String()))
	}
	return modules, nil
}
