package snapshot

import (
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
)

// At is the snapshot as it would be if these releases ran: all of Kubernetes'
// programs at one, kubelets and kube-proxy too. What they are told and what objects
// there are stays; an unknown release changes nothing. The snapshot itself stays as
// it is.
func (s *Snapshot) At(v plan.Versions) *Snapshot {
	at := *s
	if v.Kubernetes.Known() {
		at.Kubernetes = v.Kubernetes
		at.Nodes, at.ControlPlane, at.Kubeadm = slices.Clone(s.Nodes), slices.Clone(s.ControlPlane), slices.Clone(s.Kubeadm)
		for i := range at.Nodes {
			at.Nodes[i].Kubelet = v.Kubernetes
		}
		for i := range at.ControlPlane {
			at.ControlPlane[i].Version = v.Kubernetes
		}
		for i := range at.Kubeadm {
			at.Kubeadm[i].Kubernetes = v.Kubernetes
		}
		at.KubeProxy.Version = v.Kubernetes
	}
	if v.Cilium.Known() && s.Cilium.Present() {
		at.Cilium.Version = v.Cilium
		if s.Cilium.Values.Version.Known() {
			at.Cilium.Values.Version = v.Cilium
		}
	}
	if v.MetalLB.Known() && s.MetalLB.Present() {
		at.MetalLB.Version = v.MetalLB
	}
	return &at
}
