package checks

import (
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// Input is all that a check may look at. It notes what is looked at, so that a
// test can hold a check to what it declares.
type Input struct {
	plan *plan.Plan
	snap *snapshot.Snapshot
	read map[snapshot.Kind]bool // what was looked at
	// readPlan is whether Plan was called.
	readPlan bool
}

// NewInput is the input of checks over snap and p, which may be nil.
func NewInput(p *plan.Plan, snap *snapshot.Snapshot) *Input {
	return &Input{plan: p, snap: snap, read: map[snapshot.Kind]bool{}}
}

func (in *Input) facts(k snapshot.Kind) *snapshot.Facts {
	in.read[k] = true
	return &in.snap.Facts
}

// Plan is the address plan; it is nil when there is none.
func (in *Input) Plan() *plan.Plan { in.readPlan = true; return in.plan }

// Known reports whether facts of k are there at all, wholly or in part.
func (in *Input) Known(k snapshot.Kind) bool {
	g, gap := in.Gap(k)
	return !gap || g.Partial
}

// Gap is what is missing of k, if anything.
func (in *Input) Gap(k snapshot.Kind) (snapshot.Gap, bool) {
	in.read[k] = true
	return in.snap.Gap(k)
}

// Live reports whether the snapshot is of a running cluster and not of files.
func (in *Input) Live() bool { return in.snap.Source.Live }

// Nodes is the Nodes.
func (in *Input) Nodes() []snapshot.Node { return in.facts(snapshot.Nodes).Nodes }

// Pods is the Pods; there are none at --depth quick.
func (in *Input) Pods() []snapshot.Pod { return in.facts(snapshot.Pods).Pods }

// Services is the Services.
func (in *Input) Services() []snapshot.Service { return in.facts(snapshot.Services).Services }

// EndpointSlices is the EndpointSlices.
func (in *Input) EndpointSlices() []snapshot.EndpointSlice {
	return in.facts(snapshot.EndpointSlices).EndpointSlices
}

// ServiceCIDRs is the ServiceCIDRs.
func (in *Input) ServiceCIDRs() []snapshot.ServiceCIDR {
	return in.facts(snapshot.ServiceCIDRs).ServiceCIDRs
}

// Kubeadm is the kubeadm configurations: one, unless files have several.
func (in *Input) Kubeadm() []snapshot.Kubeadm { return in.facts(snapshot.KubeadmConfig).Kubeadm }

// ControlPlane is the Pods of the named program.
func (in *Input) ControlPlane(program string) []snapshot.Component {
	var found []snapshot.Component
	for _, c := range in.facts(snapshot.ControlPlane).ControlPlane {
		if c.Program == program {
			found = append(found, c)
		}
	}
	return found
}

// KubeProxy is kube-proxy's set-up.
func (in *Input) KubeProxy() snapshot.KubeProxy { return in.facts(snapshot.KubeProxySetup).KubeProxy }

// Cilium is Cilium's configuration, without its agent Pods; ask Present before
// judging by it.
func (in *Input) Cilium() snapshot.Cilium {
	c := in.facts(snapshot.CiliumConfig).Cilium
	c.Agents = nil
	return c
}

// CiliumVersion is the release that Cilium's configuration is to be judged by:
// the one that runs, or the latest when that is not known.
func (in *Input) CiliumVersion() (v release.Version, known bool) {
	v = in.Cilium().Version
	return v.Or(cilium.Latest), v.Known()
}

// MetalLBVersion is the release that MetalLB is to be judged by: the one that
// runs, or the latest when that is not known.
func (in *Input) MetalLBVersion() (v release.Version, known bool) {
	v = in.MetalLB().Version
	return v.Or(metallb.Latest), v.Known()
}

// CiliumAgents is the agent Pods.
func (in *Input) CiliumAgents() []snapshot.CiliumAgent {
	return in.facts(snapshot.CiliumAgents).Cilium.Agents
}

// CiliumNodes is the CiliumNodes.
func (in *Input) CiliumNodes() []snapshot.CiliumNode {
	return in.facts(snapshot.CiliumNodes).CiliumNodes
}

// LBIPAMPools is the pools of Cilium's LB IPAM.
func (in *Input) LBIPAMPools() []snapshot.LBIPAMPool {
	return in.facts(snapshot.LBIPAMPools).LBIPAMPools
}

// MetalLB is MetalLB's installation, without its pools and advertisements.
func (in *Input) MetalLB() snapshot.MetalLB {
	m := in.facts(snapshot.MetalLBSetup).MetalLB
	m.Pools, m.Ads, m.Peers = nil, nil, nil
	return m
}

// MetalLBPools is MetalLB's pools of both eras.
func (in *Input) MetalLBPools() []snapshot.Pool {
	return in.facts(snapshot.MetalLBPools).MetalLB.Pools
}

// MetalLBAds is MetalLB's advertisements.
func (in *Input) MetalLBAds() []snapshot.Advertisement {
	return in.facts(snapshot.MetalLBAds).MetalLB.Ads
}

// MetalLBPeers is MetalLB's BGP peers.
func (in *Input) MetalLBPeers() []snapshot.BGPPeer {
	return in.facts(snapshot.MetalLBPeers).MetalLB.Peers
}

// Flannel is flannel's configuration.
func (in *Input) Flannel() snapshot.Flannel { return in.facts(snapshot.FlannelConfig).Flannel }

// Machines is what files say of nodes before they are any.
func (in *Input) Machines() []snapshot.Machine { return in.facts(snapshot.MachineSetup).Machines }

// Webhooks is what the API server calls by itself.
func (in *Input) Webhooks() []snapshot.Webhook { return in.facts(snapshot.Webhooks).Webhooks }

// NodeEvents is the Events that say that a Node got no pod range.
func (in *Input) NodeEvents() []snapshot.NodeEvent {
	return in.facts(snapshot.NodeEvents).NodeEvents
}

// CoreDNS is the configuration of the cluster's name server.
func (in *Input) CoreDNS() snapshot.CoreDNS { return in.facts(snapshot.CoreDNSConfig).CoreDNS }

// Kubelet is the configuration that kubeadm gives every kubelet.
func (in *Input) Kubelet() snapshot.Kubelet { return in.facts(snapshot.KubeletConfig).Kubelet }

// PolicyKinds is the kinds that Policies looks at.
var PolicyKinds = []snapshot.Kind{snapshot.NetworkPolicies, snapshot.CiliumPolicies, snapshot.CiliumClusterwidePolicies}

// Policies is the NetworkPolicies of all namespaces, and Cilium's of both kinds.
func (in *Input) Policies() []snapshot.Policy {
	for _, k := range PolicyKinds {
		in.read[k] = true
	}
	return in.snap.AllPolicies
}

// EgressGateways is the CiliumEgressGatewayPolicies.
func (in *Input) EgressGateways() []snapshot.EgressGateway {
	return in.facts(snapshot.EgressGateways).AllEgressGateways
}

// IPMasqAgent is the configuration of Cilium's ip-masq-agent.
func (in *Input) IPMasqAgent() snapshot.IPMasqAgent {
	return in.facts(snapshot.IPMasqAgentConfig).MasqAgent
}

// Entrances is the Ingresses and the Gateways of the Gateway API.
func (in *Input) Entrances() []snapshot.Entrance {
	in.read[snapshot.APIGateways] = true
	return in.facts(snapshot.Ingresses).Entrances
}

// CalicoPools is the pools of Calico.
func (in *Input) CalicoPools() []snapshot.CalicoPool {
	return in.facts(snapshot.CalicoPools).CalicoPools
}

// Templates is what the workloads say of addresses in their command lines and environments.
func (in *Input) Templates() []snapshot.Template { return in.facts(snapshot.Workloads).Templates }

// KubernetesVersion is the release that the cluster is to be judged by: the API
// server's, or the latest when that is not known.
func (in *Input) KubernetesVersion() (v release.Version, known bool) {
	v = in.facts(snapshot.Versions).Kubernetes
	return v.Or(plan.LatestKubernetes), v.Known()
}

// Claims is what every readable component says about the ranges of use. It looks
// at snapshot.ClaimKinds[use].
func (in *Input) Claims(use plan.Use) []snapshot.Claim {
	for _, k := range snapshot.ClaimKinds[use] {
		in.read[k] = true
	}
	return in.snap.Claims(use)
}

// Families is the families that the cluster gives addresses of use in: those of
// the plan, or without one those that any component claims. It looks at what
// Claims looks at.
func (in *Input) Families(use plan.Use) ipfam.Set {
	claims := in.Claims(use)
	if p := in.Plan(); p != nil {
		return p.Want()
	}
	var s ipfam.Set
	for _, c := range claims {
		for _, f := range c.Families().List() {
			s = s.With(f)
		}
	}
	return s
}
