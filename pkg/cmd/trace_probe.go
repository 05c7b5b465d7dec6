package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/probe"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/report"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/trace"
)

// prober asks what becomes of a Pod's packets, tier by tier.
type prober struct {
	genericiooptions.IOStreams
	client    kubernetes.Interface
	exec      executor
	pod       *corev1.Pod
	container string       // to exec in; empty is the Pod's default
	agent     snapshot.Ref // of the network plugin's Pod on the same Node; may be the zero one
	questions []probe.Question
	image     string // of the Pods and the containers that are made
	runID     string // in the names and labels of them
	// reached is where a probe connected to, for the agent to look up.
	reached ipfam.Pair[netip.Addr]
}

func newProber(config *rest.Config, client kubernetes.Interface, pod *corev1.Pod, agent snapshot.Ref, questions []probe.Question, image string, streams genericiooptions.IOStreams) *prober {
	return &prober{
		IOStreams: streams, client: client, exec: execIn(config, client), pod: pod, agent: agent,
		questions: questions, image: image, runID: rand.String(8),
	}
}

// runAll runs the tiers from the least to the most intrusive, but asks the agent last: its
// table of translations has the probes' own packets then. What it knows of the node's
// routers is asked first, so that the others can try them.
func (p *prober) runAll(ctx context.Context, tiers []trace.Tier) (seen []trace.Observation) {
	if slices.Contains(tiers, trace.TierAgent) && p.agent.Name != "" {
		routers := p.routersOfNode(ctx)
		for i := range p.questions {
			q := &p.questions[i]
			if router := routers.Of(q.Family); router.IsValid() && !router.IsLinkLocalUnicast() {
				q.Rungs = append(q.Rungs, trace.Rung{Name: trace.RungRouter, To: netip.AddrPortFrom(router, 0)})
			}
		}
	}
	last := func(t trace.Tier) int {
		if t == trace.TierAgent {
			return len(trace.Tiers)
		}
		return slices.Index(trace.Tiers[:], t)
	}
	tiers = slices.Clone(tiers)
	slices.SortStableFunc(tiers, func(a, b trace.Tier) int { return cmp.Compare(last(a), last(b)) })
	for _, t := range slices.Compact(tiers) {
		if ctx.Err() != nil {
			seen = append(seen, notBegun(t)...)
			continue
		}
		for i := range p.questions { // the host's own default route is to the router, a Pod's to its node
			p.questions[i].Router = t == trace.TierHost || p.pod.Spec.HostNetwork
		}
		seen = append(seen, p.run(ctx, t)...)
	}
	return seen
}

// notBegun is a tier that there was no time left for.
func notBegun(tier trace.Tier) (all []trace.Observation) {
	for _, f := range ipfam.All {
		all = append(all, trace.Observation{Family: f, Tier: tier, Error: "time was up before it began"})
	}
	return all
}

// run is what one tier saw of each family. Whatever goes wrong is in the observations.
func (p *prober) run(ctx context.Context, tier trace.Tier) []trace.Observation {
	var from string
	var seen ipfam.Pair[trace.Observation]
	var err error
	switch tier {
	case trace.TierAgent:
		from, seen, err = p.askAgent(ctx)
	case trace.TierExec:
		from, seen, err = p.inPod(ctx)
	case trace.TierEphemeral:
		from, seen, err = p.inEphemeral(ctx)
	case trace.TierSibling, trace.TierHost:
		from, seen, err = p.besidePod(ctx, tier)
	default:
		err = fmt.Errorf("there is no tier %q", tier)
	}
	var all []trace.Observation
	for _, f := range ipfam.All {
		o := seen.Of(f)
		if err != nil {
			o = trace.Observation{Family: f, Tier: tier, From: from, Error: err.Error()}
		}
		if a := o.Dialed.Addr(); a.IsValid() {
			*p.reached.At(f) = a
		}
		all = append(all, o)
	}
	return all
}

// say says what a tier does before it does it.
func (p *prober) say(format string, args ...any) {
	fmt.Fprintln(p.ErrOut, report.Escape("probe: "+fmt.Sprintf(format, args...)))
}

// margin is what starting and ending may take beside the script itself.
const (
	margin      = 15 * time.Second
	startMargin = time.Minute // with an image that has to be pulled
)

// within is how long the script takes at the most.
func (p *prober) within() time.Duration {
	return time.Duration(probe.Within(p.questions)) * time.Second
}

func (p *prober) name() string { return p.pod.Namespace + "/" + p.pod.Name }

// running is why nothing can be run in the Pod.
func (p *prober) running() error {
	switch p.pod.Status.Phase {
	case corev1.PodSucceeded, corev1.PodFailed:
		return fmt.Errorf("pod %s has ended (%s)", p.name(), p.pod.Status.Phase)
	case corev1.PodPending:
		return fmt.Errorf("pod %s does not run yet (%s)", p.name(), p.pod.Status.Phase)
	}
	return nil
}

// defaultContainer is the annotation by which kubectl exec chooses.
const defaultContainer = "kubectl.kubernetes.io/default-container"

// containerOf is the container of a Pod to exec in.
func containerOf(pod *corev1.Pod, wanted string) (string, error) {
	has := func(name string) bool {
		return slices.ContainsFunc(pod.Spec.Containers, func(c corev1.Container) bool { return c.Name == name })
	}
	switch chosen := pod.Annotations[defaultContainer]; {
	case wanted != "" && !has(wanted):
		return "", fmt.Errorf("pod %s/%s has no container %s", pod.Namespace, pod.Name, wanted)
	case wanted != "":
		return wanted, nil
	case has(chosen):
		return chosen, nil
	case len(pod.Spec.Containers) == 0:
		return "", fmt.Errorf("pod %s/%s has no containers", pod.Namespace, pod.Name)
	}
	return pod.Spec.Containers[0].Name, nil
}

// inPod runs the script in the Pod itself. The shell reads it: the command of an exec is
// part of a URL, which not every proxy lets be long, and audit logs keep.
func (p *prober) inPod(ctx context.Context) (from string, seen ipfam.Pair[trace.Observation], err error) {
	from = "exec in pod " + p.name()
	if err := p.running(); err != nil {
		return from, seen, err
	}
	container, err := containerOf(p.pod, p.container)
	if err != nil {
		return from, seen, err
	}
	from += ", container " + container
	if w := stateOf(p.pod, container); w.Waiting != nil || w.Terminated != nil {
		return from, seen, fmt.Errorf("container %s of pod %s does not run: %s", container, p.name(), stopped(w))
	}
	p.say("%s: sh", from)
	ctx, cancel := context.WithTimeout(ctx, p.within()+margin)
	defer cancel()
	said, stderr, err := p.exec(ctx, execution{
		namespace: p.pod.Namespace, pod: p.pod.Name, container: container,
		command: []string{"sh"}, stdin: probe.TraceScript(p.questions) + "exit 0\n",
	})
	if errors.Is(err, errNoProgram) {
		return from, seen, errors.New("the container's image has no sh; --probe=ephemeral brings an image of its own")
	}
	if err != nil && !probe.Complete(said) {
		return from, seen, err
	}
	if said == "" {
		said = stderr
	}
	return from, probe.ReadTrace(said, from, trace.TierExec), nil
}

func stopped(s corev1.ContainerState) string {
	if s.Waiting != nil {
		return words(*s.Waiting)
	}
	return fmt.Sprintf("%s, exit code %d", s.Terminated.Reason, s.Terminated.ExitCode)
}
