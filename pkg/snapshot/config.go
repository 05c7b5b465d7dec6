package snapshot

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// configMap reads the ConfigMaps that configure a component, which are known by
// their name or by what is in them; others are passed over.
func (b *builder) configMap(c *corev1.ConfigMap) {
	ref := Ref{Kind: "ConfigMap", Namespace: c.Namespace, Name: c.Name}
	switch {
	case c.Name == "cilium-config":
		b.place(ref)
		b.ciliumConfigMap(c, ref)
	case c.Name == "kubeadm-config" && c.Data["ClusterConfiguration"] != "":
		b.kubeadmConfigMap(c)
	case c.Name == "kube-proxy" && c.Data["config.conf"] != "":
		b.place(ref)
		b.kubeProxyConfigMap(c, ref)
	case strings.Contains(c.Data["config"], "address-pools:"):
		b.place(ref)
		b.metallbConfigMap(c, ref)
	}
}

func (b *builder) ciliumConfigMap(c *corev1.ConfigMap, ref Ref) {
	b.saw(CiliumConfig)
	b.snap.Cilium.Config = cilium.Config(c.Data)
	b.snap.Cilium.ConfigRef = ref
	b.snap.Cilium.Namespace = c.Namespace
	b.snap.Cilium.ByHand, b.snap.Cilium.Changed = handMade(c.ManagedFields)
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
		if err := json.Unmarshal(entry.FieldsV1.Raw, &fields); err != nil || len(fields.Data) == 0 {
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

// kubeadmConfigMap reads the document that kubeadm keeps in its ConfigMap. Lines
// are those of the ConfigMap's file, counted on from the key.
func (b *builder) kubeadmConfigMap(c *corev1.ConfigMap) {
	b.embedded(kubeadmRef, ".data.ClusterConfiguration", KubeadmConfig, c.Data["ClusterConfiguration"])
}

// embedded reads a document that is the value of a ConfigMap's key, in which a
// field's line is that of the key plus that within the document.
func (b *builder) embedded(ref Ref, field string, k Kind, content string) {
	outer := b.current
	name, first := "", 1
	if outer != nil {
		name = outer.file
		first = outer.line
		if line, ok := outer.lines[pathHash(field)]; ok {
			first = int(line) + 1
		}
	}
	for _, p := range split([]byte(content)) {
		p.line += first - 1
		d, err := p.parse(name)
		if err != nil {
			b.problem(k, ref, field, "%v", err)
			continue
		}
		if d == nil {
			continue
		}
		o, problem := d.decode()
		if problem != nil {
			b.problem(k, ref, field, "%s", problem.Message)
			continue
		}
		if outer == nil {
			o.origin = nil
		}
		b.add(o)
	}
	b.current = outer
}

// kubeProxyConfigMap reads KubeProxyConfiguration v1alpha1.
func (b *builder) kubeProxyConfigMap(c *corev1.ConfigMap, ref Ref) {
	b.saw(KubeProxySetup)
	b.snap.KubeProxy.ConfigMap = ref
	var config struct {
		Mode              string   `json:"mode"`
		ClusterCIDR       string   `json:"clusterCIDR"`
		DetectLocalMode   string   `json:"detectLocalMode"`
		NodePortAddresses []string `json:"nodePortAddresses"`
	}
	const field = ".data.config.conf"
	if err := yaml.Unmarshal([]byte(c.Data["config.conf"]), &config); err != nil {
		b.problem(KubeProxySetup, ref, field, "not a KubeProxyConfiguration: %v", err)
		return
	}
	b.snap.KubeProxy.Mode = config.Mode
	b.snap.KubeProxy.DetectLocal = config.DetectLocalMode
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
	var config metallbConfig
	if err := yaml.Unmarshal([]byte(c.Data["config"]), &config); err != nil {
		b.problem(MetalLBPools, ref, ".data.config", "not a MetalLB configuration: %v", err)
		return
	}
	b.saw(MetalLBSetup)
	b.snap.MetalLB.ConfigRef = ref
	b.configMapPools(config, ref, "")
}

// configMapPools are the pools of the era before 0.13. They have no name in the
// API; their Ref is of kind AddressPool in the namespace of the ConfigMap.
func (b *builder) configMapPools(config metallbConfig, parent Ref, namespace string) {
	b.saw(MetalLBPools)
	if namespace == "" {
		namespace = parent.Namespace
	}
	for i, p := range config.AddressPools {
		ref := Ref{Kind: "AddressPool", Namespace: namespace, Name: p.Name}
		b.placeInside(ref, parent, fmt.Sprintf(".configInline.address-pools[%d]", i))
		pool := Pool{Ref: ref, ConfigMapEra: true, Pool: metallb.Pool{
			Name: p.Name, Protocol: p.Protocol, AutoAssign: p.AutoAssign == nil || *p.AutoAssign, AvoidBuggyIPs: p.AvoidBuggyIPs,
		}}
		for _, text := range p.Addresses {
			pool.Addresses = append(pool.Addresses, metallb.ParseAddresses(text))
		}
		b.snap.MetalLB.Pools = append(b.snap.MetalLB.Pools, pool)
	}
}

// placeInside gives ref the place that field has in the current document.
func (b *builder) placeInside(ref, parent Ref, field string) {
	if b.current == nil {
		return
	}
	at := b.snap.Position(parent, field)
	b.snap.origins[ref] = append(b.snap.origins[ref], &origin{file: at.File, line: at.Line})
}

func (b *builder) daemonSet(d *appsv1.DaemonSet) {
	ref := Ref{Kind: "DaemonSet", Namespace: d.Namespace, Name: d.Name}
	containers := d.Spec.Template.Spec.Containers
	switch {
	case d.Labels["k8s-app"] == "cilium" || d.Name == "cilium":
		b.place(ref)
		b.saw(CiliumAgents)
		b.snap.Cilium.DaemonSet = ref
		for _, c := range containers {
			if c.Name == "cilium-agent" {
				b.snap.Cilium.Version = release.OfImage(c.Image)
				b.snap.Cilium.APIHost = env(c, "KUBERNETES_SERVICE_HOST")
			}
		}
	case d.Labels["k8s-app"] == "kube-proxy" || d.Name == "kube-proxy":
		b.place(ref)
		b.saw(KubeProxySetup)
		b.snap.KubeProxy.DaemonSet = ref
		// A nodeSelector that no node has is a common way to switch it off.
		b.snap.KubeProxy.Idle = d.Status.ObservedGeneration > 0 && d.Status.DesiredNumberScheduled == 0
		if len(containers) > 0 {
			b.snap.KubeProxy.Version = release.OfImage(containers[0].Image)
		}
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

func ciliumAgent(p *corev1.Pod, ref Ref) CiliumAgent {
	agent := CiliumAgent{Ref: ref, Node: p.Spec.NodeName}
	for _, status := range p.Status.ContainerStatuses {
		if status.Name == "cilium-agent" && status.State.Running != nil {
			agent.Started = status.State.Running.StartedAt.UTC()
		}
	}
	return agent
}

// deployment keeps MetalLB's controller, known by its labels or its image.
func (b *builder) deployment(d *appsv1.Deployment) {
	for _, c := range d.Spec.Template.Spec.Containers {
		if !isMetalLBController(d, c) {
			continue
		}
		ref := Ref{Kind: "Deployment", Namespace: d.Namespace, Name: d.Name}
		b.place(ref)
		b.saw(MetalLBSetup)
		flags := parseFlags(append(append([]string{}, c.Command...), c.Args...))
		m := &b.snap.MetalLB
		m.Controller, m.Namespace, m.Version, m.Class = ref, d.Namespace, release.OfImage(c.Image), flags["lb-class"]
		return
	}
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

// helmValues reads values of the charts of Cilium and of MetalLB before 0.13.
func (b *builder) helmValues(v *helmValues) {
	ref := Ref{Kind: "HelmValues", Name: v.chart}
	b.place(ref)
	switch v.chart {
	case "cilium":
		rendered, fields := cilium.Render(v.values)
		b.snap.Cilium.Values = CiliumValues{Ref: ref, Rendered: rendered, Given: cilium.Given(v.values), Fields: fields}
		b.saw(CiliumConfig)
	case "metallb":
		var config metallbConfig
		data, err := json.Marshal(v.values["configInline"])
		if err == nil {
			err = json.Unmarshal(data, &config)
		}
		if err != nil {
			b.problem(MetalLBPools, ref, ".configInline", "not a MetalLB configuration: %v", err)
			return
		}
		b.saw(MetalLBSetup)
		b.snap.MetalLB.ConfigRef = ref
		b.configMapPools(config, ref, "metallb-system")
	}
}

// settleConfiguration picks the configuration that the agents would read: the
// ConfigMap, or without one what the Helm values render to.
func (b *builder) settleConfiguration() {
	c := &b.snap.Cilium
	if c.ConfigRef == (Ref{}) && c.Values.Ref != (Ref{}) {
		c.Config, c.ConfigRef = c.Values.Rendered, c.Values.Ref
	}
	if c.Namespace == "" && c.DaemonSet.Namespace != "" {
		c.Namespace = c.DaemonSet.Namespace
	}
	if !c.Version.Known() {
		c.Version = c.Values.Version
	}
}

func (b *builder) ciliumNode(n *ciliumNode) {
	ref := Ref{Kind: "CiliumNode", Name: n.Name}
	b.place(ref)
	b.saw(CiliumNodes)
	node := CiliumNode{Ref: ref, PodCIDRs: b.prefixes(CiliumNodes, ref, ".spec.ipam.podCIDRs", n.Spec.IPAM.PodCIDRs),
		PoolError: n.Status.IPAM.OperatorStatus.Error}
	for i, a := range n.Spec.Addresses {
		if a.Type == string(corev1.NodeInternalIP) {
			if ip := b.addr(CiliumNodes, ref, fmt.Sprintf(".spec.addresses[%d].ip", i), a.IP); ip.IsValid() {
				node.Internal = append(node.Internal, ip)
			}
		}
	}
	b.snap.CiliumNodes = append(b.snap.CiliumNodes, node)
}

func (b *builder) ciliumNodeConfig(n *ciliumNodeConfig) {
	ref := Ref{Kind: "CiliumNodeConfig", Namespace: n.Namespace, Name: n.Name}
	b.place(ref)
	b.snap.Cilium.NodeConfigs = append(b.snap.Cilium.NodeConfigs, ref)
}

func (b *builder) lbIPAMPool(p *ciliumLoadBalancerIPPool) {
	ref := Ref{Kind: "CiliumLoadBalancerIPPool", Name: p.Name}
	b.place(ref)
	b.saw(LBIPAMPools)
	pool := LBIPAMPool{Ref: ref, Disabled: p.Spec.Disabled, Selector: p.Spec.ServiceSelector != nil}
	for _, block := range slices.Concat(p.Spec.CIDRs, p.Spec.Blocks) {
		text := block.CIDR
		if text == "" {
			stop := block.Stop
			if stop == "" {
				stop = block.Start
			}
			text = block.Start + "-" + stop
		}
		pool.Ranges = append(pool.Ranges, metallb.ParseAddresses(text))
	}
	b.snap.LBIPAMPools = append(b.snap.LBIPAMPools, pool)
}

func (b *builder) ipAddressPool(p *ipAddressPool) {
	ref := Ref{Kind: "IPAddressPool", Namespace: p.Namespace, Name: p.Name}
	b.place(ref)
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
	for _, text := range p.Spec.Addresses {
		pool.Addresses = append(pool.Addresses, metallb.ParseAddresses(text))
	}
	b.snap.MetalLB.Pools = append(b.snap.MetalLB.Pools, pool)
}

func (b *builder) advertisement(a *advertisement) {
	ref := Ref{Kind: a.Kind, Namespace: a.Namespace, Name: a.Name}
	b.place(ref)
	b.saw(MetalLBAds)
	b.snap.MetalLB.CRDs = true
	b.snap.MetalLB.Ads = append(b.snap.MetalLB.Ads, Advertisement{Ref: ref, BGP: a.Kind == "BGPAdvertisement",
		Pools: a.Spec.IPAddressPools, PoolSelectors: len(a.Spec.IPAddressPoolSelectors) > 0,
		NodeSelectors: len(a.Spec.NodeSelectors) > 0})
}
