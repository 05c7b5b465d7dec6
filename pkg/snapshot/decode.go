package snapshot

import (
	"strings"

	"go.yaml.in/yaml/v3"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
)

// object is one decoded document: a pointer to a typed API object or to one of
// our own small structs, and where it was.
type object struct {
	value  any
	kind   string  // of a document that nothing reads; value is nil
	origin *origin // nil when it came from an API server
	// adds is the kinds of facts that the document adds to. Of a document that was
	// not understood, or not wholly, they are known in part at best.
	adds []Kind
	// problems is what could not be understood; the value is then nil.
	problems []Problem
	// placeholders is values of the wrong type that something is still to fill in.
	placeholders []Problem
}

// helmValues is values of Cilium's chart: of a document without a kind that has
// the look of them, or of an object that installs the chart.
type helmValues struct {
	ref       Ref
	version   chartVersion
	namespace string            // that the chart is installed in, if known
	path      string            // of the values in the document: ".cilium" in those of an umbrella chart
	places    map[string]string // the fields of the values that stand elsewhere than below path
	values    map[string]any    // nil when only the version is known
	bundled   bool              // of the chart that RKE2 brings along, whose defaults are others
	outside   string            // the field that names values that are not in the document
	from      []valuesFrom      // what outside names
	patch     bool              // part of a HelmRelease, for the one of its name
	patchedBy map[string]any    // the values of such a part that are among the values
	merged    bool              // of two objects
	file      string            // of values that are one
	used      bool              // by an object that names them
}

// planFile is an AddressPlan among the files.
type planFile struct {
	path string
	text []byte // of one in an archive
}

// types is the documents that are read, by group and kind. The version is left
// out on purpose: a field that we read has the same name and type in every version
// that has it, which crds_test.go holds to the definitions of Cilium and MetalLB.
var types = map[string]struct {
	make func() any
	adds []Kind
}{
	"/Node":                                    {func() any { return new(corev1.Node) }, []Kind{Nodes}},
	"/Pod":                                     {func() any { return new(corev1.Pod) }, []Kind{Pods, Workloads}},
	"/Service":                                 {func() any { return new(corev1.Service) }, []Kind{Services}},
	"/ConfigMap":                               {func() any { return new(corev1.ConfigMap) }, nil},
	"/Event":                                   {func() any { return new(corev1.Event) }, []Kind{NodeEvents}},
	"events.k8s.io/Event":                      {func() any { return new(corev1.Event) }, []Kind{NodeEvents}},
	"apps/DaemonSet":                           {func() any { return new(appsv1.DaemonSet) }, []Kind{Workloads}},
	"apps/Deployment":                          {func() any { return new(appsv1.Deployment) }, []Kind{Workloads}},
	"apps/StatefulSet":                         {func() any { return new(appsv1.StatefulSet) }, []Kind{Workloads}},
	"discovery.k8s.io/EndpointSlice":           {func() any { return new(discoveryv1.EndpointSlice) }, []Kind{EndpointSlices}},
	"networking.k8s.io/ServiceCIDR":            {func() any { return new(networkingv1.ServiceCIDR) }, []Kind{ServiceCIDRs}},
	"networking.k8s.io/NetworkPolicy":          {func() any { return new(networkingv1.NetworkPolicy) }, []Kind{NetworkPolicies}},
	"networking.k8s.io/Ingress":                {func() any { return new(networkingv1.Ingress) }, []Kind{Ingresses}},
	"gateway.networking.k8s.io/Gateway":        {func() any { return new(apiGateway) }, []Kind{APIGateways}},
	"crd.projectcalico.org/IPPool":             {func() any { return new(calicoPool) }, []Kind{CalicoPools}},
	"projectcalico.org/IPPool":                 {func() any { return new(calicoPool) }, []Kind{CalicoPools}},
	"cilium.io/CiliumNetworkPolicy":            {func() any { return new(ciliumPolicy) }, []Kind{CiliumPolicies}},
	"cilium.io/CiliumClusterwideNetworkPolicy": {func() any { return new(ciliumPolicy) }, []Kind{CiliumClusterwidePolicies}},
	"cilium.io/CiliumEgressGatewayPolicy":      {func() any { return new(egressGatewayPolicy) }, []Kind{EgressGateways}},
	"cilium.io/CiliumNode":                     {func() any { return new(ciliumNode) }, []Kind{CiliumNodes}},
	"cilium.io/CiliumNodeConfig":               {func() any { return new(ciliumNodeConfig) }, []Kind{CiliumConfig}},
	"cilium.io/CiliumLoadBalancerIPPool":       {func() any { return new(ciliumLoadBalancerIPPool) }, []Kind{LBIPAMPools}},
	"metallb.io/IPAddressPool":                 {func() any { return new(ipAddressPool) }, []Kind{MetalLBPools}},
	"metallb.io/AddressPool":                   {func() any { return new(addressPool) }, []Kind{MetalLBPools}},
	"metallb.io/L2Advertisement":               {func() any { return new(advertisement) }, []Kind{MetalLBAds}},
	"metallb.io/BGPAdvertisement":              {func() any { return new(bgpAdvertisement) }, []Kind{MetalLBAds}},
	"kubeadm.k8s.io/ClusterConfiguration":      {func() any { return new(clusterConfiguration) }, []Kind{KubeadmConfig}},
	"kubeadm.k8s.io/InitConfiguration":         {func() any { return new(initConfiguration) }, []Kind{KubeadmConfig}},
	"metallb.io/BGPPeer":                       {func() any { return new(bgpPeer) }, []Kind{MetalLBPeers}},
	"kubeadm.k8s.io/JoinConfiguration":         {func() any { return new(joinConfiguration) }, []Kind{MachineSetup}},
	"admissionregistration.k8s.io/MutatingWebhookConfiguration":   {func() any { return new(webhookConfiguration) }, []Kind{Webhooks}},
	"admissionregistration.k8s.io/ValidatingWebhookConfiguration": {func() any { return new(webhookConfiguration) }, []Kind{Webhooks}},
	"apiregistration.k8s.io/APIService":                           {func() any { return new(apiService) }, []Kind{Webhooks}},

	// Only whether MetalLB's kinds are served; it adds to no kind of facts.
	"apiextensions.k8s.io/CustomResourceDefinition": {func() any { return new(customResourceDefinition) }, nil},
}

func group(apiVersion string) string {
	if g, _, ok := strings.Cut(apiVersion, "/"); ok {
		return g
	}
	return ""
}

// decode is the objects of d. What a document is, is decided by what is in it.
func (d *document) decode() []object {
	switch {
	case d.choice > 0:
		return d.decodeTemplate()
	case d.root.Kind != yaml.MappingNode:
		return d.decodeOther()
	case isPlaceholder(d.kind) || isPlaceholder(d.apiVersion):
		return []object{{kind: laterKind}}
	case d.kind == "" || d.apiVersion == "":
		return d.decodeValues()
	case d.apiVersion == plan.APIVersion && d.kind == plan.Kind:
		return []object{{value: &planFile{path: d.file}}}
	}
	if objects, ok := d.decodeInstallation(); ok {
		return objects
	}
	if objects, ok := d.decodeKustomization(); ok {
		return objects
	}
	if o, ok := d.decodeCluster(); ok {
		return []object{o}
	}
	if o, ok := d.decodeTalosDocument(); ok {
		return []object{o}
	}
	t, ok := types[group(d.apiVersion)+"/"+d.kind]
	if !ok {
		return []object{{kind: d.kind}}
	}
	if d.kind != "ConfigMap" { // of no other kind is it of interest who wrote it
		drop(child(d.root, "metadata"), "managedFields")
	}
	o := object{value: t.make(), adds: t.adds}
	f := d.fill(d.ref(), o.value)
	if d.ref().Name == "" && group(d.apiVersion) != "kubeadm.k8s.io" && len(f.placeholders) == 0 {
		f.problem(d.root, "has no name")
	}
	o.filled(f)
	switch {
	case len(o.problems)+len(o.placeholders) > 0:
		o.adds = append(o.adds, addsByName(d.ref())...)
	case !telling(o.value):
		if values, ok := d.decodeValuesMap(); ok && d.kind == "ConfigMap" {
			return []object{values}
		}
		return []object{{kind: d.kind}}
	default:
		o.origin = d.origin()
	}
	return []object{o}
}

// filled takes over what went wrong in filling o's value, which then says nothing.
func (o *object) filled(f *filler) {
	o.problems, o.placeholders = f.problems, f.placeholders
	if len(f.problems)+len(f.placeholders) > 0 {
		o.value = nil
	}
}

// drop sets the value of key in n to null.
func drop(n *yaml.Node, key string) {
	if c := child(n, key); c != nil {
		*c = yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: c.Line}
	}
}

// ref is the name of the object of d.
func (d *document) ref() Ref {
	if d.kind == kubeadmRef.Kind {
		return kubeadmRef
	}
	metadata := child(d.root, "metadata")
	return Ref{d.kind, text(metadata, "namespace"), text(metadata, "name")}
}

// addsByName is the kinds of facts that objects of many uses add to, by their names.
func addsByName(ref Ref) []Kind {
	switch ref.Kind + "/" + ref.Name {
	case "ConfigMap/cilium-config":
		return []Kind{CiliumConfig}
	case "ConfigMap/kubeadm-config":
		return []Kind{KubeadmConfig}
	case "ConfigMap/kube-proxy", "DaemonSet/kube-proxy":
		return []Kind{KubeProxySetup}
	case "ConfigMap/" + flannelName:
		return []Kind{FlannelConfig}
	case "ConfigMap/coredns":
		return []Kind{CoreDNSConfig}
	case "ConfigMap/" + kubeletConfigName:
		return []Kind{KubeletConfig}
	case "ConfigMap/" + ipMasqAgentName:
		return []Kind{IPMasqAgentConfig}
	case "DaemonSet/cilium":
		return []Kind{CiliumConfig, CiliumAgents}
	}
	return nil
}

// telling reports whether value is of interest among the many of its type.
func telling(value any) bool {
	switch v := value.(type) {
	case *corev1.ConfigMap:
		return configMapUse(v) != ""
	case *corev1.Event:
		return tellsOfRanges(v)
	}
	return true
}

// decodeOther is a document that is no mapping. Lists of patches and the like are
// common beside manifests, a single value is not.
func (d *document) decodeOther() []object {
	if d.root.Kind == yaml.SequenceNode || isNull(d.root) {
		return []object{{kind: noKind}}
	}
	if isPlaceholder(d.root.Value) {
		return []object{{kind: templateKind}}
	}
	at := Position{File: d.file, Line: d.at(d.root)}
	return []object{{problems: []Problem{{Position: at, Message: describe(d.root) + " where an object is wanted"}}}}
}

// What documents without a kind are counted as, and those whose kind is encrypted
// or a placeholder.
const (
	noKind    = "document without a kind"
	laterKind = "document of a kind that is still to come"
)

func decodeMessage(err error) string { return strings.TrimPrefix(err.Error(), "json: ") }
