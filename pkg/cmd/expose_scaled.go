package cmd

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/cli-runtime/pkg/resource"
)

// exposeScaled exposes custom resources that can be scaled, which kubectl's builder cannot
// even decode: their scale says which Pods are theirs. Each is handed to it as a
// Deployment of that selector, in a file that goes again.
func (m *maker) exposeScaled(cmd *cobra.Command, args []string) error {
	list, err := m.factory.NewBuilder().Unstructured().ContinueOnError().
		NamespaceParam(m.service.Namespace).DefaultNamespace().
		FilenameParam(m.service.EnforceNamespace, &m.kubectl.FilenameOptions).
		ResourceTypeOrNameArgs(false, args...).Flatten().Latest().Do().Infos()
	if err != nil {
		return err
	}
	file, err := os.CreateTemp("", "dualstack-expose-*.yaml")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	for _, info := range list {
		d, err := m.asScaled(info)
		if err != nil {
			return errors.Join(err, file.Close())
		}
		text, err := json.Marshal(d)
		if err == nil {
			_, err = fmt.Fprintf(file, "---\n%s\n", text)
		}
		if err != nil {
			return errors.Join(err, file.Close())
		}
	}
	if err := file.Close(); err != nil {
		return err
	}
	m.service.Builder = m.factory.NewBuilder()
	m.service.FilenameOptions = resource.FilenameOptions{Filenames: []string{file.Name()}}
	m.scaled = true
	return m.service.RunExpose(cmd, nil)
}

// asScaled is the object as a Deployment: with the selector of its scale and, where it
// has one in the usual place, with its template.
func (m *maker) asScaled(info *resource.Info) (*appsv1.Deployment, error) {
	object, ok := info.Object.(*unstructured.Unstructured)
	if !ok {
		return nil, fmt.Errorf("%s is a %T", info.ObjectName(), info.Object)
	}
	client, err := m.factory.UnstructuredClientForMapping(info.Mapping)
	if err != nil {
		return nil, err
	}
	raw, err := client.Get().NamespaceIfScoped(info.Namespace, info.Namespaced()).Resource(info.Mapping.Resource.Resource).Name(info.Name).
		SubResource("scale").SetHeader("Accept", runtime.ContentTypeJSON).Do(m.ctx).Raw()
	if err != nil {
		return nil, fmt.Errorf("cannot expose a %s: it is none of kubectl's kinds, and its scale, which would say which Pods are its own, cannot be read: %w",
			info.Mapping.GroupVersionKind.GroupKind(), err)
	}
	var scale autoscalingv1.Scale
	if err := json.Unmarshal(raw, &scale); err != nil {
		return nil, err
	}
	d := &appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: appsv1.SchemeGroupVersion.String(), Kind: "Deployment"},
		ObjectMeta: metav1.ObjectMeta{Name: info.Name, Namespace: info.Namespace, Labels: object.GetLabels()},
		Spec:       appsv1.DeploymentSpec{Selector: &metav1.LabelSelector{}},
	}
	if d.Spec.Selector.MatchLabels, err = matchLabels(scale.Status.Selector); err != nil {
		return nil, fmt.Errorf("cannot expose %s: %w", info.ObjectName(), err)
	}
	template, _, err := unstructured.NestedMap(object.Object, "spec", "template")
	if err == nil && template != nil {
		var t corev1.PodTemplateSpec
		if runtime.DefaultUnstructuredConverter.FromUnstructured(template, &t) == nil {
			d.Spec.Template = t
		}
	}
	return d, nil
}

// matchLabels is a selector as a Service can have it.
func matchLabels(text string) (map[string]string, error) {
	selector, err := labels.ParseToRequirements(text)
	if err != nil {
		return nil, err
	}
	if len(selector) == 0 {
		return nil, errors.New("the selector of its scale is empty")
	}
	match := map[string]string{}
	for _, r := range selector {
		values := r.Values().List()
		if op := r.Operator(); len(values) != 1 || op != selection.Equals && op != selection.DoubleEquals && op != selection.In {
			return nil, fmt.Errorf("the selector of its scale is %s, and a Service selects by equality", strings.TrimSpace(text))
		}
		match[r.Key()] = values[0]
	}
	return match, nil
}
