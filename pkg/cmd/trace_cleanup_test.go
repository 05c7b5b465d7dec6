package cmd

import (
	"bytes"
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
)

func TestCleanup(t *testing.T) {
	pod := func(namespace, name string, labels map[string]string) *corev1.Pod {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, UID: "u", Labels: labels}}
	}
	ours := map[string]string{managedBy: ourName, component: "trace"}
	with := pod("b", "web", nil)
	with.Status.EphemeralContainerStatuses = []corev1.ContainerStatus{
		{Name: "dualstack-trace-1", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}},
		{Name: "dualstack-trace-0", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}},
		{Name: "debugger", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}},
	}
	for _, c := range []struct {
		namespace string
		dryRun    bool
		said      string
		left      int
	}{
		{"", true, "pod/one -n a removed (dry run)\npod/two -n b removed (dry run)\n", 5},
		{"", false, "pod/one -n a removed\npod/two -n b removed\n", 3},
		{"b", false, "pod/two -n b removed\nephemeral container dualstack-trace-1 in pod/web still runs; it ends by itself, and cannot be removed\n", 4},
		{"c", false, "no Pods of probes are left\n", 5},
	} {
		client := fake.NewClientset(with, pod("a", "one", ours), pod("b", "two", map[string]string{managedBy: ourName, component: "expose"}),
			pod("b", "other", map[string]string{managedBy: "Helm", component: "trace"}), pod("a", "hers", map[string]string{managedBy: ourName}))
		var out bytes.Buffer
		if err := cleanup(t.Context(), client, c.namespace, c.dryRun, &out); err != nil {
			t.Error(err)
		}
		list, err := client.CoreV1().Pods("").List(context.Background(), metav1.ListOptions{})
		if err != nil || len(list.Items) != c.left || out.String() != c.said {
			t.Errorf("%q: %d left, %v\n%s", c.namespace, len(list.Items), err, &out)
		}
	}
}
