package snapshot

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
)

// builder turns objects into facts, one after the other, and keeps only the
// facts. Both sources go through it, so that they cannot differ.
type builder struct {
	snap      *Snapshot
	seen      map[Kind]bool
	current   *origin // of the object that is being added; nil from an API server
	advertise netip.Addr

	configMaps map[Ref]*corev1.ConfigMap // the few that carry configuration
	helmCilium *helmValues
	helmOrigin *origin
}

func newBuilder(source Source) *builder {
	return &builder{
		snap: &Snapshot{
			Source:  source,
			Gaps:    map[Kind]Gap{},
			Ignored: map[string]int{},
			origins: map[Ref][]*origin{},
		},
		seen:       map[Kind]bool{},
		configMaps: map[Ref]*corev1.ConfigMap{},
	}
}

// saw notes that there is something of k.
func (b *builder) saw(k Kind) { b.seen[k] = true }

// add takes in one object.
func (b *builder) add(o object) {
	for _, k := range o.broken {
		b.partial(k, "see the problems of the input")
	}
	b.current = o.origin
	switch v := o.value.(type) {
	case nil:
		if o.kind != "" {
			b.snap.Ignored[o.kind]++
		}
	case *corev1.Node:
		b.node(v)
	case *corev1.Pod:
		b.pod(v)
	case *corev1.Service:
		b.service(v)
	case *corev1.ConfigMap:
		b.configMap(v)
	case *corev1.Event:
		b.event(v)
	case *appsv1.DaemonSet:
		b.daemonSet(v)
	case *appsv1.Deployment:
		b.deployment(v)
	case *discoveryv1.EndpointSlice:
		b.endpointSlice(v)
	case *networkingv1.ServiceCIDR:
		b.serviceCIDR(v)
	case *ciliumNode:
		b.ciliumNode(v)
	case *ciliumNodeConfig:
		b.ciliumNodeConfig(v)
	case *ciliumLoadBalancerIPPool:
		b.lbIPAMPool(v)
	case *ipAddressPool:
		b.ipAddressPool(v)
	case *advertisement:
		b.advertisement(v)
	case *clusterConfiguration:
		b.place(kubeadmRef)
		b.clusterConfiguration(v)
	case *initConfiguration:
		b.place(Ref{Kind: "InitConfiguration"})
		b.initConfiguration(v)
	case *helmValues:
		b.helmValues(v)
	case *planFile:
		b.snap.plans = append(b.snap.plans, v.path)
	default:
		panic(fmt.Sprintf("snapshot: no facts are made of a %T", v))
	}
	b.current = nil
}

// place remembers where ref was read from.
func (b *builder) place(ref Ref) {
	if b.current != nil {
		b.snap.origins[ref] = append(b.snap.origins[ref], b.current)
	}
}

// problem notes a value that makes no sense; what is known of k is then partial.
func (b *builder) problem(k Kind, ref Ref, field, format string, args ...any) {
	p := Problem{Ref: ref, Field: field, Message: fmt.Sprintf(format, args...)}
	if b.current != nil {
		p.Position = Position{File: b.current.file, Line: b.current.line}
		if len(b.snap.origins[ref]) > 0 {
			p.Position = b.snap.Position(ref, field)
		}
	}
	b.snap.Problems = append(b.snap.Problems, p)
	b.partial(k, p.String())
}

func (b *builder) partial(k Kind, detail string) {
	b.saw(k)
	if _, ok := b.snap.Gaps[k]; !ok {
		b.snap.Gaps[k] = Gap{Kind: k, Reason: Malformed, Detail: detail, Partial: true}
	}
}

// addr reads an address. IPv4-mapped addresses become IPv4; an address with a
// zone is refused, since no field of the API may hold one.
func (b *builder) addr(k Kind, ref Ref, field, text string) netip.Addr {
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" {
		b.problem(k, ref, field, "%q is not an address", text)
		return netip.Addr{}
	}
	return a.Unmap()
}

// prefix reads a prefix, host bits and all: they are a check's business.
func (b *builder) prefix(k Kind, ref Ref, field, text string) (netip.Prefix, bool) {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		b.problem(k, ref, field, "%q is not a prefix", text)
		return p, false
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p, true
}

func (b *builder) addrs(k Kind, ref Ref, field string, texts []string) []netip.Addr {
	var as []netip.Addr
	for i, text := range texts {
		if a := b.addr(k, ref, fmt.Sprintf("%s[%d]", field, i), text); a.IsValid() {
			as = append(as, a)
		}
	}
	return as
}

func (b *builder) prefixes(k Kind, ref Ref, field string, texts []string) []netip.Prefix {
	var ps []netip.Prefix
	for i, text := range texts {
		if p, ok := b.prefix(k, ref, fmt.Sprintf("%s[%d]", field, i), text); ok {
			ps = append(ps, p)
		}
	}
	return ps
}

// fromFiles finishes a snapshot of files: a kind that no document told of is a gap.
func (b *builder) fromFiles() *Snapshot {
	b.finish()
	for _, k := range AllKinds {
		if _, gap := b.snap.Gaps[k]; !gap && !b.seen[k] {
			b.snap.Gaps[k] = Gap{Kind: k, Reason: NotInFiles}
		}
	}
	return b.snap
}

// finish settles what only the whole shows, and puts every list in order.
func (b *builder) finish() {
	b.settleConfiguration()
	s := b.snap
	for i := range s.Kubeadm {
		s.Kubeadm[i].Advertise = b.advertise
		if !s.Kubernetes.Known() && s.Kubeadm[i].Kubernetes.Known() {
			s.Kubernetes = s.Kubeadm[i].Kubernetes
			b.saw(Versions)
		}
	}
	sortByRef(s.Nodes, func(n Node) Ref { return n.Ref })
	sortByRef(s.Pods, func(p Pod) Ref { return p.Ref })
	sortByRef(s.Services, func(v Service) Ref { return v.Ref })
	sortByRef(s.EndpointSlices, func(e EndpointSlice) Ref { return e.Ref })
	sortByRef(s.ServiceCIDRs, func(c ServiceCIDR) Ref { return c.Ref })
	sortByRef(s.ControlPlane, func(c Component) Ref { return c.Ref })
	sortByRef(s.CiliumNodes, func(n CiliumNode) Ref { return n.Ref })
	sortByRef(s.LBIPAMPools, func(p LBIPAMPool) Ref { return p.Ref })
	sortByRef(s.MetalLB.Pools, func(p Pool) Ref { return p.Ref })
	sortByRef(s.MetalLB.Ads, func(a Advertisement) Ref { return a.Ref })
	sortByRef(s.Cilium.Agents, func(a CiliumAgent) Ref { return a.Ref })
	sortByRef(s.Cilium.NodeConfigs, func(r Ref) Ref { return r })
	slices.SortFunc(s.NodeEvents, func(a, c NodeEvent) int {
		return cmp.Or(compareRefs(a.Ref, c.Ref), cmp.Compare(a.Reason, c.Reason), a.Last.Compare(c.Last))
	})
}

func sortByRef[T any](list []T, ref func(T) Ref) {
	slices.SortStableFunc(list, func(a, b T) int { return compareRefs(ref(a), ref(b)) })
}

// Plans is the AddressPlan files that were among the files read.
func (s *Snapshot) Plans() []string { return s.plans }

// latest is the later of two times.
func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
