package snapshot_test

import (
	"net/netip"
	"testing"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

func TestServiceDual(t *testing.T) {
	v4, v6 := netip.MustParseAddr("10.96.0.7"), netip.MustParseAddr("fd00:10:96::7")
	for _, tc := range []struct {
		name    string
		service snapshot.Service
		want    bool
	}{
		{"two ClusterIPs", snapshot.Service{Live: true, ClusterIPs: []netip.Addr{v6, v4}}, true},
		{"one ClusterIP, both asked for", snapshot.Service{Live: true, Policy: "PreferDualStack", ClusterIPs: []netip.Addr{v4}}, false},
		{"manifest that requires both", snapshot.Service{Policy: "RequireDualStack"}, true},
		{"manifest that prefers both", snapshot.Service{Policy: "PreferDualStack"}, false},
		{"manifest that names both", snapshot.Service{Policy: "PreferDualStack", Families: []ipfam.Family{ipfam.V6, ipfam.V4}}, true},
		{"headless of one", snapshot.Service{Live: true, Headless: true, Policy: "RequireDualStack", Families: []ipfam.Family{ipfam.V4}}, false},
	} {
		if got := tc.service.Dual(); got != tc.want {
			t.Errorf("%s: dual %t, want %t", tc.name, got, tc.want)
		}
	}
}

func TestServiceBackend(t *testing.T) {
	selector := map[string]string{"tier": "front", "app": "web"}
	for _, tc := range []struct {
		name    string
		service snapshot.Service
		want    string
	}{
		{"Cluster", snapshot.Service{Selector: selector}, ""},
		{"Local", snapshot.Service{Selector: selector, LocalTraffic: true}, "app=web,tier=front"},
		{"Local, without selector", snapshot.Service{LocalTraffic: true}, ""},
	} {
		if got := tc.service.Backend(); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}
