package main

import (
	"fmt"
	"math/big"
	"net"

	"k8s.io/kubernetes/pkg/registry/core/service/ipallocator"
)

// allocating is what both allocators are.
type allocating interface {
	ipallocator.Interface
	Free() int
}

// few is how many addresses are taken one by one to see how many there are.
const few = 70

// allocator is what the allocator of r says and does: FREE:TAKEN:BITS. FREE is its
// own count, TAKEN how many addresses it gives up to few, and BITS whether it
// would give the first three and the last three addresses of the range.
func allocator(r *net.IPNet) string {
	a, err := newAllocator(r)
	if err != nil {
		return "no-allocator"
	}
	free, bits := a.Free(), ""
	for _, offset := range offsets(r) {
		bits += sign(a.DryRun().Allocate(at(r, offset)) == nil)
	}
	taken := 0
	for taken < few {
		if _, err := a.AllocateNext(); err != nil {
			break
		}
		taken++
	}
	return fmt.Sprintf("%d:%d:%s", free, taken, bits)
}

// offsets is where the first three and the last three addresses of r are.
func offsets(r *net.IPNet) []*big.Int {
	ones, bits := r.Mask.Size()
	size := new(big.Int).Lsh(big.NewInt(1), uint(bits-ones))
	var found []*big.Int
	for _, n := range []int64{0, 1, 2} {
		found = append(found, big.NewInt(n))
	}
	for _, n := range []int64{3, 2, 1} {
		found = append(found, new(big.Int).Sub(size, big.NewInt(n)))
	}
	return found
}

// at is the address of r at this offset; nil when that is no address.
func at(r *net.IPNet, offset *big.Int) net.IP {
	base := r.IP.To4()
	if base == nil {
		base = r.IP
	}
	sum := new(big.Int).Add(new(big.Int).SetBytes(base), offset)
	if sum.Sign() < 0 || sum.BitLen() > 8*len(base) {
		return nil
	}
	return sum.FillBytes(make([]byte, len(base)))
}
