package snapshot

import (
	"net/netip"
	"slices"
	"time"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
)

// Scene is what is around one Pod: what a prediction of its paths is made of. Of the
// Facts it has those few that the paths hang on, read by name where they can be.
type Scene struct {
	Facts
	Source    Workload   // the Pod that is traced
	Peers     []Workload // Pods that are targets, or endpoints of the Service that is
	Endpoints []Endpoint // of the Service that is the target, at the port that is asked for
	Ports     []uint16   // of that Service
	// InternalLocal is its internalTrafficPolicy Local: only endpoints on the Pod's node count.
	InternalLocal bool
	Policies      []Policy // that may select the source or a peer
	Gateways      []EgressGateway
	IPMasq        IPMasqAgent
	Plugin        Plugin
	// Overrides is the CiliumNodeConfigs that Cilium.Config has in it, those of the Pod's
	// node, and Overridden the last time at which one of them was written.
	Overrides  []Ref
	Overridden time.Time
	NodeLabels map[string]string // of the Pod's node
	AllNodes   bool              // whether every node is in CiliumNodes, or in Nodes where there is no Cilium
	Gaps       []Gap             // what could not be read
	// Located is where addresses have been found to be already; it may be nil.
	Located map[netip.Addr]Location `json:"-"`
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
	Ports           []uint16 // that the containers name
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
	Clusterwide bool
	// SubjectNamespaces is what a policy of Cilium asks of the namespace's labels besides.
	SubjectNamespaces *Selector
	// Unjudged is why it is not known which Pods the policy is for; it may be for any of
	// its namespace.
	Unjudged string
	// Refused is why the agents of Cilium take nothing of the policy; it then has no rules here.
	Refused       string
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
	// Unjudged is what of the rule is not known here, such as toServices: it may let through
	// more than Peers say.
	Unjudged string
	// Proviso is what else decides on what Peers and Ports let through, such as HTTP rules.
	Proviso string
}

// PolicyPeer is a range of addresses, or Pods, or an entity of Cilium.
type PolicyPeer struct {
	Field      string       // ".spec.egress[0].to[1]"
	CIDR       netip.Prefix // invalid when the peer is no range
	Except     []netip.Prefix
	Pods       *Selector // of labels of Pods
	Namespaces *Selector // of labels of their namespaces; nil is the policy's own, unless it is clusterwide
	Entity     string    // "world", "world-ipv6", "cluster", "host", "remote-node", "kube-apiserver", "all"
	// Part is what picks some of Entity only, in a way that is not known here: with
	// toFQDNs the peers are some of the world, with toNodes some of the nodes.
	Part string
}

// PolicyPort is a port, or the range to EndPort. Port 0 is all.
type PolicyPort struct {
	Protocol string // "TCP", empty is any; "ICMP" stands for ICMPv6 too
	Port     uint16
	EndPort  uint16
	Name     string // a named port, which only the Pod knows
}

// EgressGateway is a CiliumEgressGatewayPolicy.
type EgressGateway struct {
	Ref
	Refused      string // why the agents take nothing of it; it then has nothing else here
	Subjects     []GatewaySubject
	SourceNodes  []Selector // of the nodes whose Pods it is for; none is all
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
	Name    string // "flannel", "calico"; empty is not known
	Ref     Ref    // what it was known by
	Backend string // of flannel: "vxlan", "host-gw"
	Pools   ipfam.Pair[[]PodPool]
}

// PodPool is a range that Pods have addresses of. Pods of one that masquerades leave with
// the node's address for what is in none of them.
type PodPool struct {
	Prefix      netip.Prefix
	Masquerades bool
	Key         string // what says so: "natOutgoing: true of ippool/default"
}

// Selector is a label selector as kubectl writes it: "app=web,tier in (a,b)". The empty
// one selects everything.
type Selector string

// Gap is what could not be read of a kind, if anything.
func (s *Scene) Gap(kinds ...Kind) (Gap, bool) {
	for _, g := range s.Gaps {
		if slices.Contains(kinds, g.Kind) {
			return g, true
		}
	}
	return Gap{}, false
}

// NodeOf is the Node of that name, and its CiliumNode; either may be missing.
func (s *Scene) NodeOf(name string) (node *Node, ciliumNode *CiliumNode) {
	return named(s.Nodes, name, func(n *Node) string { return n.Name }),
		named(s.CiliumNodes, name, func(n *CiliumNode) string { return n.Name })
}

// named looks in a list that is in the order of names, as it is in a scene that was read,
// or in any order, as one may be that was made by hand.
func named[T any](list []T, name string, of func(*T) string) *T {
	i, j := 0, len(list)
	for i < j {
		if middle := (i + j) / 2; of(&list[middle]) < name {
			i = middle + 1
		} else {
			j = middle
		}
	}
	if i < len(list) && of(&list[i]) == name {
		return &list[i]
	}
	for i := range list {
		if of(&list[i]) == name {
			return &list[i]
		}
	}
	return nil
}

// Of is the first address of the family among as, or the zero one.
func Of(as []netip.Addr, f ipfam.Family) netip.Addr {
	for _, a := range as {
		if ipfam.Of(a) == f {
			return a
		}
	}
	return netip.Addr{}
}
