package snapshot

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func (b *builder) networkPolicy(n *networkingv1.NetworkPolicy) {
	b.saw(NetworkPolicies)
	p := PolicyOf(n)
	keep(b, NetworkPolicies, &b.snap.AllPolicies, p.Ref, p)
}

// ciliumPolicy keeps one Policy for each spec. An object that the agents do not take is
// kept as one that says so.
func (b *builder) ciliumPolicy(o *ciliumPolicy) {
	ref, kind := Ref{o.Kind, o.Namespace, o.Name}, CiliumPolicies
	if ref.Kind == ciliumClusterwideKind {
		kind = CiliumClusterwidePolicies
	}
	b.saw(kind)
	policies, err := o.policies(ref)
	if err != nil {
		policies = []Policy{{Ref: ref, Clusterwide: ref.Kind == ciliumClusterwideKind, Refused: strings.TrimSpace(err.Error())}}
	}
	if len(policies) > 0 && keep(b, kind, &b.snap.AllPolicies, ref, policies[0]) {
		b.snap.AllPolicies = append(b.snap.AllPolicies, policies[1:]...)
	}
}

func (b *builder) egressGateway(o *egressGatewayPolicy) {
	b.saw(EgressGateways)
	g := EgressGateway{Ref: Ref{Kind: egressGatewayKind, Name: o.Name}}
	if err := g.read(o); err != nil {
		g = EgressGateway{Ref: g.Ref, Refused: err.Error()}
	}
	keep(b, EgressGateways, &b.snap.AllEgressGateways, g.Ref, g)
}

func (b *builder) ipMasqAgentConfigMap(c *corev1.ConfigMap, ref Ref) {
	b.saw(IPMasqAgentConfig)
	agent, err := IPMasqAgentOf(c)
	if err != nil {
		b.problem(IPMasqAgentConfig, ref, ".data.config", "%v", err)
		return
	}
	if b.once(IPMasqAgentConfig, ref, agent) {
		b.snap.MasqAgent = agent
	}
}

// masqAgent reads the ConfigMap of the ip-masq-agent, where Cilium's configuration has one.
// A ConfigMap that is not there leaves the built-in list.
func (r *reader) masqAgent(ctx context.Context, namespace string) {
	r.mu.Lock()
	on := r.b.snap.Cilium.Config.Bool("enable-ip-masq-agent", false)
	r.mu.Unlock()
	if !on {
		r.gap(Gap{Kind: IPMasqAgentConfig, Reason: NotInstalled, Detail: "enable-ip-masq-agent is not on"})
		return
	}
	found, err := r.client.configMap(ctx, namespace, ipMasqAgentName)
	switch {
	case err == nil:
		r.add(found)
	case apierrors.IsNotFound(err):
		r.mu.Lock()
		defer r.mu.Unlock()
		r.b.snap.MasqAgent, _ = IPMasqAgentOf(nil) // which is no error
		r.b.saw(IPMasqAgentConfig)
	default:
		r.gap(gapOf(IPMasqAgentConfig, "get configmaps/"+ipMasqAgentName+inNamespace(namespace), err, NotFound))
	}
}

// Entrance is an Ingress, or a Gateway of the Gateway API: where others enter the cluster
// by a name.
type Entrance struct {
	Ref
	Class     string
	Addresses []netip.Addr // that it is published with
	Hostnames []string     // the same
	Allowed   []AllowedSources
}

// AllowedSources is an annotation that says who may come in by an Ingress.
type AllowedSources struct {
	Annotation string
	Ranges     []netip.Prefix
}

// allowedSources is the ends of the names of annotations that let in the ranges that they
// have, and nobody else.
// Source: ingress-nginx controller-v1.13, internal/ingress/annotations/ipallowlist/main.go.
var allowedSources = []string{"/whitelist-source-range", "/allowlist-source-range"}

func (b *builder) ingress(i *networkingv1.Ingress) {
	b.saw(Ingresses)
	ref := Ref{"Ingress", i.Namespace, i.Name}
	e := Entrance{Ref: ref}
	if i.Spec.IngressClassName != nil {
		e.Class = *i.Spec.IngressClassName
	}
	for n, at := range i.Status.LoadBalancer.Ingress {
		if at.Hostname != "" {
			e.Hostnames = append(e.Hostnames, at.Hostname)
		}
		if at.IP == "" {
			continue
		}
		if a := b.addr(Ingresses, ref, fmt.Sprintf(".status.loadBalancer.ingress[%d].ip", n), at.IP); a.IsValid() {
			e.Addresses = append(e.Addresses, a)
		}
	}
	e.Allowed = allowed(i.Annotations)
	keep(b, Ingresses, &b.snap.Entrances, ref, e)
}

func allowed(annotations map[string]string) (all []AllowedSources) {
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		if !slices.ContainsFunc(allowedSources, func(end string) bool { return strings.HasSuffix(key, end) }) {
			continue
		}
		one := AllowedSources{Annotation: key}
		for word := range strings.SplitSeq(annotations[key], ",") {
			if p, err := rangeOf(strings.TrimSpace(word)); err == nil {
				one.Ranges = append(one.Ranges, p.CIDR)
			}
		}
		all = append(all, one)
	}
	return all
}

// apiGateway is gateway.networking.k8s.io Gateway (gateway-api v1.3.0, apis/v1/gateway_types.go).
type apiGateway struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		GatewayClassName string `json:"gatewayClassName"`
	} `json:"spec"`
	Status struct {
		Addresses []struct {
			Type  string `json:"type"`
			Value string `json:"value"`
		} `json:"addresses"`
	} `json:"status"`
}

func (b *builder) apiGateway(g *apiGateway) {
	b.saw(APIGateways)
	ref := Ref{"Gateway", g.Namespace, g.Name}
	e := Entrance{Ref: ref, Class: g.Spec.GatewayClassName}
	for _, at := range g.Status.Addresses {
		if a, err := netip.ParseAddr(at.Value); err == nil {
			e.Addresses = append(e.Addresses, a.Unmap())
		} else {
			e.Hostnames = append(e.Hostnames, at.Value)
		}
	}
	keep(b, APIGateways, &b.snap.Entrances, ref, e)
}

// CalicoPool is an IPPool of Calico: a range that Pods get addresses of.
type CalicoPool struct {
	Ref
	CIDR        netip.Prefix
	NATOutgoing bool
	Disabled    bool
}

// calicoPool is projectcalico.org/v3 IPPool, and what it is kept as in crd.projectcalico.org/v1
// (calico v3.30, api/pkg/apis/projectcalico/v3/ippool.go).
type calicoPool struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		CIDR        string `json:"cidr"`
		NATOutgoing bool   `json:"natOutgoing"`
		Disabled    bool   `json:"disabled"`
	} `json:"spec"`
}

func (b *builder) calicoPool(p *calicoPool) {
	b.saw(CalicoPools)
	ref := Ref{Kind: "IPPool", Name: p.Name}
	if cidr, ok := b.prefix(CalicoPools, ref, ".spec.cidr", p.Spec.CIDR); ok {
		keep(b, CalicoPools, &b.snap.CalicoPools, ref, CalicoPool{Ref: ref, CIDR: cidr, NATOutgoing: p.Spec.NATOutgoing, Disabled: p.Spec.Disabled})
	}
}
