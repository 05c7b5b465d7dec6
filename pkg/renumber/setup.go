package renumber

import (
	"fmt"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// Setup is who gives addresses in a cluster. The zero Setup knows nothing, and every
// step is for a cluster that may have all of them.
type Setup struct {
	Known       bool
	ClusterPool bool // Cilium's operator gives nodes their pod ranges
	NodeIPAM    bool // kube-controller-manager does
	KubeProxy   bool
	MetalLB     bool
	LBIPAM      bool
	Versions    plan.Versions
}

// Kinds is what SetupOf and Addresses look at.
var Kinds = []snapshot.Kind{
	snapshot.Versions, snapshot.Services, snapshot.ControlPlane, snapshot.KubeadmConfig, snapshot.CiliumConfig, snapshot.KubeProxySetup,
	snapshot.MetalLBSetup, snapshot.MetalLBPools, snapshot.LBIPAMPools,
}

// SetupOf is what a snapshot tells of who gives addresses. What it does not tell, it
// may be that it could not be read; then the steps are for all.
func SetupOf(s *snapshot.Snapshot, p *plan.Plan) Setup {
	setup := Setup{Versions: p.Versions}
	setup.Versions.Kubernetes = s.Kubernetes.Or(setup.Versions.Kubernetes)
	setup.Versions.Cilium = s.Cilium.Version.Or(setup.Versions.Cilium)
	setup.Versions.MetalLB = s.MetalLB.Version.Or(setup.Versions.MetalLB)
	setup.ClusterPool = s.Cilium.Present() && s.Cilium.Config.IPAM() == "cluster-pool"
	for _, program := range s.Programs(snapshot.ControllerManager) {
		setup.NodeIPAM = setup.NodeIPAM || program.AllocatesNodeRanges()
	}
	setup.KubeProxy = s.KubeProxy.DaemonSet != (snapshot.Ref{}) && !s.KubeProxy.Idle
	setup.MetalLB = s.MetalLB.Present()
	setup.LBIPAM = len(s.LBIPAMPools) > 0
	setup.Known = setup.ClusterPool || setup.NodeIPAM
	return setup
}

func index(field string, i int) string { return fmt.Sprintf("%s[%d]", field, i) }
