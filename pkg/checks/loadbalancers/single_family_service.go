package loadbalancers

import (
	"fmt"
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var singleFamilyService = &checks.Check{
	ID:       "DS513",
	Name:     "single-family-service-of-dual-pool",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "no PreferDualStack Service that has one ClusterIP gets its address from a pool of both families",
		Why: `In a cluster of one Service range a PreferDualStack Service has one ClusterIP, and it
keeps the one when the cluster comes to have a second range. MetalLB goes by the policy when it looks for a second address, and by the ClusterIP
when it looks whether the addresses fit: it adds the second, takes both back and
begins anew, at every reconcile. Charts that prefer both families by default meet
this, Traefik's in k3s among them.`,
		Fix:    "Where the cluster has both families, name them in .spec.ipFamilies. Otherwise set the Service's policy to SingleStack, or take the other family out of the pool.",
		Holds:  "MetalLB 0.14.9 to 0.16",
		Since:  "0.1",
		Refs:   []string{"metallb v0.16.2 internal/allocator/allocator.go AllocateFromPoolForAdditionalFamily", "https://github.com/metallb/metallb/issues/2724", "https://github.com/k3s-io/k3s/issues/6978"},
		Covers: []string{"LB-01"},
	},
	Needs: []snapshot.Kind{snapshot.MetalLBPools, snapshot.Services},
	Uses:  slices.Concat([]snapshot.Kind{snapshot.MetalLBSetup}, snapshot.ClaimKinds[plan.Services]),
	Run: func(in *checks.Input) (fs []checks.Finding) {
		v, _ := in.MetalLBVersion()
		if v.Before(metallb.PreferOne) {
			return nil
		}
		dual := in.Families(plan.Services).Dual()
		pools := in.PoolsInForce()
		for _, s := range in.Services() {
			if !in.MetalLBTakes(s) || s.Policy != "PreferDualStack" || len(s.ClusterIPs) != 1 {
				continue
			}
			name := poolOf(in, s, pools)
			i := slices.IndexFunc(pools, func(p snapshot.Pool) bool { return p.Ref.Name == name && p.Families().Dual() })
			if i < 0 {
				continue
			}
			has, _ := s.Has().Single()
			patch := `{"spec":{"ipFamilyPolicy":"SingleStack"}}`
			if dual {
				patch = fmt.Sprintf(`{"spec":{"ipFamilies":[%q,%q]}}`, has, has.Other())
			}
			fs = append(fs, checks.Finding{
				Object: s.Ref, Field: ".spec.ipFamilyPolicy",
				Message: fmt.Sprintf("prefers both families, has an %s ClusterIP only, and pool %s holds both: MetalLB %s and later adds an %s address and takes both back, again and again",
					has, name, metallb.PreferOne, has.Other()),
				Fix: checks.Patch(s.Ref, patch),
			})
		}
		return fs
	},
}

// poolOf is the pool that the Service's addresses are from or, without any, would be.
func poolOf(in *checks.Input, s snapshot.Service, pools []snapshot.Pool) string {
	plain := checks.PlainPools(pools)
	if len(s.Ingress) > 0 {
		name, _ := metallb.Owner(plain, s.Ingress)
		return name
	}
	v, _ := in.MetalLBVersion()
	return metallb.Predict(in.AsMetalLB(s), plain, nil, v).Pool
}
