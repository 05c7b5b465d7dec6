package snapshot

import (
	"fmt"
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

	config Kubeadm // of a planned program
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
		return p.config.dialect().apiServerArgs
	}
	return p.config.dialect().controllerArgs
}

// Configuration is what a planned program's configuration is called in a
// sentence: "the kubeadm configuration".
func (p Program) Configuration() string { return p.config.dialect().name }

// Argument is one of the extra arguments of a planned program, as its
// configuration writes it.
func (p Program) Argument(flag, value string) string {
	switch d := p.config.dialect(); {
	case d.words:
		return fmt.Sprintf("%q", flag+"="+value)
	case p.config.list():
		return fmt.Sprintf("{name: %s, value: %q}", flag, value)
	}
	return fmt.Sprintf("%s: %q", flag, value)
}

// Line is what to write where, so that a planned program has the flag with this
// value: the field that the flag comes of, or an extra argument.
func (p Program) Line(flag, value string) string {
	// Of the ranges follows that Nodes get theirs; only an argument says otherwise.
	if field := p.Field(flag); flag != "allocate-node-cidrs" && !strings.HasPrefix(field, p.ExtraArgs()) {
		return p.config.Line(field, value)
	}
	format := "in %s: %s: {%s}"
	if p.config.dialect().words || p.config.list() {
		format = "in %s: %s: [%s]"
	}
	return fmt.Sprintf(format, p.Configuration(), strings.TrimPrefix(p.ExtraArgs(), "."), p.Argument(flag, value))
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

// program is the named program as kubeadm starts it, or k3s, RKE2 or Talos: flags
// made of the ranges, over which the extra arguments go.
// Source: kubernetes v1.37.2, cmd/kubeadm/app/phases/controlplane/manifests.go;
// k3s, pkg/daemons/control/server.go; Talos,
// internal/app/machined/pkg/controllers/k8s/control_plane_static_pod.go.
func (k Kubeadm) program(name string) Program {
	p := Program{Ref: k.Ref, Name: name, Version: k.Kubernetes, Planned: true, Flags: Flags{}, config: k, fields: map[string]string{}}
	d := k.dialect()
	set := func(flag, field, value string) { p.Flags[flag], p.fields[flag] = value, field }

	services := k.ServiceSubnet
	if len(services) == 0 && k.ByKubeadm() {
		services = defaultServiceSubnet
	}
	if len(services) > 0 && (name == APIServer || len(k.PodSubnet) > 0) {
		set("service-cluster-ip-range", d.services, join(services))
	}
	extra := k.APIServerArgs
	if name == APIServer {
		if k.Advertise.IsValid() {
			set("advertise-address", ".localAPIEndpoint.advertiseAddress", k.Advertise.String())
		}
	} else {
		extra = k.ControllerArgs
		if len(k.PodSubnet) > 0 {
			set("allocate-node-cidrs", d.pods, "true")
			set("cluster-cidr", d.pods, join(k.PodSubnet))
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
