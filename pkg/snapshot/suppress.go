package snapshot

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// SuppressAnnotation is the annotation of an object that says which findings about it
// are not to count: one suppression for each line.
const SuppressAnnotation = "kubectl-dualstack/suppress"

// Annotated is the value of SuppressAnnotation at an object.
type Annotated struct {
	Namespace, Name string
	Text            string
}

func (b *builder) annotated(value any) {
	m, ok := value.(metav1.Object)
	if !ok {
		return
	}
	if text := m.GetAnnotations()[SuppressAnnotation]; text != "" {
		b.snap.Suppressions = append(b.snap.Suppressions, Annotated{m.GetNamespace(), m.GetName(), text})
	}
}
