package snapshot

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// Program is kube-apiserver or kube-controller-manager with its flags: as a Pod
// runs it or, of a cluster that shows no such Pod, as kubeadm starts it.
type Program struct {
	Ref
	Name    string // APIServer or ControllerManager
	Node    string // of a Pod
	Version release.Version
	Flags   Flags
	// Planned is whether the flags are those that kubeadm makes of its
	// configuration, and no Pod is known.
	Planned bool
	// List is whether the extra arguments of that configuration are a list.
	List bool

	fields map[string]string
}

// Field is where the flag is set: "--cluster-cidr" of a Pod, or the field of the
// kubeadm configuration that the flag comes of.
func (p Program) Field(flag string) string {
	if field, ok := p.fields[flag]; ok {
		return field
	}
	if p.Planned {
		return p.ExtraArgs()
	}
	return "--" + flag
}

// ExtraArgs is the field of the kubeadm configuration that holds the program's
// extra arguments.
func (p Program) ExtraArgs() string {
	if p.Name == APIServer {
		return ".apiServer.extraArgs"
	}
	return ".controllerManager.extraArgs"
}

// AllocatesNodeRanges reports whether a kube-controller-manager gives Nodes their
// pod ranges. Without the flag it does not, and does not read the flags of the
// ranges either: kubernetes v1.37.2, cmd/kube-controller-manager/app/core.go
// newNodeIpamController.
func (p Program) AllocatesNodeRanges() bool {
	allocates, err := strconv.ParseBool(p.Flags["allocate-node-cidrs"])
	return err == nil && allocates
}

// Programs is every Pod of the named program or, without any, the program that
// each kubeadm configuration makes.
func (f *Facts) Programs(name string) []Program {
	var programs []Program
	for _, c := range f.ControlPlane {
		if c.Program == name {
			programs = append(programs, Program{Ref: c.Ref, Name: name, Node: c.Node, Version: c.Version, Flags: c.Flags})
		}
	}
	if len(programs) > 0 {
		return programs
	}
	for _, k := range f.Kubeadm {
		programs = append(programs, k.program(name))
	}
	return programs
}

// defaultServiceSubnet is what kubeadm takes for a serviceSubnet that is not
// given. Source: kubernetes v1.37.2, cmd/kubeadm/app/apis/kubeadm/v1beta4/defaults.go.
var defaultServiceSubnet = []netip.Prefix{netip.MustParsePrefix("10.96.0.0/12")}

// program is the named program as kubeadm starts it: flags made of the networking
// section, over which the extra arguments go.
// Source: kubernetes v1.37.2, cmd/kubeadm/app/phases/controlplane/manifests.go.
func (k Kubeadm) program(name string) Program {
	p := Program{Ref: k.Ref, Name: name, Version: k.Kubernetes, Planned: true, List: k.APIVersion != "kubeadm.k8s.io/v1beta3",
		Flags: Flags{}, fields: map[string]string{}}
	set := func(flag, field, value string) { p.Flags[flag], p.fields[flag] = value, field }

	services := k.ServiceSubnet
	if len(services) == 0 {
		services = defaultServiceSubnet
	}
	extra := k.APIServerArgs
	if name == APIServer {
		set("service-cluster-ip-range", ".networking.serviceSubnet", join(services))
		if k.Advertise.IsValid() {
			set("advertise-address", ".localAPIEndpoint.advertiseAddress", k.Advertise.String())
		}
	} else {
		extra = k.ControllerArgs
		if len(k.PodSubnet) > 0 {
			set("allocate-node-cidrs", ".networking.podSubnet", "true")
			set("cluster-cidr", ".networking.podSubnet", join(k.PodSubnet))
			set("service-cluster-ip-range", ".networking.serviceSubnet", join(services))
		}
	}
	for flag, value := range extra {
		set(flag, p.ExtraArgs()+"."+flag, value)
	}
	return p
}

func join(ps []netip.Prefix) string {
	texts := make([]string, len(ps))
	for i, p := range ps {
		texts[i] = p.String()
	}
	return strings.Join(texts, ",")
}
