package snapshot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/flowcontrol"
	kjson "sigs.k8s.io/json"
)

const (
	pageSize = 500
	// requestTimeout is how long one request may take, unless --request-timeout
	// says otherwise.
	requestTimeout = 30 * time.Second
	// qps and burst keep below what the API server's fairness gives one user;
	// they take the place of client-go's 5 and 10.
	qps, burst = 50, 100
)

// client reads from one API server: typed objects in protobuf, custom resources
// in JSON. It knows four groups only: all of client-go's types would cost start-up
// time and size.
type client struct {
	server  string
	timeout time.Duration
	typed   map[schema.GroupVersion]rest.Interface
	custom  dynamic.Interface
	params  runtime.ParameterCodec

	read  atomic.Bool           // whether any request was answered with what it asked for
	first atomic.Pointer[error] // the first failure
}

func newClient(given *rest.Config) (*client, error) {
	config := rest.CopyConfig(given)
	c := &client{server: config.Host, timeout: config.Timeout, typed: map[schema.GroupVersion]rest.Interface{}}
	if c.timeout <= 0 {
		c.timeout = requestTimeout
	}
	if config.UserAgent == "" {
		config.UserAgent = "kubectl-dualstack"
	}
	if config.RateLimiter == nil && config.QPS == 0 {
		config.RateLimiter = flowcontrol.NewTokenBucketRateLimiter(qps, burst)
	}
	config.WarningHandlerWithContext = rest.NoWarnings{}
	transport, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, c.unreadable(err)
	}
	if c.custom, err = dynamic.NewForConfigAndClient(config, transport); err != nil {
		return nil, c.unreadable(err)
	}
	scheme := runtime.NewScheme()
	c.params = runtime.NewParameterCodec(scheme)
	for _, group := range []struct {
		version schema.GroupVersion
		add     func(*runtime.Scheme) error
	}{
		{corev1.SchemeGroupVersion, corev1.AddToScheme},
		{appsv1.SchemeGroupVersion, appsv1.AddToScheme},
		{discoveryv1.SchemeGroupVersion, discoveryv1.AddToScheme},
		{networkingv1.SchemeGroupVersion, networkingv1.AddToScheme},
	} {
		if err := group.add(scheme); err != nil {
			return nil, err
		}
		if c.typed[group.version], err = typedClient(config, transport, scheme, group.version); err != nil {
			return nil, c.unreadable(err)
		}
	}
	return c, nil
}

func typedClient(config *rest.Config, transport *http.Client, scheme *runtime.Scheme, version schema.GroupVersion) (rest.Interface, error) {
	config = rest.CopyConfig(config)
	config.GroupVersion = &version
	config.APIPath = "/apis"
	if version.Group == "" {
		config.APIPath = "/api"
	}
	config.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	config.ContentType = runtime.ContentTypeProtobuf
	config.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	return rest.RESTClientForConfigAndClient(config, transport)
}

// query is one list as it is asked of the API server.
type query struct {
	schema.GroupVersionResource
	namespace string
	labels    string
	fields    string
	empty     func() runtime.Object // an empty typed list; nil for a custom resource
	items     decodeItems           // of a custom resource of which there may be thousands; may be nil
}

// String is the query as «kubectl auth can-i» takes it: "list pods -n kube-system".
func (q query) String() string {
	return "list " + q.GroupResource().String() + inNamespace(q.namespace)
}

func inNamespace(namespace string) string {
	if namespace == "" {
		return ""
	}
	return " -n " + namespace
}

// page is one page of a list.
type page struct {
	objects   []runtime.Object
	next      string // token of the next page; empty on the last
	remaining *int64 // how many objects follow, if the server says so
}

// page reads one page of q.
func (c *client) page(ctx context.Context, q query, limit int64, next string) (page, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	opts := metav1.ListOptions{Limit: limit, Continue: next, LabelSelector: q.labels, FieldSelector: q.fields}
	var list runtime.Object
	var err error
	if q.items != nil {
		return c.itemsPage(ctx, q, opts)
	}
	if q.empty == nil {
		list, err = c.custom.Resource(q.GroupVersionResource).Namespace(q.namespace).List(ctx, opts)
	} else {
		list = q.empty()
		err = c.typed[q.GroupVersion()].Get().NamespaceIfScoped(q.namespace, q.namespace != "").Resource(q.Resource).
			VersionedParams(&opts, c.params).Do(ctx).Into(list)
	}
	if c.note(err) != nil {
		return page{}, err
	}
	header, err := meta.ListAccessor(list)
	if err != nil {
		return page{}, err
	}
	p := page{next: header.GetContinue(), remaining: header.GetRemainingItemCount()}
	err = meta.EachListItem(list, func(o runtime.Object) error {
		p.objects = append(p.objects, o)
		return nil
	})
	return p, err
}

// decodeItems reads a list in JSON.
type decodeItems func(data []byte) (header metav1.ListMeta, items []runtime.Object, err error)

// itemsOf is what is read of custom resources, decoded at once: by way of unstructured
// objects it takes three times as long.
func itemsOf[T any](data []byte) (metav1.ListMeta, []runtime.Object, error) {
	var list struct {
		Header metav1.ListMeta `json:"metadata"`
		Items  []T             `json:"items"`
	}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(data, &list); err != nil {
		return list.Header, nil, err
	}
	items := make([]runtime.Object, len(list.Items))
	for i := range list.Items {
		items[i] = decoded{value: &list.Items[i]}
	}
	return list.Header, items, nil
}

// decoded is a custom resource as what is read of it.
type decoded struct {
	runtime.Object // none
	value          any
}

// itemsPage is a page of a list with a decoder of its own. Where an object makes no sense
// to that, they are unstructured ones, which are then decoded one by one.
func (c *client) itemsPage(ctx context.Context, q query, opts metav1.ListOptions) (page, error) {
	data, err := c.typed[corev1.SchemeGroupVersion].Get().AbsPath("/apis", q.Group, q.Version, q.Resource).
		VersionedParams(&opts, c.params).SetHeader("Accept", runtime.ContentTypeJSON).Do(ctx).Raw()
	if c.note(err) != nil {
		return page{}, err
	}
	header, items, err := q.items(data)
	if err == nil {
		return page{objects: items, next: header.Continue, remaining: header.RemainingItemCount}, nil
	}
	var list unstructured.UnstructuredList
	if err := list.UnmarshalJSON(data); err != nil {
		return page{}, err
	}
	p := page{next: list.GetContinue(), remaining: list.GetRemainingItemCount()}
	for i := range list.Items {
		p.objects = append(p.objects, &list.Items[i])
	}
	return p, nil
}

// pages reads q to its end, a page after the other.
func (c *client) pages(ctx context.Context, q query, each func(page)) error {
	for next := ""; ; {
		p, err := c.page(ctx, q, pageSize, next)
		if err != nil {
			return err
		}
		each(p)
		if p.next == "" {
			return nil
		}
		next = p.next
	}
}

// configMap reads one ConfigMap by its name: ConfigMaps are never listed, for
// there may be thousands, each up to a megabyte.
func (c *client) configMap(ctx context.Context, namespace, name string) (*corev1.ConfigMap, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	found := &corev1.ConfigMap{}
	err := c.typed[corev1.SchemeGroupVersion].Get().Namespace(namespace).Resource("configmaps").Name(name).Do(ctx).Into(found)
	return found, c.note(err)
}

// versions is the versions of group that the server serves, the preferred one
// first. It takes one request, where discovery would take one for each group.
func (c *client) versions(ctx context.Context, group string) ([]string, error) {
	var answer metav1.APIGroup
	if err := c.document(ctx, "/apis/"+group, &answer); err != nil {
		return nil, err
	}
	versions := []string{answer.PreferredVersion.Version}
	for _, v := range answer.Versions {
		if v.Version != versions[0] {
			versions = append(versions, v.Version)
		}
	}
	return versions, nil
}

// document reads the JSON document at path.
func (c *client) document(ctx context.Context, path string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	data, err := c.typed[corev1.SchemeGroupVersion].Get().AbsPath(path).
		SetHeader("Accept", runtime.ContentTypeJSON).Do(ctx).Raw()
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	return c.note(err)
}

// note remembers whether anything was ever read.
func (c *client) note(err error) error {
	if err == nil {
		c.read.Store(true)
	} else {
		c.first.CompareAndSwap(nil, &err)
	}
	return err
}

// nothingRead is why nothing at all was read, or nil when something was.
func (c *client) nothingRead() error {
	if first := c.first.Load(); first != nil && !c.read.Load() {
		return c.unreadable(*first)
	}
	return nil
}

// unreadable is err with the server that it is about. The request's URL goes: it
// repeats the server.
func (c *client) unreadable(err error) error {
	if timedOut(err) {
		err = silence(c.timeout)
	} else if request, ok := errors.AsType[*url.Error](err); ok {
		err = request.Err
	}
	return fmt.Errorf("read %s: %w", c.server, err)
}

// silence is that no answer came within so long.
type silence time.Duration

func (s silence) Error() string { return "no answer within " + time.Duration(s).String() }

func (silence) Unwrap() error { return context.DeadlineExceeded }

// unreachable reports whether err, of the first request, tells that no other can
// fare better: no connection, no answer, or credentials that the server refuses.
func unreachable(err error) bool {
	var status apierrors.APIStatus
	if err == nil || errors.As(err, &status) {
		return apierrors.IsUnauthorized(err)
	}
	var request *url.Error
	return errors.As(err, &request) || timedOut(err)
}

// gapOf is the gap in k that a failed request leaves. missing is what a 404 means.
func gapOf(k Kind, request string, err error, missing Reason) Gap {
	switch {
	case apierrors.IsForbidden(err):
		return Gap{Kind: k, Reason: Forbidden, Detail: request}
	case apierrors.IsNotFound(err):
		return Gap{Kind: k, Reason: missing, Detail: request}
	case timedOut(err):
		return Gap{Kind: k, Reason: TimedOut, Detail: request}
	}
	return Gap{Kind: k, Reason: Failed, Detail: request + ": " + strings.TrimSpace(err.Error())}
}

func timedOut(err error) bool {
	var network net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &network) && network.Timeout() ||
		apierrors.IsTimeout(err) || apierrors.IsServerTimeout(err)
}

// expired reports whether a list must be read again from its start, because the
// state that its next page would continue is no longer kept.
func expired(err error) bool { return apierrors.IsResourceExpired(err) || apierrors.IsGone(err) }
