package cmd

import (
	"context"
	"fmt"
	"io"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// The labels of all that we create beside what was asked for, and the container in it.
const (
	managedBy      = "app.kubernetes.io/managed-by"
	ourName        = "kubectl-dualstack"
	component      = "app.kubernetes.io/component" // the command that made it
	probeContainer = "probe"
	nobody         = 65534
)

// restrictedPod is a Pod of the restricted profile that runs a container once. The cluster
// itself ends it at the deadline, if nobody else does.
// Source: https://kubernetes.io/docs/concepts/security/pod-security-standards, restricted.
func restrictedPod(namespace, command string, deadline time.Duration, container corev1.Container) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Labels: map[string]string{managedBy: ourName, component: command}},
		Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyNever, ActiveDeadlineSeconds: new(int64(deadline / time.Second)), TerminationGracePeriodSeconds: new(int64(0)),
			AutomountServiceAccountToken: new(false), EnableServiceLinks: new(false),
			SecurityContext: &corev1.PodSecurityContext{
				RunAsNonRoot: new(true), RunAsUser: new(int64(nobody)), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			},
			Containers: []corev1.Container{container},
		},
	}
}

// restrictedContainer is one that runs a script, with arguments of its own. What it has to
// say should be its termination message, which takes no right to read logs.
func restrictedContainer(image, script string, args ...string) corev1.Container {
	return corev1.Container{
		Name: probeContainer, Image: image, Command: append([]string{"sh", "-c", script}, args...),
		SecurityContext: &corev1.SecurityContext{
			AllowPrivilegeEscalation: new(false), ReadOnlyRootFilesystem: new(true), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		},
	}
}

// removePod removes a Pod of ours, also when the command was interrupted or time is up.
func removePod(ctx context.Context, client kubernetes.Interface, pod *corev1.Pod, errOut io.Writer) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	err := client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, *metav1.NewDeleteOptions(0))
	if err != nil && !apierrors.IsNotFound(err) {
		within := time.Duration(*pod.Spec.ActiveDeadlineSeconds) * time.Second
		fmt.Fprintf(errOut, "pod/%s could not be removed, and ends by itself within %s: %v\n", pod.Name, within, err)
	}
}
