package metallb

import (
	"math"
	"net/netip"

	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
)

// Capacity is the number of addresses of family f that the pool can give out, at
// most math.MaxUint64. With avoidBuggyIPs it is without those that end in .0 or
// .255, each counted once: MetalLB's own metric counts one less for a range that
// begins at .255 or ends at .0 (metallb v0.16.2, internal/allocator/stats.go).
func (p Pool) Capacity(f ipfam.Family) uint64 {
	var total uint64
	for _, a := range p.Of(f) {
		n := plan.Count(a.Range)
		if p.AvoidBuggyIPs && f == ipfam.V4 {
			n -= buggyIn(a.Range)
		}
		if total+n < total {
			return math.MaxUint64
		}
		total += n
	}
	return total
}

// buggyIn is how many addresses of an IPv4 range end in .0 or .255.
func buggyIn(r netipx.IPRange) uint64 {
	from, to := number(r.From()), number(r.To())
	ending := func(last uint64) uint64 {
		upTo := func(n uint64) uint64 { return (n + 256 - last) / 256 } // how many of 0…n end so
		if from == 0 {
			return upTo(to)
		}
		return upTo(to) - upTo(from-1)
	}
	return ending(0) + ending(255)
}

func number(a netip.Addr) uint64 {
	b := a.Unmap().As4()
	return uint64(b[0])<<24 | uint64(b[1])<<16 | uint64(b[2])<<8 | uint64(b[3])
}
