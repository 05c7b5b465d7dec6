package snapshot

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	kjson "sigs.k8s.io/json"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
)

// object is one decoded document: a pointer to a typed API object or to one of
// our own small structs, and where it was.
type object struct {
	value  any
	kind   string  // of a document that nothing reads; value is nil
	origin *origin // nil when it came from an API server
	// broken is the kinds of facts that the document would have added to, had it
	// been understood.
	broken []Kind
}

// helmValues is a document without a kind that has the look of Helm values.
type helmValues struct {
	chart  string // "cilium" or "metallb"
	values map[string]any
}

// planFile is an AddressPlan among the files.
type planFile struct{ path string }

// types is the documents that are read, by group and kind. The version is left
// out on purpose: the fields that we read did not change between the versions
// that were ever served.
var types = map[string]struct {
	make func() any
	adds []Kind
}{
	"/Node":                               {func() any { return new(corev1.Node) }, []Kind{Nodes}},
	"/Pod":                                {func() any { return new(corev1.Pod) }, []Kind{Pods}},
	"/Service":                            {func() any { return new(corev1.Service) }, []Kind{Services}},
	"/ConfigMap":                          {func() any { return new(corev1.ConfigMap) }, nil},
	"/Event":                              {func() any { return new(corev1.Event) }, []Kind{NodeEvents}},
	"events.k8s.io/Event":                 {func() any { return new(corev1.Event) }, []Kind{NodeEvents}},
	"apps/DaemonSet":                      {func() any { return new(appsv1.DaemonSet) }, nil},
	"apps/Deployment":                     {func() any { return new(appsv1.Deployment) }, nil},
	"discovery.k8s.io/EndpointSlice":      {func() any { return new(discoveryv1.EndpointSlice) }, []Kind{EndpointSlices}},
	"networking.k8s.io/ServiceCIDR":       {func() any { return new(networkingv1.ServiceCIDR) }, []Kind{ServiceCIDRs}},
	"cilium.io/CiliumNode":                {func() any { return new(ciliumNode) }, []Kind{CiliumNodes}},
	"cilium.io/CiliumNodeConfig":          {func() any { return new(ciliumNodeConfig) }, []Kind{CiliumConfig}},
	"cilium.io/CiliumLoadBalancerIPPool":  {func() any { return new(ciliumLoadBalancerIPPool) }, []Kind{LBIPAMPools}},
	"metallb.io/IPAddressPool":            {func() any { return new(ipAddressPool) }, []Kind{MetalLBPools}},
	"metallb.io/L2Advertisement":          {func() any { return new(advertisement) }, []Kind{MetalLBAds}},
	"metallb.io/BGPAdvertisement":         {func() any { return new(advertisement) }, []Kind{MetalLBAds}},
	"kubeadm.k8s.io/ClusterConfiguration": {func() any { return new(clusterConfiguration) }, []Kind{KubeadmConfig}},
	"kubeadm.k8s.io/InitConfiguration":    {func() any { return new(initConfiguration) }, []Kind{KubeadmConfig}},
}

func group(apiVersion string) string {
	if g, _, ok := strings.Cut(apiVersion, "/"); ok {
		return g
	}
	return ""
}

// decode is the object of d. What a document is, is decided by what is in it.
func (d *document) decode() (object, *Problem) {
	if d.root.Kind != yaml.MappingNode {
		return object{}, d.problem(Ref{}, fmt.Errorf("a %s where an object is wanted", kindName(d.root)))
	}
	kind, apiVersion := text(d.root, "kind"), text(d.root, "apiVersion")
	switch {
	case kind == "" || apiVersion == "":
		return d.decodeValues()
	case apiVersion == plan.APIVersion && kind == plan.Kind:
		return object{value: &planFile{d.file}}, nil
	}
	t, ok := types[group(apiVersion)+"/"+kind]
	if !ok {
		return object{kind: kind}, nil
	}
	value := t.make()
	if err := d.into(value); err != nil {
		metadata := child(d.root, "metadata")
		return object{broken: t.adds}, d.problem(Ref{kind, text(metadata, "namespace"), text(metadata, "name")}, err)
	}
	return object{value: value, origin: d.origin()}, nil
}

func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.SequenceNode:
		return "list"
	case yaml.ScalarNode:
		return "single value"
	}
	return "document"
}

// into decodes d as the API server would: names in their exact case, a value of
// the wrong type is an error, an unknown field is not.
func (d *document) into(value any) error {
	data, err := toJSON(d.root)
	if err != nil {
		return err
	}
	return kjson.UnmarshalCaseSensitivePreserveInts(data, value)
}

func (d *document) origin() *origin {
	return &origin{file: d.file, line: d.at(d.root), lines: d.lines(d.root)}
}

func (d *document) problem(ref Ref, err error) *Problem {
	return &Problem{Position: Position{File: d.file, Line: d.at(d.root)}, Ref: ref,
		Message: strings.TrimPrefix(err.Error(), "json: ")}
}

// decodeValues is a document without kind or apiVersion: Helm values of a chart
// that we know by keys that no other chart has, or nothing of ours.
func (d *document) decodeValues() (object, *Problem) {
	chart := ""
	switch {
	case child(child(d.root, "configInline"), "address-pools") != nil:
		chart = "metallb"
	case child(child(d.root, "ipam"), "operator") != nil, child(d.root, "kubeProxyReplacement") != nil,
		child(d.root, "enableIPv4Masquerade") != nil, child(d.root, "enableIPv6Masquerade") != nil,
		child(d.root, "routingMode") != nil, child(d.root, "bpf") != nil && child(d.root, "ipv6") != nil:
		chart = "cilium"
	default:
		return object{kind: "document without a kind"}, nil
	}
	o := &helmValues{chart: chart}
	if err := d.into(&o.values); err != nil {
		return object{broken: []Kind{CiliumConfig}}, d.problem(Ref{}, err)
	}
	return object{value: o, origin: d.origin()}, nil
}
