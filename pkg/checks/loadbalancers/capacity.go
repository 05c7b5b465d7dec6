package loadbalancers

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var poolCapacity = &checks.Check{
	ID:       "DS508",
	Name:     "pool-capacity",
	Severity: severity.Info,
	Doc: checks.Doc{
		Claim: "a pool has free addresses of each of its families",
		Why: `A Service takes one address of each family from the same pool, so that a pool is
full when the smaller of its families is: a RequireDualStack Service then gets
nothing although the other family has room, and a PreferDualStack Service silently
gets one address (from 0.14.9 on; before, none).`,
		Fix:    "Add a range of the family that runs out to the same pool.",
		Limits: "A warning is given only when one family is used up and no other pool has room for both; from four fifths on it is an info. Services that share an address count once.",
		Holds:  "MetalLB 0.9 to 0.16",
		Since:  "0.1",
		Refs:   []string{"metallb v0.16.2 internal/allocator/stats.go poolCount", "metallb v0.16.2 controller/service.go allocateIPs"},
		Covers: []string{"LB-01"},
	},
	Needs: []snapshot.Kind{snapshot.MetalLBPools, snapshot.Services},
	Uses:  []snapshot.Kind{snapshot.MetalLBSetup},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		var uses []usage
		for _, p := range in.PoolsInForce() {
			uses = append(uses, usageOf(p, in.Services()))
		}
		for _, u := range uses {
			f := checks.Finding{Object: u.pool.Ref, Field: addressesField(u.pool, -1)}
			family, oneFull := u.full().Single()
			switch {
			case oneFull && u.pool.Families().Dual():
				f.Family = family
				f.Message = fmt.Sprintf("%s: a RequireDualStack Service gets nothing more of it", u)
				f.Fix = fmt.Sprintf("add a range of %s to .spec.addresses of the pool", family)
				if !slices.ContainsFunc(uses, usage.roomForBoth) {
					f.Severity = severity.Warning
				}
			case u.nearlyFull():
				f.Message = u.String()
				f.Fix = "add a range of each family to .spec.addresses of the pool"
			default:
				continue
			}
			fs = append(fs, f)
		}
		return fs
	},
}

// usage is how much of a pool is given out.
type usage struct {
	pool     snapshot.Pool
	used     ipfam.Pair[uint64]
	capacity ipfam.Pair[uint64]
}

func usageOf(p snapshot.Pool, services []snapshot.Service) usage {
	u := usage{pool: p}
	seen := map[netip.Addr]bool{}
	for _, s := range services {
		for _, a := range s.Ingress {
			if p.Owns(a) && !seen[a] {
				seen[a] = true
				*u.used.At(ipfam.Of(a))++
			}
		}
	}
	for _, f := range ipfam.All {
		*u.capacity.At(f) = p.Capacity(f)
	}
	return u
}

// full is the families of the pool of which no address is left.
func (u usage) full() ipfam.Set {
	var s ipfam.Set
	for _, f := range u.pool.Families().List() {
		if u.used.Of(f) >= u.capacity.Of(f) {
			s = s.With(f)
		}
	}
	return s
}

// smallest is the capacity below which a pool that is nearly full was meant to be:
// a pool of one address for one Service is common.
const smallest = 5

func (u usage) nearlyFull() bool {
	for _, f := range u.pool.Families().List() {
		used, capacity := u.used.Of(f), u.capacity.Of(f)
		if capacity >= smallest && used >= capacity-capacity/5 {
			return true
		}
	}
	return false
}

func (u usage) roomForBoth() bool {
	return u.pool.AutoAssign && !u.pool.Restricted && u.pool.Families().Dual() && u.full().Empty()
}

// String is "20 of 20 IPv4 addresses and 3 of 65536 IPv6 addresses are given out".
func (u usage) String() string {
	var parts []string
	for _, f := range u.pool.Families().List() {
		parts = append(parts, fmt.Sprintf("%d of %d %s addresses", u.used.Of(f), u.capacity.Of(f), f))
	}
	return strings.Join(parts, " and ") + " are given out"
}
