package build

import (
	"fmt"
	"slices"
)

// Profile says how much of a cluster is run: a control plane alone, nodes with a
// plain network, or nodes with Cilium. Each has all that the one before it has.
type Profile string

// The profiles.
const (
	ControlPlane Profile = "control-plane"
	Plain        Profile = "plain"
	Cilium       Profile = "cilium"
)

// Programs is what is built for a profile.
func Programs(p Profile) ([]Program, error) {
	switch p {
	case ControlPlane:
		return slices.Concat(controlPlane, MetalLB), nil
	case Plain:
		return slices.Concat(controlPlane, MetalLB, nodes), nil
	case Cilium:
		return slices.Concat(controlPlane, MetalLB, nodes, cilium), nil
	}
	return nil, fmt.Errorf("profile %q: want %s, %s or %s", p, ControlPlane, Plain, Cilium)
}

// Versions of what is built. Each stands in the go.mod of its component too.
const (
	EtcdVersion       = "3.7.3"
	KubernetesVersion = "1.37.2"
	ContainerdVersion = "2.2.9"
	CoreDNSVersion    = "1.14.6"
	MetalLBVersion    = "0.16.2"
	CiliumVersion     = "1.20.2"
	HelmVersion       = "3.22.0"
)

// The versions that programs tell of themselves, where nothing but the linker tells
// them. Without theirs, Kubernetes' programs call themselves v0.0.0 and refuse to serve
// what they count as newer. Cilium makes three words of its own.
// Source: cilium v1.20.2, pkg/version/version.go FromString.
var (
	kubernetesFlags = []string{
		"-X k8s.io/component-base/version.gitVersion=v" + KubernetesVersion,
		"-X k8s.io/component-base/version.gitMajor=1",
		"-X k8s.io/component-base/version.gitMinor=37",
	}
	containerdFlags = []string{"-X github.com/containerd/containerd/v2/version.Version=" + ContainerdVersion}
	ciliumFlags     = []string{"-X 'github.com/cilium/cilium/pkg/version.ciliumVersion=" + CiliumVersion + " module 2026-01-01T00:00:00+00:00'"}
	helmFlags       = []string{"-X helm.sh/helm/v3/internal/version.version=v" + HelmVersion}
)

// ciliumTags are those of its releases that matter without cgo: names of users and
// hosts are looked up in Go.
const ciliumTags = "osusergo,netgo"

// controlPlane is the programs of a control plane, kubectl, and the lab's own program,
// which works inside hosts and images too.
var controlPlane = []Program{
	{Name: "etcd", Module: "etcd", Source: "."},
	kubernetes("kube-apiserver"),
	kubernetes("kube-controller-manager"),
	kubernetes("kubectl"),
	{Name: "lab", Module: "..", Source: "."},
}

// MetalLB is its controller as a process of the lab. Its health probe listens on every
// address of the machine, and no flag says otherwise: the lab is on the loopback alone.
var MetalLB = []Program{{
	Name: "metallb-controller", Module: "metallb", Source: "go.universe.tf/metallb/controller",
	Edits: []Edit{{
		Module: "go.universe.tf/metallb", File: "controller/main.go",
		Old: `fmt.Sprintf(":%d", *healthProbePort)`, New: `fmt.Sprintf("127.0.0.1:%d", *healthProbePort)`,
	}},
}}

// PodController is MetalLB's controller as it is released, for a Pod: there the kubelet
// asks its health probe at the Pod's address.
const PodController = "metallb-pod-controller"

// nodes is what makes nodes, and what runs on them in Pods.
var nodes = []Program{
	kubernetes("kubeadm"),
	kubernetes("kubelet"),
	kubernetes("kube-scheduler"),
	kubernetes("kube-proxy"),
	containerd("containerd"),
	containerd("containerd-shim-runc-v2"),
	containerd("ctr"),
	{Name: "coredns", Module: "coredns", Source: "github.com/coredns/coredns"},
	{Name: PodController, Module: "metallb", Source: "go.universe.tf/metallb/controller"},
	{Name: "metallb-speaker", Module: "metallb", Source: "go.universe.tf/metallb/speaker"},
}

// cilium is Cilium's programs, and Helm, which renders its chart. What an operator does
// for one kind of IPAM is behind a tag.
var cilium = []Program{
	ciliumProgram("cilium-agent", "daemon", ciliumTags),
	ciliumProgram("cilium-operator-generic", "operator", ciliumTags+",ipam_provider_operator"),
	ciliumProgram("cilium-dbg", "cilium-dbg", ciliumTags),
	ciliumProgram("cilium-cni", "plugins/cilium-cni", ciliumTags),
	ciliumProgram("cilium-health-responder", "cilium-health/responder", ciliumTags),
	ciliumProgram("cilium-mount", "tools/mount", ciliumTags),
	ciliumProgram("cilium-sysctlfix", "tools/sysctlfix", ciliumTags),
	{Name: "helm", Module: "helm", Source: "helm.sh/helm/v3/cmd/helm", Flags: helmFlags},
}

func kubernetes(name string) Program {
	return Program{Name: name, Module: "kubernetes", Source: "k8s.io/kubernetes/cmd/" + name, Flags: kubernetesFlags}
}

func containerd(name string) Program {
	return Program{Name: name, Module: "containerd", Source: "github.com/containerd/containerd/v2/cmd/" + name, Flags: containerdFlags}
}

func ciliumProgram(name, source, tags string) Program {
	return Program{Name: name, Module: "cilium", Source: "github.com/cilium/cilium/" + source, Tags: tags, Flags: ciliumFlags}
}
