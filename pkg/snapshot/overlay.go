package snapshot

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Overlay is files that are laid over a cluster, or over other files, as kubectl
// apply would: an object that both have is merged, one that only the files have is
// added, and the others stay. Documents that are no API objects, such as Helm
// values and kubeadm's configuration, take the place of what was there.
//
// It is for one snapshot, of which it notes what it met.
type Overlay struct {
	Paths []string

	entries  []*entry // in the order of the files
	byKey    map[overlayKey]*entry
	values   bool // whether it has values of Cilium's chart
	problems []Problem
	others   []object // that stand for no object: versions, plans, kinds that nothing reads
}

// overlayKey is what makes two documents ones of the same object. The version of
// its API is left out, and the Go type stands for group and kind.
type overlayKey struct {
	of              reflect.Type
	kind            string // of the types that stand for two kinds
	namespace, name string
}

// entry is an object of the files, in one document or several.
type entry struct {
	documents []laid
	met       atomic.Bool // whether what it is laid over has it
	changes   atomic.Bool // whether it is then another
}

// laid is one document.
type laid struct {
	object
	raw map[string]any // as it is written; nil for a document that is no API object
}

// Applied is what an overlay did to a snapshot.
type Applied struct {
	Paths     []string
	Changed   []Ref // objects that both have, and that the files change
	Added     []Ref
	Unchanged int // objects that are already as the files have them
}

// ReadOverlay reads files as FromFiles does. namespace is where an object of no
// namespace goes, as with kubectl; empty is "default".
func ReadOverlay(paths []string, namespace string, opts FileOptions) (*Overlay, error) {
	o := &Overlay{Paths: paths, byKey: map[overlayKey]*entry{}}
	files, problems := list(paths)
	o.problems = problems
	understood := false
	for _, file := range files {
		name, data, err := whole(file, opts.Stdin)
		if err != nil {
			o.problems = append(o.problems, unreadable(file, err))
			continue
		}
		for _, d := range o.documents(name, data) {
			for _, decoded := range d.decode() {
				understood = understood || len(decoded.problems) == 0
				o.add(d, decoded, namespace)
			}
		}
	}
	if !understood {
		return nil, nothingUnderstood(paths, o.allProblems(), false)
	}
	return o, nil
}

// whole is the name and the content of a file. An archive is none: a dump of a cluster is
// not what somebody is about to apply.
func whole(path string, stdin io.Reader) (name string, data []byte, err error) {
	name, r, _, err := open(path, stdin)
	if err != nil {
		return path, nil, err
	}
	defer r.Close()
	data, err = slurp(r)
	if err == nil && formOf(data) != noArchive {
		err = errors.New("an archive, which is not laid over anything: unpack it")
	}
	return name, data, err
}

func (o *Overlay) allProblems() []Problem {
	problems := slices.Clone(o.problems)
	for _, other := range o.others {
		problems = append(problems, other.problems...)
	}
	return problems
}

// documents is what a file holds, one by one.
func (o *Overlay) documents(name string, data []byte) []*document {
	var documents []*document
	for _, p := range split(withoutLogs(toUTF8(data))) {
		found, problem := p.parse(name)
		if problem != nil {
			o.problems = append(o.problems, *problem)
		}
		for _, d := range found {
			documents = append(documents, d.objects()...)
		}
	}
	return documents
}

// add takes in one object of the document d.
func (o *Overlay) add(d *document, decoded object, namespace string) {
	key, ok := keyOf(decoded.value)
	if !ok {
		o.others = append(o.others, decoded)
		return
	}
	l := laid{object: decoded}
	if named, ok := decoded.value.(metav1.Object); ok {
		if !clusterScoped(decoded.value) && named.GetNamespace() == "" && namespace != "" {
			named.SetNamespace(namespace)
			key.namespace = namespace
		}
		d.fill(d.ref(), &l.raw) // what does not fit was found in decoding
		delete(l.raw, "status")
	}
	if v, ok := decoded.value.(*helmValues); ok {
		o.values = o.values || v.values != nil
	}
	at := o.byKey[key]
	if at == nil {
		at = &entry{}
		o.byKey[key] = at
		o.entries = append(o.entries, at)
	}
	at.documents = append(at.documents, l)
}

// keyOf is which object a decoded document is of; ok is false when it is of none.
func keyOf(value any) (key overlayKey, ok bool) {
	key.of = reflect.TypeOf(value)
	switch v := value.(type) {
	case nil, *serverVersion, *planFile, *chartSource:
		return key, false
	case *helmValues:
		key.kind, key.namespace, key.name = v.ref.Kind, v.ref.Namespace, v.ref.Name
		return key, true
	case *metallbValues:
		key.kind, key.namespace, key.name = v.ref.Kind, v.ref.Namespace, v.ref.Name
		return key, true
	case *advertisement:
		key.kind = v.Kind
	}
	if named, ok := value.(metav1.Object); ok {
		key.namespace, key.name = named.GetNamespace(), named.GetName()
		if key.namespace == "" {
			key.namespace = metav1.NamespaceDefault
		}
	}
	return key, true
}

// clusterScoped reports whether objects of value's type are in no namespace.
func clusterScoped(value any) bool {
	switch value.(type) {
	case *corev1.Node, *ciliumNode, *ciliumLoadBalancerIPPool, *customResourceDefinition:
		return true
	}
	return strings.HasSuffix(reflect.TypeOf(value).String(), "ServiceCIDR")
}

// over is base with what the files say of it; ok is false when nothing is left of
// base, because other values take its place.
func (o *Overlay) over(base object) (object, bool) {
	key, named := keyOf(base.value)
	if at := o.byKey[key]; named && at != nil {
		at.met.Store(true)
		return at.over(base), true
	}
	values, isValues := base.value.(*helmValues)
	return base, !isValues || !o.values || o.leaves(values)
}

// leaves reports whether values stay beside those of the files: they do where one
// of the two is a HelmChartConfig, which adds to its HelmChart.
func (o *Overlay) leaves(values *helmValues) bool {
	for _, e := range o.entries {
		v, ok := e.documents[0].value.(*helmValues)
		if ok && (supplements(v.ref, values.ref) || supplements(values.ref, v.ref)) {
			return true
		}
	}
	return false
}

// over lays the documents of e over base, one after the other.
func (e *entry) over(base object) object {
	merged := base
	for _, l := range e.documents {
		merged = l.over(merged)
	}
	if differ(base.value, merged.value) {
		e.changes.Store(true)
	}
	return merged
}

// over is base with l applied to it, or l itself where l is no API object.
func (l laid) over(base object) object {
	if l.raw == nil {
		return l.object
	}
	merged := l.object
	merged.origin = l.origin.over(base.origin)
	value, err := apply(base.value, l.raw)
	if err != nil {
		merged.value = base.value
		merged.problems = []Problem{{Position: l.origin.position(""), Ref: refOf(base.value), Message: "cannot be applied: " + err.Error()}}
		return merged
	}
	settle(base.value, value)
	merged.value = value
	return merged
}

// settle takes from an applied object what the API server would decide anew.
// A Service whose families change is then one that asks for them, and has not
// been answered: without addresses.
func settle(base, merged any) {
	before, ok := base.(*corev1.Service)
	if !ok {
		return
	}
	after := merged.(*corev1.Service)
	if before.Spec.Type == after.Spec.Type && reflect.DeepEqual(before.Spec.IPFamilyPolicy, after.Spec.IPFamilyPolicy) &&
		slices.Equal(before.Spec.IPFamilies, after.Spec.IPFamilies) {
		return
	}
	after.UID, after.Status = "", corev1.ServiceStatus{}
	if !slices.Equal(after.Spec.ClusterIPs, []string{corev1.ClusterIPNone}) {
		after.Spec.ClusterIP, after.Spec.ClusterIPs = "", nil // written, not read: the one without the other is refused
	}
}

func differ(a, b any) bool {
	left, errLeft := json.Marshal(a)
	right, errRight := json.Marshal(b)
	return errLeft != nil || errRight != nil || !bytes.Equal(left, right)
}

// rest is the objects of the files that nothing was there for, and what they hold
// beside objects.
func (o *Overlay) rest() []object {
	rest := slices.Clone(o.others)
	for _, e := range o.entries {
		if e.met.Load() {
			continue
		}
		first := e.documents[0].object
		for _, l := range e.documents[1:] {
			first = l.over(first)
		}
		rest = append(rest, first)
	}
	return rest
}

// applied is what was met, once all was read.
func (o *Overlay) applied() *Applied {
	a := &Applied{Paths: o.Paths}
	for _, e := range o.entries {
		switch ref := refOf(e.documents[0].value); {
		case !e.met.Load():
			a.Added = append(a.Added, ref)
		case e.changes.Load():
			a.Changed = append(a.Changed, ref)
		default:
			a.Unchanged++
		}
	}
	slices.SortFunc(a.Added, compareRefs)
	slices.SortFunc(a.Changed, compareRefs)
	return a
}

// refOf names a decoded object.
func refOf(value any) Ref {
	switch v := value.(type) {
	case *helmValues:
		return v.ref
	case *metallbValues:
		return v.ref
	case *clusterConfiguration:
		return kubeadmRef
	case *advertisement:
		return Ref{v.Kind, v.Namespace, v.Name}
	}
	name := reflect.TypeOf(value).Elem().Name()
	ref := Ref{Kind: strings.ToUpper(name[:1]) + name[1:]}
	if named, ok := value.(metav1.Object); ok {
		ref.Namespace, ref.Name = named.GetNamespace(), named.GetName()
	}
	return ref
}
