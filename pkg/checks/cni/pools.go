package cni

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var pools = &checks.Check{
	ID:       "DS402",
	Name:     "cilium-pools",
	Severity: severity.Error,
	Doc: checks.Doc{
		Claim: "Cilium has a cluster pool of each family that it runs, and of no other",
		Why: `The operator reads the pools of both families before it allocates anything. A
family without a pool, a pool of a family that is off, an entry that is no prefix
of the family, or two entries that overlap: it exits, and no new node gets a block
of either family. Agents on such nodes wait for their pod range for ever.`,
		Fix:    "Give ipam.operator.clusterPoolIPv4PodCIDRList and clusterPoolIPv6PodCIDRList one disjoint list for each family that is on.",
		Limits: "Only for the IPAM mode cluster-pool. A configuration without any pool is taken for a part of one. Whether the pools are the planned ranges is another check's question.",
		Holds:  "Cilium 1.15 to 1.20",
		Since:  "0.1",
		Refs:   []string{"cilium v1.20.2, operator/pkg/ipam/allocator/clusterpool/clusterpool.go", "cilium v1.15.19, pkg/ipam/allocator/clusterpool/clusterpool.go"},
		Covers: []string{"CNI-01"},
	},
	Needs: []snapshot.Kind{snapshot.CiliumConfig},
	Uses:  snapshot.ClaimKinds[plan.Pods],
	Run: func(in *checks.Input) (fs []checks.Finding) {
		c, ok := configuration(in)
		if !ok || c.Config["ipam"] != "cluster-pool" {
			return nil
		}
		for _, f := range ipfam.All {
			if message := poolFault(c.Config, f); message != "" {
				key := cilium.Key(cilium.PoolKey, f)
				fs = append(fs, checks.Finding{
					Object: c.ConfigRef, Field: c.field(key), Family: f,
					Message: message, Fix: poolFix(in, c, f),
				})
			}
		}
		return fs
	},
}

// poolFault is why the operator exits over the pools of f.
func poolFault(c cilium.Config, f ipfam.Family) string {
	key := cilium.Key(cilium.PoolKey, f)
	pools, bad := c.Pools(f)
	listed := len(pools)+len(bad) > 0
	switch {
	case c.Enabled(f) && !listed && c.Has(cilium.Key(cilium.PoolKey, f.Other())):
		return fmt.Sprintf(`has no range, while %s is on; the operator exits: "%s must be provided when using ClusterPool"`, f, key)
	case !c.Enabled(f) && listed:
		return fmt.Sprintf(`is %q, while %s is off; the operator exits: "%s must not be set if %s is disabled"`, c[key], f, key, f)
	case len(bad) > 0:
		return fmt.Sprintf("has %s, which is no %s prefix; the operator exits", strings.Join(bad, ", "), f)
	}
	if a, b, overlap := firstOverlap(pools); overlap {
		return fmt.Sprintf(`has %s and %s, which overlap; the operator exits: "requested CIDR %s collides with …"`, a, b, b)
	}
	return ""
}

func firstOverlap(ps []netip.Prefix) (a, b netip.Prefix, overlap bool) {
	for i, b := range ps {
		for _, a := range ps[:i] {
			if a.Overlaps(b) {
				return a, b, true
			}
		}
	}
	return a, b, false
}

// poolFix keeps the entries that the operator takes, or names the range that pods
// are to have; where there is neither the family is switched off.
func poolFix(in *checks.Input, c configured, f ipfam.Family) string {
	key := cilium.Key(cilium.PoolKey, f)
	if !c.Config.Enabled(f) {
		return c.unset(key)
	}
	pools, _ := c.Config.Pools(f)
	var kept []string
	for i, p := range pools {
		if _, _, overlap := firstOverlap(pools[:i+1]); !overlap {
			kept = append(kept, p.String())
		}
	}
	if len(kept) == 0 {
		r, ok := wantedRange(in, c, f)
		if !ok {
			return c.set(cilium.Setting{Key: cilium.Key("enable-%s", f), Value: "false"})
		}
		kept = []string{r.String()}
	}
	return c.set(cilium.Setting{Key: key, Value: strings.Join(kept, " ")})
}
