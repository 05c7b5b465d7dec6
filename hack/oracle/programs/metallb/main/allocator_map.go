//go:build before_0_15

package main

import (
	"go.universe.tf/metallb/internal/allocator"
	"go.universe.tf/metallb/internal/config"
	"go.universe.tf/metallb/internal/ipfamily"
)

type pools = map[string]*config.Pool

type giver struct{ *allocator.Allocator }

func newAllocator(p pools) giver {
	a := allocator.New()
	if err := a.SetPools(p); err != nil {
		panic(err) // nothing was given yet
	}
	return giver{a}
}

// given is what a Service gets that wants these families, which gives it back.
func (g giver) given(pool string, f ipfamily.Family) string {
	addrs, err := g.AllocateFromPool("web", f, pool, nil, "", "")
	g.Unassign("web")
	return given(addrs, err)
}

func count(p pools, name string) int64 { return allocator.OracleCount(p[name]) }
