package snapshot

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// refuse answers all requests whose path ends so.
func refuse(suffix string, err *apierrors.StatusError) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, suffix) {
			return false
		}
		writeStatus(w, err)
		return true
	}
}

// refusals is the resources that a scene is made of, and the gaps where they are refused
// and where they are not there; empty is none.
var refusals = []struct{ path, forbidden, missing string }{
	{"/version", "version: forbidden: get /version", ""},
	{"/namespaces/shop", "namespaces: forbidden: get namespaces/shop", "namespaces: not found: get namespaces/shop"},
	{"/nodes/node-a", "nodes: forbidden: get nodes/node-a", "nodes: not found: get nodes/node-a"},
	{"/ciliumnodes/node-a", "ciliumnodes: forbidden: get ciliumnodes.cilium.io/node-a", ""},
	{"/ciliumnodes", "ciliumnodes: forbidden: list ciliumnodes.cilium.io", "ciliumnodes: not found: list ciliumnodes.cilium.io"},
	{"/cilium-config", "cilium-config: forbidden: get configmaps/cilium-config -n kube-system", "cilium-config: not found: get configmaps/cilium-config -n kube-system"},
	{"/kube-proxy", "kube-proxy: forbidden: get configmaps/kube-proxy -n kube-system", ""},
	{"/daemonsets", "cilium-agents: forbidden: list daemonsets.apps", "kube-proxy"},
	{"/networkpolicies", "networkpolicies: forbidden: list networkpolicies.networking.k8s.io -n shop", "networkpolicies: not found: list networkpolicies.networking.k8s.io -n shop"},
	{"/ciliumnetworkpolicies", "ciliumnetworkpolicies: forbidden: list ciliumnetworkpolicies.cilium.io -n shop", ""},
	{"/ciliumclusterwidenetworkpolicies", "ciliumclusterwidenetworkpolicies: forbidden: list ciliumclusterwidenetworkpolicies.cilium.io", ""},
	{"/ciliumnodeconfigs", "ciliumnodeconfigs: forbidden: list ciliumnodeconfigs.cilium.io -n kube-system", ""},
	{"/kube-system/pods", "cilium-agents: forbidden: list pods -n kube-system", "cilium-agents: not found: list pods -n kube-system"},
	{"/apis/cilium.io", "ciliumnodes: forbidden: get /apis/cilium.io", "ciliumnodes: not found: get"},
	{"/servicecidrs", "servicecidrs: forbidden: list servicecidrs.networking.k8s.io", "servicecidrs: not installed: list servicecidrs.networking.k8s.io"},
	{"/endpointslices", "endpointslices: forbidden: list endpointslices.discovery.k8s.io -n shop", "endpointslices: not found: list endpointslices.discovery.k8s.io -n shop"},
	{"/services/db", "services: forbidden: get services/db -n shop", "services: not found: get services/db -n shop"},
	{"/pods/db-0", "pods: forbidden: get pods/db-0 -n shop", "pods: not found: get pods/db-0 -n shop"},
}

func TestRefused(t *testing.T) {
	for _, c := range refusals {
		for _, answer := range []struct {
			err  *apierrors.StatusError
			want string
		}{
			{apierrors.NewForbidden(schema.GroupResource{}, "", errors.New("no")), c.forbidden},
			{apierrors.NewNotFound(schema.GroupResource{}, "x"), c.missing},
		} {
			s := sceneServer(t, ciliumInstalled)
			s.answer = refuse(c.path, answer.err)
			scene := readScene(t, s, SceneQuery{Addresses: []netip.Addr{netip.MustParseAddr("10.96.0.8")}})
			told := slices.ContainsFunc(scene.Gaps, func(g Gap) bool { return strings.HasPrefix(g.String(), answer.want) })
			if answer.want == "" && len(scene.Gaps) > 0 || answer.want != "" && answer.want != "kube-proxy" && !told {
				t.Errorf("%s, %s: want %q, gaps %v", c.path, answer.err.Status().Reason, answer.want, scene.Gaps)
			}
		}
	}
}

// TestNoCiliumNode tells that the node's ranges are not known, where Cilium runs.
func TestNoCiliumNode(t *testing.T) {
	s := sceneServer(t, ciliumInstalled)
	s.answer = refuse("/ciliumnodes/node-a", apierrors.NewNotFound(schema.GroupResource{}, "node-a"))
	if gaps := readScene(t, s, SceneQuery{}).Gaps; len(gaps) != 1 || gaps[0].String() != "ciliumnodes: not found: get ciliumnodes.cilium.io/node-a" {
		t.Errorf("gaps %v", gaps)
	}
}

// TestConfigWithoutDaemonSets is not in doubt: the ConfigMap is where it mostly is.
func TestConfigWithoutDaemonSets(t *testing.T) {
	s := sceneServer(t, ciliumInstalled)
	s.answer = forbid("daemonsets")
	scene := readScene(t, s, SceneQuery{})
	if g, ok := scene.Gap(CiliumConfig); ok || scene.Cilium.Config["enable-ipv6"] != "true" {
		t.Errorf("%v, %v", g, scene.Cilium.Config)
	}
}

// TestOddCiliumNode does not hide the others, and is named.
func TestOddCiliumNode(t *testing.T) {
	s := sceneServer(t, ciliumInstalled+`---
{apiVersion: cilium.io/v2, kind: CiliumNode, metadata: {name: odd}, spec: {ipam: {podCIDRs: "10.0.0.0/8"}}}
`)
	scene := readScene(t, s, SceneQuery{Addresses: []netip.Addr{netip.MustParseAddr("203.0.113.1")}})
	if g, _ := scene.Gap(CiliumNodes); len(scene.CiliumNodes) != 2 || g.Reason != Malformed || !strings.Contains(g.Detail, "ciliumnode/odd") {
		t.Errorf("%v, gaps %v", scene.CiliumNodes, scene.Gaps)
	}
}

// TestListRefused keeps what is known of the Pod's own node where the others are not.
func TestListRefused(t *testing.T) {
	s := sceneServer(t, ciliumInstalled)
	s.answer = refuse("/ciliumnodes", apierrors.NewForbidden(schema.GroupResource{}, "", errors.New("no")))
	scene := readScene(t, s, SceneQuery{Addresses: []netip.Addr{netip.MustParseAddr("203.0.113.1")}})
	if _, own := scene.NodeOf("node-a"); own == nil || scene.AllNodes {
		t.Errorf("%v, all %t", scene.CiliumNodes, scene.AllNodes)
	}
}

// TestNothingToTrace is the errors: without the Pod or the target there is no scene.
func TestNothingToTrace(t *testing.T) {
	db, none := Ref{"Service", "shop", "db"}, Ref{"Pod", "shop", "none"}
	for _, q := range []SceneQuery{
		{Pod: none}, {Pod: web, Peer: none}, {Pod: web, Service: Ref{"Service", "shop", "none"}},
	} {
		if _, err := ReadScene(t.Context(), sceneServer(t, plain).config(), q); !apierrors.IsNotFound(err) {
			t.Errorf("%+v: %v", q, err)
		}
	}
	for path, q := range map[string]SceneQuery{"/pods/web": {Pod: web}, "/services/db": {Pod: web, Service: db}} {
		s := sceneServer(t, plain)
		s.answer = refuse(path, apierrors.NewForbidden(schema.GroupResource{Resource: "it"}, "", errors.New("no")))
		if _, err := ReadScene(t.Context(), s.config(), q); !apierrors.IsForbidden(err) {
			t.Errorf("%+v: %v", q, err)
		}
	}
}

// hang answers nothing to requests whose path ends so, until the server is closed.
func hang(suffix string) func(http.ResponseWriter, *http.Request) bool {
	return func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, suffix) {
			<-r.Context().Done()
			return true
		}
		return false
	}
}

func TestSceneTimeouts(t *testing.T) {
	s := sceneServer(t, ciliumInstalled)
	s.answer = hang("/ciliumnodeconfigs")
	config := s.config()
	config.Timeout = 100 * time.Millisecond
	scene, err := ReadScene(t.Context(), config, SceneQuery{Pod: web})
	if err != nil {
		t.Fatal(err)
	}
	if g, _ := scene.Gap("ciliumnodeconfigs"); g.Reason != TimedOut || g.Detail != "list ciliumnodeconfigs.cilium.io -n kube-system" {
		t.Errorf("gaps %v", scene.Gaps)
	}

	s = sceneServer(t, ciliumInstalled)
	s.answer, config.Host = hang("/pods/web"), s.URL
	if _, err := ReadScene(t.Context(), config, SceneQuery{Pod: web}); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), s.URL) {
		t.Errorf("the Pod: %v", err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := ReadScene(ctx, sceneServer(t, plain).config(), SceneQuery{Pod: web}); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}
