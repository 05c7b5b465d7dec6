package loadbalancers

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var poolHoldsBothFamilies = &checks.Check{
	ID:       "DS501",
	Name:     "pool-holds-both-families",
	Severity: severity.Error,
	Doc: checks.Doc{
		Claim: "where Services have both families, a pool of MetalLB that they may use holds both",
		Why: `MetalLB takes both addresses of a Service from one pool. With a pool for each
family, a Service of RequireDualStack stays pending, without even one address; one
of PreferDualStack gets one address, and before 0.14.9 none. The speakers hold to
the same rule, so asking for the two addresses by annotation does not get round it.
Before 0.12 MetalLB gives a Service one address, whatever its pools.`,
		Fix: `Put both ranges into one pool and delete the other. Services get their addresses
anew: to keep them, set metallb.io/loadBalancerIPs to both before the change. Or
make two Services of one family each, one for each pool.`,
		Limits: "A pool that serviceSelectors or namespaceSelectors open to some Services counts as open: labels are not evaluated. Cilium's LB IPAM has no such rule.",
		Holds:  "MetalLB 0.9 to 0.16",
		Since:  "0.1",
		Refs: []string{
			"metallb v0.16.2 internal/allocator/allocator.go poolFor, AllocateFromPool",
			"metallb v0.16.2 speaker/main.go poolFor",
			"https://github.com/metallb/metallb/issues/1156",
			"https://github.com/metallb/metallb/pull/2587",
		},
		Covers: []string{"LB-01", "LB-02"},
	},
	Needs: []snapshot.Kind{snapshot.MetalLBPools},
	Uses:  slices.Concat([]snapshot.Kind{snapshot.MetalLBSetup, snapshot.Services}, snapshot.ClaimKinds[plan.Services]),
	Run: func(in *checks.Input) []checks.Finding {
		pools := in.PoolsInForce()
		asking := askingBoth(in)
		if !dualServices(in) || !checks.AllParse(pools) {
			return nil // entries that are refused have their own check
		}
		v, _ := in.MetalLBVersion()
		if v.Before(metallb.DualStack) {
			return beforeDualStack(in, v, asking)
		}
		starved := slices.DeleteFunc(slices.Clone(asking), func(s snapshot.Service) bool { return fed(in, s, pools, v) })
		if len(starved) == 0 && (len(asking) > 0 || anyDual(pools)) {
			return nil
		}
		if anyDual(pools) {
			return shutOut(in, pools, starved)
		}
		f := checks.Finding{Object: pools[0].Ref, Field: addressesField(pools[0], -1)}
		lead := fmt.Sprintf("holds %s only, and no pool holds both families", pools[0].Families())
		if pools[0].ConfigMapEra {
			f.Object, f.Field = in.MetalLB().ConfigRef, in.MetalLB().ConfigField
			lead = "has no pool of both families"
		}
		f.Message = fmt.Sprintf("%s: %s; %s%s", lead, list(pools), onePoolRule(v), concerned(starved))
		f.Fix = mergeFix(in, pools, v)
		f.Related = related(pools, starved)
		if len(starved) == 0 {
			f.Severity = severity.Warning
		}
		return []checks.Finding{f}
	},
}

// related is the pools, and the Services that none of them is for.
func related(pools []snapshot.Pool, services []snapshot.Service) (refs []snapshot.Ref) {
	for _, p := range pools {
		refs = append(refs, p.Ref)
	}
	for _, s := range services {
		refs = append(refs, s.Ref)
	}
	return refs
}

// dualServices reports whether Services may have both families. Where neither a
// plan nor a component tells the Service ranges, pools of both families do: a
// single-stack cluster has no use for the other one's.
func dualServices(in *checks.Input) bool {
	families := in.Families(plan.Services)
	if families.Empty() {
		for _, p := range in.PoolsInForce() {
			for _, f := range p.Families().List() {
				families = families.With(f)
			}
		}
	}
	return families.Dual()
}

func onePoolRule(v release.Version) string {
	prefer := "one"
	if v.Before(metallb.PreferOne) {
		prefer = fmt.Sprintf("none before %s", metallb.PreferOne)
	}
	return fmt.Sprintf("MetalLB %s and later takes both addresses of a Service from one pool: RequireDualStack gets none, PreferDualStack %s",
		metallb.DualStack, prefer)
}

// shutOut is the Services to which the pools of both families are not open.
func shutOut(in *checks.Input, pools []snapshot.Pool, services []snapshot.Service) (fs []checks.Finding) {
	v, _ := in.MetalLBVersion()
	closed := slices.DeleteFunc(slices.Clone(pools), func(p snapshot.Pool) bool { return !p.Families().Dual() })
	for _, s := range services {
		fs = append(fs, checks.Finding{
			Object: s.Ref, Field: ".spec.ipFamilyPolicy",
			Message: fmt.Sprintf("may use no pool that holds both families: %s: autoAssign is off or serviceAllocation names others; %s", list(closed), onePoolRule(v)),
			Fix:     openFix(s, closed[0], v),
		})
	}
	return fs
}

// openFix opens the pool to the Service: by name when it only has to be asked for.
func openFix(s snapshot.Service, p snapshot.Pool, v release.Version) string {
	if !p.Restricted {
		return checks.Command("kubectl", "annotate", "service", s.Name, "-n", s.Namespace, annotationKey(metallb.PoolAnnotation, v)+"="+p.Ref.Name)
	}
	return checks.Patch(p.Ref, fmt.Sprintf(`{"spec":{"serviceAllocation":{"namespaces":[%s]}}}`, quotedList(append(slices.Clone(p.Namespaces), s.Namespace))))
}

// askingBoth is the Services that ask MetalLB for an address of each family.
func askingBoth(in *checks.Input) []snapshot.Service {
	return slices.DeleteFunc(slices.Clone(in.Services()), func(s snapshot.Service) bool {
		return !in.MetalLBTakes(s) || !s.Dual() && (s.Live || !s.WantsDual())
	})
}

// fed reports whether a pool of both families is, or may be, open to s.
func fed(in *checks.Input, s snapshot.Service, pools []snapshot.Pool, v release.Version) bool {
	return slices.ContainsFunc(pools, func(p snapshot.Pool) bool {
		open, unsure := p.OpenTo(s.Namespace, in.AsMetalLB(s).Pool, v)
		return p.Families().Dual() && (open || unsure)
	})
}

func beforeDualStack(in *checks.Input, v release.Version, asking []snapshot.Service) []checks.Finding {
	f := checks.Finding{
		Severity: severity.Warning,
		Object:   in.MetalLB().Controller,
		Field:    ".spec.template.spec.containers[0].image",
		Message: fmt.Sprintf("runs MetalLB %s, which gives a Service one address, of the family of its first ClusterIP; %s and later gives two%s",
			v, metallb.DualStack, concerned(asking)),
		Related: related(nil, asking),
		Fix:     fmt.Sprintf("upgrade MetalLB to %s: the release notes of 0.13 tell how to turn the ConfigMap into custom resources", metallb.Latest),
	}
	if len(asking) > 0 {
		f.Severity = severity.Error
	}
	return []checks.Finding{f}
}

func list(pools []snapshot.Pool) string {
	var texts []string
	for _, p := range pools {
		texts = append(texts, fmt.Sprintf("%s (%s)", p.Ref.Name, ranges(p.Addresses)))
	}
	return checks.Some(texts)
}

func concerned(services []snapshot.Service) string {
	if len(services) == 0 {
		return ""
	}
	var names []string
	for _, s := range services {
		names = append(names, s.Ref.String())
	}
	return "; it concerns " + checks.Some(names)
}

func mergeFix(in *checks.Input, pools []snapshot.Pool, v release.Version) string {
	switch {
	case !pools[0].ConfigMapEra:
		return mergeCustom(in, pools)
	case v.Before(metallb.CustomResources):
		merged := []metallb.Pool{both(in, pools)}
		for _, p := range pools {
			if !slices.ContainsFunc(pair(pools), func(q snapshot.Pool) bool { return q.Ref == p.Ref }) {
				merged = append(merged, p.Pool)
			}
		}
		return "# in place of address-pools:\n" + strings.TrimSuffix(metallb.ConfigInline(merged), "\n")
	}
	return converted(in, pools, true)
}

// mergeCustom deletes before it applies: MetalLB's webhook refuses a pool that
// overlaps another one. What is left is an IPAddressPool.
func mergeCustom(in *checks.Input, pools []snapshot.Pool) string {
	var commands []string
	chosen := pair(pools)
	for i, p := range chosen {
		if i > 0 || p.AnnouncesItself() {
			commands = append(commands, checks.DeletePool(p))
		}
	}
	merged := chosen[0]
	merged.Pool = both(in, pools)
	return strings.Join(append(commands, checks.Apply(manifests(merged, merged.Namespace)...)), "\n")
}
