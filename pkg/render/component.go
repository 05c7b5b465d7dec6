package render

import (
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// Component is a program whose releases differ in what they are told.
type Component string

// The components, by the names of their fields in spec.versions.
const (
	Kubernetes Component = "kubernetes"
)

// Components is every component.
var Components = []Component{Kubernetes, Component(Cilium), Component(MetalLB)}

// Component is whose releases the files for a target differ by; empty for a target
// whose files are always the same.
func (t Target) Component() Component {
	switch t {
	case Kubeadm, Kind, K3s, RKE2, Talos:
		return Kubernetes
	case Cilium, CiliumConfig, LBIPAM:
		return Component(Cilium)
	case MetalLB:
		return Component(MetalLB)
	}
	return ""
}

// At is where versions keep the release of a component, to set it; nil for none of
// Components.
func At(versions *plan.Versions, c Component) *release.Version {
	switch c {
	case Kubernetes:
		return &versions.Kubernetes
	case Component(Cilium):
		return &versions.Cilium
	case Component(MetalLB):
		return &versions.MetalLB
	}
	return nil
}
