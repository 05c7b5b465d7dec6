package snapshot

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go4.org/netipx"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
)

const clusterFile = "testdata/cluster/cluster.yaml"

var addresses = cmp.Options{
	cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
	cmp.Comparer(func(a, b netipx.IPRange) bool { return a == b }),
}

func read(t *testing.T, s *apiServer, opts ClusterOptions) *Snapshot {
	t.Helper()
	snap, err := FromCluster(t.Context(), s.config(), opts)
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

// forbid makes the server refuse a resource.
func forbid(resource string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/"+resource) {
			return false
		}
		writeStatus(w, apierrors.NewForbidden(schema.GroupResource{Resource: resource}, "", errors.New("no")))
		return true
	}
}

func TestSourcesAgree(t *testing.T) {
	files, err := FromFiles([]string{clusterFile}, FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	live := read(t, newAPIServer(t, clusterFile), ClusterOptions{})
	if diff := cmp.Diff(files.Facts, live.Facts, addresses); diff != "" {
		t.Errorf("facts (-files +cluster):\n%s", diff)
	}
	// The one thing in the manifests that makes no sense is told in the same way.
	for _, s := range []*Snapshot{files, live} {
		if !s.Gaps[MachineSetup].Absent() { // what no API has
			t.Errorf("live %t: gap %v", s.Source.Live, s.Gaps[MachineSetup])
		}
		delete(s.Gaps, MachineSetup)
		if len(s.Problems) != 1 || s.Problems[0].Field != ".status.addresses[1].address" || s.Problems[0].Ref.Name != "k8s-node-0" {
			t.Errorf("live %t: problems %v", s.Source.Live, s.Problems)
		}
		if len(s.Gaps) != 1 || s.Gaps[Nodes].Reason != Malformed || !s.Gaps[Nodes].Partial {
			t.Errorf("live %t: gaps %v", s.Source.Live, s.SortedGaps())
		}
	}
	// Facts that are equal because both are empty would prove nothing.
	for _, k := range AllKinds {
		if g, ok := files.Gaps[k]; ok && g.Absent() {
			t.Errorf("the manifests have nothing of %s", k)
		}
	}
}

func TestQuickReadsTheComponentsAllTheSame(t *testing.T) {
	s := newAPIServer(t, clusterFile)
	deep, quick := read(t, s, ClusterOptions{Depth: Deep}), read(t, s, ClusterOptions{Depth: Quick})
	if len(quick.Pods) > 0 || quick.Gaps[Pods].Reason != NotAsked || quick.Source.Deep {
		t.Errorf("quick: %d pods, gap %v", len(quick.Pods), quick.Gaps[Pods])
	}
	deep.Pods, deep.Templates = nil, nil
	if diff := cmp.Diff(deep.Facts, quick.Facts, addresses); diff != "" {
		t.Errorf("facts but for Pods (-deep +quick):\n%s", diff)
	}
}

// TestManners holds the requests to what a user may expect of a tool that looks.
func TestManners(t *testing.T) {
	s := newAPIServer(t, clusterFile)
	read(t, s, ClusterOptions{Depth: Deep})
	for _, r := range s.requests {
		path, query := r.URL.Path, r.URL.Query()
		switch {
		case r.Method != http.MethodGet:
			t.Errorf("%s %s: writes", r.Method, path)
		case strings.Contains(path, "secrets"), strings.HasSuffix(path, "/configmaps"):
			t.Errorf("%s: reads what it must not", path)
		case r.Header.Get("User-Agent") != "kubectl-dualstack":
			t.Errorf("%s: user agent %q", path, r.Header.Get("User-Agent"))
		case strings.HasSuffix(path, "/pods") && query.Get("limit") == "":
			t.Errorf("%s: a list without a limit", path)
		case strings.HasPrefix(path, "/api/v1/") && !strings.HasPrefix(r.Header.Get("Accept"), "application/vnd.kubernetes.protobuf"):
			t.Errorf("%s: accepts %s", path, r.Header.Get("Accept"))
		}
	}
	if n := len(s.requests); n > 64 {
		t.Errorf("%d requests:\n%s", n, strings.Join(s.asked(), "\n"))
	}
}

// services puts n Services into the server.
func (s *apiServer) services(n int) {
	gvr := corev1.SchemeGroupVersion.WithResource("services")
	for i := range n {
		s.objects[gvr] = append(s.objects[gvr], &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: fmt.Sprintf("web-%05d", i)}})
	}
}

func TestPages(t *testing.T) {
	s := newAPIServer(t, "")
	s.services(2*pageSize + 3)
	var told []string
	snap := read(t, s, ClusterOptions{Kinds: []Kind{Services}, Progress: func(line string) { told = append(told, line) }})
	if len(snap.Services) != 2*pageSize+3 || snap.Services[pageSize].Name != "web-00500" {
		t.Errorf("%d Services", len(snap.Services))
	}
	want := []string{"/version", "/api/v1/services?limit=500", "/api/v1/services?continue=500&limit=500", "/api/v1/services?continue=1000&limit=500"}
	if diff := cmp.Diff(want, s.asked()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"services: 500", "services: 1000", "services: 1003"}, told); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
	if g := snap.Gaps[Nodes]; g.Reason != NotAsked {
		t.Errorf("a kind that was not asked for: %v", g)
	}
}

func TestExpiredListIsReadAgain(t *testing.T) {
	for _, test := range []struct {
		name     string
		times    int // how often the second page is gone
		services int
		gap      Reason
	}{
		{"once", 1, 700, ""},
		{"always", 99, 500, Failed},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newAPIServer(t, "")
			s.services(700)
			gone := 0
			s.answer = func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Query().Get("continue") == "" || gone >= test.times {
					return false
				}
				gone++
				writeStatus(w, apierrors.NewResourceExpired("the provided continue parameter is too old"))
				return true
			}
			snap := read(t, s, ClusterOptions{Kinds: []Kind{Services}})
			if g := snap.Gaps[Services]; len(snap.Services) != test.services || g.Reason != test.gap || g.Partial != (test.gap != "") {
				t.Errorf("%d Services, gap %q", len(snap.Services), g)
			}
		})
	}
}

func TestForbidden(t *testing.T) {
	for _, test := range []struct {
		resource string
		kind     Kind
		partial  bool
		detail   string
	}{
		{"nodes", Nodes, false, "list nodes"},
		{"pods", Pods, false, "list pods"},
		{"pods", ControlPlane, false, "list pods -n kube-system"},
		{"endpointslices", EndpointSlices, false, "list endpointslices.discovery.k8s.io"},
		{"configmaps/cilium-config", CiliumConfig, false, "get configmaps/cilium-config -n kube-system"},
		{"daemonsets", CiliumConfig, true, "list daemonsets.apps"},
		{"configmaps/kube-proxy", KubeProxySetup, true, "get configmaps/kube-proxy -n kube-system"},
		{"l2advertisements", MetalLBAds, true, "list l2advertisements.metallb.io"},
		{"ipaddresspools", MetalLBPools, true, "list ipaddresspools.metallb.io"},
		{"configmaps/left-behind", MetalLBPools, true, "get configmaps/left-behind -n metallb-system"},
		{"events", NodeEvents, false, "list events"},
	} {
		t.Run(fmt.Sprintf("%s %s", test.resource, test.kind), func(t *testing.T) {
			s := newAPIServer(t, clusterFile)
			s.answer = forbid(test.resource)
			want := Gap{Kind: test.kind, Reason: Forbidden, Detail: test.detail, Partial: test.partial}
			if diff := cmp.Diff(want, read(t, s, ClusterOptions{}).Gaps[test.kind]); diff != "" {
				t.Errorf("gap (-want +got):\n%s", diff)
			}
		})
	}
}

// TestNothingInstalled is a cluster without anything of ours: what is not there is
// said, what was read and is empty is no gap.
func TestNothingInstalled(t *testing.T) {
	snap := read(t, newAPIServer(t, ""), ClusterOptions{})
	want := map[Kind]Reason{
		KubeadmConfig: NotFound, ControlPlane: NotFound, CiliumConfig: NotFound, CiliumAgents: NotFound, MetalLBSetup: NotFound,
		CiliumNodes: NotInstalled, LBIPAMPools: NotInstalled, MetalLBPools: NotInstalled, MetalLBAds: NotInstalled,
		MetalLBPeers: NotInstalled, FlannelConfig: NotFound, MachineSetup: NotFound, Webhooks: NotInstalled,
		CoreDNSConfig: NotFound, KubeletConfig: NotFound, IPMasqAgentConfig: NotInstalled,
		CiliumPolicies: NotInstalled, CiliumClusterwidePolicies: NotInstalled, EgressGateways: NotInstalled,
		APIGateways: NotInstalled, CalicoPools: NotInstalled,
	}
	got := map[Kind]Reason{}
	for _, g := range snap.SortedGaps() {
		got[g.Kind] = g.Reason
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
}

// TestPoolsWithoutCustomResources is MetalLB before 0.13.
func TestPoolsWithoutCustomResources(t *testing.T) {
	s := newAPIServer(t, clusterFile)
	for gvr := range s.objects {
		if gvr.Group == "metallb.io" {
			delete(s.objects, gvr)
		}
	}
	snap := read(t, s, ClusterOptions{})
	if g, ok := snap.Gaps[MetalLBPools]; ok || len(snap.MetalLB.Pools) != 1 || snap.MetalLB.CRDs {
		t.Errorf("pools %v, gap %v, custom resources %t", snap.MetalLB.Pools, g, snap.MetalLB.CRDs)
	}
}

// TestNoMetalLBForAUserWithFewRights: where no controller runs, a ConfigMap that
// may not be read hides nothing.
func TestNoMetalLBForAUserWithFewRights(t *testing.T) {
	s := newAPIServer(t, "")
	s.answer = forbid("configmaps/config")
	if g := read(t, s, ClusterOptions{}).Gaps[MetalLBSetup]; g.Reason != NotFound {
		t.Errorf("gap %q", g)
	}
}

func TestServiceCIDRsBeforeV1(t *testing.T) {
	s := newAPIServer(t, "")
	s.answer = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/apis/networking.k8s.io/v1/servicecidrs" {
			notServed(w)
			return true
		}
		return false
	}
	beta := schema.GroupVersion{Group: "networking.k8s.io", Version: "v1beta1"}
	s.objects[beta.WithResource("servicecidrs")] = append(s.objects[beta.WithResource("servicecidrs")], &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": beta.String(), "kind": "ServiceCIDR", "metadata": map[string]any{"name": "kubernetes"},
		"spec": map[string]any{"cidrs": []any{"10.96.0.0/16"}},
	}})
	snap := read(t, s, ClusterOptions{})
	if len(snap.ServiceCIDRs) != 1 || snap.ServiceCIDRs[0].CIDRs[0] != netip.MustParsePrefix("10.96.0.0/16") {
		t.Errorf("ServiceCIDRs %v, gap %v", snap.ServiceCIDRs, snap.Gaps[ServiceCIDRs])
	}
	delete(s.objects, beta.WithResource("servicecidrs"))
	if g := read(t, s, ClusterOptions{}).Gaps[ServiceCIDRs]; g.Reason != NotInstalled {
		t.Errorf("served at no version: %q", g)
	}
}

func TestCustomResourceThatMakesNoSense(t *testing.T) {
	s := newAPIServer(t, clusterFile)
	gvr := schema.GroupVersionResource{Group: "metallb.io", Version: "v1beta1", Resource: "ipaddresspools"}
	s.objects[gvr] = append(s.objects[gvr], &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "metallb.io/v1beta1", "kind": "IPAddressPool", "metadata": map[string]any{"name": "odd", "namespace": "metallb-system"},
		"spec": map[string]any{"addresses": "192.0.2.0/24"},
	}})
	snap := read(t, s, ClusterOptions{})
	if g := snap.Gaps[MetalLBPools]; g.Reason != Malformed || !g.Partial || !strings.Contains(g.Detail, "ipaddresspool/metallb-system/odd") {
		t.Errorf("gap %q", g)
	}
}

func TestKindThatHangs(t *testing.T) {
	s := newAPIServer(t, clusterFile)
	s.answer = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/api/v1/services" {
			<-r.Context().Done()
			return true
		}
		return false
	}
	config := s.config()
	config.Timeout = 300 * time.Millisecond
	snap, err := FromCluster(t.Context(), config, ClusterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Gap{Kind: Services, Reason: TimedOut, Detail: "list services"}, snap.Gaps[Services]); diff != "" {
		t.Errorf("gap (-want +got):\n%s", diff)
	}
	if len(snap.Nodes) != 2 || len(snap.EndpointSlices) != 2 {
		t.Errorf("the others: %d Nodes, %d EndpointSlices", len(snap.Nodes), len(snap.EndpointSlices))
	}
}

func TestTruncatedAnswer(t *testing.T) {
	for _, test := range []struct{ path, contentType string }{
		{"/api/v1/services", "application/vnd.kubernetes.protobuf"},
		{"/apis/metallb.io/v1beta1/ipaddresspools", "application/json"},
	} {
		s := newAPIServer(t, clusterFile)
		s.answer = func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != test.path {
				return false
			}
			w.Header().Set("Content-Type", test.contentType)
			w.Header().Set("Content-Length", "4096")
			_, _ = w.Write([]byte("k8s\x00{"))
			return true
		}
		snap := read(t, s, ClusterOptions{})
		k := Services
		if strings.Contains(test.path, "pools") {
			k = MetalLBPools
		}
		if g := snap.Gaps[k]; g.Reason != Failed || !strings.HasPrefix(g.Detail, "list ") {
			t.Errorf("%s: gap %q", test.path, g)
		}
	}
}

func TestDepth(t *testing.T) {
	for _, test := range []struct {
		pods  int
		depth Depth
		deep  bool
		count int
		why   string
	}{
		{3, Auto, true, 3, "the server counts 3 Pods, and up to 2000 are read"},
		{0, Auto, true, 0, "the server counts 0 Pods, and up to 2000 are read"},
		{MaxAutoPods, "", true, MaxAutoPods, "the server counts 2000 Pods, and up to 2000 are read"},
		{MaxAutoPods + 1, Auto, false, MaxAutoPods + 1, "the server counts 2001 Pods, and up to 2000 are read"},
		{MaxAutoPods + 1, Deep, true, MaxAutoPods + 1, "--depth deep"},
		{3, Quick, false, -1, "--depth quick"},
	} {
		t.Run(test.why, func(t *testing.T) {
			s := newAPIServer(t, "")
			gvr := corev1.SchemeGroupVersion.WithResource("pods")
			for i := range test.pods {
				s.objects[gvr] = append(s.objects[gvr], &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: fmt.Sprintf("web-%05d", i)}})
			}
			snap := read(t, s, ClusterOptions{Depth: test.depth, Kinds: []Kind{Pods}})
			source := snap.Source
			if source.Deep != test.deep || source.Pods != test.count || source.Reason != test.why {
				t.Errorf("source %+v", source)
			}
			if g, gap := snap.Gaps[Pods]; gap == test.deep || gap && g.Reason != NotAsked {
				t.Errorf("gap %q", g)
			}
			if test.deep && len(snap.Pods) != test.pods {
				t.Errorf("%d Pods", len(snap.Pods))
			}
		})
	}
}

func TestParseDepth(t *testing.T) {
	if d, err := ParseDepth("quick"); d != Quick || err != nil {
		t.Errorf("quick: %v, %v", d, err)
	}
	if _, err := ParseDepth("shallow"); err == nil || err.Error() != `"shallow": want auto, quick or deep` {
		t.Errorf("shallow: %v", err)
	}
}

func TestNothingRead(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refusing := "http://" + closed.Addr().String()
	_ = closed.Close()

	unauthorised := newAPIServer(t, clusterFile)
	unauthorised.answer = func(w http.ResponseWriter, _ *http.Request) bool {
		writeStatus(w, apierrors.NewUnauthorized("Unauthorized"))
		return true
	}
	other := newAPIServer(t, "")
	other.answer = func(w http.ResponseWriter, _ *http.Request) bool { http.NotFound(w, nil); return true }
	silent := newAPIServer(t, clusterFile)
	silent.answer = func(_ http.ResponseWriter, r *http.Request) bool { <-r.Context().Done(); return true }

	for _, test := range []struct{ name, host, want string }{
		{"refused", refusing, "connection refused"},
		{"unauthorised", unauthorised.URL, "asked for the client to provide credentials"},
		{"no Kubernetes", other.URL, "the server could not find the requested resource"},
		{"silent", silent.URL, "no answer within 200ms"},
		{"bad host", "http://[::1", "host must be a URL"},
	} {
		t.Run(test.name, func(t *testing.T) {
			snap, err := FromCluster(t.Context(), &rest.Config{Host: test.host, Timeout: 200 * time.Millisecond}, ClusterOptions{})
			if err == nil {
				t.Fatalf("a snapshot with the gaps %v", snap.SortedGaps())
			}
			if prefix := "read " + test.host + ": "; !strings.HasPrefix(err.Error(), prefix) || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "context deadline") {
				t.Errorf("error %q, want %q… and %q in it", err, prefix, test.want)
			}
		})
	}
}

func TestCancelled(t *testing.T) {
	s := newAPIServer(t, clusterFile)
	ctx, cancel := context.WithCancel(t.Context())
	s.answer = func(http.ResponseWriter, *http.Request) bool { cancel(); return false }
	if _, err := FromCluster(ctx, s.config(), ClusterOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// TestOnlyWhatIsAsked: each kind alone takes the requests that Rights tells of, and
// no others.
func TestOnlyWhatIsAsked(t *testing.T) {
	for _, k := range AllKinds {
		s := newAPIServer(t, clusterFile)
		read(t, s, ClusterOptions{Kinds: []Kind{k}, Depth: Deep})
		for _, r := range s.requests {
			resource, named := requested(r.URL.Path)
			if resource == "" {
				continue // /version, a group's versions: every user may ask
			}
			allowed := slices.ContainsFunc(k.Rights(), func(right Right) bool {
				return right.Resource == resource && (right.Verb == "get") == named
			})
			if !allowed {
				t.Errorf("%s: asks for %s, which its rights do not tell of", k, r.URL.Path)
			}
		}
	}
}

// requested is the resource that a path asks for, and whether it names an object.
func requested(path string) (resource string, named bool) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	switch {
	case len(parts) > 2 && parts[0] == "api":
		parts = parts[2:]
	case len(parts) > 3:
		parts = parts[3:]
	default:
		return "", false
	}
	if parts[0] == "namespaces" && len(parts) > 2 {
		parts = parts[2:]
	}
	return parts[0], len(parts) > 1
}
