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
		Claim: "every pool has an advertisement that is about its Services, and advertisements name pools that exist",
		Why: `From 0.13 on a pool is announced only if an L2Advertisement or a BGPAdvertisement
covers it. Without one a Service gets its addresses, of both families, and nobody
answers for them: there is no Event and no error. From 0.16 on an advertisement may be
about some Services only, by their labels.`,
		Fix:    "Create an L2Advertisement or a BGPAdvertisement that names the pool, or one that names none and so covers all.",
		Limits: "Selectors of pools and of nodes are not evaluated: a pool that one may cover is not reported.",
		Holds:  "MetalLB 0.13 to 0.16",
		Since:  "0.1",
		Refs:   []string{"metallb v0.16.2 api/v1beta1/l2advertisement_types.go", "metallb v0.16.2 speaker/layer2_controller.go l2AdsForService", "https://github.com/metallb/metallb/issues/1561"},
	},
	Needs: []snapshot.Kind{snapshot.MetalLBPools, snapshot.MetalLBAds},
	Uses:  []snapshot.Kind{snapshot.MetalLBSetup, snapshot.Services},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		pools, ads, services := in.PoolsInForce(), in.AdsInForce(), in.Services()
		dangling := danglingNames(pools, ads)
		for _, p := range pools {
			if l2, bgp, unsure := announced(p, ads); p.AnnouncesItself() || l2 || bgp || unsure {
				fs = append(fs, unselected(p, ads, services)...)
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

// unselected is the Services with an address of p that no advertisement of it is about.
func unselected(p snapshot.Pool, ads []snapshot.Advertisement, services []snapshot.Service) (fs []checks.Finding) {
	covering := slices.DeleteFunc(slices.Clone(ads), func(ad snapshot.Advertisement) bool {
		selected, unsure := ad.Selects(p.Ref.Name)
		return ad.Namespace != p.Namespace || !selected && !unsure
	})
	for _, s := range holdersOf(p.Pool, services) {
		if p.AnnouncesItself() || len(about(s, covering)) > 0 {
			continue
		}
		ad := covering[0]
		fs = append(fs, checks.Finding{
			Severity: severity.Error,
			Object:   s.Ref, Field: ".metadata.labels",
			Message: fmt.Sprintf("has addresses of pool %s, and no advertisement of it is about this Service: serviceSelectors of %s select %s; nobody answers for them",
				p.Ref.Name, ad.Ref, strings.Join(ad.ServiceSelectors, " or ")),
			Fix: selectedFix(s, ad),
		})
	}
	return fs
}

// selectedFix labels the Service as the advertisement wants it, or where that takes
// more than labels has the advertisement be about all Services.
func selectedFix(s snapshot.Service, ad snapshot.Advertisement) string {
	terms := strings.Split(ad.ServiceSelectors[0], ",")
	if slices.ContainsFunc(terms, func(term string) bool { return strings.ContainsAny(term, " !()<>") || !strings.Contains(term, "=") }) {
		return checks.Patch(ad.Ref, `{"spec":{"serviceSelectors":null}}`)
	}
	return checks.Command(append([]string{"kubectl", "label", "service", s.Name, "-n", s.Namespace}, terms...)...)
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
