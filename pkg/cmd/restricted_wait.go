package cmd

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// hopeless is why a container waits when it waits for ever. The kubelet tries an image
// again and again; that it has begun to take its time over it is answer enough.
// Source: kubernetes v1.37.2 pkg/kubelet/images/types.go, pkg/kubelet/kuberuntime/kuberuntime_container.go.
var hopeless = []string{
	"ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "ImageInspectError", "RegistryUnavailable", "SignatureValidationFailed",
	"CreateContainerConfigError", "CreateContainerError", "PreCreateHookError", "RunContainerError",
}

// awaitEnd is how the container ended, an ephemeral one too.
func awaitEnd(ctx context.Context, client kubernetes.Interface, pod *corev1.Pod, container string) (*corev1.ContainerStateTerminated, error) {
	tick := time.NewTicker(pollPeriod)
	defer tick.Stop()
	waits := corev1.ContainerStateWaiting{Reason: "it did not start"}
	for {
		now, err := client.CoreV1().Pods(pod.Namespace).Get(ctx, pod.Name, metav1.GetOptions{})
		switch {
		case ctx.Err() != nil:
			return nil, fmt.Errorf("pod %s: time is up: %s", pod.Name, words(told(ctx, client, pod, waits)))
		case err != nil:
			return nil, refusal(err, "get", "pods", pod.Namespace)
		}
		if end := stateOf(now, container).Terminated; end != nil {
			return end, nil
		}
		if now.Status.Phase == corev1.PodFailed || now.Status.Phase == corev1.PodSucceeded {
			return nil, fmt.Errorf("pod %s has ended (%s): %s %s", pod.Name, now.Status.Phase, now.Status.Reason, now.Status.Message)
		}
		waits = waitsFor(now, container, waits)
		if slices.Contains(hopeless, waits.Reason) {
			return nil, fmt.Errorf("pod %s: container %s does not start: %s", pod.Name, container, words(waits))
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// told is what it waits for, with what an Event tells of a Pod of ours that does not even
// get its network.
func told(ctx context.Context, client kubernetes.Interface, pod *corev1.Pod, waits corev1.ContainerStateWaiting) corev1.ContainerStateWaiting {
	if waits.Message == "" && pod.Labels[managedBy] == ourName {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
		defer cancel()
		waits.Message = lastWarning(ctx, client, pod.Namespace, "Pod", pod.UID)
	}
	return waits
}

// stateOf is the state of the container, which may be an ephemeral one.
func stateOf(pod *corev1.Pod, container string) corev1.ContainerState {
	for _, c := range slices.Concat(pod.Status.ContainerStatuses, pod.Status.EphemeralContainerStatuses) {
		if c.Name == container {
			return c.State
		}
	}
	return corev1.ContainerState{}
}

// waitsFor is what the container waits for now, after what it waited for before. That an
// image is not tried at the moment says less than why it could not be had.
func waitsFor(pod *corev1.Pod, container string, before corev1.ContainerStateWaiting) corev1.ContainerStateWaiting {
	state := stateOf(pod, container)
	if w := state.Waiting; w != nil && w.Reason != "" {
		now := *w
		if w.Reason == "ImagePullBackOff" && before.Reason == "ErrImagePull" {
			now.Message = before.Message
		}
		return now
	}
	if state.Running != nil {
		return corev1.ContainerStateWaiting{Reason: "it is still running"}
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return corev1.ContainerStateWaiting{Reason: c.Reason, Message: c.Message}
		}
	}
	return before
}

func words(w corev1.ContainerStateWaiting) string {
	if w.Message == "" {
		return w.Reason
	}
	return w.Reason + ": " + w.Message
}
