package snapshot

import (
	"fmt"
	"net/netip"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// The names of the configurations that a cluster is made of, as the matrix has them.
const (
	FromKubeadm = "kubeadm-config"
	FromK3s     = "k3s config"
	FromTalos   = "talos config"
)

// dialect is how a configuration says what kubeadm's says.
type dialect struct {
	source, name                  string // in the matrix, and in a sentence
	pods, services                string // the fields of the ranges
	apiServerArgs, controllerArgs string
	lists                         bool // ranges are a list, not text with commas
	words                         bool // extra arguments are a list of NAME=VALUE
}

var (
	kubeadmDialect = dialect{FromKubeadm, "the kubeadm configuration", ".networking.podSubnet", ".networking.serviceSubnet",
		".apiServer.extraArgs", ".controllerManager.extraArgs", false, false}
	dialects = map[string]dialect{ // by the Kind of the Ref
		k3sRef.Kind: {FromK3s, "the configuration of k3s or RKE2", ".cluster-cidr", ".service-cidr",
			".kube-apiserver-arg", ".kube-controller-manager-arg", false, true},
		talosKind: {FromTalos, "the machine configuration of Talos", ".cluster.network.podSubnets", ".cluster.network.serviceSubnets",
			".cluster.apiServer.extraArgs", ".cluster.controllerManager.extraArgs", true, false},
		talosDocumentKind: {FromTalos, "the machine configuration of Talos", ".podSubnets", ".serviceSubnets", ".extraArgs", ".extraArgs", true, false},
		talhelperKind: {FromTalhelper, "the configuration of talhelper", ".clusterPodNets", ".clusterSvcNets",
			".controlPlane.patches", ".controlPlane.patches", true, false},
		kindKind: {FromKind, "the configuration of kind", ".networking.podSubnet", ".networking.serviceSubnet",
			".kubeadmConfigPatches", ".kubeadmConfigPatches", false, false},
		k0sKind: {FromK0s, "the configuration of k0s", ".spec.network.podCIDR", ".spec.network.serviceCIDR",
			".spec.api.extraArgs", ".spec.controllerManager.extraArgs", false, false},
		kopsKind: {FromKops, "the Cluster of kOps", ".spec.podCIDR", ".spec.serviceClusterIPRange",
			".spec.kubeAPIServer", ".spec.kubeControllerManager", false, false},
		clusterAPIKind: {FromClusterAPI, "the Cluster", ".spec.clusterNetwork.pods.cidrBlocks", ".spec.clusterNetwork.services.cidrBlocks",
			".spec.kubeadmConfigSpec.clusterConfiguration.apiServer.extraArgs",
			".spec.kubeadmConfigSpec.clusterConfiguration.controllerManager.extraArgs", true, false},
		controlPlaneKind: {FromClusterAPI, "the KubeadmControlPlane",
			".spec.kubeadmConfigSpec.clusterConfiguration.networking.podSubnet", ".spec.kubeadmConfigSpec.clusterConfiguration.networking.serviceSubnet",
			".spec.kubeadmConfigSpec.clusterConfiguration.apiServer.extraArgs",
			".spec.kubeadmConfigSpec.clusterConfiguration.controllerManager.extraArgs", false, false},
	}
)

func (k Kubeadm) dialect() dialect {
	if d, ok := dialects[k.Kind]; ok {
		return d
	}
	return kubeadmDialect
}

// ByKubeadm reports whether kubeadm itself reads the configuration.
func (k Kubeadm) ByKubeadm() bool { return k.Source() == FromKubeadm }

// Source is FromKubeadm, FromK3s, of RKE2 too, FromTalos, or that of another tool
// that makes clusters.
func (k Kubeadm) Source() string { return k.dialect().source }

// PodField is the field of the pod ranges.
func (k Kubeadm) PodField() string { return k.dialect().pods }

// ServiceField is the field of the Service ranges.
func (k Kubeadm) ServiceField() string { return k.dialect().services }

// Line is what to write where, so that a field of ranges has this value.
func (k Kubeadm) Line(field, value string) string {
	d := k.dialect()
	if k.Kind == k0sKind {
		return k0sLine(field, value)
	}
	if d.lists && (field == d.pods || field == d.services) {
		value = "[" + strings.ReplaceAll(value, ",", ", ") + "]"
	}
	return fmt.Sprintf("in %s: %s: %s", d.name, strings.TrimPrefix(field, "."), value)
}

// k0sLine is Line of k0s, which has a field of its own for the second family.
func k0sLine(field, value string) string {
	parts := []string{}
	for item := range strings.SplitSeq(value, ",") {
		at := field
		if p, err := netip.ParsePrefix(item); err == nil && ipfam.OfPrefix(p) == ipfam.V6 && item != value {
			at = strings.NewReplacer(".podCIDR", ".dualStack.IPv6podCIDR", ".serviceCIDR", ".dualStack.IPv6serviceCIDR").Replace(field)
		}
		parts = append(parts, strings.TrimPrefix(at, ".")+": "+item)
	}
	return "in the configuration of k0s: " + strings.Join(parts, ", ")
}

// list reports whether the extra arguments are a list of names and values.
func (k Kubeadm) list() bool { return k.ByKubeadm() && k.APIVersion != "kubeadm.k8s.io/v1beta3" }

// k3sRef is the name of the configuration of k3s and RKE2, which has no name of
// its own: every server of a cluster has to have the same ranges.
var k3sRef = Ref{Kind: "K3sConfig", Name: "config.yaml"}

const talosKind = "TalosConfig"

// k3sKeys is keys of the configuration of k3s and RKE2 that hardly anything else
// has. Those of ranges alone are enough to know one by.
var k3sKeys = []string{
	"agent-token", "cluster-dns", "cluster-init", "disable-cloud-controller", "disable-kube-proxy", "disable-network-policy",
	"embedded-registry", "etcd-expose-metrics", "flannel-backend", "flannel-iface", "flannel-ipv6-masq", "kube-apiserver-arg",
	"kube-controller-manager-arg", "kube-proxy-arg", "kube-scheduler-arg", "kubelet-arg", "node-external-ip", "node-ip",
	"node-label", "node-taint", "secrets-encryption", "tls-san", "write-kubeconfig-mode",
}

// decodeDistribution is the configuration of k3s, RKE2 or Talos; ok is false when
// d is none.
func (d *document) decodeDistribution() (o object, ok bool) {
	switch {
	case isK3sConfig(d.root):
		o.value = new(k3sConfig)
		o.filled(d.fill(k3sRef, o.value))
	case isTalhelperConfig(d.root):
		return d.decodeTalhelper(), true
	case isTalosConfig(d.root):
		o.value = new(talosConfig)
		o.filled(d.fill(talosRef(text(child(d.root, "cluster"), "clusterName")), o.value))
	default:
		return o, false
	}
	o.adds, o.origin = []Kind{KubeadmConfig}, d.origin()
	return o, true
}

func isK3sConfig(n *yaml.Node) bool {
	if isRange(child(n, "cluster-cidr")) || isRange(child(n, "service-cidr")) {
		return true
	}
	found := 0
	for _, key := range k3sKeys {
		if child(n, key) != nil {
			found++
		}
	}
	return found >= 2
}

// isRange reports whether n may be the value of a key of ranges.
func isRange(n *yaml.Node) bool {
	return n != nil && (n.Kind == yaml.ScalarNode || n.Kind == yaml.SequenceNode) && !isNull(n)
}

// isTalosConfig is true of patches too, if they have ranges.
func isTalosConfig(n *yaml.Node) bool {
	cluster := child(n, "cluster")
	network := child(cluster, "network")
	return child(network, "podSubnets") != nil || child(network, "serviceSubnets") != nil ||
		text(n, "version") == "v1alpha1" && (child(n, "machine") != nil || cluster != nil)
}

func talosRef(cluster string) Ref { return Ref{Kind: talosKind, Name: cluster} }

// k3sConfig is what is read of config.yaml of k3s and RKE2, whose keys are the
// flags of their servers. Values may be lists or text.
type k3sConfig struct {
	ClusterCIDR      commaList `json:"cluster-cidr"`
	ServiceCIDR      commaList `json:"service-cidr"`
	APIServerArgs    words     `json:"kube-apiserver-arg"`
	ControllerArgs   words     `json:"kube-controller-manager-arg"`
	DisableKubeProxy truth     `json:"disable-kube-proxy"`
	NodeIP           commaList `json:"node-ip"`
}

// talosConfig is what is read of a machine configuration of Talos.
type talosConfig struct {
	Machine talosMachine `json:"machine"`
	Cluster struct {
		ClusterName string `json:"clusterName"`
		Network     struct {
			PodSubnets     []string `json:"podSubnets"`
			ServiceSubnets []string `json:"serviceSubnets"`
		} `json:"network"`
		APIServer struct {
			Image     string    `json:"image"`
			ExtraArgs talosArgs `json:"extraArgs"`
		} `json:"apiServer"`
		ControllerManager struct {
			ExtraArgs talosArgs `json:"extraArgs"`
		} `json:"controllerManager"`
		Proxy struct {
			Disabled bool `json:"disabled"`
		} `json:"proxy"`
	} `json:"cluster"`
}

func (b *builder) k3sConfig(c *k3sConfig) {
	b.machine(Machine{Ref: Ref{Kind: k3sRef.Kind}, NodeField: ".node-ip"}, c.NodeIP)
	b.distribution(Kubeadm{
		Ref:            k3sRef,
		PodSubnet:      b.rangesOf(k3sRef, ".cluster-cidr", c.ClusterCIDR),
		ServiceSubnet:  b.rangesOf(k3sRef, ".service-cidr", c.ServiceCIDR),
		APIServerArgs:  Flags(c.APIServerArgs),
		ControllerArgs: Flags(c.ControllerArgs),
		NoKubeProxy:    bool(c.DisableKubeProxy),
	})
}

func (b *builder) talosConfig(c *talosConfig) {
	b.talosMachine(c.Cluster.ClusterName, c.Machine)
	ref := talosRef(c.Cluster.ClusterName)
	b.distribution(Kubeadm{
		Ref:            ref,
		Kubernetes:     release.OfImage(c.Cluster.APIServer.Image),
		PodSubnet:      b.rangesOf(ref, ".cluster.network.podSubnets", c.Cluster.Network.PodSubnets),
		ServiceSubnet:  b.rangesOf(ref, ".cluster.network.serviceSubnets", c.Cluster.Network.ServiceSubnets),
		APIServerArgs:  Flags(c.Cluster.APIServer.ExtraArgs),
		ControllerArgs: Flags(c.Cluster.ControllerManager.ExtraArgs),
		NoKubeProxy:    c.Cluster.Proxy.Disabled,
	})
}

func (b *builder) rangesOf(ref Ref, field string, texts []string) []netip.Prefix {
	return b.prefixes(KubeadmConfig, ref, field, texts)
}

// distribution keeps k, if it says anything. The configurations of the machines of
// one cluster are one: a worker's has no flags of the control plane, an agent's
// has nothing. What two of them say has to be the same.
func (b *builder) distribution(k Kubeadm) {
	if k.NoKubeProxy {
		b.saw(KubeProxySetup) // that there is none is known, too
	}
	d := k.dialect()
	for field, flags := range map[string]Flags{d.apiServerArgs: k.APIServerArgs, d.controllerArgs: k.ControllerArgs} {
		b.awaitsAny(KubeadmConfig, k.Ref, flags, func(string) string { return field })
	}
	if len(k.PodSubnet)+len(k.ServiceSubnet)+len(k.APIServerArgs)+len(k.ControllerArgs) == 0 && !k.NoKubeProxy {
		return
	}
	b.saw(KubeadmConfig)
	if i, ok := b.kept[k.Ref]; ok {
		first := b.snap.Kubeadm[i]
		if k.Name == "" && (k.Kind == talosKind || k.Kind == talosDocumentKind) { // patches add to each other
			k.APIServerArgs, k.ControllerArgs = over(first.APIServerArgs, k.APIServerArgs), over(first.ControllerArgs, k.ControllerArgs)
			first.APIServerArgs, first.ControllerArgs = k.APIServerArgs, k.ControllerArgs
		}
		whole, other := first.supplemented(k), k.supplemented(first)
		b.compare(KubeadmConfig, k.Ref, whole, other)
		if !reflect.DeepEqual(whole, b.snap.Kubeadm[i]) && b.current != nil {
			b.snap.Kubeadm[i] = whole
			if k.Kind != talosDocumentKind || len(k.PodSubnet)+len(k.ServiceSubnet) > 0 {
				b.snap.origins[k.Ref] = b.current
			}
		}
		return
	}
	keep(b, KubeadmConfig, &b.snap.Kubeadm, k.Ref, k)
}

// supplemented is k with what only the other says.
func (k Kubeadm) supplemented(other Kubeadm) Kubeadm {
	k.Kubernetes = k.Kubernetes.Or(other.Kubernetes)
	k.NoKubeProxy = k.NoKubeProxy || other.NoKubeProxy
	if len(k.PodSubnet) == 0 {
		k.PodSubnet = other.PodSubnet
	}
	if len(k.ServiceSubnet) == 0 {
		k.ServiceSubnet = other.ServiceSubnet
	}
	if len(k.APIServerArgs) == 0 {
		k.APIServerArgs = other.APIServerArgs
	}
	if len(k.ControllerArgs) == 0 {
		k.ControllerArgs = other.ControllerArgs
	}
	return k
}

// commaList is a list, or text with commas.
type commaList []string

func (l *commaList) setFrom(f *filler, n *yaml.Node) {
	for _, value := range f.values(n) {
		for item := range items(value) {
			if item = strings.TrimSpace(item); item != "" {
				*l = append(*l, item)
			}
		}
	}
}

// words is flags, each NAME=VALUE, of which the last one counts.
type words Flags

func (w *words) setFrom(f *filler, n *yaml.Node) {
	*w = words{}
	for _, word := range f.values(n) {
		name, value, _ := strings.Cut(strings.TrimLeft(word, "-"), "=")
		(*w)[name] = value
	}
}

// talosArgs is the extra arguments of a program, each with a value or several.
type talosArgs Flags

func (a *talosArgs) setFrom(f *filler, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		f.wrong(n, "a mapping")
		return
	}
	if *a == nil {
		*a = talosArgs{}
	}
	content := f.fields(n)
	for i := 0; i+1 < len(content); i += 2 {
		if values := f.values(follow(content[i+1])); len(values) > 0 {
			(*a)[content[i].Value] = values[len(values)-1]
		}
	}
}

// truth is true, or the word for it.
type truth bool

func (t *truth) setFrom(f *filler, n *yaml.Node) {
	for _, value := range f.values(n) {
		is, err := strconv.ParseBool(value)
		if err != nil {
			f.wrong(n, "true or false")
		}
		*t = truth(is)
	}
}

// values is the text of n, or of each item of n when it is a list.
func (f *filler) values(n *yaml.Node) []string {
	items := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		items = n.Content
	}
	var texts []string
	for _, item := range items {
		switch item = follow(item); {
		case isNull(item):
		case item.Kind != yaml.ScalarNode:
			f.wrong(item, "text")
		default:
			texts = append(texts, item.Value)
		}
	}
	return texts
}
