//go:build !before_1_20

package main

import (
	"fmt"
	"math/big"
	"net/netip"

	"github.com/cilium/cilium/operator/pkg/ipam/allocator/clusterpool/cidralloc"
	"github.com/cilium/cilium/pkg/ipam/cidrset"
	"github.com/cilium/cilium/pkg/ipam/service/ipallocator"
)

// judge is BLOCKS of the operator, or "refused", and what block has of the agent.
func judge(v6 bool, pods string, mask int) (operator, agent string) {
	sets, err := cidralloc.NewCIDRSets(v6, []string{pods}, mask)
	if err != nil {
		return "refused", "none"
	}
	block, err := sets[0].AllocateNext()
	if err != nil {
		return "0", "none"
	}
	return fmt.Sprint(cidrset.OracleCount(sets[0].(*cidrset.CidrSet))), addresses(block)
}

// addresses is FREE:TAKEN:BITS of a block, as for a Service range.
func addresses(block netip.Prefix) string {
	r := ipallocator.NewCIDRRange(block)
	free, bits := r.Free(), ""
	for _, offset := range offsets(block.Bits(), block.Addr().BitLen()) {
		a, ok := at(block.Addr(), offset)
		bits += sign(ok && r.Allocate(a) == nil)
		r.Release(a)
	}
	taken := 0
	for taken < few {
		if _, err := r.AllocateNext(); err != nil {
			break
		}
		taken++
	}
	return fmt.Sprintf("%d:%d:%s", free, taken, bits)
}

func at(base netip.Addr, offset *big.Int) (netip.Addr, bool) {
	bytes := shifted(base.AsSlice(), offset)
	return netip.AddrFromSlice(bytes)
}
