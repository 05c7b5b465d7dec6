//go:build !before_0_15

package main

import (
	v1 "k8s.io/api/core/v1"

	"go.universe.tf/metallb/internal/allocator"
	"go.universe.tf/metallb/internal/config"
	"go.universe.tf/metallb/internal/ipfamily"
)

type pools = *config.Pools

type giver struct{ *allocator.Allocator }

func newAllocator(p pools) giver {
	a := allocator.New(func(string) {})
	a.SetPools(p)
	return giver{a}
}

// given is what a Service gets that wants these families, which gives it back.
func (g giver) given(pool string, f ipfamily.Family) string {
	policy, families := v1.IPFamilyPolicySingleStack, []v1.IPFamily{v1.IPv4Protocol}
	switch f {
	case ipfamily.IPv6:
		families = []v1.IPFamily{v1.IPv6Protocol}
	case ipfamily.DualStack:
		policy, families = v1.IPFamilyPolicyRequireDualStack, []v1.IPFamily{v1.IPv4Protocol, v1.IPv6Protocol}
	}
	svc := &v1.Service{Spec: v1.ServiceSpec{Type: v1.ServiceTypeLoadBalancer, IPFamilyPolicy: &policy, IPFamilies: families}}
	addrs, err := g.AllocateFromPool("web", svc, f, pool, nil, "", "")
	g.Unassign("web")
	return given(addrs, err)
}

func count(p pools, name string) int64 { return allocator.OracleCount(p.ByName[name]) }
