package snapshot

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// Ref names an object. Kind is the API's kind ("Service"); for a document that
// is no API object it is the kind of the document ("ClusterConfiguration",
// "HelmValues").
type Ref struct {
	Kind, Namespace, Name string
}

// String is KIND/NAMESPACE/NAME with the kind in lower case, without what is
// empty: "service/shop/web", "node/k8s-node-1".
func (r Ref) String() string {
	parts := []string{strings.ToLower(r.Kind)}
	for _, s := range []string{r.Namespace, r.Name} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, "/")
}

// Facts is what is known about a cluster. Every list is sorted by namespace and
// name; two sources of the same objects give equal Facts.
type Facts struct {
	Kubernetes     release.Version // of the API server
	Nodes          []Node
	Pods           []Pod
	Services       []Service
	EndpointSlices []EndpointSlice
	ServiceCIDRs   []ServiceCIDR
	Kubeadm        []Kubeadm   // the kubeadm-config ConfigMap, or configuration files, those of k3s, RKE2 and Talos too
	ControlPlane   []Component // kube-apiserver and kube-controller-manager, one for each Pod
	KubeProxy      KubeProxy
	Cilium         Cilium
	CiliumNodes    []CiliumNode
	LBIPAMPools    []LBIPAMPool
	MetalLB        MetalLB
	Flannel        Flannel
	Machines       []Machine // of files only
	Webhooks       []Webhook
	NodeEvents     []NodeEvent
	Suppressions   []Annotated
	CoreDNS        CoreDNS
	Kubelet        Kubelet
	// AllPolicies is the policies of every namespace. Those of Cilium that have several
	// specs are there once for each, with the same Ref.
	AllPolicies       []Policy
	AllEgressGateways []EgressGateway
	MasqAgent         IPMasqAgent // of Cilium, where it is on
	Entrances         []Entrance
	CalicoPools       []CalicoPool
	Templates         []Template
}

// Node is a Node's addresses and pod ranges.
type Node struct {
	Ref
	InternalIPs  []netip.Addr // in the order of .status.addresses
	ExternalIPs  []netip.Addr
	PodCIDRs     []netip.Prefix // in the order of .spec.podCIDRs, which is the order of --cluster-cidr
	ProvidedIPs  []netip.Addr   // annotation alpha.kubernetes.io/provided-node-ip
	Kubelet      release.Version
	ProviderID   string
	ControlPlane bool // has the label node-role.kubernetes.io/control-plane
	// PluginIPs is the addresses by which a network plugin knows the node.
	PluginIPs []PluginIP
	// ExcludedFromLB is the label node.kubernetes.io/exclude-from-external-load-balancers.
	ExcludedFromLB bool
	K3sServer      Flags // of flannel and its ranges, of a k3s server; nil on all other nodes
}

// PluginIP is an address of a node that flannel or Calico wrote on the Node, in the
// annotation of that name.
type PluginIP struct {
	Plugin     string // Flannel or Calico, as they write themselves
	Annotation string
	Addr       netip.Addr
	// Overwritten is whether somebody told the plugin to take another address.
	Overwritten bool
}

// HostIPs is the addresses that Kubernetes takes for the node: the first usable
// one, InternalIP before ExternalIP, and the first of the other family.
// Source: kubernetes v1.37.2, pkg/util/node/node.go GetNodeHostIPs.
func (n Node) HostIPs() []netip.Addr {
	var ips []netip.Addr
	for _, list := range [][]netip.Addr{n.InternalIPs, n.ExternalIPs} {
		for _, a := range list {
			switch {
			case len(ips) == 0:
				ips = append(ips, a)
			case len(ips) == 1 && ipfam.Of(a) != ipfam.Of(ips[0]):
				ips = append(ips, a)
			}
		}
	}
	return ips
}

// Pod is a Pod's addresses.
type Pod struct {
	Ref
	Node        string
	IPs         []netip.Addr // .status.podIPs
	HostNetwork bool
	Running     bool
	Created     time.Time
	Owner       Ref // its controller; zero when it has none
}

// Service is a Service's families and addresses.
type Service struct {
	Ref
	Type         string // ClusterIP, NodePort, LoadBalancer or ExternalName
	Policy       string // SingleStack, PreferDualStack, RequireDualStack, or empty in a manifest that leaves it out
	Families     []ipfam.Family
	ClusterIPs   []netip.Addr
	Headless     bool // clusterIP None
	Selector     map[string]string
	Ports        []Port            // of a LoadBalancer only
	Labels       map[string]string // of a LoadBalancer only
	Class        string            // .spec.loadBalancerClass
	RequestedIP  string            // .spec.loadBalancerIP
	SourceRanges []netip.Prefix
	LocalTraffic bool // externalTrafficPolicy Local
	ExternalIPs  []netip.Addr
	Ingress      []netip.Addr // .status.loadBalancer.ingress, addresses only
	Hostnames    []string     // .status.loadBalancer.ingress, names only
	Annotations  map[string]string
	// Live is whether the object came with a status or with allocated addresses,
	// as the API server gives it, and not as a manifest to be applied.
	Live bool
}

// WantsDual reports whether the Service asks for both families.
func (s Service) WantsDual() bool {
	return s.Policy == "PreferDualStack" || s.Policy == "RequireDualStack"
}

// Port is a port of a Service.
type Port = metallb.Port

// EndpointSlice is how many endpoints of one family a slice has. A slice with
// none is a placeholder: that it exists says nothing.
type EndpointSlice struct {
	Ref
	Service string // in the slice's namespace; label kubernetes.io/service-name
	Family  ipfam.Family
	Ready   int
	Total   int
	Nodes   []string // of ready endpoints, a few, each once
	Managed string   // label endpointslice.kubernetes.io/managed-by
}

// ServiceCIDR is a ServiceCIDR object.
type ServiceCIDR struct {
	Ref
	CIDRs []netip.Prefix
	Ready bool
	// Unready is why it is not ready: the reason of a Ready condition that is
	// False. An object that no controller has looked at yet has none.
	Unready string
}

// Kubeadm is a ClusterConfiguration: what was meant when the cluster was made.
// The configurations of k3s, RKE2 and Talos say the same in other words; which it
// is, the Kind of its Ref tells.
type Kubeadm struct {
	Ref
	APIVersion     string // "kubeadm.k8s.io/v1beta4"
	Kubernetes     release.Version
	PodSubnet      []netip.Prefix
	ServiceSubnet  []netip.Prefix
	Advertise      netip.Addr // of an InitConfiguration in the same file, if any
	APIServerArgs  Flags
	ControllerArgs Flags
	// ControlPlane is controlPlaneEndpoint: where clients find the API servers.
	ControlPlane string
	// CertSANs is the names and addresses that the API server's certificate is to have besides.
	CertSANs []string
	// EtcdEndpoints is where etcd is that kubeadm does not run, EtcdArgs the extra
	// arguments of one that it runs.
	EtcdEndpoints []string
	EtcdArgs      Flags
	// NoKubeProxy is whether the configuration leaves kube-proxy out; v1beta4 can say so.
	NoKubeProxy bool
}

// Flags is command-line flags by name, without dashes. Of a flag that is given
// twice the last one counts, as for the programs.
type Flags map[string]string

// Component is a running kube-apiserver or kube-controller-manager.
type Component struct {
	Ref     // the Pod
	Program string
	Node    string
	Version release.Version
	Flags   Flags
}

// The programs of a Component.
const (
	APIServer         = "kube-apiserver"
	ControllerManager = "kube-controller-manager"
)

// KubeProxy is how kube-proxy is set up, if it is there.
type KubeProxy struct {
	DaemonSet         Ref  // zero when there is none
	Idle              bool // the DaemonSet's status says that it is to run on no node
	ConfigMap         Ref  // zero when there is none
	Mode              string
	ClusterCIDR       []netip.Prefix
	DetectLocal       string
	MasqueradeAll     bool
	StrictARP         bool // of the mode ipvs
	NodePortAddresses []netip.Prefix
	Version           release.Version
}

// Cilium is an installation of Cilium, or what its files say of one to be made.
type Cilium struct {
	// Config is the effective agent configuration: the ConfigMap when there is
	// one, otherwise what the Helm values render to.
	Config cilium.Config
	// ConfigRef is the ConfigMap, or the Helm values when there is no ConfigMap.
	ConfigRef Ref
	// ByHand is the keys of the ConfigMap that something other than its installer
	// wrote, as .metadata.managedFields tells; nil when that cannot be told.
	ByHand []string
	// Changed is when the ConfigMap's data was last written; zero when unknown.
	Changed time.Time
	Values  CiliumValues
	// NodeConfigs is the CiliumNodeConfigs, which override the ConfigMap on some nodes.
	NodeConfigs []Ref
	DaemonSet   Ref // zero when there is none
	Version     release.Version
	Agents      []CiliumAgent
	APIHost     string // env KUBERNETES_SERVICE_HOST of the agent
	Namespace   string
}

// Present reports whether anything of Cilium is known at all.
func (c Cilium) Present() bool { return c.ConfigRef != Ref{} || c.DaemonSet != Ref{} }

// CiliumValues is Helm values of the Cilium chart and the configuration that
// they render to.
type CiliumValues struct {
	Ref      Ref    // HelmValues, or the object that installs the chart; zero when there are none
	In       string // where in it the values stand: ".spec.values" of a HelmRelease, empty of plain values
	Rendered cilium.Config
	Given    cilium.Config     // the part of Rendered that the values name; the rest is the chart's defaults
	Fields   map[string]string // configuration key to Helm value: "enable-ipv6" to ".ipv6.enabled"
	Version  release.Version   // of the chart; unknown unless the file says
}

// Installed reports whether the values are those of an object that something
// installs the chart by, such as a HelmRelease, and not a file for Helm.
func (v CiliumValues) Installed() bool { return v.Ref != (Ref{}) && v.Ref.Kind != helmValuesKind }

// Field is the value that key comes of, or is to be written to.
func (v CiliumValues) Field(key string) string {
	if field := v.Fields[key]; field != "" {
		return field
	}
	return v.In + "." + cilium.Value(key)
}

// CiliumAgent is one agent Pod.
type CiliumAgent struct {
	Ref
	Node    string
	Started time.Time
}

// CiliumNode is a CiliumNode: the pod ranges that Cilium uses on a node.
type CiliumNode struct {
	Ref
	PodCIDRs  []netip.Prefix
	PoolCIDRs []netip.Prefix // .spec.ipam.pools.allocated, which has them in the mode multi-pool
	Internal  []netip.Addr   // type InternalIP
	External  []netip.Addr   // type ExternalIP
	Router    []netip.Addr   // type CiliumInternalIP: the addresses of cilium_host
	PoolError string         // .status.ipam.operator-status.error
}

// LBIPAMPool is a CiliumLoadBalancerIPPool.
type LBIPAMPool struct {
	Ref
	Ranges   []Addresses
	CIDRs    int // how many of Ranges, from the first on, stand in .spec.cidrs and not in .spec.blocks
	Disabled bool
	Selector bool // has a serviceSelector
}

// Field is where the i-th of the pool's ranges stands.
func (p LBIPAMPool) Field(i int) string {
	if i < p.CIDRs {
		return fmt.Sprintf(".spec.cidrs[%d]", i)
	}
	return fmt.Sprintf(".spec.blocks[%d]", i-p.CIDRs)
}

// ListField is where the pool's ranges stand: .spec.blocks, unless all are in .spec.cidrs.
func (p LBIPAMPool) ListField() string {
	if p.CIDRs > 0 && p.CIDRs == len(p.Ranges) {
		return ".spec.cidrs"
	}
	return ".spec.blocks"
}

// MetalLB is an installation of MetalLB, or what its files say of one to be made.
type MetalLB struct {
	Controller Ref // its Deployment; zero when there is none
	Namespace  string
	Version    release.Version
	Class      string // --lb-class
	CRDs       bool   // the cluster serves metallb.io, or files have its objects
	ConfigRef  Ref    // the ConfigMap or Helm values of the era before 0.13; zero when there are none
	// ConfigField is where the pools stand in ConfigRef.
	ConfigField string
	Pools       []Pool
	Ads         []Advertisement
	Peers       []BGPPeer
}

// Present reports whether anything of MetalLB is known at all.
func (m MetalLB) Present() bool {
	return m.Controller != Ref{} || m.ConfigRef != Ref{} || len(m.Pools) > 0
}

// Pool is a pool of MetalLB: an IPAddressPool, an AddressPool of 0.13, or an entry
// of address-pools in the ConfigMap, whose Ref then has the Kind address-pool.
type Pool struct {
	Ref
	metallb.Pool `json:"Pool"` // has a name too: side by side in JSON neither would be there
	ConfigMapEra bool
}

// AddressPool is the kind of the custom resource that MetalLB 0.13 reads beside
// IPAddressPool, and configMapPool that of a pool which is none.
const (
	AddressPool   = "AddressPool"
	configMapPool = "address-pool"
)

// AnnouncesItself reports whether the pool's protocol says how it is announced,
// and no advertisement is about it.
// Source: metallb v0.13.12, internal/config/config.go poolsFor, addressPoolFromLegacyCR.
func (p Pool) AnnouncesItself() bool { return p.ConfigMapEra || p.Kind == AddressPool }

// Field is where the pool's entries stand in it.
func (p Pool) Field() string {
	if p.ConfigMapEra {
		return ".addresses"
	}
	return ".spec.addresses"
}

// Addresses is one entry of a list of ranges, where it stands.
type Addresses = metallb.Addresses

// Advertisement is an L2Advertisement or BGPAdvertisement.
type Advertisement struct {
	Ref
	BGP           bool
	Pools         []string // by name
	PoolSelectors bool     // has ipAddressPoolSelectors, which are not evaluated
	NodeSelectors bool
	// Aggregation is how long the prefixes are that a BGPAdvertisement announces.
	Aggregation ipfam.Pair[int]
	// Peers is the BGPPeers that it is for, by name; empty is all.
	Peers []string
	// ServiceSelectors is label selectors as kubectl writes them. With any, the
	// advertisement is only about the Services that one of them selects.
	ServiceSelectors []string
}

// IsAbout reports whether the advertisement announces the addresses of s, if its
// pool is among those that it covers.
// Source: metallb v0.16.2, speaker/layer2_controller.go l2AdsForService.
func (a Advertisement) IsAbout(s Service) bool {
	return len(a.ServiceSelectors) == 0 || slices.ContainsFunc(a.ServiceSelectors, func(text string) bool {
		selector, err := labels.Parse(text)
		return err == nil && selector.Matches(labels.Set(s.Labels))
	})
}

// Selects reports whether the advertisement covers the pool, as far as names
// tell; unsure is true when only a label selector knows.
// Source: metallb v0.16.2, api/v1beta1/l2advertisement_types.go: with neither
// names nor selectors it covers every pool.
func (a Advertisement) Selects(pool string) (selected, unsure bool) {
	if slices.Contains(a.Pools, pool) {
		return true, false
	}
	if a.PoolSelectors {
		return false, true
	}
	return len(a.Pools) == 0, false
}

// BGPPeer is a BGPPeer of MetalLB: the far end of a session.
type BGPPeer struct {
	Ref
	Address   netip.Addr // not valid when the session is on an interface
	Interface string
	// Both is whether the session carries both families, whichever it runs over.
	Both bool
}

// Webhook is what the API server calls by itself: a MutatingWebhookConfiguration, a
// ValidatingWebhookConfiguration or an APIService.
type Webhook struct {
	Ref
	// Services is the Services that it is called at, by namespace and name.
	Services []Ref
}

// NodeEvent is an Event that says that a Node got no pod range.
type NodeEvent struct {
	Ref     // the Node
	Reason  string
	Message string
	Last    time.Time
}
