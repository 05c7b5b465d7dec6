package snapshot

// Kind is a group of facts that is read, known or missing as a whole. It is what
// a check declares that it needs.
type Kind string

// The kinds of facts.
const (
	Nodes          Kind = "nodes"
	Pods           Kind = "pods"
	Services       Kind = "services"
	EndpointSlices Kind = "endpointslices"
	ServiceCIDRs   Kind = "servicecidrs"
	KubeadmConfig  Kind = "kubeadm-config"
	ControlPlane   Kind = "control-plane"
	KubeProxySetup Kind = "kube-proxy"
	CiliumConfig   Kind = "cilium-config"
	CiliumAgents   Kind = "cilium-agents"
	CiliumNodes    Kind = "ciliumnodes"
	LBIPAMPools    Kind = "ciliumloadbalancerippools"
	MetalLBSetup   Kind = "metallb"
	MetalLBPools   Kind = "metallb-pools"
	MetalLBAds     Kind = "metallb-advertisements"
	MetalLBPeers   Kind = "metallb-peers"
	FlannelConfig  Kind = "flannel"
	MachineSetup   Kind = "machines"
	Webhooks       Kind = "webhooks"
	NodeEvents     Kind = "node-events"
	Versions       Kind = "version"
	CoreDNSConfig  Kind = "coredns"
	KubeletConfig  Kind = "kubelet-config"
	Workloads      Kind = "workloads"
	Ingresses      Kind = "ingresses"
	APIGateways    Kind = "gateways"
	CalicoPools    Kind = "ippools"

	NetworkPolicies           Kind = "networkpolicies"
	CiliumPolicies            Kind = "ciliumnetworkpolicies"
	CiliumClusterwidePolicies Kind = "ciliumclusterwidenetworkpolicies"
	EgressGateways            Kind = "ciliumegressgatewaypolicies"
	IPMasqAgentConfig         Kind = "ip-masq-agent"
)

// AllKinds is every kind, in the order in which they are printed.
var AllKinds = []Kind{
	Versions, Nodes, Pods, Services, EndpointSlices, ServiceCIDRs, KubeadmConfig, ControlPlane, KubeProxySetup,
	CiliumConfig, CiliumAgents, CiliumNodes, LBIPAMPools, MetalLBSetup, MetalLBPools, MetalLBAds, MetalLBPeers, FlannelConfig,
	MachineSetup, Webhooks, NodeEvents,
	CoreDNSConfig, KubeletConfig, NetworkPolicies, CiliumPolicies, CiliumClusterwidePolicies, EgressGateways, IPMasqAgentConfig,
	Ingresses, APIGateways, CalicoPools, Workloads,
}

// Right is a permission of the Kubernetes API that reading a kind takes.
type Right struct {
	Group     string
	Resource  string
	Verb      string
	Namespace string   // empty is all namespaces
	Names     []string // empty is all names
}

// Rights is the permissions that reading k takes, all of them read-only. The
// namespaces are the usual ones; an installation elsewhere takes the same rights
// there.
func (k Kind) Rights() []Right { return rights[k] }

var rights = map[Kind][]Right{
	Nodes:          {{Resource: "nodes", Verb: "list"}},
	Pods:           {{Resource: "pods", Verb: "list"}},
	Services:       {{Resource: "services", Verb: "list"}},
	EndpointSlices: {{Group: "discovery.k8s.io", Resource: "endpointslices", Verb: "list"}},
	ServiceCIDRs:   {{Group: "networking.k8s.io", Resource: "servicecidrs", Verb: "list"}},
	KubeadmConfig:  {{Resource: "configmaps", Verb: "get", Namespace: "kube-system", Names: []string{"kubeadm-config"}}},
	ControlPlane:   {{Resource: "pods", Verb: "list", Namespace: "kube-system"}},
	KubeProxySetup: {
		{Resource: "configmaps", Verb: "get", Namespace: "kube-system", Names: []string{"kube-proxy"}},
		{Group: "apps", Resource: "daemonsets", Verb: "list"},
	},
	CiliumConfig: {
		{Group: "apps", Resource: "daemonsets", Verb: "list"},
		{Resource: "configmaps", Verb: "get", Namespace: "kube-system", Names: []string{"cilium-config"}},
		{Group: "cilium.io", Resource: "ciliumnodeconfigs", Verb: "list"},
	},
	CiliumAgents: {
		{Group: "apps", Resource: "daemonsets", Verb: "list"},
		{Resource: "pods", Verb: "list", Namespace: "kube-system"},
	},
	CiliumNodes: {{Group: "cilium.io", Resource: "ciliumnodes", Verb: "list"}},
	LBIPAMPools: {{Group: "cilium.io", Resource: "ciliumloadbalancerippools", Verb: "list"}},
	MetalLBSetup: {
		{Group: "apps", Resource: "deployments", Verb: "list"},
		{Resource: "configmaps", Verb: "get", Namespace: "metallb-system"},
		{Group: "metallb.io", Resource: "ipaddresspools", Verb: "list"},
		{Group: "metallb.io", Resource: "addresspools", Verb: "list"},
	},
	MetalLBPools: {
		{Group: "metallb.io", Resource: "ipaddresspools", Verb: "list"},
		{Group: "metallb.io", Resource: "addresspools", Verb: "list"}, // of 0.13
		{Group: "apps", Resource: "deployments", Verb: "list"},        // --config names the ConfigMap of before 0.13
		{Resource: "configmaps", Verb: "get", Namespace: "metallb-system"},
	},
	MetalLBAds: {
		{Group: "metallb.io", Resource: "l2advertisements", Verb: "list"},
		{Group: "metallb.io", Resource: "bgpadvertisements", Verb: "list"},
	},
	MetalLBPeers: {{Group: "metallb.io", Resource: "bgppeers", Verb: "list"}},
	FlannelConfig: {
		{Resource: "configmaps", Verb: "get", Namespace: "kube-flannel", Names: []string{flannelName}},
		{Resource: "configmaps", Verb: "get", Namespace: "kube-system", Names: []string{flannelName}},
	},
	Webhooks: {
		{Group: "admissionregistration.k8s.io", Resource: "mutatingwebhookconfigurations", Verb: "list"},
		{Group: "admissionregistration.k8s.io", Resource: "validatingwebhookconfigurations", Verb: "list"},
		{Group: "apiregistration.k8s.io", Resource: "apiservices", Verb: "list"},
	},
	NodeEvents:                {{Resource: "events", Verb: "list"}},
	CoreDNSConfig:             {{Resource: "configmaps", Verb: "get", Namespace: "kube-system", Names: coreDNSNames}},
	KubeletConfig:             {{Resource: "configmaps", Verb: "get", Namespace: "kube-system", Names: []string{kubeletConfigName}}},
	NetworkPolicies:           {{Group: "networking.k8s.io", Resource: "networkpolicies", Verb: "list"}},
	CiliumPolicies:            {{Group: "cilium.io", Resource: "ciliumnetworkpolicies", Verb: "list"}},
	CiliumClusterwidePolicies: {{Group: "cilium.io", Resource: "ciliumclusterwidenetworkpolicies", Verb: "list"}},
	EgressGateways:            {{Group: "cilium.io", Resource: "ciliumegressgatewaypolicies", Verb: "list"}},
	IPMasqAgentConfig: {
		{Group: "apps", Resource: "daemonsets", Verb: "list"}, // where Cilium is, whose configuration says whether there is one
		{Resource: "configmaps", Verb: "get", Namespace: "kube-system", Names: []string{"cilium-config"}},
		{Resource: "configmaps", Verb: "get", Namespace: "kube-system", Names: []string{ipMasqAgentName}},
	},
	Ingresses:   {{Group: "networking.k8s.io", Resource: "ingresses", Verb: "list"}},
	APIGateways: {{Group: "gateway.networking.k8s.io", Resource: "gateways", Verb: "list"}},
	CalicoPools: {{Group: "crd.projectcalico.org", Resource: "ippools", Verb: "list"}},
	Workloads:   {{Resource: "pods", Verb: "list"}},
}
