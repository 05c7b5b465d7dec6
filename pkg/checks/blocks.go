package checks

import (
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// BlockUse is whether anything gives Pods addresses, or decides about their
// packets, by the pod ranges that kube-controller-manager gives to Nodes
// (.spec.podCIDRs).
type BlockUse uint8

// The uses, from the least to the most.
const (
	BlocksIgnored BlockUse = iota // Cilium has its own ranges and nothing else reads these
	BlocksUnclear                 // the CNI is not known, or packets are routed by something that is not
	BlocksRead                    // what they say is what Pods get
)

// BlockKinds is the kinds that BlockUse looks at.
var BlockKinds = []snapshot.Kind{snapshot.CiliumConfig, snapshot.KubeProxySetup}

// BlockUse is whether the pod ranges of Nodes matter in this cluster. Cilium's
// agents read them in the IPAM mode kubernetes only (cilium v1.20.2,
// pkg/node/sync/local_node_sync_wait.go), kube-proxy when it detects local
// traffic by them (kubernetes v1.37.2, cmd/kube-proxy/app/server_linux.go
// getLocalDetectors).
func (in *Input) BlockUse() BlockUse {
	c, proxy := in.Cilium(), in.KubeProxy()
	v, _ := in.CiliumVersion()
	switch {
	case !c.Present() || c.Config.IPAM() == "delegated-plugin":
		return BlocksUnclear
	case c.Config.IPAM() == "kubernetes":
		return BlocksRead
	case proxy.DetectLocal == "NodeCIDR" && !c.Config.ReplacesKubeProxy():
		return BlocksRead
	case c.Config.Native(v) && !c.Config.Bool("auto-direct-node-routes", false) && !c.Config.Bool("enable-bgp-control-plane", false):
		return BlocksUnclear // whoever routes may route by them
	}
	return BlocksIgnored
}

// Severity is how much a fault in the pod range of a Node matters: worst where
// the ranges are read, an info where they are ignored.
func (u BlockUse) Severity(worst severity.Severity) severity.Severity {
	switch u {
	case BlocksIgnored:
		return severity.Info
	case BlocksUnclear:
		return min(worst, severity.Warning)
	}
	return worst
}
