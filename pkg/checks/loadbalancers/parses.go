package loadbalancers

import (
	"fmt"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var poolParses = &checks.Check{
	ID:       "DS503",
	Name:     "pool-parses",
	Severity: severity.Error,
	Doc: checks.Doc{
		Claim: "MetalLB takes every entry of its pools",
		Why: `MetalLB ignores a configuration with one bad entry as a whole and keeps the last
good one in memory: from then on no edit of any pool has an effect, and after a
restart of the controller no Service gets an address. Some releases take a range
that begins in one family and ends in the other, or ends before it begins, for a
range without an address.`,
		Fix:   "Write an entry as PREFIX/LENGTH without spaces (one address is a /32 or a /128), or as FROM-TO, both of one family.",
		Holds: "MetalLB 0.9 to 0.16; ranges across families are refused from 0.16.2 on, 0.16.0 and 0.16.1 were not tried",
		Since: "0.1",
		Refs:  []string{"metallb v0.16.2 internal/config/config.go ParseCIDR", "https://github.com/metallb/metallb/issues/3144"},
	},
	Needs: []snapshot.Kind{snapshot.MetalLBPools},
	Uses:  []snapshot.Kind{snapshot.MetalLBSetup},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		v, _ := in.MetalLBVersion()
		for _, p := range in.PoolsInForce() {
			if len(p.Addresses) == 0 {
				fs = append(fs, checks.Finding{
					Object: p.Ref, Field: addressesField(p, -1),
					Message: "has no addresses; MetalLB refuses its whole configuration: pool has no prefixes defined",
					Fix:     fmt.Sprintf("in the pool: addresses: [%q, %q], or delete it", "<IPv4 range>", "<IPv6 range>"),
				})
			}
			for i, a := range p.Addresses {
				if message := entryFault(a, v); message != "" {
					fs = append(fs, checks.Finding{
						Object: p.Ref, Field: addressesField(p, i), Message: message,
						Fix: fmt.Sprintf("in place of %q: %s", a.Text, entryForm(a.Text)),
					})
				}
			}
		}
		return fs
	},
}

func entryFault(a metallb.Addresses, v release.Version) string {
	if words := metallb.Refusal(a.Text, v); words != "" {
		return "MetalLB refuses its whole configuration: " + words
	}
	if a.Err != "" {
		return fmt.Sprintf("has no address to MetalLB %s: %s", v, a.Err)
	}
	return ""
}
