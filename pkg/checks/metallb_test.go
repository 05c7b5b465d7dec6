package checks_test

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// TestTaken is which addresses are in the way of a Service, and how.
func TestTaken(t *testing.T) {
	v4, v6, other := netip.MustParseAddr("192.0.2.5"), netip.MustParseAddr("2001:db8::5"), netip.MustParseAddr("192.0.2.6")
	port := func(n int32) []snapshot.Port { return []snapshot.Port{{Protocol: "TCP", Number: n}} }
	balancer := func(name string, port []snapshot.Port, ingress ...netip.Addr) snapshot.Service {
		return snapshot.Service{Ref: snapshot.Ref{Kind: "Service", Namespace: "shop", Name: name}, Type: "LoadBalancer",
			Selector: map[string]string{"tier": "front", "app": "web"}, Ports: port, Ingress: ingress}
	}
	local := balancer("local", port(80), v4, v6)
	local.LocalTraffic = true
	local.Annotations = map[string]string{"metallb.universe.tf/allow-shared-ip": "old", "metallb.io/allow-shared-ip": "new"}
	foreign := balancer("foreign", port(80), other)
	foreign.Class = "io.cilium/node"
	inner := snapshot.Service{Ref: snapshot.Ref{Kind: "Service", Namespace: "shop", Name: "inner"}, Type: "ClusterIP"}

	in := checks.NewInput(nil, &snapshot.Snapshot{Facts: snapshot.Facts{
		Services: []snapshot.Service{balancer("cluster", port(443), v4), foreign, inner, local, balancer("pending", port(80))},
	}})
	use := func(name, key, backend string, port []snapshot.Port) metallb.Use {
		return metallb.Use{Service: "shop/" + name, Sharing: metallb.Sharing{Key: key, Backend: backend, Ports: port}}
	}
	ofLocal := use("local", "new", "app=web,tier=front", port(80))
	want := metallb.Taken{v4: {use("cluster", "", "", port(443)), ofLocal}, v6: {ofLocal}}
	if diff := cmp.Diff(want, in.Taken(), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Errorf("taken (-want +got):\n%s", diff)
	}
	if got := in.AsMetalLB(local).Sharing; cmp.Diff(ofLocal.Sharing, got) != "" {
		t.Errorf("the Service itself: %+v, want %+v", got, ofLocal.Sharing)
	}
}

// TestAsMetalLBFamilies is which families MetalLB will find.
func TestAsMetalLBFamilies(t *testing.T) {
	v4, v6 := netip.MustParseAddr("10.96.0.7"), netip.MustParseAddr("fd00:10:96::7")
	four, six, both := []ipfam.Family{ipfam.V4}, []ipfam.Family{ipfam.V6}, []ipfam.Family{ipfam.V4, ipfam.V6}
	for _, tc := range []struct {
		name    string
		service snapshot.Service
		want    []ipfam.Family
	}{
		{"two ClusterIPs", snapshot.Service{Policy: "RequireDualStack", Families: both, ClusterIPs: []netip.Addr{v6, v4}}, []ipfam.Family{ipfam.V6, ipfam.V4}},
		{"one ClusterIP by hand, both required", snapshot.Service{Policy: "RequireDualStack", ClusterIPs: []netip.Addr{v6}}, []ipfam.Family{ipfam.V6, ipfam.V4}},
		{"one ClusterIP, both preferred", snapshot.Service{Policy: "PreferDualStack", ClusterIPs: []netip.Addr{v4}}, four},
		{"a manifest that prefers both", snapshot.Service{Policy: "PreferDualStack"}, both},
		{"a manifest that prefers both, IPv6 first", snapshot.Service{Policy: "PreferDualStack", Families: six}, []ipfam.Family{ipfam.V6, ipfam.V4}},
		{"a manifest of one family", snapshot.Service{Policy: "SingleStack", Families: six}, six},
	} {
		in := checks.NewInput(nil, &snapshot.Snapshot{})
		if diff := cmp.Diff(tc.want, in.AsMetalLB(tc.service).Families); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}
