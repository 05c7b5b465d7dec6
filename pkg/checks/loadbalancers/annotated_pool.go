package loadbalancers

import (
	"fmt"
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var annotatedPool = &checks.Check{
	ID:       "DS514",
	Name:     "annotated-pool",
	Severity: severity.Error,
	Doc: checks.Doc{
		Claim: "a pool that a Service asks for by name exists, is open to it and has its families",
		Why: `A Service with the annotation address-pool gets its addresses from that pool or
none: it stays pending if there is no pool of the name, if serviceAllocation keeps
the pool for others, or if the pool lacks a family that the Service requires. A
PreferDualStack Service gets one address of such a pool, and before 0.14.9 none.`,
		Fix:    "Name a pool that has the Service's families, or take the annotation away.",
		Limits: "When no pool holds both families, that is reported (DS501) and not this. Label selectors of serviceAllocation are not evaluated.",
		Holds:  "MetalLB 0.9 to 0.16",
		Since:  "0.1",
		Refs:   []string{"metallb v0.16.2 internal/allocator/allocator.go AllocateFromPool", "metallb v0.16.2 controller/service.go allocateIPs"},
		Covers: []string{"LB-01", "LB-02"},
	},
	Needs: []snapshot.Kind{snapshot.Services, snapshot.MetalLBPools},
	Uses:  []snapshot.Kind{snapshot.MetalLBSetup},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		v, _ := in.MetalLBVersion()
		pools := in.PoolsInForce()
		for _, s := range in.Services() {
			key, name := metallb.Annotation(s.Annotations, metallb.PoolAnnotation, v)
			if name == "" || !checks.AllParse(pools) || !in.MetalLBTakes(s) {
				continue
			}
			if as, _, err := metallb.Requested(s.Annotations, s.RequestedIP, v); err != nil || len(as) > 0 {
				continue // asking for addresses has its own check
			}
			asks := in.AsMetalLB(s)
			if !familiesKnown(s) {
				asks.Families = nil
			}
			fault, level := poolFault(asks, pools, v)
			if fault == "" {
				continue
			}
			fs = append(fs, checks.Finding{
				Severity: level, Object: s.Ref, Field: ".metadata.annotations." + key,
				Message: fmt.Sprintf("asks for pool %s, %s", name, fault),
				Fix:     poolFix(s, key, pools),
			})
		}
		return fs
	},
}

// poolFault is what is wrong with the pool that s asks for. Families that are not
// known are not judged.
func poolFault(s metallb.Service, pools []snapshot.Pool, v release.Version) (fault string, level severity.Severity) {
	i := slices.IndexFunc(pools, func(p snapshot.Pool) bool { return p.Ref.Name == s.Pool })
	if i < 0 {
		return "which does not exist: it gets no address", severity.Error
	}
	if open, unsure := pools[i].OpenTo(s.Namespace, s.Pool, v); !open && !unsure {
		return "which serviceAllocation keeps for others: it gets no address", severity.Error
	}
	wanted := ipfam.SetOf(s.Families...)
	if v.Before(metallb.DualStack) && len(s.Families) > 0 {
		wanted = ipfam.SetOf(s.Families[0])
	}
	missing := wanted.Minus(pools[i].Families())
	switch {
	case missing.Empty() || wanted.Dual() && !anyDual(pools):
		return "", 0
	case missing != wanted && s.Policy == "PreferDualStack" && v.From(metallb.PreferOne):
		return fmt.Sprintf("which has no %s: it gets one address", missing), severity.Warning
	}
	return fmt.Sprintf("which has no %s: it gets no address", missing), severity.Error
}

// poolFix names a pool that holds both families or, if there is none, takes the
// annotation away.
func poolFix(s snapshot.Service, key string, pools []snapshot.Pool) string {
	value := key + "-"
	if i := slices.IndexFunc(pools, func(p snapshot.Pool) bool { return p.Families().Dual() && !p.Restricted }); i >= 0 {
		value = key + "=" + pools[i].Ref.Name
	}
	return checks.Command("kubectl", "annotate", "service", s.Name, "-n", s.Namespace, "--overwrite", value)
}
