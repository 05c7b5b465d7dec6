package trace

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// Predict is the paths of a scene's Pod to the target of a query, from what the API says
// alone. The plan may be nil: what lies beyond the nodes is then not known.
func Predict(s *snapshot.Scene, p *plan.Plan, q Query) Trace {
	q.Target = q.Target.Settle(s)
	t := Trace{Query: q, Pod: s.Source.Ref, Node: s.Source.Node}
	for _, f := range ipfam.All {
		if !q.Target.Families().Has(f) {
			*t.Paths.At(f) = Path{Family: f, Verdict: NotAsked}
			continue
		}
		*t.Paths.At(f) = predict(s, p, q, f)
	}
	t.conclude(s)
	return t
}

// conclude is what follows from the paths, and from what was seen.
func (t *Trace) conclude(s *snapshot.Scene) {
	var sources ipfam.Pair[netip.Addr]
	var answers ipfam.Pair[[]netip.Addr]
	for _, f := range ipfam.All {
		*sources.At(f) = snapshot.Of(s.Source.IPs, f)
		if o := t.observed(f); o != nil && o.Asked {
			*answers.At(f) = o.Answers
		} else if a := t.Query.Target.Addresses.Of(f); a.IsValid() {
			*answers.At(f) = []netip.Addr{a}
		}
	}
	if t.Query.Target.Families().Dual() && (len(answers.V4) > 0 || len(answers.V6) > 0) {
		t.Programs = ProgramsOf(sources, answers)
	}
	t.Summary = t.sentence()
}

// walk is a path in the making: a packet that has come so far.
type walk struct {
	scene *snapshot.Scene
	plan  *plan.Plan
	query Query
	path  Path

	own netip.Addr // of the Pod
	src netip.Addr // the packet's source by now; the zero Addr is not known
	dst netip.Addr // its destination by now; the zero Addr is some host of the internet
	to  place
}

func predict(s *snapshot.Scene, p *plan.Plan, q Query, f ipfam.Family) Path {
	w := &walk{scene: s, plan: p, query: q, path: Path{Family: f, Mechanism: KeepsSource}, dst: q.Target.Addresses.Of(f)}
	w.own = snapshot.Of(s.Source.IPs, f)
	w.src = w.own
	w.pod()
	w.name()
	branches, ok := w.service()
	if !ok {
		w.judge()
		return w.path
	}
	if len(branches) == 0 {
		w.wire()
		return w.path
	}
	for _, endpoints := range branches {
		one := *w
		one.path.Hops = slices.Clone(w.path.Hops)
		one.endpoint(endpoints)
		one.wire()
		w.path.Branches = append(w.path.Branches, Branch{Endpoints: addrPorts(endpoints), Path: one.path})
	}
	first := w.path.Branches[0].Path
	if len(branches) > 1 {
		first.Branches = w.path.Branches
	}
	return first
}

func addrPorts(endpoints []snapshot.Endpoint) (all []netip.AddrPort) {
	for _, e := range endpoints {
		all = append(all, netip.AddrPortFrom(e.Address, e.Port))
	}
	return all
}

// wire is everything after the Service: the packet's destination is what it arrives at.
func (w *walk) wire() {
	w.to = w.placeOf(w.dst)
	w.policy()
	if w.scene.Source.HostNetwork {
		w.fromHost()
	} else {
		w.fromPod()
	}
	w.beyond()
	w.target()
	w.back()
	w.path.Source = w.src
	w.judge()
}

// add appends a hop. What comes after one that stops the packet is not reached.
func (w *walk) add(h Hop) {
	if w.stopped() {
		h.State = NotReached
	}
	w.path.Hops = append(w.path.Hops, h)
}

func (w *walk) stopped() bool {
	return slices.ContainsFunc(w.path.Hops, func(h Hop) bool { return h.State == Stops })
}

// judge is the verdict that follows from the hops.
func (w *walk) judge() {
	w.path.Verdict = Reaches
	for _, want := range []struct {
		state   State
		verdict Verdict
	}{{Stops, Fails}, {Open, Unsure}, {Doubtful, Reaches}} {
		i := slices.IndexFunc(w.path.Hops, func(h Hop) bool { return h.State == want.state })
		if i >= 0 {
			w.path.Verdict, w.path.Why = want.verdict, fmt.Sprintf("%s: %s", w.path.Hops[i].Step, w.path.Hops[i].Text)
			return
		}
	}
}

// pod is the first hop: the Pod's own address of the family.
func (w *walk) pod() {
	f := w.path.Family
	p := w.scene.Source
	switch {
	case w.own.IsValid() && p.HostNetwork:
		w.add(Hop{Step: StepPod, State: Passes, Known: Read, Text: fmt.Sprintf("%s (%s), the host's", w.own, AddressKind(w.own))})
	case w.own.IsValid():
		w.add(Hop{Step: StepPod, State: Passes, Known: Read, Text: fmt.Sprintf("%s (%s)", w.own, AddressKind(w.own))})
	case len(p.IPs) == 0:
		w.add(Hop{Step: StepPod, State: Stops, Known: Read, Text: fmt.Sprintf("no address yet: the Pod is %s", p.Phase)})
	case p.HostNetwork: // it has whatever the host has
		w.add(Hop{Step: StepPod, State: Open, Known: Unknown, Text: fmt.Sprintf("no %s address in the API", f), Check: "DS608",
			Because: fmt.Sprintf("it is in the host's network, of which the API has %s only", p.IPs[0])})
	default:
		w.add(Hop{Step: StepPod, State: Stops, Known: Read, Text: fmt.Sprintf("no %s address", f),
			Because: fmt.Sprintf(".status.podIPs has %s only", p.IPs[0]), Check: "DS607", Fix: "kubectl dualstack doctor --only DS607,DS302,DS401"})
	}
}

// name is the name of the target, which only the Pod's resolver can tell the addresses of.
func (w *walk) name() {
	t := w.query.Target
	switch {
	case t.Name == "":
	case w.dst.IsValid():
		w.add(Hop{Step: StepName, State: Passes, Known: Probed, Text: fmt.Sprintf("%s is %s", t.Name, w.dst)})
	default:
		w.add(Hop{Step: StepName, State: Passes, Known: Unknown, Text: t.Name, Because: "names are resolved in the Pod, by --probe"})
	}
}

// ruling makes a hop of what is said of policies.
func (r Ruling) hop(step Step) Hop {
	return Hop{Step: step, State: r.State, Known: r.Known, Text: r.Text, Because: r.Because, Fix: r.Fix}
}

// policy is whether the Pod may send this at all. Cilium looks at the address that the
// Service was translated to.
func (w *walk) policy() {
	d := Destination{
		Addr: w.dst, Family: w.path.Family, Port: w.port(), Peer: w.to.pod,
		Node: w.to.kind == atOwnNode || w.to.kind == atNode, OwnNode: w.to.kind == atOwnNode, InCluster: w.to.kind == atSomePod || w.to.kind == atUnknownPod,
	}
	w.add(judgeEgress(w.scene, w.scene.Source, d).hop(StepPolicy))
}

// port is the port that the packet has at its destination: of a Service that of the
// endpoint.
func (w *walk) port() uint16 {
	for _, e := range w.scene.Endpoints {
		if w.query.Target.Kind == ToService && e.Address == w.dst {
			return e.Port
		}
	}
	return w.query.Target.Port
}

// target is what is at the other end.
func (w *walk) target() {
	text := ""
	switch {
	case w.to.pod != nil:
		text = w.to.pod.String()
	case w.dst.IsValid():
		text = w.dst.String()
	default:
		text = "a host of the internet"
	}
	if port := w.port(); port != 0 {
		text = fmt.Sprintf("%s, port %d", text, port)
	}
	hop := Hop{Step: StepTarget, State: Passes, Known: Inferred, Text: text, Because: "whether anything listens there is for a probe to tell"}
	if w.to.pod != nil && !w.to.pod.HostNetwork {
		var from *snapshot.Workload
		if !w.scene.Source.HostNetwork {
			from = &w.scene.Source
		}
		r := judgeIngress(w.scene, *w.to.pod, w.src, from, w.port())
		if r.State != Passes || len(w.scene.Policies) > 0 {
			hop = r.hop(StepTarget)
			hop.Text = text + ": " + r.Text
		}
	}
	w.add(hop)
}
