package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// component is one program of the programs folder, built inside of each of the
// releases of a module.
type component struct {
	module  string
	folder  string   // of the program, below programs
	columns []string // what the program's columns are the verdicts of
	pinned  []string // releases
	lifts   []lift
	changes []release.Version // at which the program has other files
	// edits is arguments of go mod edit, for the module in root; it may be nil.
	edits func(version, root string, served func(module string) bool) ([]string, error)
}

// components is all that decides about a plan, in the releases that are judged.
var components = []component{
	{
		module:  "k8s.io/kubernetes",
		folder:  "kubernetes",
		columns: []string{"kubeadm", "kube-apiserver", "service-allocators", "kube-controller-manager", "api-objects"},
		pinned: []string{
			"v1.29.6", "v1.30.4", "v1.31.0", "v1.32.13", "v1.33.13", "v1.34.4", "v1.35.4", "v1.36.3", "v1.37.2",
		},
		lifts:   kubernetesLifts,
		edits:   kubernetesEdits,
		changes: []release.Version{release.V(1, 31), release.V(1, 33)},
	},
	{
		module:  "github.com/cilium/cilium",
		folder:  "cilium",
		columns: []string{"cilium-cluster-pool", "cilium-pod-addresses"},
		pinned:  []string{"v1.15.19", "v1.20.2"},
		changes: []release.Version{release.V(1, 20)},
	},
	{
		module:  "go.universe.tf/metallb",
		folder:  "metallb",
		columns: []string{"metallb-parser", "metallb-allocator"},
		pinned:  []string{"v0.13.5", "v0.15.2", "v0.16.2"},
		changes: []release.Version{release.V(0, 15)},
	},
}

// tags is the build tags of a release: before_1_33 where the program has files for
// releases before 1.33. Without providerless, the node IPAM of Kubernetes before
// 1.31 has that of a cloud in it.
func (c component) tags(version string) (string, error) {
	v, err := release.Parse(version)
	if err != nil {
		return "", err
	}
	tags := []string{"providerless"}
	for _, change := range c.changes {
		if v.Before(change) {
			tags = append(tags, fmt.Sprintf("before_%d_%d", change.Major, change.Minor))
		}
	}
	return strings.Join(tags, ","), nil
}

// kubernetesLifts is the functions whose packages would have whole programs
// compiled. The packages that they go to are lifted/…, with files of ours beside.
var kubernetesLifts = []lift{
	{from: "pkg/kubeapiserver/options", to: "lifted/kubeoptions", names: []string{"DefaultServiceIPCIDR"}},
	{
		from: "pkg/controlplane/apiserver/options", to: "lifted/controlplane", names: []string{"ServiceIPRange"},
		imports: map[string]string{"k8s.io/kubernetes/pkg/kubeapiserver/options": "k8s.io/kubernetes/lifted/kubeoptions"},
	},
	{
		from: "cmd/kube-apiserver/app/options", to: "lifted/apiserver",
		names:   []string{"getServiceIPAndRanges", "validateClusterIPFlags", "validateMaxCIDRRange"},
		imports: map[string]string{"k8s.io/kubernetes/pkg/controlplane/apiserver/options": "k8s.io/kubernetes/lifted/controlplane"},
	},
	{
		from: "cmd/kube-controller-manager/app", to: "lifted/controllermanager",
		names: []string{"validateCIDRs", "processCIDRs", "setNodeCIDRMaskSizes", "defaultNodeMaskCIDRIPv4", "defaultNodeMaskCIDRIPv6"},
	},
}

// kubernetesEdits has go.mod take the parts of Kubernetes that are modules of
// their own from the module proxy, and not from the folder beside it. A part that
// the proxy does not have at this patch is taken at the nearest one before it, or
// left out: then nothing that is built may import it.
func kubernetesEdits(version, root string, served func(module string) bool) ([]string, error) {
	const staging = " => ./staging/src/"
	text, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return nil, err
	}
	v, err := release.Parse(version)
	if err != nil {
		return nil, err
	}
	var edits []string
	for line := range strings.Lines(string(text)) {
		name, _, ok := strings.Cut(strings.TrimSpace(line), staging)
		if !ok {
			continue
		}
		patch := v.Patch
		for patch >= 0 && !served(fmt.Sprintf("%s@v0.%d.%d", name, v.Minor, patch)) {
			patch--
		}
		if patch < 0 {
			edits = append(edits, "-dropreplace", name, "-droprequire", name)
			continue
		}
		edits = append(edits, "-replace", fmt.Sprintf("%s=%s@v0.%d.%d", name, name, v.Minor, patch))
	}
	return edits, nil
}
