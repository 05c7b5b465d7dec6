package cni

import (
	"fmt"
	"net/netip"
	"strconv"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var poolMask = &checks.Check{
	ID:       "DS403",
	Name:     "cilium-pool-mask",
	Severity: severity.Error,
	Doc: checks.Doc{
		Claim: "the operator can cut each cluster pool into blocks of the node mask",
		Why: `For IPv6 the operator cuts a pool into at most 65,536 blocks: a mask that is more
than 16 bits longer than the pool makes it exit with "New CIDR set failed; the node
CIDR size is too big". A /64 of pods with the chart's mask of 120 is such a case. A
mask that is shorter than the pool is worse: the operator starts, and has no block
for anybody.`,
		Fix:    "Choose a mask of at most 16 bits more than the pool: /80 for a /64, /112 for a /96. The mask of a cluster that already gave out blocks is not to be changed.",
		Limits: "Only for the IPAM mode cluster-pool.",
		Holds:  "Cilium 1.15 to 1.20",
		Since:  "0.1",
		Refs:   []string{"cilium v1.20.2, pkg/ipam/cidrset/cidr_set.go NewCIDRSet", "https://github.com/cilium/cilium/issues/20756", "https://github.com/cilium/cilium/issues/48313"},
		Covers: []string{"PLAN-03"},
	},
	Needs: []snapshot.Kind{snapshot.CiliumConfig},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		c, ok := configuration(in)
		if !ok || c.Config["ipam"] != "cluster-pool" {
			return nil
		}
		for _, f := range c.Config.Families().List() {
			pools, _ := c.Config.Pools(f)
			mask := c.Config.MaskSize(f)
			for _, pool := range pools {
				limit := plan.NodeMaskLimit(pool, mask)
				if limit == "" {
					continue
				}
				key := cilium.Key(cilium.MaskKey, f)
				fs = append(fs, checks.Finding{
					Object: c.ConfigRef, Field: c.field(key), Family: f,
					Message: fmt.Sprintf("does not fit: %s; %s", limit, maskConsequence(pool, mask)),
					Fix:     c.set(cilium.Setting{Key: key, Value: strconv.Itoa(fittingMask(pool))}),
				})
				break // one mask, one finding
			}
		}
		return fs
	},
}

func maskConsequence(pool netip.Prefix, mask int) string {
	if mask < pool.Bits() {
		return "no node gets a block"
	}
	return "the operator exits"
}

// usualBlock is the block that a node usually gets, and blockBits how many blocks
// a pool usually has room for.
var usualBlock = ipfam.Pair[int]{V4: 24, V6: 112}

const blockBits = 16

// fittingMask is a mask that the operator takes for pool: the usual one where it
// fits, otherwise as near to it as may be.
func fittingMask(pool netip.Prefix) int {
	f := ipfam.OfPrefix(pool)
	longest := min(pool.Bits()+blockBits, f.Bits())
	if usual := usualBlock.Of(f); usual > pool.Bits() {
		return min(usual, longest)
	}
	return min(pool.Bits()+blockBits/2, f.Bits())
}
