package cmd

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/resource"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/pager"
	"k8s.io/kubectl/pkg/polymorphichelpers"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/report"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/trace"
)

// runFleet predicts the paths of one Pod of the workload on each node.
func (o *traceOptions) runFleet(ctx context.Context) error {
	config, err := o.factory.ToRESTConfig()
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(inProtobuf(config))
	if err != nil {
		return err
	}
	pods, err := o.podOfEachNode(ctx, client)
	if err != nil {
		return o.inTime(ctx, err)
	}
	scenes, err := snapshot.ReadFleet(ctx, config, o.sceneQuery(pods[0]), pods)
	if err != nil {
		return o.inTime(ctx, err)
	}
	for _, g := range scenes[0].Gaps {
		fmt.Fprintf(o.ErrOut, "not read: %s\n", g)
	}
	var rows []trace.FleetRow
	worst := trace.Reaches
	for _, s := range scenes {
		t := trace.Predict(s, o.plan, o.query)
		rows = append(rows, trace.FleetRow{Node: t.Node, Pod: t.Pod, Paths: t.Paths})
		worst = trace.Worst(worst, t.Outcome())
	}
	if err := report.WriteFleet(o.Out, rows, o.output, o.print); err != nil {
		return err
	}
	return traceOutcome(worst)
}

// inProtobuf is config for lists of thousands, which take a multiple of the time in JSON.
func inProtobuf(config *rest.Config) *rest.Config {
	config = rest.CopyConfig(config)
	config.ContentType = runtime.ContentTypeProtobuf
	config.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	return config
}

// podOfEachNode is the workload's Pods that run, the first by name on each node, in the
// order of the nodes.
func (o *traceOptions) podOfEachNode(ctx context.Context, client kubernetes.Interface) ([]*corev1.Pod, error) {
	infos, err := within(ctx, func() ([]*resource.Info, error) { return o.objects().Do().Infos() })
	if err != nil {
		return nil, err
	}
	if len(infos) != 1 {
		return nil, fmt.Errorf("%d objects: want one workload", len(infos))
	}
	name := strings.ToLower(infos[0].Mapping.GroupVersionKind.Kind) + "/" + infos[0].Name
	if _, pod := infos[0].Object.(*corev1.Pod); pod {
		return nil, fmt.Errorf("--all-nodes: %s is on one node: name a workload", name)
	}
	if err := hasPods(infos[0].Object, name); err != nil {
		return nil, err
	}
	namespace, selector, err := polymorphichelpers.SelectorsForObject(infos[0].Object)
	if err != nil {
		return nil, fmt.Errorf("--all-nodes: %w", err)
	}
	of := map[string]*corev1.Pod{}
	list := pager.New(func(ctx context.Context, opts metav1.ListOptions) (runtime.Object, error) {
		return client.CoreV1().Pods(namespace).List(ctx, opts)
	})
	err = list.EachListItem(ctx, metav1.ListOptions{LabelSelector: orNothing(selector), FieldSelector: "status.phase=Running"}, func(obj runtime.Object) error {
		p, ok := obj.(*corev1.Pod)
		if !ok || p.Spec.NodeName == "" || len(p.Status.PodIPs) == 0 {
			return nil
		}
		if first := of[p.Spec.NodeName]; first == nil || p.Name < first.Name {
			of[p.Spec.NodeName] = p
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(of) == 0 {
		return nil, fmt.Errorf("%s has no Pod that runs", name)
	}
	var pods []*corev1.Pod
	for _, p := range of {
		pods = append(pods, p)
	}
	slices.SortFunc(pods, func(a, b *corev1.Pod) int { return strings.Compare(a.Spec.NodeName, b.Spec.NodeName) })
	return pods, nil
}

func orNothing(s labels.Selector) string {
	if s == nil {
		return labels.Nothing().String()
	}
	return s.String()
}
