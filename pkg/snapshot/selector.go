package snapshot

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// Matches reports whether s selects what has these labels. A Selector that is none
// selects nothing; SelectorOf makes no such one.
func (s Selector) Matches(set map[string]string) bool {
	selector, err := labels.Parse(string(s))
	return err == nil && selector.Matches(labels.Set(set))
}

// SelectorOf is s as kubectl writes it. The API server refuses the selectors that are an
// error here, but files and custom resources may have them: whoever decodes one has to
// say that it is not known what it selects. In the API a selector that is missing is not
// the empty one, so there is no nil to be given.
func SelectorOf(s metav1.LabelSelector) (Selector, error) {
	selector, err := metav1.LabelSelectorAsSelector(&s)
	if err != nil {
		return "", fmt.Errorf("label selector: %w", err)
	}
	text := selector.String()
	if _, err := labels.Parse(text); err != nil {
		return "", fmt.Errorf("label selector %q: %w", text, err)
	}
	return Selector(text), nil
}

// Labels of Pods that Cilium makes up, and that its selectors and those of
// NetworkPolicies may name.
// Source: cilium v1.20.2, pkg/k8s/apis/cilium.io/const.go.
const (
	ServiceAccountLabel = "io.cilium.k8s.policy.serviceaccount"
	ClusterLabel        = "io.cilium.k8s.policy.cluster"

	podNamespaceLabel     = "io.kubernetes.pod.namespace"
	namespaceLabelsPrefix = "io.cilium.k8s.namespace.labels."
)

// requirement is one condition of a selector of Cilium's: a label, and where Cilium has
// it from.
type requirement struct {
	source string // "k8s", "any", "reserved"; empty when none is written, which is any
	metav1.LabelSelectorRequirement
}

// requirements is the conditions of s, those of matchLabels first.
func requirements(s metav1.LabelSelector) []requirement {
	var all []requirement
	for _, key := range slices.Sorted(maps.Keys(s.MatchLabels)) {
		all = append(all, requirementOf(metav1.LabelSelectorRequirement{
			Key: key, Operator: metav1.LabelSelectorOpIn, Values: []string{s.MatchLabels[key]}}))
	}
	for _, r := range s.MatchExpressions {
		all = append(all, requirementOf(r))
	}
	return all
}

// requirementOf takes the source off r's key: what stands before the first colon, and
// $ for reserved.
// Source: cilium v1.20.2, pkg/labels/labels.go parseSource.
func requirementOf(r metav1.LabelSelectorRequirement) requirement {
	if key, ok := strings.CutPrefix(r.Key, "$"); ok {
		r.Key = key
		return requirement{"reserved", r}
	}
	source, key, ok := strings.Cut(r.Key, ":")
	if !ok {
		return requirement{"", r}
	}
	r.Key = key
	return requirement{source, r}
}

// ofPods reports whether r is about labels that Kubernetes gives Pods.
func (r requirement) ofPods() bool { return r.source == "" || r.source == "any" || r.source == "k8s" }

// negative reports whether r holds of what does not have the label.
func (r requirement) negative() bool {
	return r.Operator == metav1.LabelSelectorOpNotIn || r.Operator == metav1.LabelSelectorOpDoesNotExist
}

// podsAndNamespaces parts all into what they ask of the labels of Pods and of the labels
// of their namespaces, which to Cilium are labels of the Pod with a prefix.
// Namespaces is nil when nothing is asked of them.
func podsAndNamespaces(all []requirement) (pods Selector, namespaces *Selector, err error) {
	var ofPods, ofNamespaces []metav1.LabelSelectorRequirement
	for _, r := range all {
		switch key, ok := strings.CutPrefix(r.Key, namespaceLabelsPrefix); {
		case ok:
			r.Key = key
			ofNamespaces = append(ofNamespaces, r.LabelSelectorRequirement)
		case r.Key == podNamespaceLabel:
			r.Key = corev1.LabelMetadataName
			ofNamespaces = append(ofNamespaces, r.LabelSelectorRequirement)
		default:
			ofPods = append(ofPods, r.LabelSelectorRequirement)
		}
	}
	pods, err = SelectorOf(metav1.LabelSelector{MatchExpressions: ofPods})
	if err != nil || len(ofNamespaces) == 0 {
		return pods, nil, err
	}
	selector, err := SelectorOf(metav1.LabelSelector{MatchExpressions: ofNamespaces})
	return pods, &selector, err
}
