package loadbalancers

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var poolHostBits = &checks.Check{
	ID:       "DS504",
	Name:     "pool-host-bits",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "a pool's prefixes are written without host bits",
		Why: `MetalLB drops the host bits of a prefix and takes all of it: 192.0.2.5/24 is not
one address but 256 of them, the router's and the nodes' among them, and
2001:db8::5/64 is the whole LAN. It then gives these addresses to Services.`,
		Fix:   "Write /32 or /128 for one address, FROM-TO for a few, or the prefix itself if all of it is meant.",
		Holds: "MetalLB 0.9 to 0.16",
		Since: "0.1",
		Refs:  []string{"metallb v0.16.2 internal/config/config.go ParseCIDR"},
	},
	Needs: []snapshot.Kind{snapshot.MetalLBPools},
	Uses:  []snapshot.Kind{snapshot.MetalLBSetup},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		for _, p := range in.PoolsInForce() {
			for i, a := range p.Addresses {
				if !a.Masked {
					continue
				}
				f := ipfam.Of(a.Range.From())
				fs = append(fs, checks.Finding{
					Object: p.Ref, Field: addressesField(p, i), Family: f,
					Message: fmt.Sprintf("%s has host bits; MetalLB takes all of %s", a.Text, a),
					Fix:     fmt.Sprintf("in place of %q: \"%s/%d\" for the one address, %q for all of them", a.Text, address(a.Text), f.Bits(), a),
				})
			}
		}
		return fs
	},
}

// address is the address of a prefix with host bits.
func address(text string) string {
	before, _, _ := strings.Cut(text, "/")
	if a, err := netip.ParseAddr(before); err == nil {
		return a.Unmap().String()
	}
	return before
}
