package loadbalancers

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var poolAdvertised = &checks.Check{
	ID:       "DS505",
	Name:     "pool-advertised",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "every pool has an advertisement, and advertisements name pools that exist",
		Why: `From 0.13 on a pool is announced only if an L2Advertisement or a BGPAdvertisement
covers it. Without one a Service gets its addresses, of both families, and nobody
answers for them: there is no Event and no error.`,
		Fix:    "Create an L2Advertisement or a BGPAdvertisement that names the pool, or one that names none and so covers all.",
		Limits: "Label selectors of advertisements are not evaluated: a pool that one may cover is not reported.",
		Holds:  "MetalLB 0.13 to 0.16",
		Since:  "0.1",
		Refs:   []string{"metallb v0.16.2 api/v1beta1/l2advertisement_types.go", "https://github.com/metallb/metallb/issues/1561"},
	},
	Needs: []snapshot.Kind{snapshot.MetalLBPools, snapshot.MetalLBAds},
	Uses:  []snapshot.Kind{snapshot.MetalLBSetup, snapshot.Services},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		pools, ads, services := in.PoolsInForce(), in.MetalLBAds(), in.Services()
		dangling := danglingNames(pools, ads)
		for _, p := range pools {
			if l2, bgp, unsure := announced(p, ads); p.AnnouncesItself() || l2 || bgp || unsure {
				continue
			}
			f := checks.Finding{
				Object: p.Ref, Field: addressesField(p, -1),
				Message: "has no L2Advertisement and no BGPAdvertisement: its addresses are given out and nobody answers for them",
				Fix:     checks.Apply(metallb.Pool{Name: p.Ref.Name}.AdvertisementManifest(p.Namespace)),
			}
			if holders := holdersOf(p.Pool, services); len(holders) > 0 {
				f.Severity = severity.Error
				f.Message += concerned(holders)
			}
			if len(dangling) > 0 {
				f.Message += fmt.Sprintf("; %s names %s, which does not exist", dangling[0].ad.Ref, dangling[0].pool)
			}
			fs = append(fs, f)
		}
		if len(fs) > 0 {
			return fs // a wrong name is most likely the pool's that is not covered
		}
		for _, d := range dangling {
			fs = append(fs, checks.Finding{
				Object: d.ad.Ref, Field: fmt.Sprintf(".spec.ipAddressPools[%d]", d.index),
				Message: fmt.Sprintf("names the pool %s, which does not exist", d.pool),
				Fix:     withoutName(d),
			})
		}
		return fs
	},
}

// reference is a name of a pool that does not exist.
type reference struct {
	ad    snapshot.Advertisement
	index int
	pool  string
}

func danglingNames(pools []snapshot.Pool, ads []snapshot.Advertisement) []reference {
	var found []reference
	for _, ad := range ads {
		for i, name := range ad.Pools {
			if !slices.ContainsFunc(pools, func(p snapshot.Pool) bool { return p.Ref.Name == name && p.Namespace == ad.Namespace }) {
				found = append(found, reference{ad, i, name})
			}
		}
	}
	return found
}

// withoutName takes the name out. An advertisement of which no name is left would
// cover every pool, so that one goes.
func withoutName(r reference) string {
	left := slices.DeleteFunc(slices.Clone(r.ad.Pools), func(name string) bool { return name == r.pool })
	if len(left) == 0 {
		return checks.Command("kubectl", "delete", strings.ToLower(r.ad.Kind), r.ad.Name, "-n", r.ad.Namespace)
	}
	return checks.Patch(r.ad.Ref, fmt.Sprintf(`{"spec":{"ipAddressPools":[%s]}}`, quotedList(left)))
}

// holdersOf is the Services that have an address of the pool.
func holdersOf(p metallb.Pool, services []snapshot.Service) []snapshot.Service {
	var holders []snapshot.Service
	for _, s := range services {
		if slices.ContainsFunc(s.Ingress, p.Owns) {
			holders = append(holders, s)
		}
	}
	return holders
}
