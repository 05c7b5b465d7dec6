package main

import (
	"os"
	"path/filepath"
	"strings"
)

// component is one program of the programs folder, built inside of each of the
// releases of a module.
type component struct {
	module  string
	folder  string   // of the program, below programs
	columns []string // what the program's columns are the verdicts of
	pinned  []string // releases
	lifts   []lift
	edits   func(version, root string) ([]string, error) // arguments of go mod edit
	tags    func(version string) string                  // of the build
}

// components is all that decides about a plan, in the releases that are judged.
var components = []component{
	{
		module:  "k8s.io/kubernetes",
		folder:  "kubernetes",
		columns: []string{"kubeadm", "kube-apiserver", "service-allocators", "kube-controller-manager", "api-objects"},
		pinned:  []string{"v1.37.2"},
		lifts:   kubernetesLifts,
		edits:   kubernetesEdits,
		tags:    kubernetesTags,
	},
}

// kubernetesTags leaves out the allocator that a release does not use.
func kubernetesTags(version string) string {
	tags := "providerless" // before 1.31 the node IPAM has a cloud's in it
	for _, minor := range []string{"v1.29.", "v1.30.", "v1.31.", "v1.32."} {
		if strings.HasPrefix(version, minor) {
			return tags + ",before_1_33"
		}
	}
	return tags
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
// their own from the module proxy, and not from the folder beside it.
func kubernetesEdits(version, root string) ([]string, error) {
	const staging = " => ./staging/src/"
	text, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return nil, err
	}
	part := "v0" + strings.TrimPrefix(version, "v1")
	var edits []string
	for line := range strings.Lines(string(text)) {
		if name, _, ok := strings.Cut(strings.TrimSpace(line), staging); ok {
			edits = append(edits, "-replace", name+"="+name+"@"+part)
		}
	}
	return edits, nil
}
