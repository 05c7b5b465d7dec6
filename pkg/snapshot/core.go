package snapshot

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unique"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

func (b *builder) node(n *corev1.Node) {
	ref := Ref{Kind: "Node", Name: n.Name}
	b.saw(Nodes)
	node := Node{Ref: ref, ProviderID: n.Spec.ProviderID,
		PodCIDRs: b.prefixes(Nodes, ref, ".spec.podCIDRs", n.Spec.PodCIDRs)}
	for i, a := range n.Status.Addresses {
		at := map[corev1.NodeAddressType]*[]netip.Addr{
			corev1.NodeInternalIP: &node.InternalIPs,
			corev1.NodeExternalIP: &node.ExternalIPs,
		}[a.Type]
		if at == nil {
			continue
		}
		if ip := b.addr(Nodes, ref, fmt.Sprintf(".status.addresses[%d].address", i), a.Address); ip.IsValid() {
			*at = append(*at, ip)
		}
	}
	if provided := n.Annotations["alpha.kubernetes.io/provided-node-ip"]; provided != "" {
		for text := range strings.SplitSeq(provided, ",") {
			if a, err := netip.ParseAddr(strings.TrimSpace(text)); err == nil {
				node.ProvidedIPs = append(node.ProvidedIPs, a.Unmap())
			}
		}
	}
	if v, err := release.Parse(n.Status.NodeInfo.KubeletVersion); err == nil {
		node.Kubelet = v
	}
	node.PluginIPs = pluginIPs(n.Annotations)
	_, node.ControlPlane = n.Labels["node-role.kubernetes.io/control-plane"]
	node.K3sServer = k3sServerFlags(n.Annotations[k3sArgsAnnotation])
	_, node.ExcludedFromLB = n.Labels[corev1.LabelNodeExcludeBalancers]
	keep(b, Nodes, &b.snap.Nodes, ref, node)
}

// webhook keeps what is called at Services, each Service once. That there is no such
// object is known too.
func (b *builder) webhook(ref Ref, services ...*serviceReference) {
	b.saw(Webhooks)
	w := Webhook{Ref: ref}
	for _, s := range services {
		if s == nil {
			continue
		}
		if service := (Ref{Kind: "Service", Namespace: s.Namespace, Name: s.Name}); !slices.Contains(w.Services, service) {
			w.Services = append(w.Services, service)
		}
	}
	if len(w.Services) > 0 {
		keep(b, Webhooks, &b.snap.Webhooks, ref, w)
	}
}

// pluginAnnotations is where network plugins write the addresses of a node.
// Sources: flannel v0.27.4, pkg/subnet/kube/annotations.go; Calico,
// libcalico-go/lib/backend/k8s/resources/node.go.
var pluginAnnotations = []struct{ plugin, name, overwrite string }{
	{"flannel", "flannel.alpha.coreos.com/public-ip", "flannel.alpha.coreos.com/public-ip-overwrite"},
	{"flannel", "flannel.alpha.coreos.com/public-ipv6", "flannel.alpha.coreos.com/public-ipv6-overwrite"},
	{"Calico", "projectcalico.org/IPv4Address", ""},
	{"Calico", "projectcalico.org/IPv6Address", ""},
}

// pluginIPs is the addresses in annotations. Calico writes them with the length of
// their prefix. Where there is no flannel of a family it may have written "0.0.0.0"
// or "::", which is none.
func pluginIPs(annotations map[string]string) []PluginIP {
	var ips []PluginIP
	for _, p := range pluginAnnotations {
		text, _, _ := strings.Cut(annotations[p.name], "/")
		a, err := netip.ParseAddr(text)
		if err != nil || a.IsUnspecified() {
			continue
		}
		ips = append(ips, PluginIP{Plugin: p.plugin, Annotation: p.name, Addr: a.Unmap(),
			Overwritten: p.overwrite != "" && annotations[p.overwrite] != ""})
	}
	return ips
}

func (b *builder) pod(p *corev1.Pod) {
	ref := Ref{Kind: "Pod", Namespace: p.Namespace, Name: p.Name}
	b.saw(Pods)
	pod := Pod{Ref: ref, Node: p.Spec.NodeName, HostNetwork: p.Spec.HostNetwork,
		Running: p.Status.Phase == corev1.PodRunning, Created: p.CreationTimestamp.UTC()}
	for i, ip := range p.Status.PodIPs {
		if a := b.addr(Pods, ref, fmt.Sprintf(".status.podIPs[%d].ip", i), ip.IP); a.IsValid() {
			pod.IPs = append(pod.IPs, a)
		}
	}
	if owner := metav1.GetControllerOf(p); owner != nil {
		pod.Owner = Ref{Kind: owner.Kind, Namespace: p.Namespace, Name: owner.Name}
	}
	if keep(b, Pods, &b.snap.Pods, ref, pod) {
		b.componentPod(p)
		b.podTemplate(p, pod)
	}
}

// componentPod keeps what the Pods of the control plane and of Cilium tell; a
// snapshot without Pods has these all the same.
func (b *builder) componentPod(p *corev1.Pod) {
	ref := Ref{Kind: "Pod", Namespace: p.Namespace, Name: p.Name}
	if p.Labels["k8s-app"] == "cilium" {
		b.saw(CiliumAgents)
		b.snap.Cilium.Agents = append(b.snap.Cilium.Agents, ciliumAgent(p, ref))
		return
	}
	if p.Namespace != metav1.NamespaceSystem || len(p.Spec.Containers) == 0 {
		return
	}
	c := p.Spec.Containers[0]
	program := p.Labels["component"]
	if program != APIServer && program != ControllerManager {
		return
	}
	b.saw(ControlPlane)
	b.snap.ControlPlane = append(b.snap.ControlPlane, Component{
		Ref: ref, Program: program, Node: p.Spec.NodeName, Version: release.OfImage(c.Image),
		Flags: parseFlags(append(append([]string{}, c.Command...), c.Args...)),
	})
}

// parseFlags reads --name=value, --name value and --name. Of a repeated flag the
// last one counts, as for the programs.
func parseFlags(args []string) Flags {
	flags := Flags{}
	for i := 0; i < len(args); i++ {
		name, ok := strings.CutPrefix(args[i], "--")
		if !ok {
			continue
		}
		value := "true"
		if n, v, ok := strings.Cut(name, "="); ok {
			name, value = n, v
		} else if i+1 < len(args) && !strings.HasPrefix(args[i+1], "-") {
			i++
			value = args[i]
		}
		flags[name] = value
	}
	return flags
}

func (b *builder) service(s *corev1.Service) {
	ref := Ref{Kind: "Service", Namespace: s.Namespace, Name: s.Name}
	b.saw(Services)
	v := Service{Ref: ref, Type: string(s.Spec.Type), Selector: s.Spec.Selector,
		LocalTraffic: s.Spec.ExternalTrafficPolicy == corev1.ServiceExternalTrafficPolicyLocal,
		RequestedIP:  s.Spec.LoadBalancerIP, Live: s.UID != "" || len(s.Status.LoadBalancer.Ingress) > 0 || s.Spec.ClusterIP != ""}
	if v.Type == "" {
		v.Type = string(corev1.ServiceTypeClusterIP)
	}
	if s.Spec.IPFamilyPolicy != nil {
		v.Policy = string(*s.Spec.IPFamilyPolicy)
	}
	if s.Spec.LoadBalancerClass != nil {
		v.Class = *s.Spec.LoadBalancerClass
	}
	for i, f := range s.Spec.IPFamilies {
		family, err := ipfam.Parse(string(f))
		if err != nil {
			b.problem(Services, ref, fmt.Sprintf(".spec.ipFamilies[%d]", i), "%v", err)
			continue
		}
		v.Families = append(v.Families, family)
	}
	v.Headless = s.Spec.ClusterIP == corev1.ClusterIPNone
	if !v.Headless {
		v.ClusterIPs = b.addrs(Services, ref, ".spec.clusterIPs", s.Spec.ClusterIPs)
		if text := s.Spec.ClusterIP; len(s.Spec.ClusterIPs) == 0 && text != "" { // by hand: the API server fills in the other
			if a := b.addr(Services, ref, ".spec.clusterIP", text); a.IsValid() {
				v.ClusterIPs = append(v.ClusterIPs, a)
			}
		}
	}
	v.ExternalIPs = b.addrs(Services, ref, ".spec.externalIPs", s.Spec.ExternalIPs)
	if v.Type == string(corev1.ServiceTypeLoadBalancer) {
		b.loadBalancer(s, &v)
	}
	keep(b, Services, &b.snap.Services, ref, v)
}

// loadBalancer reads what only a LoadBalancer Service has. Ports, annotations and
// labels of the others are not kept.
func (b *builder) loadBalancer(s *corev1.Service, v *Service) {
	v.Labels, v.Annotations = s.Labels, balancerAnnotations(s.Annotations)
	for _, p := range s.Spec.Ports {
		v.Ports = append(v.Ports, Port{Protocol: string(cmp.Or(p.Protocol, corev1.ProtocolTCP)), Number: p.Port})
	}
	for i, text := range s.Spec.LoadBalancerSourceRanges {
		if p, ok := b.prefix(Services, v.Ref, fmt.Sprintf(".spec.loadBalancerSourceRanges[%d]", i), strings.TrimSpace(text)); ok {
			v.SourceRanges = append(v.SourceRanges, p)
		}
	}
	for i, ingress := range s.Status.LoadBalancer.Ingress {
		if ingress.Hostname != "" {
			v.Hostnames = append(v.Hostnames, ingress.Hostname)
		}
		if ingress.IP == "" {
			continue
		}
		if a := b.addr(Services, v.Ref, fmt.Sprintf(".status.loadBalancer.ingress[%d].ip", i), ingress.IP); a.IsValid() {
			v.Ingress = append(v.Ingress, a)
		}
	}
}

// balancerPrefixes begin the annotations by which a Service talks to a
// load-balancer implementation.
var balancerPrefixes = []string{"metallb.io/", "metallb.universe.tf/", "lbipam.cilium.io/", "io.cilium/", "kube-vip.io/"}

func balancerAnnotations(all map[string]string) map[string]string {
	var kept map[string]string
	for key, value := range all {
		if slices.ContainsFunc(balancerPrefixes, func(prefix string) bool { return strings.HasPrefix(key, prefix) }) {
			if kept == nil {
				kept = map[string]string{}
			}
			kept[key] = value
		}
	}
	return kept
}

func (b *builder) endpointSlice(e *discoveryv1.EndpointSlice) {
	ref := Ref{Kind: "EndpointSlice", Namespace: e.Namespace, Name: e.Name}
	b.saw(EndpointSlices)
	family, err := ipfam.Parse(string(e.AddressType))
	if err != nil { // FQDN: kube-proxy ignores it too
		return
	}
	slice := EndpointSlice{Ref: ref, Family: family, Total: len(e.Endpoints),
		Service: e.Labels[discoveryv1.LabelServiceName], Managed: e.Labels[discoveryv1.LabelManagedBy]}
	for i, endpoint := range e.Endpoints {
		as := b.addrs(EndpointSlices, ref, fmt.Sprintf(".endpoints[%d].addresses", i), endpoint.Addresses)
		if len(as) > 0 && (endpoint.Conditions.Ready == nil || *endpoint.Conditions.Ready) {
			slice.Ready++
			slice.onNode(endpoint.NodeName)
		}
	}
	keep(b, EndpointSlices, &b.snap.EndpointSlices, ref, slice)
}

// someNodes is how many nodes a slice keeps of its endpoints'.
const someNodes = 4

func (s *EndpointSlice) onNode(name *string) {
	if name != nil && len(s.Nodes) < someNodes && !slices.Contains(s.Nodes, *name) {
		s.Nodes = append(s.Nodes, unique.Make(*name).Value()) // one string for all slices, and the object can go
	}
}

func (b *builder) serviceCIDR(c *networkingv1.ServiceCIDR) {
	ref := Ref{Kind: "ServiceCIDR", Name: c.Name}
	b.saw(ServiceCIDRs)
	cidr := ServiceCIDR{Ref: ref, CIDRs: b.prefixes(ServiceCIDRs, ref, ".spec.cidrs", c.Spec.CIDRs)}
	for _, condition := range c.Status.Conditions {
		if condition.Type == networkingv1.ServiceCIDRConditionReady {
			cidr.Ready = condition.Status == metav1.ConditionTrue
			if condition.Status == metav1.ConditionFalse {
				cidr.Unready = cmp.Or(condition.Reason, "no reason given")
			}
		}
	}
	keep(b, ServiceCIDRs, &b.snap.ServiceCIDRs, ref, cidr)
}

// podCIDRReasons are the reasons of the Events that say that a Node got no pod
// range. They are of type Normal: kubernetes v1.37.2,
// pkg/controller/util/node/controller_utils.go.
var podCIDRReasons = []string{"CIDRNotAvailable", "CIDRAssignmentFailed"}

func tellsOfRanges(e *corev1.Event) bool {
	return e.InvolvedObject.Kind == "Node" && slices.Contains(podCIDRReasons, e.Reason)
}

func (b *builder) event(e *corev1.Event) {
	b.saw(NodeEvents)
	if !tellsOfRanges(e) {
		return
	}
	last := latest(e.LastTimestamp.UTC(), e.EventTime.UTC())
	if e.Series != nil {
		last = latest(last, e.Series.LastObservedTime.UTC())
	}
	b.snap.NodeEvents = append(b.snap.NodeEvents, NodeEvent{
		Ref: Ref{Kind: "Node", Name: e.InvolvedObject.Name}, Reason: e.Reason, Message: e.Message, Last: last,
	})
}
