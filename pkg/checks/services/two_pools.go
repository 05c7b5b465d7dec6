package services

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var addressesFromTwoPools = &checks.Check{
	ID:       "DS604",
	Name:     "addresses-of-one-pool",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "the addresses of a Service are of one pool of MetalLB",
		Why: `MetalLB lets a Service keep its addresses only if one pool holds them all. A pool that
was split, or lost a range, leaves Services that break the rule. Up to 0.14.1 they
keep their addresses until the controller restarts and are pending from then on; from
0.14.2 on MetalLB takes the addresses back, in both families.`,
		Fix:    "Put the ranges of both addresses into one pool before the controller restarts.",
		Limits: "A Service none of whose addresses is in a pool is taken for another implementation's, unless an annotation of MetalLB says otherwise.",
		Holds:  "MetalLB 0.12 to 0.16",
		Since:  "0.1",
		Refs:   []string{"metallb v0.16.2 internal/allocator/allocator.go poolFor", "metallb v0.13.5 internal/allocator/allocator.go SetPools", "metallb v0.16.2 speaker/main.go"},
		Covers: []string{"LB-02"},
	},
	Needs: []snapshot.Kind{snapshot.Services, snapshot.MetalLBPools},
	Uses:  []snapshot.Kind{snapshot.MetalLBSetup},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		v, known := in.MetalLBVersion()
		pools := in.PoolsInForce()
		for _, s := range in.Services() {
			if !in.MetalLBTakes(s) || len(s.Ingress) == 0 || !checks.AllParse(pools) || v.Before(metallb.DualStack) {
				continue
			}
			if _, ok := metallb.Owner(checks.PlainPools(pools), s.Ingress); ok {
				continue
			}
			f := checks.Finding{
				Object: s.Ref, Field: ".status.loadBalancer.ingress",
				Message: whereFrom(s, pools) + "; " + consequence(v, known),
				Fix:     togetherFix(in, s, pools),
				Related: refsOf(ownersOf(s, pools)),
			}
			if known && v.From(metallb.HonoursEdits) {
				f.Severity = severity.Error
			}
			fs = append(fs, f)
		}
		return fs
	},
}

// ownersOf is the pools that have at least one of the Service's addresses.
func ownersOf(s snapshot.Service, pools []snapshot.Pool) []snapshot.Pool {
	var owners []snapshot.Pool
	for _, p := range pools {
		if slices.ContainsFunc(s.Ingress, p.Owns) {
			owners = append(owners, p)
		}
	}
	return owners
}

func refsOf(pools []snapshot.Pool) []snapshot.Ref {
	var refs []snapshot.Ref
	for _, p := range pools {
		refs = append(refs, p.Ref)
	}
	return refs
}

func whereFrom(s snapshot.Service, pools []snapshot.Pool) string {
	var parts []string
	for _, a := range s.Ingress {
		i := slices.IndexFunc(pools, func(p snapshot.Pool) bool { return p.Owns(a) })
		if i < 0 {
			parts = append(parts, fmt.Sprintf("%s is in no pool", a))
		} else {
			parts = append(parts, fmt.Sprintf("%s is of pool %s", a, pools[i].Ref.Name))
		}
	}
	return strings.Join(parts, ", ")
}

func consequence(v release.Version, known bool) string {
	switch {
	case known && v.Before(metallb.HonoursEdits):
		return fmt.Sprintf("MetalLB %s takes them back when its controller restarts", v)
	case known:
		return fmt.Sprintf("MetalLB %s takes them back", v)
	}
	return fmt.Sprintf("MetalLB %s and later takes them back, earlier ones when the controller restarts", metallb.HonoursEdits)
}

// togetherFix is one pool with the ranges of all the addresses.
func togetherFix(in *checks.Input, s snapshot.Service, pools []snapshot.Pool) string {
	owners := ownersOf(s, pools)
	if len(owners) == 0 {
		return "add to a pool of MetalLB: " + addresses(s)
	}
	merged := metallb.Merge(checks.PlainPools(owners))
	for _, a := range s.Ingress {
		if !slices.ContainsFunc(owners, func(p snapshot.Pool) bool { return p.Owns(a) }) {
			merged.Addresses = append(merged.Addresses, metallb.ParseAddresses(fmt.Sprintf("%s/%d", a, a.BitLen())))
		}
	}
	v, _ := in.MetalLBVersion()
	if v.Before(metallb.CustomResources) {
		return "# in place of these pools:\n" + strings.TrimSuffix(metallb.ConfigInline([]metallb.Pool{merged}), "\n")
	}
	namespace := owners[0].Namespace
	commands := []string{}
	for i, p := range owners {
		if !p.ConfigMapEra && (i > 0 || p.AnnouncesItself()) {
			commands = append(commands, checks.DeletePool(p))
		}
	}
	manifests := []string{merged.Manifest(namespace)}
	if owners[0].AnnouncesItself() {
		manifests = append(manifests, merged.AdvertisementManifest(namespace))
	}
	return strings.Join(append(commands, checks.Apply(manifests...)), "\n")
}

func addresses(s snapshot.Service) string {
	var texts []string
	for _, a := range s.Ingress {
		texts = append(texts, fmt.Sprintf("%s/%d", a, a.BitLen()))
	}
	return strings.Join(texts, ", ")
}
