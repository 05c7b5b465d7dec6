package snapshot

import (
	"net/netip"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
)

// Scene is what is around one Pod: what a prediction of its paths is made of. Of the
// Facts it has those few that the paths hang on, read by name where they can be.
type Scene struct {
	Facts
	Source    Workload   // the Pod that is traced
	Peers     []Workload // Pods that are targets, or endpoints of the Service that is
	Endpoints []Endpoint // of the Service that is the target
	Policies  []Policy   // that may select the source or a peer
	Gateways  []EgressGateway
	IPMasq    IPMasqAgent
	Plugin    Plugin
	Gaps      []Gap // what could not be read
}

// Workload is a Pod as policies and probes see it.
type Workload struct {
	Pod
	Labels          map[string]string
	NamespaceLabels map[string]string // with kubernetes.io/metadata.name
	ServiceAccount  string
	Phase           string
	Containers      []string
	Images          []string // of the containers
	DNSPolicy       string
}

// Endpoint is one endpoint of a Service.
type Endpoint struct {
	Family  ipfam.Family
	Address netip.Addr
	Port    uint16
	Node    string
	Pod     Ref // zero when the endpoint is no Pod
	Ready   bool
}

// Policy is a NetworkPolicy, a CiliumNetworkPolicy or one for all of the cluster, as far
// as it is about addresses and ports. Egress and Ingress say whether it isolates in that
// direction.
type Policy struct {
	Ref
	Subject Selector // the Pods that it is for
	// Namespace that the Pods must be in is the policy's, but for the clusterwide ones.
	Clusterwide   bool
	Egress        bool
	Ingress       bool
	EgressRules   []PolicyRule
	IngressRules  []PolicyRule
	EgressDenies  []PolicyRule // of Cilium
	IngressDenies []PolicyRule
}

// PolicyRule lets through, or denies, what goes to or comes from one of Peers at one of
// Ports.
type PolicyRule struct {
	Field string       // ".spec.egress[0]"
	Any   bool         // no peer is named: everybody
	Peers []PolicyPeer // with Any false and none of these, nobody
	Ports []PolicyPort // none is all
	// Unjudged is what of the rule is not known here, such as toFQDNs: it may let through
	// more than Peers say.
	Unjudged string
}

// PolicyPeer is a range of addresses, or Pods, or an entity of Cilium.
type PolicyPeer struct {
	CIDR       netip.Prefix // invalid when the peer is no range
	Except     []netip.Prefix
	Pods       *Selector // of labels of Pods
	Namespaces *Selector // of labels of their namespaces; nil is the policy's own, unless it is clusterwide
	Entity     string    // "world", "world-ipv6", "cluster", "host", "remote-node", "kube-apiserver", "all"
}

// PolicyPort is a port, or the range to EndPort. Port 0 is all.
type PolicyPort struct {
	Protocol string // "TCP", empty is any
	Port     uint16
	EndPort  uint16
	Name     string // a named port, which only the Pod knows
}

// EgressGateway is a CiliumEgressGatewayPolicy.
type EgressGateway struct {
	Ref
	Subjects     []GatewaySubject
	Destinations []netip.Prefix
	Excluded     []netip.Prefix
	Gateways     []Gateway
}

// GatewaySubject is Pods that a gateway is for.
type GatewaySubject struct {
	Pods       *Selector
	Namespaces *Selector
}

// Gateway is the nodes that Pods leave by, and the address that they leave with.
type Gateway struct {
	Nodes      Selector
	Interface  string
	EgressIP   netip.Addr
	Candidates []string // names of the nodes that Nodes selects, in order; read with the policy
}

// IPMasqAgent is the configuration of Cilium's ip-masq-agent.
type IPMasqAgent struct {
	ConfigMap     Ref // zero when there is none: the built-in list holds
	NonMasquerade []netip.Prefix
	LinkLocal     ipfam.Pair[bool] // whether link-local destinations are masqueraded
}

// Plugin is a network plugin other than Cilium, as far as the API shows it.
type Plugin struct {
	Name       string            // "flannel", "calico"; empty is not known
	Ref        Ref               // what it was known by
	Masquerade ipfam.Pair[*bool] // whether Pods leave with the node's address; nil is not known
	Backend    string            // "vxlan", "host-gw"
	Pools      ipfam.Pair[netip.Prefix]
	Key        string // what decided Masquerade: "net-conf.json EnableIPv6", "natOutgoing"
}

// Selector is a label selector as kubectl writes it: "app=web,tier in (a,b)". The empty
// one selects everything.
type Selector string
