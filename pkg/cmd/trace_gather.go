package cmd

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/cli-runtime/pkg/resource"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/kubectl/pkg/polymorphichelpers"
	"k8s.io/kubectl/pkg/scheme"
	"k8s.io/kubectl/pkg/util/podutils"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/report"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/trace"
)

// gather is all that a trace is made of: from the cluster, or from a file.
func (o *traceOptions) gather(ctx context.Context) (*evidence, error) {
	if o.replay != "" {
		e, err := readEvidence(o.replay, o.In)
		if err != nil {
			return nil, fmt.Errorf("--replay: %w", err)
		}
		e.Query.Require = o.query.Require
		if o.plan != nil {
			e.plan = o.plan
		}
		return e, nil
	}
	config, err := o.factory.ToRESTConfig()
	if err != nil {
		return nil, err
	}
	of, err := within(ctx, func() (chosenPod, error) { return o.pod(ctx) })
	if err != nil {
		return nil, err
	}
	pod, chosen := of.Pod, of.chosen
	scene, err := snapshot.ReadScene(ctx, config, o.sceneQuery(pod))
	if err != nil {
		return nil, err
	}
	e := newEvidence(scene, o.plan, o.planText, o.query, chosen)
	for _, g := range scene.Gaps {
		fmt.Fprintf(o.ErrOut, "not read: %s\n", g)
	}
	if len(o.tiers) > 0 {
		e.Seen, err = o.observe(ctx, config, pod, e)
	}
	return e, err
}

// within is what read gives, or that time was up before. What kubectl reads objects with
// knows no context; it is left behind.
func within[T any](ctx context.Context, read func() (T, error)) (value T, err error) {
	done := make(chan struct{})
	var got T
	var failed error
	go func() {
		defer close(done)
		got, failed = read()
	}()
	select {
	case <-done:
		return got, failed
	case <-ctx.Done():
		return value, errors.New("the API server does not answer")
	}
}

// chosenPod is a Pod, and how it was chosen where it is one of several.
type chosenPod struct {
	*corev1.Pod
	chosen string
}

// pod is the Pod that is asked for, or one of a workload's, as kubectl exec chooses it.
func (o *traceOptions) pod(ctx context.Context) (none chosenPod, err error) {
	infos, err := o.objects().Do().Infos()
	if err != nil {
		return none, err
	}
	if len(infos) != 1 {
		return none, fmt.Errorf("%d objects: want one Pod, or one workload; --all-nodes traces several", len(infos))
	}
	if pod, ok := infos[0].Object.(*corev1.Pod); ok {
		return chosenPod{pod, ""}, nearlyRunning(pod)
	}
	name := strings.ToLower(infos[0].Mapping.GroupVersionKind.Kind) + "/" + infos[0].Name
	if err := hasPods(infos[0].Object, name); err != nil {
		return none, err
	}
	patience := time.Second // for a Pod to appear; the default of kubectl exec is a minute
	if deadline, ok := ctx.Deadline(); ok {
		patience = min(patience, time.Until(deadline))
	}
	pod, err := polymorphichelpers.AttachablePodForObjectFn(o.factory, infos[0].Object, patience)
	if wait.Interrupted(err) {
		err = fmt.Errorf("%s has no Pod that could be traced", name)
	}
	if err != nil {
		return none, err
	}
	chosen := "one of " + name
	if !podutils.IsPodReady(pod) {
		chosen += ", of which none is ready"
	}
	return chosenPod{pod, chosen}, nearlyRunning(pod)
}

// hasPods refuses objects that choose no Pods.
func hasPods(object runtime.Object, name string) error {
	_, selector, err := polymorphichelpers.SelectorsForObject(object)
	switch _, service := object.(*corev1.Service); {
	case err == nil && selector != nil && !selector.Empty():
		return nil
	case service:
		return fmt.Errorf("%s has no selector, and so no Pods of its own: name a Pod", name)
	case err == nil:
		return nil
	}
	return fmt.Errorf("%s has no Pods: want one of %s", name, strings.Join(traceable, ", "))
}

func (o *traceOptions) objects() *resource.Builder {
	return o.factory.NewBuilder().WithScheme(scheme.Scheme, scheme.Scheme.PrioritizedVersionsAllGroups()...).
		NamespaceParam(o.namespace).DefaultNamespace().ResourceTypeOrNameArgs(false, o.args...).
		SingleResourceType().RequireObject(true)
}

// nearlyRunning refuses a Pod that sends nothing any more, or is not on a node yet: it has
// no paths.
func nearlyRunning(pod *corev1.Pod) error {
	switch {
	case pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed:
		return fmt.Errorf("pod %s/%s has finished (%s): nothing of it can be traced", pod.Namespace, pod.Name, pod.Status.Phase)
	case pod.Spec.NodeName == "":
		why := ""
		for _, c := range pod.Status.Conditions {
			if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
				why = ": " + c.Message
			}
		}
		return fmt.Errorf("pod %s/%s is %s, and on no node yet%s", pod.Namespace, pod.Name, pod.Status.Phase, why)
	case len(pod.Status.PodIPs) == 0:
		return fmt.Errorf("pod %s/%s has no address yet (%s)", pod.Namespace, pod.Name, pod.Status.Phase)
	}
	return nil
}

func (o *traceOptions) sceneQuery(pod *corev1.Pod) snapshot.SceneQuery {
	q := snapshot.SceneQuery{Pod: snapshot.Ref{Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name}, Read: pod, Port: o.query.Target.Port, Now: time.Now()}
	switch t := o.query.Target; t.Kind {
	case trace.ToService:
		q.Service = t.Ref
	case trace.ToPod:
		q.Peer = t.Ref
	case trace.ToAddress:
		for _, f := range ipfam.All {
			if a := t.Addresses.Of(f); a.IsValid() {
				q.Addresses = append(q.Addresses, a)
			}
		}
	}
	return q
}

// observe tries the target by each tier, one after the other.
func (o *traceOptions) observe(ctx context.Context, config *rest.Config, pod *corev1.Pod, e *evidence) ([]trace.Observation, error) {
	if pod.Status.Phase != corev1.PodRunning {
		return nil, fmt.Errorf("pod %s/%s is %s: it can be probed when it runs; without --probe its paths are predicted", pod.Namespace, pod.Name, pod.Status.Phase)
	}
	config = rest.CopyConfig(config)
	config.WarningHandler = rest.NewWarningWriter(o.ErrOut, rest.WarningWriterOptions{Deduplicate: true}) // as kubectl prints them
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	if e.Query.Target.Settle(e.Scene).Port == 0 {
		return nil, fmt.Errorf("--to %s has no port that is known: name one, as in --to %s:8080", e.Query.Target.Text, e.Query.Target.Text)
	}
	p := newProber(config, client, pod, agentOf(e.Scene), e.questions(o.peers(ctx, client, e)), o.image, o.IOStreams)
	p.container = o.container
	seen := p.runAll(ctx, o.tiers)
	if err := ctx.Err(); errors.Is(err, context.Canceled) {
		return nil, err
	}
	o.complain(seen)
	if ctx.Err() != nil {
		fmt.Fprintf(o.ErrOut, "not all could be probed within --timeout %s: give it more\n", o.timeout)
	}
	return seen, nil
}

// complain says what could not be probed, once where both families have the same reason.
func (o *traceOptions) complain(seen []trace.Observation) {
	said := map[string]bool{}
	for _, one := range seen {
		line := fmt.Sprintf("not probed by %s: %s", one.Tier, one.Error)
		if one.Error != "" && !said[line] {
			said[line] = true
			fmt.Fprintln(o.ErrOut, report.Escape(line))
		}
	}
}

// agentOf is the network plugin's own Pod on the node; zero where none is known.
func agentOf(s *snapshot.Scene) snapshot.Ref {
	for _, a := range s.Cilium.Agents {
		if a.Node == s.Source.Node {
			return a.Ref
		}
	}
	return snapshot.Ref{}
}
