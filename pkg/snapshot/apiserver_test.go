package snapshot

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"
)

// apiServer serves objects as kube-apiserver does: typed ones in protobuf where
// that is asked for, lists in pages, selectors obeyed, errors as a Status.
type apiServer struct {
	*httptest.Server
	scheme  *runtime.Scheme
	objects map[schema.GroupVersionResource][]runtime.Object
	version string

	mu       sync.Mutex
	requests []*http.Request
	// answer may answer a request in the server's place.
	answer func(http.ResponseWriter, *http.Request) bool
}

// newAPIServer serves the objects of a file of manifests.
func newAPIServer(t *testing.T, file string) *apiServer {
	t.Helper()
	s := &apiServer{scheme: runtime.NewScheme(), objects: map[schema.GroupVersionResource][]runtime.Object{}, version: "v1.37.2"}
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, appsv1.AddToScheme, discoveryv1.AddToScheme, networkingv1.AddToScheme} {
		if err := add(s.scheme); err != nil {
			t.Fatal(err)
		}
	}
	if file != "" {
		s.load(t, file)
	}
	s.Server = httptest.NewServer(s)
	t.Cleanup(func() {
		s.CloseClientConnections() // a request that is made to hang would keep Close waiting
		s.Close()
	})
	return s
}

func (s *apiServer) load(t *testing.T, file string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s.loadText(t, data)
}

func (s *apiServer) loadText(t *testing.T, data []byte) {
	t.Helper()
	for document := range bytes.SplitSeq(data, []byte("\n---\n")) {
		asJSON, err := yaml.YAMLToJSON(document)
		if err != nil {
			t.Fatalf("%s: %v", document, err)
		}
		u := &unstructured.Unstructured{}
		if err := u.UnmarshalJSON(asJSON); err != nil {
			continue // no object of the API: what kubectl version prints
		}
		s.put(t, u)
	}
}

func (s *apiServer) put(t *testing.T, u *unstructured.Unstructured) {
	t.Helper()
	gvk := u.GroupVersionKind()
	gvr, _ := meta.UnsafeGuessKindToResource(gvk)
	if gvk.Kind == "Gateway" { // which the guess ends in -ies
		gvr.Resource = "gateways"
	}
	var o runtime.Object = u
	if s.scheme.Recognizes(gvk) {
		typed, err := s.scheme.New(gvk)
		if err == nil {
			err = runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, typed)
		}
		if err != nil {
			t.Fatal(err)
		}
		o = typed
	}
	s.objects[gvr] = append(s.objects[gvr], o)
}

func (s *apiServer) config() *rest.Config { return &rest.Config{Host: s.URL} }

// asked is the paths with queries that were asked for.
func (s *apiServer) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var paths []string
	for _, r := range s.requests {
		paths = append(paths, r.URL.RequestURI())
	}
	return paths
}

func (s *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests = append(s.requests, r)
	s.mu.Unlock()
	if s.answer != nil && s.answer(w, r) {
		return
	}
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	var gv schema.GroupVersion
	switch {
	case r.URL.Path == "/version":
		writeJSON(w, http.StatusOK, map[string]string{"gitVersion": s.version})
		return
	case len(parts) == 2 && parts[0] == "apis":
		s.serveGroup(w, parts[1])
		return
	case len(parts) > 2 && parts[0] == "api":
		gv, parts = schema.GroupVersion{Version: parts[1]}, parts[2:]
	case len(parts) > 3 && parts[0] == "apis":
		gv, parts = schema.GroupVersion{Group: parts[1], Version: parts[2]}, parts[3:]
	default:
		notServed(w)
		return
	}
	namespace := ""
	if parts[0] == "namespaces" && len(parts) > 2 {
		namespace, parts = parts[1], parts[2:]
	}
	gvr := gv.WithResource(parts[0])
	if len(parts) == 2 {
		s.serveObject(w, r, gvr, namespace, parts[1])
		return
	}
	s.serveList(w, r, gvr, namespace)
}

func (s *apiServer) serveGroup(w http.ResponseWriter, name string) {
	group := metav1.APIGroup{Name: name}
	for gvr := range s.objects {
		v := metav1.GroupVersionForDiscovery{GroupVersion: gvr.GroupVersion().String(), Version: gvr.Version}
		if gvr.Group == name && !slices.Contains(group.Versions, v) {
			group.Versions = append(group.Versions, v)
		}
	}
	if len(group.Versions) == 0 {
		notServed(w)
		return
	}
	slices.SortFunc(group.Versions, func(a, b metav1.GroupVersionForDiscovery) int { return strings.Compare(a.Version, b.Version) })
	group.PreferredVersion = group.Versions[0]
	writeJSON(w, http.StatusOK, group)
}

func (s *apiServer) serveObject(w http.ResponseWriter, r *http.Request, gvr schema.GroupVersionResource, namespace, name string) {
	for _, o := range s.objects[gvr] {
		if m, _ := meta.Accessor(o); m.GetNamespace() == namespace && m.GetName() == name {
			s.write(w, r, gvr.GroupVersion(), o)
			return
		}
	}
	writeStatus(w, apierrors.NewNotFound(gvr.GroupResource(), name))
}

func (s *apiServer) serveList(w http.ResponseWriter, r *http.Request, gvr schema.GroupVersionResource, namespace string) {
	all, served := s.objects[gvr]
	kind := typedLists[gvr.Resource]
	if kind == "" && served && len(all) > 0 {
		kind = all[0].GetObjectKind().GroupVersionKind().Kind + "List"
	}
	if !served && !s.scheme.Recognizes(gvr.GroupVersion().WithKind(kind)) {
		notServed(w)
		return
	}
	selector, err1 := labels.Parse(r.URL.Query().Get("labelSelector"))
	where, err2 := fields.ParseSelector(r.URL.Query().Get("fieldSelector"))
	if err1 != nil || err2 != nil {
		writeStatus(w, apierrors.NewBadRequest(fmt.Sprint(err1, err2)))
		return
	}
	var matching []runtime.Object
	for _, o := range all {
		m, _ := meta.Accessor(o)
		if (namespace == "" || m.GetNamespace() == namespace) && selector.Matches(labels.Set(m.GetLabels())) && where.Matches(fieldsOf(o)) {
			matching = append(matching, o)
		}
	}
	from, _ := strconv.Atoi(r.URL.Query().Get("continue"))
	to := len(matching)
	if limit, _ := strconv.Atoi(r.URL.Query().Get("limit")); limit > 0 {
		to = min(to, from+limit)
	}
	var list runtime.Object = &unstructured.UnstructuredList{Object: map[string]any{"apiVersion": gvr.GroupVersion().String(), "kind": kind}}
	if s.scheme.Recognizes(gvr.GroupVersion().WithKind(kind)) {
		list, _ = s.scheme.New(gvr.GroupVersion().WithKind(kind))
	}
	if err := meta.SetList(list, matching[from:to]); err != nil {
		writeStatus(w, apierrors.NewInternalError(err))
		return
	}
	header, _ := meta.ListAccessor(list)
	if rest := int64(len(matching) - to); rest > 0 {
		header.SetContinue(strconv.Itoa(to))
		if selector.Empty() && where.Empty() {
			header.SetRemainingItemCount(&rest)
		}
	}
	s.write(w, r, gvr.GroupVersion(), list)
}

// typedLists is the list types of the resources of the scheme's groups.
var typedLists = map[string]string{
	"ingresses": "IngressList",
	"nodes":     "NodeList", "pods": "PodList", "services": "ServiceList", "events": "EventList",
	"endpointslices": "EndpointSliceList", "servicecidrs": "ServiceCIDRList",
	"daemonsets": "DaemonSetList", "deployments": "DeploymentList", "networkpolicies": "NetworkPolicyList",
}

func fieldsOf(o runtime.Object) fields.Set {
	switch v := o.(type) {
	case *corev1.Event:
		return fields.Set{"involvedObject.kind": v.InvolvedObject.Kind, "reason": v.Reason}
	case *corev1.Pod:
		return fields.Set{"spec.nodeName": v.Spec.NodeName}
	case *corev1.Service:
		return fields.Set{"spec.type": string(v.Spec.Type), "spec.clusterIP": v.Spec.ClusterIP}
	}
	return fields.Set{}
}

func (s *apiServer) write(w http.ResponseWriter, r *http.Request, gv schema.GroupVersion, o runtime.Object) {
	if _, custom := o.(runtime.Unstructured); custom || !strings.HasPrefix(r.Header.Get("Accept"), runtime.ContentTypeProtobuf) {
		writeJSON(w, http.StatusOK, o)
		return
	}
	codecs := serializer.NewCodecFactory(s.scheme)
	info, _ := runtime.SerializerInfoForMediaType(codecs.SupportedMediaTypes(), runtime.ContentTypeProtobuf)
	data, err := runtime.Encode(codecs.EncoderForVersion(info.Serializer, gv), o)
	if err != nil {
		writeStatus(w, apierrors.NewInternalError(err))
		return
	}
	w.Header().Set("Content-Type", runtime.ContentTypeProtobuf)
	_, _ = w.Write(data)
}

func writeJSON(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", runtime.ContentTypeJSON)
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v)
}

func writeStatus(w http.ResponseWriter, err *apierrors.StatusError) {
	status := err.ErrStatus
	status.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}
	writeJSON(w, int(status.Code), status)
}

func notServed(w http.ResponseWriter) { http.Error(w, "404 page not found", http.StatusNotFound) }
