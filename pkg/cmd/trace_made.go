package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/probe"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/trace"
)

const (
	// runLabel is on all Pods that one run has made.
	runLabel = "kubectl-dualstack/run"
	// ofTrace begins the names of what trace makes.
	ofTrace = "dualstack-trace-"
)

// onceScript runs the script that is its first argument, for as many seconds as its second
// says. What it says is in the log, and as the termination message, of which the kubelet
// keeps the last 4,096 bytes.
const onceScript = `if timeout 1 sh -c : 2>/dev/null; then
	said=$(timeout "$1" sh -c "$0")
else
	said=$(sh -c "$0")
fi
printf '%s\n' "$said"
printf '%s\n' "$said" >/dev/termination-log`

func (p *prober) once() corev1.Container {
	c := restrictedContainer(p.image, onceScript, probe.TraceScript(p.questions), fmt.Sprint(int(p.within()/time.Second)))
	c.Name = ofTrace + p.runID
	return c
}

// besidePod runs the script in a Pod of its own on the same Node. It names the Node itself
// instead of leaving that to the scheduler, and tolerates all taints: the question is about
// this Node, and those that are cordoned, full or tainted are the ones that are asked about.
// It asks for no resources, and is gone in seconds.
func (p *prober) besidePod(ctx context.Context, tier trace.Tier) (from string, seen ipfam.Pair[trace.Observation], err error) {
	pod := p.sibling(tier)
	from = fmt.Sprintf("pod %s/%s on node %s", pod.Namespace, pod.Name, pod.Spec.NodeName)
	switch {
	case p.pod.Spec.NodeName == "":
		return "a pod beside " + p.name(), seen, fmt.Errorf("pod %s is on no node yet", p.name())
	case tier == trace.TierSibling && p.pod.Spec.HostNetwork:
		return from, seen, fmt.Errorf("pod %s is in the network of its node, and a Pod beside it is not: --probe=host", p.name())
	}
	how := "restricted"
	if tier == trace.TierHost {
		from += ", in the node's network"
		how = "which the restricted and baseline levels of Pod Security refuse"
	}
	p.say("%s: image %s, %s; it is removed afterwards", from, p.image, how)
	ctx, cancel := context.WithTimeout(ctx, p.within()+startMargin)
	defer cancel()
	made, err := p.client.CoreV1().Pods(pod.Namespace).Create(ctx, pod, metav1.CreateOptions{FieldManager: ourName})
	if err != nil && ctx.Err() == nil {
		return from, seen, refusal(err, "create", "pods", pod.Namespace)
	}
	defer removePod(ctx, p.client, pod, p.ErrOut) // by its name: where time was up it may be there
	if err != nil {
		return from, seen, fmt.Errorf("create pod %s: time is up", pod.Name)
	}
	seen, err = p.result(ctx, made, pod.Spec.Containers[0].Name, from, tier)
	return from, seen, err
}

// sibling is the Pod. It has the traced Pod's way to resolve names and to pull images, and
// none of its labels: Services would send it their traffic.
func (p *prober) sibling(tier trace.Tier) *corev1.Pod {
	pod := restrictedPod(p.pod.Namespace, "trace", p.within()+startMargin, p.once())
	pod.Name = ofTrace + p.runID + "-" + string(tier)
	pod.Labels[runLabel] = p.runID
	pod.Spec.NodeName = p.pod.Spec.NodeName
	pod.Spec.Tolerations = []corev1.Toleration{{Operator: corev1.TolerationOpExists}}
	pod.Spec.ImagePullSecrets = p.pod.Spec.ImagePullSecrets
	pod.Spec.DNSPolicy, pod.Spec.DNSConfig = p.pod.Spec.DNSPolicy, p.pod.Spec.DNSConfig
	if tier == trace.TierHost {
		pod.Spec.HostNetwork = true
		if pod.Spec.DNSPolicy == corev1.DNSClusterFirst || pod.Spec.DNSPolicy == "" {
			pod.Spec.DNSPolicy = corev1.DNSClusterFirstWithHostNet
		}
	}
	return pod
}

// inEphemeral runs the script in an ephemeral container of the Pod, which shares its network.
func (p *prober) inEphemeral(ctx context.Context) (from string, seen ipfam.Pair[trace.Observation], err error) {
	container := p.ephemeral()
	from = fmt.Sprintf("ephemeral container %s in pod %s", container.Name, p.name())
	if err := p.running(); err != nil {
		return from, seen, err
	}
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"ephemeralContainers": []corev1.EphemeralContainer{container}}})
	if err != nil {
		return from, seen, err
	}
	p.say("%s: image %s, unprivileged; it ends by itself within %s, and cannot be removed from the Pod: it stays listed there", from, p.image, p.within())
	ctx, cancel := context.WithTimeout(ctx, p.within()+startMargin)
	defer cancel()
	_, err = p.client.CoreV1().Pods(p.pod.Namespace).Patch(ctx, p.pod.Name, types.StrategicMergePatchType, patch,
		metav1.PatchOptions{FieldManager: ourName}, "ephemeralcontainers")
	if err != nil {
		return from, seen, refusal(err, "patch", "pods/ephemeralcontainers", p.pod.Namespace)
	}
	seen, err = p.result(ctx, p.pod, container.Name, from, trace.TierEphemeral)
	return from, seen, err
}

// ephemeral is the container. What the Pod says of users and seccomp holds for it as well,
// so that it says so itself where the Pod does not, or says root.
func (p *prober) ephemeral() corev1.EphemeralContainer {
	c := p.once()
	c.SecurityContext.RunAsNonRoot = new(true)
	c.SecurityContext.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}
	if of := p.pod.Spec.SecurityContext; of == nil || of.RunAsUser == nil || *of.RunAsUser == 0 {
		c.SecurityContext.RunAsUser = new(int64(nobody))
	}
	return corev1.EphemeralContainer{EphemeralContainerCommon: corev1.EphemeralContainerCommon{
		Name: c.Name, Image: c.Image, Command: c.Command, SecurityContext: c.SecurityContext,
	}}
}

// result is what the container has said when it has ended.
func (p *prober) result(ctx context.Context, pod *corev1.Pod, container, from string, tier trace.Tier) (seen ipfam.Pair[trace.Observation], err error) {
	end, err := awaitEnd(ctx, p.client, pod, container)
	if err != nil {
		return seen, p.notEnded(ctx, err, tier)
	}
	said := end.Message
	if strings.Contains(said, "executable file not found") || strings.Contains(said, `exec: "sh"`) {
		return seen, fmt.Errorf("image %s has no sh; name another one with --image", p.image)
	}
	if !probe.Complete(said) { // it was longer than a termination message may be, or failed
		most := int64(usualOutput)
		log, unread := p.client.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name, &corev1.PodLogOptions{Container: container, LimitBytes: &most}).DoRaw(ctx)
		if unread == nil && len(log) > len(said) {
			said = string(log)
		}
	}
	if said == "" {
		return seen, errors.New("the container has said nothing: " + stopped(corev1.ContainerState{Terminated: end}))
	}
	return probe.ReadTrace(said, from, tier), nil
}

// notEnded says more of a container that did not start: what else could be tried, and what
// is left.
func (p *prober) notEnded(ctx context.Context, err error, tier trace.Tier) error {
	if strings.Contains(err.Error(), "Image") {
		err = fmt.Errorf("%w; name another one with --image", err)
	}
	if tier == trace.TierEphemeral && ctx.Err() == nil {
		err = fmt.Errorf("%w; the container stays listed in the Pod, and the kubelet goes on trying", err)
	}
	return err
}
