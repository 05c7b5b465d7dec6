package snapshot

import (
	"errors"
	"fmt"
	"net/netip"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const egressGatewayKind = "CiliumEgressGatewayPolicy"

// egressGatewayPolicy is cilium.io/v2 CiliumEgressGatewayPolicy
// (cilium v1.20.2, pkg/k8s/apis/cilium.io/v2/cegp_types.go).
type egressGatewayPolicy struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Selectors []struct {
			NamespaceSelector *metav1.LabelSelector `json:"namespaceSelector"`
			PodSelector       *metav1.LabelSelector `json:"podSelector"`
			NodeSelector      *metav1.LabelSelector `json:"nodeSelector"`
		} `json:"selectors"`
		DestinationCIDRs []string      `json:"destinationCIDRs"`
		ExcludedCIDRs    []string      `json:"excludedCIDRs"`
		EgressGateway    *gatewayNode  `json:"egressGateway"`
		EgressGateways   []gatewayNode `json:"egressGateways"`
	} `json:"spec"`
}

type gatewayNode struct {
	NodeSelector *metav1.LabelSelector `json:"nodeSelector"`
	Interface    string                `json:"interface"`
	EgressIP     string                `json:"egressIP"`
}

// EgressGatewayOf is the CiliumEgressGatewayPolicy u. An error is also what the agents
// would not take: the policy then has no effect.
// Source: cilium v1.20.2, pkg/egressgateway/policy.go ParseCEGP.
func EgressGatewayOf(u *unstructured.Unstructured) (EgressGateway, error) {
	g := EgressGateway{Ref: Ref{u.GetKind(), u.GetNamespace(), u.GetName()}}
	if g.Kind != egressGatewayKind {
		return g, fmt.Errorf("read %s: not a %s", g.Ref, egressGatewayKind)
	}
	var object egressGatewayPolicy
	if err := decodeCustom(u, &object); err != nil {
		return EgressGateway{Ref: g.Ref}, fmt.Errorf("read %s: %w", g.Ref, err)
	}
	if err := g.read(&object); err != nil {
		return EgressGateway{Ref: g.Ref}, fmt.Errorf("read %s: %w", g.Ref, err)
	}
	return g, nil
}

// read takes over what object says.
func (g *EgressGateway) read(object *egressGatewayPolicy) (err error) {
	for _, part := range []func(*egressGatewayPolicy) error{g.subjects, g.ranges, g.gateways} {
		if err == nil {
			err = part(object)
		}
	}
	return err
}

// subjects reads .spec.selectors. A podSelector may name the namespace by the label that
// Cilium gives every Pod, and then that counts as one of the namespace.
func (g *EgressGateway) subjects(object *egressGatewayPolicy) error {
	for i, s := range object.Spec.Selectors {
		wrong := func(err error) error { return fmt.Errorf(".spec.selectors[%d]: %w", i, err) }
		if s.NodeSelector != nil {
			nodes, err := SelectorOf(*s.NodeSelector)
			if err != nil {
				return wrong(err)
			}
			g.SourceNodes = append(g.SourceNodes, nodes)
		}
		if s.NamespaceSelector == nil && s.PodSelector == nil {
			return wrong(errors.New("has neither namespaceSelector nor podSelector"))
		}
		subject, err := subjectOf(s.NamespaceSelector, s.PodSelector)
		if err != nil {
			return wrong(err)
		}
		g.Subjects = append(g.Subjects, subject)
	}
	return nil
}

func subjectOf(namespaces, pods *metav1.LabelSelector) (GatewaySubject, error) {
	var all []requirement
	if namespaces != nil {
		for _, r := range requirements(*namespaces) {
			r.Key = namespaceLabelsPrefix + r.Key
			all = append(all, r)
		}
	}
	if pods != nil {
		all = append(all, requirements(*pods)...)
	}
	ofPods, ofNamespaces, err := podsAndNamespaces(all)
	return GatewaySubject{Pods: &ofPods, Namespaces: ofNamespaces}, err
}

func (g *EgressGateway) ranges(object *egressGatewayPolicy) (err error) {
	if object.Spec.DestinationCIDRs == nil {
		return errors.New(".spec.destinationCIDRs: missing")
	}
	if g.Destinations, err = prefixesOf(object.Spec.DestinationCIDRs); err != nil {
		return fmt.Errorf(".spec.destinationCIDRs%w", err)
	}
	if g.Excluded, err = prefixesOf(object.Spec.ExcludedCIDRs); err != nil {
		return fmt.Errorf(".spec.excludedCIDRs%w", err)
	}
	return nil
}

func prefixesOf(texts []string) ([]netip.Prefix, error) {
	var prefixes []netip.Prefix
	for i, text := range texts {
		p, err := prefixOf(text)
		if err != nil {
			return nil, fmt.Errorf("[%d]: %w", i, err)
		}
		prefixes = append(prefixes, p)
	}
	return prefixes, nil
}

// gateways reads .spec.egressGateways or, where that is empty, .spec.egressGateway. A
// gateway without a nodeSelector may be any node.
func (g *EgressGateway) gateways(object *egressGatewayPolicy) error {
	nodes := object.Spec.EgressGateways
	if len(nodes) == 0 {
		if object.Spec.EgressGateway == nil {
			return errors.New(".spec.egressGateway: missing")
		}
		nodes = []gatewayNode{*object.Spec.EgressGateway}
	}
	for _, n := range nodes {
		gateway, err := n.gateway()
		if err != nil {
			return fmt.Errorf(".spec.egressGateway: %w", err)
		}
		g.Gateways = append(g.Gateways, gateway)
	}
	return nil
}

func (n gatewayNode) gateway() (g Gateway, err error) {
	if n.Interface != "" && n.EgressIP != "" {
		return g, errors.New("has both interface and egressIP")
	}
	g.Interface = n.Interface
	if g.Nodes, err = selectorOrAll(n.NodeSelector); err != nil {
		return g, err
	}
	if n.EgressIP != "" {
		if g.EgressIP, err = netip.ParseAddr(n.EgressIP); err != nil {
			return g, fmt.Errorf("egressIP %q is no address", n.EgressIP)
		}
	}
	return g, nil
}
