package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/kubernetes"
	"k8s.io/kubectl/pkg/util/templates"
)

// pageOfPods is how many Pods are read at a time.
const pageOfPods = 500

// newTraceCleanupCommand removes what an interrupted machine may have left.
func newTraceCleanupCommand(streams genericiooptions.IOStreams) *cobra.Command {
	config := genericclioptions.NewConfigFlags(true)
	all, dryRun := false, false
	cmd := &cobra.Command{
		Use:   "cleanup",
		Short: "Remove the Pods that probes have left behind",
		Long: templates.LongDesc(`
			Remove the Pods that probes of trace and expose have left behind, in a namespace or in
			all. A probe removes its own when it ends, fails or is interrupted, and the cluster ends
			those of a probe that was killed within minutes; this removes what is then still listed.`),
		Example: templates.Examples(`
			kubectl dualstack trace cleanup -n shop
			kubectl dualstack trace cleanup -A --dry-run`),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			namespace, _, err := config.ToRawKubeConfigLoader().Namespace()
			if err != nil {
				return err
			}
			if all {
				namespace = corev1.NamespaceAll
			}
			rest, err := config.ToRESTConfig()
			if err != nil {
				return err
			}
			client, err := kubernetes.NewForConfig(rest)
			if err != nil {
				return err
			}
			return troubled(cleanup(cmd.Context(), client, namespace, dryRun, streams.Out))
		},
	}
	flags := cmd.Flags()
	flags.BoolVarP(&all, "all-namespaces", "A", false, "The Pods of all namespaces.")
	flags.BoolVar(&dryRun, "dry-run", false, "Say what would be removed.")
	config.AddFlags(flags)
	markConnection(flags, config)
	completeKubeconfig(cmd, config)
	return cmd
}

// cleanup removes the Pods that probes have left behind, in one namespace or in all. In one
// namespace it also tells of ephemeral containers that still run: they end by themselves,
// and cannot be removed.
func cleanup(ctx context.Context, client kubernetes.Interface, namespace string, dryRun bool, out io.Writer) error {
	var failed error
	removed := 0
	ours := fmt.Sprintf("%s=%s,%s in (trace,expose)", managedBy, ourName, component)
	err := eachPod(ctx, client, namespace, ours, func(pod *corev1.Pod) {
		err := removeLeft(ctx, client, pod, dryRun)
		if err != nil {
			failed = errors.Join(failed, err)
			return
		}
		removed++
		fmt.Fprintf(out, "pod/%s -n %s removed%s\n", pod.Name, pod.Namespace, map[bool]string{true: " (dry run)"}[dryRun])
	})
	if err != nil {
		return err
	}
	if removed == 0 && failed == nil {
		fmt.Fprintln(out, "no Pods of probes are left")
	}
	if namespace != "" { // all Pods of a large cluster would not be cheap
		failed = errors.Join(failed, eachPod(ctx, client, namespace, "", func(pod *corev1.Pod) { tellRunning(pod, out) }))
	}
	return failed
}

// removeLeft removes this Pod, and no other of its name.
func removeLeft(ctx context.Context, client kubernetes.Interface, pod *corev1.Pod, dryRun bool) error {
	options := metav1.NewDeleteOptions(0)
	options.Preconditions = metav1.NewUIDPreconditions(string(pod.UID))
	if dryRun {
		return nil
	}
	err := client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, *options)
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) { // somebody was faster
		return nil
	}
	if err != nil {
		return fmt.Errorf("pod %s: %w", pod.Name, refusal(err, "delete", "pods", pod.Namespace))
	}
	return nil
}

func eachPod(ctx context.Context, client kubernetes.Interface, namespace, selector string, yield func(*corev1.Pod)) error {
	options := metav1.ListOptions{LabelSelector: selector, Limit: pageOfPods}
	for {
		list, err := client.CoreV1().Pods(namespace).List(ctx, options)
		if err != nil {
			return refusal(err, "list", "pods", namespace)
		}
		for i := range list.Items {
			yield(&list.Items[i])
		}
		if options.Continue = list.Continue; options.Continue == "" {
			return nil
		}
	}
}

// tellRunning tells of ephemeral containers of ours that have not ended yet.
func tellRunning(pod *corev1.Pod, out io.Writer) {
	for _, c := range pod.Status.EphemeralContainerStatuses {
		if strings.HasPrefix(c.Name, ofTrace) && c.State.Running != nil {
			fmt.Fprintf(out, "ephemeral container %s in pod/%s still runs; it ends by itself, and cannot be removed\n", c.Name, pod.Name)
		}
	}
}
