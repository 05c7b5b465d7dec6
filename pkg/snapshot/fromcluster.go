package snapshot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
)

// ClusterOptions is how FromCluster reads.
type ClusterOptions struct {
	Kinds    []Kind // what to read; nil is all
	Depth    Depth  // the zero Depth is Auto
	Context  string // of the kubeconfig, for the report's header
	Now      time.Time
	Progress func(string) // told what is being read; may be nil
	Overlay  *Overlay     // laid over the cluster: see Snapshot.Applied; may be nil
}

// Depth is whether Pods are read, which are most of a cluster's objects.
type Depth string

// The depths. Auto reads the Pods when the server counts at most MaxAutoPods.
const (
	Auto  Depth = "auto"
	Quick Depth = "quick"
	Deep  Depth = "deep"
)

// MaxAutoPods is the number of Pods up to which Auto is deep.
const MaxAutoPods = 2000

// ParseDepth reads the value of --depth.
func ParseDepth(s string) (Depth, error) {
	switch d := Depth(s); d {
	case Auto, Quick, Deep:
		return d, nil
	}
	return "", fmt.Errorf("%q: want auto, quick or deep", s)
}

const (
	// maxDuration is how long reading a cluster may take when ctx has no deadline.
	maxDuration = 2 * time.Minute
	// collectors is how many lists are read at once.
	collectors = 6
)

// FromCluster reads a cluster from its API server. What cannot be read is a gap
// that says why; an error means that nothing could be read at all. Nothing is
// written, and Secrets are never asked for.
func FromCluster(ctx context.Context, config *rest.Config, opts ClusterOptions) (*Snapshot, error) {
	client, err := newClient(config)
	if err != nil {
		return nil, err
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, maxDuration)
		defer cancel()
	}
	// What client-go would log of a request that fails is in the gap that it leaves.
	ctx = klog.NewContext(ctx, klog.Logger{})
	r := &reader{
		client: client,
		opts:   opts,
		b:      newBuilder(Source{Live: true, Name: opts.Context, Server: client.server, At: opts.Now, Pods: -1}),
	}
	r.b.layOver(opts.Overlay)
	// The first request shows whether there is a server at all, and opens the
	// connection that the others share.
	if err := r.version(ctx); unreachable(err) {
		return nil, client.unreadable(err)
	}
	r.decideDepth(ctx)
	r.run(ctx, r.steps())
	if !r.podsRead {
		r.run(ctx, r.componentSteps())
	}
	if err := context.Cause(ctx); errors.Is(err, context.Canceled) {
		return nil, err
	}
	if err := client.nothingRead(); err != nil {
		return nil, err
	}
	return r.finish(), nil
}

// reader reads one cluster. Its steps run side by side; what they find they hand
// over under the lock.
type reader struct {
	client   *client
	opts     ClusterOptions
	deep     bool // whether Pods are to be read
	podsRead bool // whether all of them were

	mu sync.Mutex
	b  *builder
}

// step reads something and notes facts or gaps.
type step func(context.Context)

func (r *reader) run(ctx context.Context, steps []step) { sideBySide(ctx, collectors, steps) }

func sideBySide(ctx context.Context, limit int, steps []step) {
	var group errgroup.Group
	group.SetLimit(limit)
	for _, read := range steps {
		group.Go(func() error { read(ctx); return nil })
	}
	_ = group.Wait() // a step's failure is a gap, never an error
}

func (r *reader) wants(kinds ...Kind) bool {
	return r.opts.Kinds == nil || slices.ContainsFunc(kinds, func(k Kind) bool { return slices.Contains(r.opts.Kinds, k) })
}

func (r *reader) progress(format string, args ...any) {
	if r.opts.Progress != nil {
		r.opts.Progress(fmt.Sprintf(format, args...))
	}
}

// add takes in one object.
func (r *reader) add(value any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.b.add(object{value: value})
}

// gap notes that k could not be read, or not wholly. The first reason stays,
// unless it was only that some object made no sense.
func (r *reader) gap(g Gap) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.b.each(func(b *builder) {
		if old, ok := b.snap.Gaps[g.Kind]; ok && old.Reason != Malformed {
			return
		}
		b.snap.Gaps[g.Kind] = g
	})
}

// version asks for the API server's release.
func (r *reader) version(ctx context.Context) error {
	var answer serverVersion
	err := r.client.document(ctx, "/version", &answer)
	if err != nil {
		r.gap(gapOf(Versions, "get /version", err, NotInstalled))
		return err
	}
	r.add(&answer)
	if !r.b.snap.Kubernetes.Known() {
		r.gap(Gap{Kind: Versions, Reason: Malformed, Detail: fmt.Sprintf("get /version: %q is no version", answer.GitVersion)})
	}
	return nil
}

// decideDepth settles whether the Pods are read.
func (r *reader) decideDepth(ctx context.Context) {
	source := &r.b.snap.Source
	switch {
	case !r.wants(Pods, Workloads):
		source.Reason = "no check that was chosen looks at Pods"
	case r.opts.Depth == Quick:
		source.Reason = "--depth quick"
		r.podsGap(Gap{Reason: NotAsked, Detail: "--depth quick"})
	case r.opts.Depth == Deep:
		source.Reason = "--depth deep"
		r.deep = true
	default:
		r.countPods(ctx)
	}
	source.Deep = r.deep
}

// podsGap notes that the Pods could not be read, and what they tell of workloads neither.
func (r *reader) podsGap(g Gap) {
	for _, k := range []Kind{Pods, Workloads} {
		g.Kind = k
		r.gap(g)
	}
}

// countPods is deep when the server counts few enough Pods. The server gives the
// count with the first page of an unfiltered list.
func (r *reader) countPods(ctx context.Context) {
	source := &r.b.snap.Source
	first, err := r.client.page(ctx, podList, 1, "")
	if err != nil {
		g := gapOf(Pods, podList.String(), err, NotInstalled)
		source.Reason = fmt.Sprintf("%s: %s", g.Detail, g.Reason)
		r.podsGap(g)
		return
	}
	if first.next != "" && first.remaining == nil {
		source.Reason = "the server does not say how many Pods there are"
		r.podsGap(Gap{Reason: NotAsked, Detail: source.Reason + "; --depth deep reads them all"})
		return
	}
	source.Pods = len(first.objects)
	if first.remaining != nil {
		source.Pods += int(*first.remaining)
	}
	if source.Pods > MaxAutoPods {
		source.Reason = fmt.Sprintf("the server counts %d Pods, and up to %d are read", source.Pods, MaxAutoPods)
		r.podsGap(Gap{Reason: NotAsked, Detail: source.Reason + "; --depth deep reads them all"})
		return
	}
	source.Reason = fmt.Sprintf("the server counts %d Pods, and up to %d are read", source.Pods, MaxAutoPods)
	r.deep = true
}

// finish settles the snapshot, and that of the same with files laid over it.
func (r *reader) finish() *Snapshot {
	if r.b.over != nil {
		r.b.over.snap.Source = r.b.snap.Source
	}
	r.b.each(r.settle)
	return r.b.both()
}

// settle settles the gaps by what was found in the end, so that a snapshot of a
// cluster and one of its objects in files tell the same.
func (r *reader) settle(b *builder) {
	b.finish()
	s := b.snap
	slices.SortStableFunc(s.Problems, func(a, c Problem) int { return compareRefs(a.Ref, c.Ref) })
	if r.podsRead {
		s.Source.Pods = len(s.Pods)
	}
	r.absent(b, ControlPlane, len(s.ControlPlane) == 0, "no Pod of kube-apiserver or kube-controller-manager in kube-system")
	r.absent(b, CiliumAgents, len(s.Cilium.Agents) == 0 && s.Cilium.DaemonSet == Ref{}, "no DaemonSet with the label k8s-app=cilium")
	r.absent(b, MachineSetup, true, "no API has what kubelet and the kernel are told")
	r.absent(b, MetalLBSetup, !s.MetalLB.Present(), "no Deployment of MetalLB's controller")
	for _, k := range AllKinds {
		g, gap := s.Gaps[k]
		switch {
		case !gap && !r.wants(k):
			s.Gaps[k] = Gap{Kind: k, Reason: NotAsked, Detail: "no check that was chosen looks at it"}
		case gap && b.seen[k] && g.Absent():
			delete(s.Gaps, k) // another source has it: a ConfigMap where there is no custom resource
		case gap && b.seen[k]:
			g.Partial = true
			s.Gaps[k] = g
		}
	}
}

// absent makes a kind a gap when all that would show it was read and is not there.
func (r *reader) absent(b *builder, k Kind, empty bool, detail string) {
	if _, gap := b.snap.Gaps[k]; empty && !gap && r.wants(k) {
		b.snap.Gaps[k] = Gap{Kind: k, Reason: NotFound, Detail: detail}
	}
}

// absorb takes over the facts of one list. Facts that are no lists come from
// single objects, which are added one by one.
func (b *builder) absorb(part *builder) {
	if b.over != nil {
		b.over.absorb(part.over)
	}
	to, from := &b.snap.Facts, &part.snap.Facts
	to.Nodes = append(to.Nodes, from.Nodes...)
	to.Pods = append(to.Pods, from.Pods...)
	to.Services = append(to.Services, from.Services...)
	to.EndpointSlices = append(to.EndpointSlices, from.EndpointSlices...)
	to.ServiceCIDRs = append(to.ServiceCIDRs, from.ServiceCIDRs...)
	to.ControlPlane = append(to.ControlPlane, from.ControlPlane...)
	to.CiliumNodes = append(to.CiliumNodes, from.CiliumNodes...)
	to.LBIPAMPools = append(to.LBIPAMPools, from.LBIPAMPools...)
	to.NodeEvents = append(to.NodeEvents, from.NodeEvents...)
	to.Cilium.Agents = append(to.Cilium.Agents, from.Cilium.Agents...)
	to.Cilium.NodeConfigs = append(to.Cilium.NodeConfigs, from.Cilium.NodeConfigs...)
	to.AllPolicies = append(to.AllPolicies, from.AllPolicies...)
	to.AllEgressGateways = append(to.AllEgressGateways, from.AllEgressGateways...)
	to.Entrances = append(to.Entrances, from.Entrances...)
	to.CalicoPools = append(to.CalicoPools, from.CalicoPools...)
	to.Templates = append(to.Templates, from.Templates...)
	to.MetalLB.Pools = append(to.MetalLB.Pools, from.MetalLB.Pools...)
	to.MetalLB.Ads = append(to.MetalLB.Ads, from.MetalLB.Ads...)
	to.Webhooks = append(to.Webhooks, from.Webhooks...)
	to.MetalLB.Peers = append(to.MetalLB.Peers, from.MetalLB.Peers...)
	to.MetalLB.CRDs = to.MetalLB.CRDs || from.MetalLB.CRDs
	to.Suppressions = append(to.Suppressions, from.Suppressions...)
	b.snap.Problems = append(b.snap.Problems, part.snap.Problems...)
	for k := range part.seen {
		b.saw(k)
	}
	for k, g := range part.snap.Gaps {
		if _, ok := b.snap.Gaps[k]; !ok {
			b.snap.Gaps[k] = g
		}
	}
}
