//go:build before_1_20

package main

import (
	"fmt"
	"net"

	"github.com/cilium/cilium/pkg/ipam/allocator/clusterpool/cidralloc"
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
func addresses(block *net.IPNet) string {
	r := ipallocator.NewCIDRRange(block)
	free, bits := r.Free(), ""
	ones, whole := block.Mask.Size()
	for _, offset := range offsets(ones, whole) {
		a := net.IP(shifted(block.IP, offset))
		bits += sign(a != nil && r.Allocate(a) == nil)
		if a != nil {
			r.Release(a)
		}
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
