package snapshot

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"path/filepath"
	"reflect"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// builder turns objects into facts, one after the other, and keeps only the
// facts. Both sources go through it, so that they cannot differ.
type builder struct {
	snap      *Snapshot
	seen      map[Kind]bool
	current   *origin // of the object that is being added; nil from an API server
	advertise netip.Addr

	clusters     []*clusterConfig // of tools that make whole clusters
	waiting      []waitingValues  // for values in ConfigMaps
	valuesMaps   map[Ref]*valuesMap
	fileValues   map[string]*helmValues       // by the paths of their files
	generated    map[string]map[string]string // the files of ConfigMaps
	values       *helmValues                  // of Cilium, that are kept
	charts       []chartVersion               // that objects ask for
	chartSources map[string]string            // the versions of charts, by the name of the object that has them

	// over is the builder of the same snapshot with files laid over it, which are its
	// overlay. Without files there is none.
	over    *builder
	overlay *Overlay

	kept    map[Ref]int // where in its list an object from a file is
	singles map[Ref]any // the same for what is in no list: the fact itself

	templates map[Ref]int // where each of the templates is
}

func newBuilder(source Source) *builder {
	return &builder{
		snap: &Snapshot{
			Source:  source,
			Gaps:    map[Kind]Gap{},
			Ignored: map[string]int{},
			origins: map[Ref]*origin{}, planTexts: map[string][]byte{},
		},
		seen:         map[Kind]bool{},
		chartSources: map[string]string{},
		kept:         map[Ref]int{},
		singles:      map[Ref]any{},
		valuesMaps:   map[Ref]*valuesMap{},
		fileValues:   map[string]*helmValues{},
		generated:    map[string]map[string]string{},
		templates:    map[Ref]int{},
	}
}

// saw notes that there is something of k.
func (b *builder) saw(k Kind) { b.seen[k] = true }

// add takes in one object.
func (b *builder) add(o object) {
	if b.over != nil {
		b.over.lay(o)
	}
	b.lay(o)
}

// take makes facts of o.
func (b *builder) take(o object) {
	b.faults(o)
	b.current = o.origin
	b.annotated(o.value)
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
	case *appsv1.StatefulSet:
		b.workload(Ref{"StatefulSet", v.Namespace, v.Name}, &v.Spec.Template)
	case *discoveryv1.EndpointSlice:
		b.endpointSlice(v)
	case *networkingv1.ServiceCIDR:
		b.serviceCIDR(v)
	case *networkingv1.NetworkPolicy:
		b.networkPolicy(v)
	case *networkingv1.Ingress:
		b.ingress(v)
	case *ciliumPolicy:
		b.ciliumPolicy(v)
	case *egressGatewayPolicy:
		b.egressGateway(v)
	case *apiGateway:
		b.apiGateway(v)
	case *calicoPool:
		b.calicoPool(v)
	case *ciliumNode:
		b.ciliumNode(v)
	case *ciliumNodeConfig:
		b.ciliumNodeConfig(v)
	case *ciliumLoadBalancerIPPool:
		b.lbIPAMPool(v)
	case *ipAddressPool:
		b.ipAddressPool(v)
	case *addressPool:
		b.addressPool(v)
	case *advertisement:
		b.advertisement(v)
	case *bgpAdvertisement:
		b.bgpAdvertisement(v)
	case *bgpPeer:
		b.bgpPeer(v)
	case *clusterConfiguration:
		b.clusterConfiguration(v)
	case *k3sConfig:
		b.k3sConfig(v)
	case *talosConfig:
		b.talosConfig(v)
	case *talosPatched:
		b.distribution(v.kubeadm(b))
	case *clusterConfig:
		b.clusters = append(b.clusters, v)
		b.saw(KubeadmConfig)
	case *initConfiguration:
		b.initConfiguration(v)
	case *joinConfiguration:
		b.registration("JoinConfiguration", v.NodeRegistration)
	case *helmValues:
		if len(v.from) > 0 {
			b.waiting = append(b.waiting, waitingValues{v, o.origin})
		} else {
			if v.file != "" {
				b.fileValues[filepath.ToSlash(filepath.Clean(v.file))] = v
			}
			b.helmValues(v)
		}
	case *generatedMaps:
		maps.Copy(b.generated, v.files)
	case *valuesMap:
		b.valuesMaps[v.ref] = v
	case *metallbValues:
		b.metallbValues(v)
	case *chartSource:
		b.chartSources[v.name] = v.version
	case *webhookConfiguration:
		services := make([]*serviceReference, 0, len(v.Webhooks))
		for _, w := range v.Webhooks {
			services = append(services, w.ClientConfig.Service)
		}
		b.webhook(Ref{Kind: v.Kind, Name: v.Name}, services...)
	case *apiService:
		b.webhook(Ref{Kind: v.Kind, Name: v.Name}, v.Spec.Service)
	case *customResourceDefinition:
		b.snap.MetalLB.CRDs = b.snap.MetalLB.CRDs || v.Spec.Group == "metallb.io"
	case *serverVersion:
		b.serverVersion(v)
	case *planFile:
		b.planFile(v)
	default:
		panic(fmt.Sprintf("snapshot: no facts are made of a %T", v))
	}
	b.current = nil
}

func (b *builder) serverVersion(v *serverVersion) {
	if version, err := release.Parse(v.GitVersion); err == nil {
		b.snap.Kubernetes = version
		b.saw(Versions)
	}
}

// faults notes what went wrong in reading o.
func (b *builder) faults(o object) {
	b.snap.Problems = append(b.snap.Problems, o.problems...)
	for _, k := range o.adds {
		for _, p := range o.problems {
			b.partial(k, p.String())
		}
		for _, p := range o.placeholders {
			b.unfilled(k, p.String())
		}
	}
}

// keep appends fact to list and reports whether it did. An object that another
// file has too is kept once, and is a problem when the two differ.
func keep[T any](b *builder, k Kind, list *[]T, ref Ref, fact T) bool {
	if i, ok := b.kept[ref]; ok {
		b.compare(k, ref, (*list)[i], fact)
		return false
	}
	if b.current != nil {
		b.kept[ref] = len(*list)
		b.snap.origins[ref] = b.current
	}
	*list = append(*list, fact)
	return true
}

// once is keep for what there is one of in a cluster. The fact is what is read of
// the object, all of it.
func (b *builder) once(k Kind, ref Ref, fact any) bool {
	if first, ok := b.singles[ref]; ok {
		b.compare(k, ref, first, fact)
		return false
	}
	if b.current != nil {
		b.singles[ref] = fact
		b.snap.origins[ref] = b.current
	}
	return true
}

func (b *builder) compare(k Kind, ref Ref, first, second any) {
	if reflect.DeepEqual(first, second) {
		return
	}
	place := "an earlier one"
	if o := b.snap.origins[ref]; o != nil {
		place = "the one at " + o.position("").String()
	}
	b.problem(k, ref, "", "differs from %s, which is kept", place)
}

// problem notes a value that makes no sense; what is known of k is then partial.
func (b *builder) problem(k Kind, ref Ref, field, format string, args ...any) {
	p := b.at(ref, field, fmt.Sprintf(format, args...))
	b.snap.Problems = append(b.snap.Problems, p)
	b.partial(k, p.String())
}

// at is a problem in the document that is being read.
func (b *builder) at(ref Ref, field, message string) Problem {
	p := Problem{Ref: ref, Field: field, Message: message}
	if b.current != nil {
		p.Position = b.current.position(field)
	}
	return p
}

func (b *builder) partial(k Kind, detail string) {
	b.saw(k)
	if _, ok := b.snap.Gaps[k]; !ok {
		b.snap.Gaps[k] = Gap{Kind: k, Reason: Malformed, Detail: detail, Partial: true}
	}
}

// unfilled notes a placeholder. Nothing can be said of k then: the value that is
// still to come may be the one that is missing.
func (b *builder) unfilled(k Kind, detail string) {
	b.saw(k)
	if g := b.snap.Gaps[k]; g.Reason != Unfilled {
		b.snap.Gaps[k] = Gap{Kind: k, Reason: Unfilled, Detail: detail}
	}
}

// awaits reports whether text is a placeholder, and notes it.
func (b *builder) awaits(k Kind, ref Ref, field, text string) bool {
	if !isPlaceholder(text) {
		return false
	}
	b.unfilled(k, b.at(ref, field, text).String())
	return true
}

// addr reads an address. IPv4-mapped addresses become IPv4; an address with a
// zone is refused, since no field of the API may hold one.
func (b *builder) addr(k Kind, ref Ref, field, text string) netip.Addr {
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" {
		if !b.awaits(k, ref, field, text) {
			b.problem(k, ref, field, "%q is not an address", text)
		}
		return netip.Addr{}
	}
	return a.Unmap()
}

// prefix reads a prefix, host bits and all: they are a check's business.
func (b *builder) prefix(k Kind, ref Ref, field, text string) (netip.Prefix, bool) {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		if !b.awaits(k, ref, field, text) {
			b.problem(k, ref, field, "%q is not a prefix", text)
		}
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
	b.addRest()
	b.settleValuesFrom()
	b.settleClusters()
	b.settleTalos()
	b.settleConfiguration()
	s := b.snap
	for i := range s.Kubeadm {
		if s.Kubeadm[i].ByKubeadm() {
			s.Kubeadm[i].Advertise = b.advertise
		}
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
	sortByRef(s.MetalLB.Peers, func(p BGPPeer) Ref { return p.Ref })
	sortByRef(s.Webhooks, func(w Webhook) Ref { return w.Ref })
	sortByRef(s.Machines, func(m Machine) Ref { return m.Ref })
	sortByRef(s.Cilium.Agents, func(a CiliumAgent) Ref { return a.Ref })
	sortByRef(s.Cilium.NodeConfigs, func(r Ref) Ref { return r })
	sortByRef(s.AllPolicies, func(p Policy) Ref { return p.Ref })
	sortByRef(s.AllEgressGateways, func(g EgressGateway) Ref { return g.Ref })
	sortByRef(s.Entrances, func(e Entrance) Ref { return e.Ref })
	sortByRef(s.CalicoPools, func(p CalicoPool) Ref { return p.Ref })
	sortByRef(s.Templates, func(t Template) Ref { return t.Ref })
	slices.SortFunc(s.NodeEvents, func(a, c NodeEvent) int {
		return cmp.Or(compareRefs(a.Ref, c.Ref), cmp.Compare(a.Reason, c.Reason), a.Last.Compare(c.Last))
	})
}

func sortByRef[T any](list []T, ref func(T) Ref) {
	slices.SortStableFunc(list, func(a, b T) int { return compareRefs(ref(a), ref(b)) })
}

// Plans is the AddressPlan files that were among the files read.
func (s *Snapshot) Plans() []string { return s.plans }

// PlanText is the text of an AddressPlan file that stands in an archive, and can
// be read from nowhere else.
func (s *Snapshot) PlanText(path string) (text []byte, ok bool) {
	text, ok = s.planTexts[path]
	return text, ok
}

func (b *builder) planFile(v *planFile) {
	b.snap.plans = append(b.snap.plans, v.path)
	if v.text != nil {
		b.snap.planTexts[v.path] = v.text
	}
}

// latest is the later of two times.
func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
