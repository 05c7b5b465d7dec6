package snapshot

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// The API's names of the objects that become a Policy.
const (
	networkPolicyKind     = "NetworkPolicy"
	ciliumPolicyKind      = "CiliumNetworkPolicy"
	ciliumClusterwideKind = "CiliumClusterwideNetworkPolicy"
)

// OfCilium reports whether only Cilium knows the policy.
func (p Policy) OfCilium() bool { return p.Kind != networkPolicyKind }

// PolicyOf is the NetworkPolicy n. What the API server would have refused, and so can
// only stand in a file, is Unjudged.
func PolicyOf(n *networkingv1.NetworkPolicy) Policy {
	p := Policy{Ref: Ref{Kind: networkPolicyKind, Namespace: n.Namespace, Name: n.Name}}
	p.Ingress, p.Egress = policyTypes(n.Spec)
	var err error
	if p.Subject, err = SelectorOf(n.Spec.PodSelector); err != nil {
		p.Unjudged = ".spec.podSelector: " + err.Error()
	}
	for i, r := range n.Spec.Egress {
		p.EgressRules = append(p.EgressRules, ruleOf(fmt.Sprintf(".spec.egress[%d]", i), "to", r.To, r.Ports))
	}
	for i, r := range n.Spec.Ingress {
		p.IngressRules = append(p.IngressRules, ruleOf(fmt.Sprintf(".spec.ingress[%d]", i), "from", r.From, r.Ports))
	}
	return p
}

// policyTypes is the directions that a policy isolates in. Without policyTypes it is
// ingress, and egress when there is a rule for it.
// Source: kubernetes v1.37.2, pkg/apis/networking/v1/defaults.go SetDefaults_NetworkPolicy.
func policyTypes(spec networkingv1.NetworkPolicySpec) (ingress, egress bool) {
	if len(spec.PolicyTypes) == 0 {
		return true, len(spec.Egress) > 0
	}
	return slices.Contains(spec.PolicyTypes, networkingv1.PolicyTypeIngress),
		slices.Contains(spec.PolicyTypes, networkingv1.PolicyTypeEgress)
}

func ruleOf(field, list string, peers []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort) PolicyRule {
	rule := PolicyRule{Field: field, Any: len(peers) == 0}
	for i, p := range peers {
		peer, err := peerOf(p)
		if err != nil {
			rule.Unjudged = fmt.Sprintf("%s[%d]: %v", list, i, err)
			continue
		}
		peer.Field = fmt.Sprintf("%s.%s[%d]", field, list, i)
		rule.Peers = append(rule.Peers, peer)
	}
	for _, p := range ports {
		rule.Ports = append(rule.Ports, portOf(p))
	}
	return rule
}

// peerOf is the peer p. A podSelector without a namespaceSelector is about the policy's
// namespace, a namespaceSelector alone about all Pods of the namespaces.
// Source: k8s.io/api v0.37.2, networking/v1/types.go NetworkPolicyPeer.
func peerOf(p networkingv1.NetworkPolicyPeer) (PolicyPeer, error) {
	if p.IPBlock != nil {
		return blockOf(p.IPBlock.CIDR, p.IPBlock.Except)
	}
	if p.PodSelector == nil && p.NamespaceSelector == nil {
		return PolicyPeer{}, fmt.Errorf("names nobody")
	}
	pods, err := selectorOrAll(p.PodSelector)
	if err != nil {
		return PolicyPeer{}, err
	}
	if p.NamespaceSelector == nil {
		return PolicyPeer{Pods: &pods}, nil
	}
	namespaces, err := SelectorOf(*p.NamespaceSelector)
	return PolicyPeer{Pods: &pods, Namespaces: &namespaces}, err
}

// selectorOrAll is s, or the selector of everything where there is none.
func selectorOrAll(s *metav1.LabelSelector) (Selector, error) {
	if s == nil {
		return "", nil
	}
	return SelectorOf(*s)
}

func blockOf(cidr string, except []string) (peer PolicyPeer, err error) {
	if peer.CIDR, err = prefixOf(cidr); err != nil {
		return PolicyPeer{}, err
	}
	for _, text := range except {
		p, err := prefixOf(text)
		if err != nil {
			return PolicyPeer{}, fmt.Errorf("except: %w", err)
		}
		peer.Except = append(peer.Except, p)
	}
	return peer, nil
}

func prefixOf(text string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is no range of addresses", text)
	}
	return p.Masked(), nil
}

// portOf is the port p, whose protocol is TCP when none is named.
// Source: k8s.io/api v0.37.2, networking/v1/types.go NetworkPolicyPort.
func portOf(p networkingv1.NetworkPolicyPort) PolicyPort {
	port := PolicyPort{Protocol: string(corev1.ProtocolTCP)}
	if p.Protocol != nil {
		port.Protocol = strings.ToUpper(string(*p.Protocol))
	}
	switch {
	case p.Port == nil:
	case p.Port.Type == intstr.String || !isPort(p.Port.IntVal):
		port.Name = p.Port.String()
	default:
		port.Port = uint16(p.Port.IntVal)
	}
	if p.EndPort != nil && isPort(*p.EndPort) {
		port.EndPort = uint16(*p.EndPort)
	}
	return port
}

func isPort(n int32) bool { return 1 <= n && n <= 65535 }
