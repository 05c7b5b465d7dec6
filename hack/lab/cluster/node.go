package cluster

import (
	"context"

	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/host"
	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/network"
	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/store"
)

// containerd is its configuration. Without CAP_SYS_RESOURCE no container may be made
// less likely to be killed than containerd itself.
const containerd = `version = 3
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = "registry.k8s.io/pause:3.10.2"
[plugins.'io.containerd.cri.v1.runtime']
  enable_unprivileged_ports = true
  restrict_oom_score_adj = true
[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ["/opt/cni/bin", "/usr/lib/cni"]
  conf_dir = "/etc/cni/net.d"
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
  SystemdCgroup = false
`

// kubelet starts it when kubeadm has written its configuration, with the flags that
// kubeadm gives it, and again when it ends, as the unit file of the packages does.
// Source: kubernetes release v0.18.0, cmd/krel/templates/latest/kubeadm/10-kubeadm.conf
// and cmd/krel/templates/latest/kubelet/kubelet.service.
const kubelet = `until [ -e /var/lib/kubelet/config.yaml ]; do sleep 0.1; done
while :; do
	. /var/lib/kubelet/kubeadm-flags.env
	kubelet --config=/var/lib/kubelet/config.yaml --bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf $KUBELET_KUBEADM_ARGS
	sleep 1
done
`

// patches is what a node in namespaces needs besides what kubeadm writes. The disk is
// the machine's, whose fill is none of the cluster's business. MetalLB's controller makes
// the certificate of its webhook and then waits for the kubelet to put it into the
// container, which is done when Pods are synchronised. What ends because the API server is
// gone for a moment, as it is when a fault is planted there, is soon started again.
var patches = map[string]string{
	"kubeletconfiguration0+merge.yaml": `failCgroupV1: false
failSwapOn: false
cgroupDriver: cgroupfs
oomScoreAdj: 0
localStorageCapacityIsolation: false
enforceNodeAllocatable: []
syncFrequency: 2s
crashLoopBackOff: {maxContainerRestartPeriod: 1s}
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
evictionHard: {memory.available: 1Mi, nodefs.available: "0%", imagefs.available: "0%", nodefs.inodesFree: "0%"}
`,
	// The image says which etcd it is. What it stores need not outlive the machine.
	"etcd0+json.yaml": `- {op: replace, path: /spec/containers/0/image, value: "registry.k8s.io/etcd:v3.7.3"}
- {op: add, path: /spec/containers/0/command/-, value: --unsafe-no-fsync}
`,
}

const patchFolder = "/etc/kubernetes-patches"

// runtimes starts containerd and the kubelet on all nodes. The images are there: none is
// pulled.
func (cl *Cluster) runtimes(ctx context.Context) error {
	err := each(cl.nodeHosts(), func(name string, _ *host.Host) error {
		return store.Link(ctx, cl.config.Store, host.Folder(cl.config.Dir, name, store.Root))
	})
	if err != nil {
		return err
	}
	for _, n := range network.Nodes() {
		h := cl.hosts[n.Name]
		if err := h.Write(ctx, "/etc/containerd.toml", containerd); err != nil {
			return err
		}
		for name, patch := range patches {
			if err := h.Write(ctx, patchFolder+"/"+name, patch); err != nil {
				return err
			}
		}
		if err := cl.serve(h, "containerd", nil, "containerd", "--config", "/etc/containerd.toml"); err != nil {
			return err
		}
		if err := cl.serve(h, "kubelet", nil, "sh", "-c", kubelet); err != nil {
			return err
		}
	}
	return each(cl.nodeHosts(), func(_ string, h *host.Host) error {
		return eventually(ctx, func() error { _, err := h.Run(ctx, "", "ctr", "version"); return err })
	})
}

func (cl *Cluster) nodeHosts() map[string]*host.Host {
	nodes := map[string]*host.Host{}
	for _, n := range network.Nodes() {
		nodes[n.Name] = cl.hosts[n.Name]
	}
	return nodes
}
