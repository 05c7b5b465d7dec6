package loadbalancers

import (
	"fmt"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var aggregationLength = &checks.Check{
	ID:       "DS519",
	Name:     "aggregation-length",
	Severity: severity.Error,
	Doc: checks.Doc{
		Claim: "no BGPAdvertisement announces prefixes that are shorter than those of its pools",
		Why: `MetalLB does not announce a prefix with addresses in it that it does not own. An
aggregationLength or aggregationLengthV6 that is shorter than an entry of a pool has the speakers refuse the
whole configuration: they go on with the one before, of both families and of all pools. The message prints
the length for IPv4 also where the one for IPv6 is at fault.`,
		Fix:    "Set the length to that of the entry or more, or leave it out, which announces each address by itself.",
		Limits: "Advertisements that select pools by their labels are not evaluated.",
		Holds:  "MetalLB 0.16",
		Since:  "0.1",
		Refs:   []string{"metallb v0.16.2 internal/config/config.go validateBGPAdvPerPool"},
		Covers: []string{"LB-11"},
	},
	Needs: []snapshot.Kind{snapshot.MetalLBPools, snapshot.MetalLBAds},
	Uses:  []snapshot.Kind{snapshot.MetalLBSetup},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		pools, ads := in.PoolsInForce(), in.AdsInForce()
		v, known := in.MetalLBVersion()
		for _, ad := range ads {
			for _, p := range pools {
				selected, _ := ad.Selects(p.Ref.Name)
				if !ad.BGP || !selected || ad.Namespace != p.Namespace || p.AnnouncesItself() {
					continue
				}
				if f, found := tooShort(ad, p); found {
					if !known || v.Before(release.V(0, 16)) { // where the rule was read
						f.Severity = severity.Warning
					}
					fs = append(fs, f)
				}
			}
		}
		return fs
	},
}

// tooShort is the first entry of p that is longer than the prefixes that ad
// announces. Of a FROM-TO the largest prefix in it counts.
func tooShort(ad snapshot.Advertisement, p snapshot.Pool) (f checks.Finding, found bool) {
	for _, entry := range p.Addresses {
		if !entry.Range.IsValid() {
			continue
		}
		family := ipfam.Of(entry.Range.From())
		length, own := ad.Aggregation.Of(family), largest(entry)
		if length >= own {
			continue
		}
		key := map[ipfam.Family]string{ipfam.V4: "aggregationLength", ipfam.V6: "aggregationLengthV6"}[family]
		return checks.Finding{
			Object: ad.Ref, Field: ".spec." + key, Family: family,
			Message: fmt.Sprintf("is %d, and %s has %s, which is /%d or longer: the speakers refuse the whole configuration", length, p.Ref, entry, own),
			Fix:     checks.Patch(ad.Ref, fmt.Sprintf(`{"spec":{%q:%d}}`, key, own)),
		}, true
	}
	return f, false
}

// largest is the length of the shortest prefix that the entry is made of.
func largest(entry metallb.Addresses) int {
	bits := 128
	for _, p := range entry.Range.Prefixes() {
		bits = min(bits, p.Bits())
	}
	return bits
}
