package loadbalancers_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks/loadbalancers"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// TestLBIPAMFix: the fix of DS517 names the field that the running release knows.
func TestLBIPAMFix(t *testing.T) {
	for _, test := range []struct {
		version release.Version
		cidrs   int
		want    string
	}{
		{release.V(1, 13), 1, ".spec.cidrs"},
		{release.V(1, 14, 19), 0, ".spec.cidrs"},
		{release.V(1, 15, 19), 1, ".spec.cidrs"},
		{release.V(1, 15, 19), 0, ".spec.blocks"},
		{release.V(1, 16), 1, ".spec.blocks"},
		{release.Version{}, 1, ".spec.cidrs"},
		{release.Version{}, 0, ".spec.blocks"},
	} {
		snap := &snapshot.Snapshot{Facts: snapshot.Facts{
			ServiceCIDRs: []snapshot.ServiceCIDR{{CIDRs: []netip.Prefix{netip.MustParsePrefix("10.96.0.0/16"), netip.MustParsePrefix("fd00::/112")}}},
			Cilium:       snapshot.Cilium{Version: test.version},
			LBIPAMPools:  []snapshot.LBIPAMPool{{Ranges: []snapshot.Addresses{metallb.ParseAddresses("192.0.2.96/28")}, CIDRs: test.cidrs}},
		}}
		fix := ""
		for _, r := range checks.Run(loadbalancers.Checks, nil, snap) {
			for _, f := range r.Findings {
				if r.Check.ID == "DS517" {
					fix = f.Fix
				}
			}
		}
		if !strings.HasPrefix(fix, "add to "+test.want+" of a pool") {
			t.Errorf("Cilium %q, %d ranges in cidrs: %q, want %s", test.version, test.cidrs, fix, test.want)
		}
	}
}
