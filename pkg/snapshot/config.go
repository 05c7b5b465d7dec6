package snapshot

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// configMap reads the ConfigMaps that configure a component; others are passed over.
func (b *builder) configMap(c *corev1.ConfigMap) {
	ref := Ref{Kind: "ConfigMap", Namespace: c.Namespace, Name: c.Name}
	switch configMapUse(c) {
	case CiliumConfig:
		b.ciliumConfigMap(c, ref)
	case KubeadmConfig:
		b.kubeadmConfigMap(c, ref)
	case KubeProxySetup:
		b.kubeProxyConfigMap(c, ref)
	case MetalLBPools:
		b.metallbConfigMap(c, ref)
	case FlannelConfig:
		b.flannelConfigMap(c, ref)
	case CoreDNSConfig:
		b.coreDNSConfigMap(c, ref)
	case KubeletConfig:
		b.kubeletConfigMap(c, ref)
	case IPMasqAgentConfig:
		b.ipMasqAgentConfigMap(c, ref)
	}
}

// configMapUse is what c configures, by its name or by what is in it; empty when
// it is nothing that is read.
func configMapUse(c *corev1.ConfigMap) Kind {
	switch {
	case c.Name == "cilium-config":
		return CiliumConfig
	case c.Name == "kubeadm-config" && c.Data["ClusterConfiguration"] != "":
		return KubeadmConfig
	case c.Name == "kube-proxy" && c.Data["config.conf"] != "":
		return KubeProxySetup
	case c.Name == flannelName && c.Data["net-conf.json"] != "":
		return FlannelConfig
	case isMetalLBConfig(c):
		return MetalLBPools
	case slices.Contains(coreDNSNames, c.Name) && c.Data[corefileKey] != "":
		return CoreDNSConfig
	case c.Name == kubeletConfigName && c.Data["kubelet"] != "":
		return KubeletConfig
	case c.Name == ipMasqAgentName:
		return IPMasqAgentConfig
	}
	return ""
}

// isMetalLBConfig reports whether c configures MetalLB before 0.13; its name is free.
func isMetalLBConfig(c *corev1.ConfigMap) bool {
	return strings.Contains(c.Data["config"], "address-pools:")
}

func (b *builder) ciliumConfigMap(c *corev1.ConfigMap, ref Ref) {
	b.saw(CiliumConfig)
	b.awaitsAny(CiliumConfig, ref, c.Data, func(key string) string { return ".data." + key })
	if !b.once(CiliumConfig, ref, c.Data) {
		return
	}
	b.snap.Cilium.Config = cilium.Config(c.Data)
	b.snap.Cilium.ConfigRef = ref
	b.snap.Cilium.Namespace = c.Namespace
	b.snap.Cilium.ByHand, b.snap.Cilium.Changed = handMade(c.ManagedFields)
}

// awaitsAny notes the values that are placeholders.
func (b *builder) awaitsAny(k Kind, ref Ref, values map[string]string, field func(key string) string) {
	for _, key := range slices.Sorted(maps.Keys(values)) {
		b.awaits(k, ref, field(key), values[key])
	}
}

// handMade is the keys of data that were written by another manager than the one
// that wrote "ipam", which every installer writes, and when data last changed.
// It is nil when the fields' managers are not known, and empty when one manager
// wrote all.
func handMade(entries []metav1.ManagedFieldsEntry) (keys []string, changed time.Time) {
	owners := map[string][]string{}
	for _, entry := range entries {
		if entry.FieldsV1 == nil {
			continue
		}
		var fields struct {
			Data map[string]json.RawMessage `json:"f:data"`
		}
		if err := json.Unmarshal(entry.FieldsV1.GetRawBytes(), &fields); err != nil || len(fields.Data) == 0 {
			continue
		}
		if entry.Time != nil {
			changed = latest(changed, entry.Time.UTC())
		}
		for field := range fields.Data {
			if key, ok := strings.CutPrefix(field, "f:"); ok {
				owners[key] = append(owners[key], entry.Manager)
			}
		}
	}
	installers := owners["ipam"]
	if len(installers) == 0 {
		return nil, changed
	}
	keys = []string{}
	for key, managers := range owners {
		if !slices.ContainsFunc(managers, func(m string) bool { return slices.Contains(installers, m) }) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys, changed
}

// kubeadmConfigMap reads the document that kubeadm keeps in its ConfigMap.
func (b *builder) kubeadmConfigMap(c *corev1.ConfigMap, ref Ref) {
	b.saw(KubeadmConfig)
	const field = ".data.ClusterConfiguration"
	for _, d := range b.embedded(KubeadmConfig, ref, field, c.Data["ClusterConfiguration"]) {
		for _, o := range d.decode() {
			if o.value == nil && len(o.problems) == 0 {
				b.problem(KubeadmConfig, ref, field, "not a ClusterConfiguration")
				continue
			}
			outer := b.current
			if outer == nil { // what an API server gives has no place
				o.origin = nil
			}
			b.lay(o)
			b.current = outer
		}
	}
}

// embedded is the documents that the value of a ConfigMap's key has in it, with
// the lines that they have in the file of the ConfigMap: those of the block that
// is the value, or that of the key when it is written in another way.
func (b *builder) embedded(k Kind, ref Ref, field, content string) []*document {
	file, first, block := "", 1, false
	if o := b.current; o != nil {
		line, ok := o.lines.find(field + blockMark)
		file, first, block = o.file, o.line+line, ok
	}
	var documents []*document
	for _, p := range split([]byte(content)) {
		p.line += first - 1
		found, problem := p.parse(file)
		if problem != nil {
			b.problem(k, ref, field, "%s", problem.Message)
		}
		for _, d := range found {
			if d.choice > 0 {
				b.unfilled(k, b.at(ref, field, "a template leaves open what is here").String())
				continue
			}
			documents = append(documents, d)
		}
	}
	if b.current != nil && !block {
		for _, d := range documents {
			d.line = b.current.position(field).Line
			flatten(d.root, 0)
		}
	}
	return documents
}

// flatten puts all of n on one line.
func flatten(n *yaml.Node, depth int) {
	n.Line = 1
	for _, c := range n.Content {
		if depth < maxDepth {
			flatten(c, depth+1)
		}
	}
}

// embeddedIn fills to from the one document that a ConfigMap's key holds.
func (b *builder) embeddedIn(k Kind, ref Ref, field, content string, to any) *document {
	for _, d := range b.embedded(k, ref, field, content) {
		f := d.fill(ref, to)
		b.faults(object{adds: []Kind{k}, problems: f.problems, placeholders: f.placeholders})
		return d
	}
	return nil
}

// kubeProxyConfiguration is kubeproxy.config.k8s.io/v1alpha1 KubeProxyConfiguration.
type kubeProxyConfiguration struct {
	Mode              string   `json:"mode"`
	ClusterCIDR       string   `json:"clusterCIDR"`
	DetectLocalMode   string   `json:"detectLocalMode"`
	NodePortAddresses []string `json:"nodePortAddresses"`
	IPTables          struct {
		MasqueradeAll bool `json:"masqueradeAll"`
	} `json:"iptables"`
	IPVS struct {
		StrictARP bool `json:"strictARP"`
	} `json:"ipvs"`
	NFTables struct {
		MasqueradeAll bool `json:"masqueradeAll"`
	} `json:"nftables"`
}

func (b *builder) kubeProxyConfigMap(c *corev1.ConfigMap, ref Ref) {
	b.saw(KubeProxySetup)
	const field = ".data.config.conf"
	var config kubeProxyConfiguration
	b.embeddedIn(KubeProxySetup, ref, field, c.Data["config.conf"], &config)
	if !b.once(KubeProxySetup, ref, config) {
		return
	}
	b.snap.KubeProxy.ConfigMap = ref
	b.snap.KubeProxy.Mode = config.Mode
	b.snap.KubeProxy.DetectLocal = config.DetectLocalMode
	b.snap.KubeProxy.StrictARP = config.IPVS.StrictARP
	b.snap.KubeProxy.MasqueradeAll = config.Mode == "nftables" && config.NFTables.MasqueradeAll || config.Mode != "nftables" && config.IPTables.MasqueradeAll
	if config.ClusterCIDR != "" {
		b.snap.KubeProxy.ClusterCIDR = b.prefixes(KubeProxySetup, ref, field, strings.Split(config.ClusterCIDR, ","))
	}
	for _, text := range config.NodePortAddresses { // may also be a keyword such as "primary"
		if p, err := netip.ParsePrefix(text); err == nil {
			b.snap.KubeProxy.NodePortAddresses = append(b.snap.KubeProxy.NodePortAddresses, p)
		}
	}
}

func (b *builder) metallbConfigMap(c *corev1.ConfigMap, ref Ref) {
	b.saw(MetalLBSetup)
	var v metallbValues
	d := b.embeddedIn(MetalLBPools, ref, ".data.config", c.Data["config"], &v.config)
	if d != nil && b.current != nil {
		v.origins = d.poolOrigins(d.root)
	}
	if b.once(MetalLBPools, ref, v.config) {
		b.snap.MetalLB.ConfigRef, b.snap.MetalLB.ConfigField = ref, ".data.config"
		b.configMapPools(v, c.Namespace)
	}
}

// metallbValues is the configuration of MetalLB before 0.13, with the place of each pool.
type metallbValues struct {
	ref     Ref
	field   string // of the configuration; empty when there is none, as from 0.13 on
	version chartVersion
	class   string // loadBalancerClass, which the controller gets as --lb-class
	config  metallbConfig
	origins []*origin
}

// poolOrigins is the places of the pools in the configuration n.
func (d *document) poolOrigins(n *yaml.Node) []*origin {
	pools := child(n, "address-pools")
	if pools == nil || pools.Kind != yaml.SequenceNode {
		return nil
	}
	origins := make([]*origin, len(pools.Content))
	for i, c := range pools.Content {
		origins[i] = newDocument(d.file, d.line, c).origin()
	}
	return origins
}

func (b *builder) metallbValues(v *metallbValues) {
	b.charts = append(b.charts, v.version)
	b.saw(MetalLBSetup)
	if v.class != "" && b.snap.MetalLB.Controller == (Ref{}) && !b.awaits(MetalLBSetup, v.ref, ".loadBalancerClass", v.class) {
		b.snap.MetalLB.Class = v.class // the Deployment says what the controller really has
	}
	if v.field != "" && b.once(MetalLBPools, v.ref, v.config) {
		b.snap.MetalLB.ConfigRef, b.snap.MetalLB.ConfigField = v.ref, v.field+".address-pools"
		b.configMapPools(*v, "metallb-system")
	}
}

// configMapPools are the pools of the era before 0.13. They have no name in the
// API; their Ref is of kind address-pool in the namespace of the ConfigMap.
func (b *builder) configMapPools(v metallbValues, namespace string) {
	b.saw(MetalLBPools)
	outer := b.current
	defer func() { b.current = outer }()
	for i, p := range v.config.AddressPools {
		ref := Ref{Kind: configMapPool, Namespace: namespace, Name: p.Name}
		if i < len(v.origins) {
			b.current = v.origins[i]
		}
		pool := Pool{Ref: ref, ConfigMapEra: true, Pool: metallb.Pool{
			Name: p.Name, Protocol: p.Protocol, AutoAssign: p.AutoAssign == nil || *p.AutoAssign, AvoidBuggyIPs: p.AvoidBuggyIPs,
		}}
		pool.Addresses = b.ranges(MetalLBPools, ref, ".addresses", p.Addresses)
		keep(b, MetalLBPools, &b.snap.MetalLB.Pools, ref, pool)
	}
}

// ranges reads the entries of a pool; what is wrong with one is a check's business.
func (b *builder) ranges(k Kind, ref Ref, field string, texts []string) []Addresses {
	var ranges []Addresses
	for i, text := range texts {
		if !b.awaits(k, ref, fmt.Sprintf("%s[%d]", field, i), text) {
			ranges = append(ranges, metallb.ParseAddresses(text))
		}
	}
	return ranges
}

func isCiliumDaemonSet(d *appsv1.DaemonSet) bool {
	return d.Labels["k8s-app"] == "cilium" || d.Name == "cilium"
}

func isKubeProxyDaemonSet(d *appsv1.DaemonSet) bool {
	return d.Labels["k8s-app"] == "kube-proxy" || d.Name == "kube-proxy"
}

func (b *builder) daemonSet(d *appsv1.DaemonSet) {
	ref := Ref{Kind: "DaemonSet", Namespace: d.Namespace, Name: d.Name}
	b.workload(ref, &d.Spec.Template)
	switch {
	case isCiliumDaemonSet(d):
		b.saw(CiliumAgents)
		b.ciliumDaemonSet(d, ref)
	case isKubeProxyDaemonSet(d):
		b.saw(KubeProxySetup)
		b.kubeProxyDaemonSet(d, ref)
	}
}

func (b *builder) ciliumDaemonSet(d *appsv1.DaemonSet, ref Ref) {
	var version release.Version
	host := ""
	for _, c := range d.Spec.Template.Spec.Containers {
		if c.Name == "cilium-agent" {
			version, host = release.OfImage(c.Image), env(c, "KUBERNETES_SERVICE_HOST")
		}
	}
	if b.once(CiliumAgents, ref, []any{version, host}) {
		b.snap.Cilium.DaemonSet, b.snap.Cilium.Version, b.snap.Cilium.APIHost = ref, version, host
	}
}

func (b *builder) kubeProxyDaemonSet(d *appsv1.DaemonSet, ref Ref) {
	var version release.Version
	if containers := d.Spec.Template.Spec.Containers; len(containers) > 0 {
		version = release.OfImage(containers[0].Image)
	}
	// A nodeSelector that no node has is a common way to switch it off.
	idle := d.Status.ObservedGeneration > 0 && d.Status.DesiredNumberScheduled == 0
	if b.once(KubeProxySetup, ref, []any{version, idle}) {
		b.snap.KubeProxy.DaemonSet, b.snap.KubeProxy.Version, b.snap.KubeProxy.Idle = ref, version, idle
	}
}

func env(c corev1.Container, name string) string {
	for _, e := range c.Env {
		if e.Name == name {
			return e.Value
		}
	}
	return ""
}

// ciliumAgent is when the Pod read its configuration: when its init container "config"
// did, which an agent that crashes and starts again does not repeat. Charts before that
// container had the agent read it.
func ciliumAgent(p *corev1.Pod, ref Ref) CiliumAgent {
	agent := CiliumAgent{Ref: ref, Node: p.Spec.NodeName}
	for _, status := range p.Status.ContainerStatuses {
		if status.Name == "cilium-agent" && status.State.Running != nil {
			agent.Started = status.State.Running.StartedAt.UTC()
		}
	}
	for _, status := range p.Status.InitContainerStatuses {
		if status.Name == "config" && status.State.Terminated != nil {
			agent.Started = status.State.Terminated.StartedAt.UTC()
		}
	}
	return agent
}

// deployment keeps MetalLB's controller, known by its labels or its image, and what the
// template of any other says of addresses.
func (b *builder) deployment(d *appsv1.Deployment) {
	b.workload(Ref{"Deployment", d.Namespace, d.Name}, &d.Spec.Template)
	for _, c := range d.Spec.Template.Spec.Containers {
		if !isMetalLBController(d, c) {
			continue
		}
		ref := Ref{Kind: "Deployment", Namespace: d.Namespace, Name: d.Name}
		b.saw(MetalLBSetup)
		version, class := release.OfImage(c.Image), controllerFlags(d)["lb-class"]
		if b.once(MetalLBSetup, ref, []any{version, class}) {
			m := &b.snap.MetalLB
			m.Controller, m.Namespace, m.Version, m.Class = ref, d.Namespace, version, class
		}
		return
	}
}

// controllerFlags is the flags of MetalLB's controller.
func controllerFlags(d *appsv1.Deployment) Flags {
	for _, c := range d.Spec.Template.Spec.Containers {
		if isMetalLBController(d, c) {
			return parseFlags(append(append([]string{}, c.Command...), c.Args...))
		}
	}
	return nil
}

func isMetalLBController(d *appsv1.Deployment, c corev1.Container) bool {
	manifests := d.Labels["app"] == "metallb" && d.Labels["component"] == "controller"
	chart := d.Labels["app.kubernetes.io/name"] == "metallb" && d.Labels["app.kubernetes.io/component"] == "controller"
	image, _, _ := strings.Cut(c.Image, "@")
	return c.Name == "controller" && (manifests || chart) ||
		strings.HasSuffix(image[:max(0, lastColon(image))], "metallb/controller")
}

// lastColon is where the tag of an image begins, or the image's length.
func lastColon(image string) int {
	if i := strings.LastIndexByte(image, ':'); i > strings.LastIndexByte(image, '/') {
		return i
	}
	return len(image)
}

func (b *builder) ciliumNode(n *ciliumNode) {
	ref := Ref{Kind: "CiliumNode", Name: n.Name}
	b.saw(CiliumNodes)
	node := CiliumNode{Ref: ref, PodCIDRs: b.prefixes(CiliumNodes, ref, ".spec.ipam.podCIDRs", n.Spec.IPAM.PodCIDRs),
		PoolError: n.Status.IPAM.OperatorStatus.Error}
	for i, p := range n.Spec.IPAM.Pools.Allocated {
		node.PoolCIDRs = append(node.PoolCIDRs, b.prefixes(CiliumNodes, ref, fmt.Sprintf(".spec.ipam.pools.allocated[%d].cidrs", i), p.CIDRs)...)
	}
	for i, a := range n.Spec.Addresses {
		at := map[string]*[]netip.Addr{
			string(corev1.NodeInternalIP): &node.Internal, string(corev1.NodeExternalIP): &node.External, "CiliumInternalIP": &node.Router,
		}[a.Type]
		if at == nil {
			continue
		}
		if ip := b.addr(CiliumNodes, ref, fmt.Sprintf(".spec.addresses[%d].ip", i), a.IP); ip.IsValid() {
			*at = append(*at, ip)
		}
	}
	keep(b, CiliumNodes, &b.snap.CiliumNodes, ref, node)
}

func (b *builder) ciliumNodeConfig(n *ciliumNodeConfig) {
	ref := Ref{Kind: "CiliumNodeConfig", Namespace: n.Namespace, Name: n.Name}
	keep(b, CiliumConfig, &b.snap.Cilium.NodeConfigs, ref, ref)
}

func (b *builder) lbIPAMPool(p *ciliumLoadBalancerIPPool) {
	ref := Ref{Kind: "CiliumLoadBalancerIPPool", Name: p.Name}
	b.saw(LBIPAMPools)
	pool := LBIPAMPool{Ref: ref, Disabled: p.Spec.Disabled, Selector: p.Spec.ServiceSelector != nil}
	pool.Ranges = b.ranges(LBIPAMPools, ref, ".spec.cidrs", textsOf(p.Spec.CIDRs))
	pool.CIDRs = len(pool.Ranges)
	pool.Ranges = append(pool.Ranges, b.ranges(LBIPAMPools, ref, ".spec.blocks", textsOf(p.Spec.Blocks))...)
	keep(b, LBIPAMPools, &b.snap.LBIPAMPools, ref, pool)
}

// textsOf is the blocks as MetalLB would write them. One with a start only is that
// address.
func textsOf(blocks []block) []string {
	var texts []string
	for _, b := range blocks {
		text := b.CIDR
		if text == "" {
			text = b.Start + "-" + cmp.Or(b.Stop, b.Start)
		}
		texts = append(texts, text)
	}
	return texts
}

func (b *builder) ipAddressPool(p *ipAddressPool) {
	ref := Ref{Kind: "IPAddressPool", Namespace: p.Namespace, Name: p.Name}
	b.saw(MetalLBPools)
	b.saw(MetalLBSetup)
	b.snap.MetalLB.CRDs = true
	pool := Pool{Ref: ref, Pool: metallb.Pool{
		Name: p.Name, AutoAssign: p.Spec.AutoAssign == nil || *p.Spec.AutoAssign, AvoidBuggyIPs: p.Spec.AvoidBuggyIPs,
	}}
	if a := p.Spec.ServiceAllocation; a != nil {
		pool.Restricted, pool.Priority, pool.Namespaces = true, a.Priority, a.Namespaces
		pool.ServiceSelectors = len(a.ServiceSelectors) > 0 || len(a.NamespaceSelectors) > 0
	}
	pool.Addresses = b.ranges(MetalLBPools, ref, ".spec.addresses", p.Spec.Addresses)
	keep(b, MetalLBPools, &b.snap.MetalLB.Pools, ref, pool)
}

func (b *builder) addressPool(p *addressPool) {
	ref := Ref{Kind: AddressPool, Namespace: p.Namespace, Name: p.Name}
	b.saw(MetalLBPools)
	b.saw(MetalLBSetup)
	b.snap.MetalLB.CRDs = true
	pool := Pool{Ref: ref, Pool: metallb.Pool{
		Name: p.Name, Protocol: p.Spec.Protocol, AutoAssign: p.Spec.AutoAssign == nil || *p.Spec.AutoAssign,
	}}
	pool.Addresses = b.ranges(MetalLBPools, ref, ".spec.addresses", p.Spec.Addresses)
	keep(b, MetalLBPools, &b.snap.MetalLB.Pools, ref, pool)
}

func (b *builder) advertisement(a *advertisement) {
	ref := Ref{Kind: a.Kind, Namespace: a.Namespace, Name: a.Name}
	b.saw(MetalLBAds)
	b.snap.MetalLB.CRDs = true
	keep(b, MetalLBAds, &b.snap.MetalLB.Ads, ref, Advertisement{Ref: ref,
		Pools: a.Spec.IPAddressPools, PoolSelectors: len(a.Spec.IPAddressPoolSelectors) > 0,
		NodeSelectors: len(a.Spec.NodeSelectors) > 0, ServiceSelectors: selectors(a.Spec.ServiceSelectors)})
}

// The lengths of prefixes that are announced where nothing says another: each
// address by itself (metallb v0.16.2, internal/config/config.go).
var noAggregation = ipfam.Pair[int]{V4: 32, V6: 128}

func (b *builder) bgpAdvertisement(a *bgpAdvertisement) {
	ref := Ref{Kind: a.Kind, Namespace: a.Namespace, Name: a.Name}
	b.saw(MetalLBAds)
	b.snap.MetalLB.CRDs = true
	ad := Advertisement{Ref: ref, BGP: true, Pools: a.Spec.IPAddressPools, PoolSelectors: len(a.Spec.IPAddressPoolSelectors) > 0,
		NodeSelectors: len(a.Spec.NodeSelectors) > 0, ServiceSelectors: selectors(a.Spec.ServiceSelectors),
		Aggregation: noAggregation, Peers: a.Spec.Peers}
	for f, length := range map[ipfam.Family]*int{ipfam.V4: a.Spec.AggregationLength, ipfam.V6: a.Spec.AggregationLengthV6} {
		if length != nil {
			*ad.Aggregation.At(f) = *length
		}
	}
	keep(b, MetalLBAds, &b.snap.MetalLB.Ads, ref, ad)
}

func (b *builder) bgpPeer(p *bgpPeer) {
	ref := Ref{Kind: "BGPPeer", Namespace: p.Namespace, Name: p.Name}
	b.saw(MetalLBPeers)
	b.snap.MetalLB.CRDs = true
	peer := BGPPeer{Ref: ref, Interface: p.Spec.Interface, Both: p.Spec.DualStackAddressFamily || p.Spec.Interface != ""}
	if p.Spec.PeerAddress != "" {
		peer.Address = b.addr(MetalLBPeers, ref, ".spec.peerAddress", p.Spec.PeerAddress)
	}
	keep(b, MetalLBPeers, &b.snap.MetalLB.Peers, ref, peer)
}

// selectors is label selectors as kubectl writes them: "app=web,tier in (a,b)". The
// empty one selects everything, and so, since MetalLB takes nothing that it is in, is
// one that is none.
func selectors(list []metav1.LabelSelector) []string {
	var texts []string
	for i := range list {
		text := ""
		if s, err := metav1.LabelSelectorAsSelector(&list[i]); err == nil {
			text = s.String()
		}
		texts = append(texts, text)
	}
	return texts
}
