package render

import (
	"regexp"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// kindFrom is the first release whose kind can leave kube-proxy out and has two
// families in a release of Kubernetes that has them for good.
var kindFrom = release.V(1, 23)

// kindName is what kind takes for the name of a cluster (pkg/internal/apis/config/validate.go).
var kindName = regexp.MustCompile(`^[a-z0-9.-]+$`)

// kind is a cluster of kind with the ranges of the plan. Its nodes are on a network of
// the container engine, which is not the plan's.
// Source: sigs.k8s.io/kind v0.33.0, pkg/apis/config/v1alpha4/types.go.
func kind(j *job) {
	if v := j.kubernetes(); v.Before(kindFrom) {
		j.fault("", "Kubernetes %s in kind: want %s or later", v, kindFrom)
	}
	j.checkMasks(plan.KubeadmNodeMaskLimit)
	network := []entry{
		key("ipFamily", scalar(kindFamily(j.plan.Want()), j.from("spec.families"))),
		key("podSubnet", quoted(joined(j.pods()), j.from(j.each("spec.pods")...))),
		key("serviceSubnet", quoted(joined(j.services()), j.from(j.each("spec.services")...))),
	}
	if j.cniIsCilium() {
		network = append(network,
			key("disableDefaultCNI", truth(true, "")).under("Cilium is installed on its own, and takes kube-proxy's place."),
			key("kubeProxyMode", quoted("none", "")))
	} else {
		j.note("", "with which address pods leave is the plug-in's to decide: kind has no field for spec.egress")
	}
	var name *yaml.Node
	if kindName.MatchString(j.plan.Name) {
		name = scalar(j.plan.Name, j.from("metadata.name"))
	}
	entries := []entry{
		key("kind", scalar("Cluster", "")),
		key("apiVersion", scalar("kind.x-k8s.io/v1alpha4", "")),
		key("name", name),
		key("networking", mapping(network...)),
	}
	if args := asMapping(j.maskArguments()); args != nil {
		// Of a patch without apiVersion kind 0.33 turns the mapping into the list that
		// kubeadm v1beta4 wants (pkg/internal/patch/kubeadm_merge.go).
		patch := j.embedded("kind.yaml", mapping(
			key("kind", scalar("ClusterConfiguration", "")),
			key("controllerManager", mapping(key("extraArgs", args)))))
		entries = append(entries, key("kubeadmConfigPatches", sequence(patch)))
	}
	j.yaml("kind.yaml", "kind create cluster --config kind.yaml. The nodes' network is the container engine's: spec.lan and spec.loadBalancers\n"+
		"of the plan are not on it.", document{root: mapping(entries...)})
}

// kindFamily is a set of families as kind calls it.
func kindFamily(s ipfam.Set) string {
	switch f, single := s.Single(); {
	case single && f == ipfam.V4:
		return "ipv4"
	case single:
		return "ipv6"
	}
	return "dual"
}
