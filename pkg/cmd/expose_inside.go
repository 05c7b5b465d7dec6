package cmd

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/expose"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/probe"
)

const (
	// managedBy is the label of all that we create beside what was asked for.
	managedBy = "app.kubernetes.io/managed-by"
	ourName   = "kubectl-dualstack"
	// insideDeadline is when the cluster itself ends the probe's Pod.
	insideDeadline = 2 * time.Minute
)

// inside connects to all addresses of the Service from a Pod of its own, which goes again
// whatever happens: with the Service, which owns it, at the latest.
func (m *maker) inside(ctx context.Context, client kubernetes.Interface, state expose.State, s *corev1.Service) error {
	port := firstTCP(s)
	var targets []netip.AddrPort
	for _, f := range ipfam.All {
		for _, a := range []netip.Addr{state.Cluster(f), state.External(f)} {
			if a.IsValid() && port != 0 {
				targets = append(targets, netip.AddrPortFrom(a, port))
			}
		}
	}
	if m.flags.probeImage == "none" || len(targets) == 0 {
		return nil
	}
	watch := newProgress(m.ErrOut)
	watch.doing = "connecting from inside: "
	watch.say(m.flags.probeImage)
	defer watch.clear()
	pod, err := client.CoreV1().Pods(s.Namespace).Create(ctx, probePod(s, m.flags.probeImage, probe.Script(targets)), metav1.CreateOptions{FieldManager: m.manager})
	if err != nil {
		return fmt.Errorf("from inside: %w", err)
	}
	defer m.removePod(client, pod)
	said, err := awaitPod(ctx, client, pod)
	if err != nil {
		return fmt.Errorf("from inside: %w", err)
	}
	results := probe.Read(said, targets)
	for _, t := range targets {
		if one := results[t]; one != nil {
			err = errors.Join(err, fmt.Errorf("%s from inside: %w", ipfam.Of(t.Addr()), one))
		}
	}
	return err
}

// probePod is one of the restricted profile that runs the script once. What it has to say
// is its termination message, which takes no right to read logs.
// Source: https://kubernetes.io/docs/concepts/security/pod-security-standards, restricted.
func probePod(s *corev1.Service, image, script string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			GenerateName: "dualstack-probe-", Namespace: s.Namespace, Labels: map[string]string{managedBy: ourName},
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(s, corev1.SchemeGroupVersion.WithKind("Service"))},
		},
		Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyNever, ActiveDeadlineSeconds: new(int64(insideDeadline / time.Second)), TerminationGracePeriodSeconds: new(int64(0)),
			AutomountServiceAccountToken: new(false), EnableServiceLinks: new(false),
			SecurityContext: &corev1.PodSecurityContext{
				RunAsNonRoot: new(true), RunAsUser: new(int64(65534)), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			},
			Containers: []corev1.Container{{
				Name: "probe", Image: image, Command: []string{"sh", "-c", "{\n" + script + "} >/dev/termination-log"},
				SecurityContext: &corev1.SecurityContext{
					AllowPrivilegeEscalation: new(false), ReadOnlyRootFilesystem: new(true), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
				},
			}},
		},
	}
}

// awaitPod is the termination message of the Pod's container.
func awaitPod(ctx context.Context, client kubernetes.Interface, pod *corev1.Pod) (string, error) {
	tick := time.NewTicker(pollPeriod)
	defer tick.Stop()
	why := "it did not start"
	for {
		now, err := client.CoreV1().Pods(pod.Namespace).Get(ctx, pod.Name, metav1.GetOptions{})
		switch {
		case ctx.Err() != nil:
			return "", fmt.Errorf("pod %s: %s", pod.Name, why)
		case err != nil:
			return "", err
		case now.Status.Phase == corev1.PodFailed:
			return "", fmt.Errorf("pod %s failed: %s %s", pod.Name, now.Status.Reason, now.Status.Message)
		}
		for _, c := range now.Status.ContainerStatuses {
			if c.State.Terminated != nil {
				return c.State.Terminated.Message, nil
			}
			if w := c.State.Waiting; w != nil && w.Reason != "" {
				why = w.Reason + ": " + w.Message
			}
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// removePod removes the probe's Pod, also when the command was interrupted or time is up.
func (m *maker) removePod(client kubernetes.Interface, pod *corev1.Pod) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(m.ctx), lastWords)
	defer cancel()
	err := client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, *metav1.NewDeleteOptions(0))
	if err != nil && !apierrors.IsNotFound(err) {
		fmt.Fprintf(m.ErrOut, "pod/%s could not be removed, and ends by itself within %s: %v\n", pod.Name, insideDeadline, err)
	}
}
