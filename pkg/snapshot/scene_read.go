package snapshot

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
)

// SceneQuery is the Pod, and where its packets go: at most one of Service, Peer and
// Addresses.
type SceneQuery struct {
	Pod       Ref
	Read      *corev1.Pod // the Pod, where it has been read already
	Service   Ref
	Peer      Ref // a Pod
	Addresses []netip.Addr
	Port      uint16 // of the Service; 0 is its first one
	Context   string // of the kubeconfig
	Now       time.Time
}

// maxPeers is how many endpoints of a Service are looked at one by one, with their Pods
// and nodes.
const maxPeers = 10

// ReadScene reads what the paths of a Pod hang on: a number of objects that does not grow
// with the cluster, by name but for short lists, and all nodes only where a literal
// address may be one of theirs. What cannot be read is a gap. It is an error when the Pod
// is not there, or the Service or Pod that it is to reach.
func ReadScene(ctx context.Context, config *rest.Config, q SceneQuery) (*Scene, error) {
	r, err := newSceneReader(config, q)
	if err != nil {
		return nil, err
	}
	ctx = klog.NewContext(ctx, klog.Logger{})
	if q.Read != nil {
		r.scene.Source = WorkloadOf(q.Read)
	} else if r.scene.Source, err = r.workload(ctx, q.Pod); err != nil {
		return nil, r.trouble(err)
	}
	return r.read(ctx)
}

func newSceneReader(config *rest.Config, q SceneQuery) (*sceneReader, error) {
	c, err := newClient(config)
	if err != nil {
		return nil, err
	}
	b := newBuilder(Source{Live: true, Name: q.Context, Server: c.server, At: q.Now, Pods: -1})
	return &sceneReader{reader: &reader{client: c, b: b}, q: q, scene: &Scene{}, claimed: map[string]bool{},
		labels: map[string]map[string]string{}, namespaces: map[string]map[string]string{}, at: map[netip.Addr]Ref{}}, nil
}

// patience is the part of the time that is left which one request may take: where a
// resource is not answered, the others still are.
const patience = 3

// read reads what is around the source, in as few rounds as there are things to be known
// before others can be asked for.
func (r *sceneReader) read(ctx context.Context) (*Scene, error) {
	if end, ok := ctx.Deadline(); ok {
		r.client.timeout = min(r.client.timeout, max(time.Until(end)/patience, time.Second))
	}
	var lost error
	r.run(ctx, append(r.around(), func(ctx context.Context) { lost = r.target(ctx) }))
	if lost != nil {
		return nil, r.trouble(lost)
	}
	r.settleServices()
	r.run(ctx, slices.Concat(r.nodes(), r.overridden(), r.aroundPeers()))
	r.run(ctx, r.configured())
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return r.finish(), nil
}

// together is how many of a scene's requests are under way at once. They are small.
const together = 16

func (r *sceneReader) run(ctx context.Context, steps []step) { sideBySide(ctx, together, steps) }

// trouble is an error of a request without which there is nothing to say.
func (r *sceneReader) trouble(err error) error {
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		return err
	}
	return r.client.unreadable(err)
}

// sceneReader fills a scene. Like the reader's, its steps run side by side.
type sceneReader struct {
	*reader
	q        SceneQuery
	scene    *Scene
	fleet    bool      // whether there are Pods on other nodes, too
	ciliumIO *apiGroup // the group of its custom resources
	configs  []ciliumNodeConfig
	claimed  map[string]bool // what is read, or being read, by one step

	labels     map[string]map[string]string // of the nodes that were read
	namespaces map[string]map[string]string // labels of those that were read
	found      []foundService
	at         map[netip.Addr]Ref // the Services that literal addresses are of
}

// claim reports whether nobody has asked for what before.
func (r *sceneReader) claim(what string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := r.claimed[what]
	r.claimed[what] = true
	return !taken
}

// lacks notes what could not be read.
func (r *sceneReader) lacks(k Kind, request string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.scene.Gaps = append(r.scene.Gaps, gapOf(k, request, err, NotFound))
}

// workload reads a Pod.
func (r *sceneReader) workload(ctx context.Context, pod Ref) (Workload, error) {
	var p corev1.Pod
	if err := r.client.get(ctx, podList.in(pod.Namespace), pod.Name, &p); err != nil {
		return Workload{}, err
	}
	return WorkloadOf(&p), nil
}

// WorkloadOf is the facts of one Pod, as a scene has them.
func WorkloadOf(p *corev1.Pod) Workload {
	b := newBuilder(Source{})
	b.pod(p)
	w := Workload{Pod: b.snap.Pods[0], Labels: p.Labels, ServiceAccount: p.Spec.ServiceAccountName,
		Phase: string(p.Status.Phase), DNSPolicy: string(p.Spec.DNSPolicy)}
	for _, c := range p.Spec.Containers {
		w.Containers, w.Images = append(w.Containers, c.Name), append(w.Images, c.Image)
		for _, p := range c.Ports {
			w.Ports = append(w.Ports, uint16(p.ContainerPort))
		}
	}
	return w
}

// target reads the Service or the Pod that is to be reached.
func (r *sceneReader) target(ctx context.Context) error {
	switch {
	case r.q.Peer != Ref{}:
		peer, err := r.workload(ctx, r.q.Peer)
		if err != nil {
			return err
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.scene.Peers = []Workload{peer}
	case r.q.Service != Ref{}:
		return r.service(ctx, r.q.Service)
	}
	return nil
}

// around is what lies around the Pod, whatever the configuration.
func (r *sceneReader) around() []step {
	r.ciliumIO = r.group("cilium.io")
	steps := []step{
		func(ctx context.Context) { _ = r.version(ctx) }, // a gap is noted
		r.cilium, r.kubeProxy,
		r.policies(CiliumClusterwidePolicies, ""),
	}
	if !r.fleet { // which reads all nodes
		steps = append(steps, r.node(r.scene.Source.Node), r.custom("ciliumnodes", "", r.scene.Source.Node))
	}
	for _, namespace := range []string{r.scene.Source.Namespace, r.q.Peer.Namespace, r.q.Service.Namespace} {
		steps = append(steps, r.inNamespace(namespace)...)
	}
	for _, a := range r.q.Addresses {
		steps = append(steps, r.serviceAt(a))
	}
	if len(r.q.Addresses) > 0 {
		steps = append(steps, r.serviceCIDRs)
	}
	return steps
}

// inNamespace is what is read of a namespace that has a Pod of the scene, once.
func (r *sceneReader) inNamespace(namespace string) []step {
	if namespace == "" || !r.claim("namespaces/"+namespace) {
		return nil
	}
	return []step{r.namespace(namespace), r.networkPolicies(namespace), r.policies(CiliumPolicies, namespace)}
}

// aroundPeers is the Pods that a Service's endpoints are, and what lies around them.
func (r *sceneReader) aroundPeers() (steps []step) {
	for _, pod := range r.endpointPods() {
		steps = append(steps, r.inNamespace(pod.Namespace)...)
		steps = append(steps, r.peer(pod))
	}
	for _, n := range r.peerNodes() {
		steps = append(steps, r.node(n), r.custom("ciliumnodes", "", n))
	}
	return steps
}

// peer reads a Pod that is an endpoint.
func (r *sceneReader) peer(pod Ref) step {
	return func(ctx context.Context) {
		w, err := r.workload(ctx, pod)
		if err != nil {
			r.lacks(Pods, "get pods/"+pod.Name+inNamespace(pod.Namespace), err)
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.scene.Peers = append(r.scene.Peers, w)
	}
}

// peerNodes is the nodes of targets and endpoints but the Pod's own, each once, and none
// where all nodes are read.
func (r *sceneReader) peerNodes() (names []string) {
	if r.wantsAllNodes() {
		return nil
	}
	add := func(name string) {
		if name != "" && name != r.scene.Source.Node && !slices.Contains(names, name) && len(names) < maxPeers {
			names = append(names, name)
		}
	}
	for _, p := range r.scene.Peers {
		add(p.Node)
	}
	for _, e := range r.scene.Endpoints {
		add(e.Node)
	}
	return names
}

// overridden is what overrides cilium-config on some nodes, where there is Cilium.
func (r *sceneReader) overridden() []step {
	c := r.b.snap.Cilium
	if !c.Present() {
		return nil
	}
	steps := []step{r.nodeConfigs(c.Namespace)}
	if r.fleet || r.scene.Source.Node != "" {
		steps = append(steps, r.agent)
	}
	return steps
}

// configured is what is read where a configuration has it, on whichever node: the
// ip-masq-agent's file and egress gateways, and without Cilium the network plugins that
// show themselves.
func (r *sceneReader) configured() (steps []step) {
	c := r.b.snap.Cilium
	if !c.Present() {
		return r.plugins()
	}
	configs := []cilium.Config{c.Config}
	for _, o := range r.configs {
		configs = append(configs, o.Spec.Defaults)
	}
	if slices.ContainsFunc(configs, func(c cilium.Config) bool { return c.Bool("enable-ip-masq-agent", false) }) {
		steps = append(steps, r.ipMasqAgent)
	}
	if slices.ContainsFunc(configs, func(one cilium.Config) bool { return one.EgressGateway(c.Version) }) {
		steps = append(steps, r.gateways)
	}
	return steps
}

// wantsAllNodes reports whether a literal address may be that of any node, or of a Pod on
// any, or there is a Pod on each.
func (r *sceneReader) wantsAllNodes() bool { return len(r.q.Addresses) > 0 || r.fleet }

// nodes is all nodes, where they are wanted. What was read of the Pod's own node stays
// where they cannot be listed.
func (r *sceneReader) nodes() (steps []step) {
	if !r.wantsAllNodes() {
		return nil
	}
	withCilium := r.b.snap.Cilium.Present()
	if withCilium {
		own := r.b.snap.CiliumNodes
		r.b.snap.CiliumNodes = nil
		steps = append(steps, func(ctx context.Context) {
			request, err := r.ciliumIO.read(ctx, CiliumNodes, "ciliumnodes")
			if err != nil {
				r.lacks(CiliumNodes, request, err)
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			r.scene.AllNodes = err == nil
			r.b.snap.CiliumNodes = withOwn(r.b.snap.CiliumNodes, own, func(n CiliumNode) Ref { return n.Ref })
		})
	}
	if !withCilium || r.fleet {
		own := r.b.snap.Nodes
		r.b.snap.Nodes = nil
		steps = append(steps, func(ctx context.Context) {
			err := r.list(ctx, Nodes, nodeList, r.keepNode)
			if err != nil {
				r.lacks(Nodes, nodeList.String(), err)
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			r.scene.AllNodes = r.scene.AllNodes || !withCilium && err == nil
			r.b.snap.Nodes = withOwn(r.b.snap.Nodes, own, func(n Node) Ref { return n.Ref })
		})
	}
	return steps
}

// withOwn is a list with what was read one by one before, where the list does not have it.
func withOwn[T any](list, own []T, ref func(T) Ref) []T {
	for _, o := range own {
		if !slices.ContainsFunc(list, func(t T) bool { return ref(t) == ref(o) }) {
			list = append(list, o)
		}
	}
	return list
}

// finish hands the facts over, with the gaps that they have.
func (r *sceneReader) finish() *Scene {
	r.b.finish()
	s := r.scene
	s.Facts = r.b.snap.Facts
	s.NodeLabels = r.labels[s.Source.Node]
	for _, w := range r.workloads() {
		w.NamespaceLabels = r.namespaces[w.Namespace]
	}
	for _, k := range AllKinds {
		if g, ok := r.b.snap.Gaps[k]; ok && (!g.Absent() || r.misses(k)) && !r.readAllTheSame(g) {
			s.Gaps = append(s.Gaps, g)
		}
	}
	if node := s.Source.Node; s.Cilium.Present() && node != "" && !r.fleet {
		_, unread := s.Gap(CiliumNodes)
		if _, n := s.NodeOf(node); n == nil && !unread {
			s.Gaps = append(s.Gaps, Gap{Kind: CiliumNodes, Reason: NotFound, Detail: "get ciliumnodes.cilium.io/" + node})
		}
	}
	slices.SortFunc(s.Gaps, func(a, b Gap) int {
		return slices.Compare([]string{string(a.Kind), a.Detail}, []string{string(b.Kind), b.Detail})
	})
	s.Gaps = slices.CompactFunc(s.Gaps, func(a, b Gap) bool { return a == b })
	slices.SortFunc(s.Peers, func(a, b Workload) int { return compareRefs(a.Ref, b.Ref) })
	slices.SortFunc(s.Policies, func(a, b Policy) int { return compareRefs(a.Ref, b.Ref) })
	slices.SortFunc(s.Gateways, func(a, b EgressGateway) int { return compareRefs(a.Ref, b.Ref) })
	slices.SortFunc(r.configs, func(a, b ciliumNodeConfig) int { return strings.Compare(a.Name, b.Name) })
	r.override(s)
	return s
}

// readAllTheSame reports whether the configuration of Cilium was found where it mostly is,
// though the DaemonSets, which say where, could not be read. That leaves a gap of the
// agents.
func (r *sceneReader) readAllTheSame(g Gap) bool {
	return g.Kind == CiliumConfig && r.b.seen[CiliumConfig] && g.Reason != Malformed && g.Reason != Unfilled
}

// misses reports whether paths hang on what is not there: on the configuration of a Cilium
// that runs, and on Service ranges, which clusters before 1.33 do not serve.
func (r *sceneReader) misses(k Kind) bool {
	return k == ServiceCIDRs || k == CiliumConfig && r.b.snap.Cilium.Present()
}
