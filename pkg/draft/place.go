package draft

import (
	"fmt"
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
)

// space is a prefix that ranges are drawn from.
type space struct {
	prefix netip.Prefix
	spare  []netip.Prefix // parts of it that are left alone here
}

// docker0 and dockers are what Docker gives its bridges unless it is told
// otherwise: 172.17.0.0/16 is that of docker0 on every host with Docker.
// Source: moby, libnetwork/ipamutils: 172.17.0.0/16 to 172.31.0.0/16, then
// 192.168.0.0/16 in parts of /20.
var (
	docker0 = netip.MustParsePrefix("172.17.0.0/16")
	dockers = netip.MustParsePrefix("172.16.0.0/12")
)

// privateSpaces is where IPv4 ranges come out of, the best first: 10.0.0.0/8 as
// long as it has room; of 172.16.0.0/12 what Docker leaves, and the rest but
// docker0's when all else is taken; 192.168.0.0/16, which is what LANs have; and at
// last what is shared with providers (RFC 6598).
var privateSpaces = []space{
	{prefix: netip.MustParsePrefix("10.0.0.0/8")},
	{prefix: netip.MustParsePrefix("172.16.0.0/16")},
	{prefix: netip.MustParsePrefix("192.168.0.0/16")},
	{prefix: dockers, spare: []netip.Prefix{docker0}},
	{prefix: netip.MustParsePrefix("100.64.0.0/10")},
	{prefix: dockers},
}

// Where the search begins, so that the usual range is found when it is free:
// kubeadm's examples and flannel have the pods in 10.244.0.0/16, kubeadm the
// Services in 10.96.0.0/12. In IPv6 the group after the /64 says what a range is
// for, and keeps it from the first addresses of the /64, which are its routers'.
var (
	podHint4     = netip.MustParseAddr("10.244.0.0")
	serviceHint4 = netip.MustParseAddr("10.96.0.0")
)

// spaces is where ranges of family f come out of.
func (w *work) spaces(f ipfam.Family) []space {
	if f == ipfam.V4 {
		return privateSpaces
	}
	if !w.block.IsValid() {
		return nil
	}
	return []space{{prefix: w.block}}
}

// hints is where the search for pods, Services and a pool begins in family f.
func (w *work) hints(f ipfam.Family) (pods, services, pool netip.Addr) {
	if f == ipfam.V4 {
		return podHint4, serviceHint4, serviceHint4
	}
	if !w.block.IsValid() || w.block.Bits() != blockBits {
		return
	}
	group := func(n byte) netip.Addr {
		a := w.block.Addr().As16()
		a[8], a[9], a[11] = 0xca, 0xfe, n
		return netip.AddrFrom16(a)
	}
	return group(0), group(1), group(2)
}

// taken is what ranges of pods and Services are to keep clear of.
func (w *work) taken() []netipx.IPRange {
	d := w.demand
	rs := rangesOf(d.LAN.V4, d.LAN.V6, w.plan.LAN.Prefixes.V4, w.plan.LAN.Prefixes.V6)
	rs = append(rs, rangesOf(d.Avoid...)...)
	rs = append(rs, d.Reserved...)
	return append(rs, d.Pool...)
}

// ranges finds the pods' and the Services' range of family f, and that of load
// balancers that are announced by BGP. Of all sizes that fit the demand it takes the
// roomiest pod range that leaves room for the others, and then the roomiest Service
// range.
func (w *work) ranges(f ipfam.Family) {
	pods, services := w.podSizes(f), w.serviceSizes(f)
	if f == ipfam.V6 && !w.block.IsValid() || len(pods) == 0 || len(services) == 0 {
		return
	}
	taken := w.taken()
	podHint, _, _ := w.hints(f)
	for _, size := range pods {
		pod, ok := w.find(f, size.bits, podHint, taken)
		if !ok {
			continue
		}
		*w.plan.Pods.Prefixes.At(f), *w.plan.Pods.NodeMask.At(f) = pod, size.mask
		for _, bits := range services {
			if w.beside(f, bits, append(slices.Clone(taken), netipx.RangeOfPrefix(pod))) {
				return
			}
		}
	}
	*w.plan.Pods.Prefixes.At(f), *w.plan.Pods.NodeMask.At(f) = noPrefix, 0
	w.refuseRanges(f, pods[len(pods)-1], services[len(services)-1], taken)
}

// beside is whether there is a Service range of the length bits, and one for load
// balancers where they need it, beside what is taken; they are the plan's then.
func (w *work) beside(f ipfam.Family, bits int, taken []netipx.IPRange) bool {
	_, serviceHint, poolHint := w.hints(f)
	services, ok := w.find(f, bits, serviceHint, taken)
	if !ok {
		return false
	}
	if n := w.poolBits(f); n > 0 {
		pool, ok := w.find(f, n, poolHint, append(taken, netipx.RangeOfPrefix(services)))
		if !ok {
			return false
		}
		*w.ownPool.At(f) = pool
	}
	*w.plan.Services.At(f) = services
	return true
}

// find is the first free prefix of the length bits in the spaces of f.
func (w *work) find(f ipfam.Family, bits int, hint netip.Addr, taken []netipx.IPRange) (netip.Prefix, bool) {
	for _, s := range w.spaces(f) {
		if p, ok := firstFree(s.prefix, bits, hint, append(slices.Clone(taken), rangesOf(s.spare...)...)); ok {
			return p, true
		}
	}
	return netip.Prefix{}, false
}

// refuseRanges says what of the smallest ranges of family f that fit the demand has
// no place.
func (w *work) refuseRanges(f ipfam.Family, pods podSize, bits int, taken []netipx.IPRange) {
	d := w.demand
	widest, found := netip.Prefix{}, false
	for length := range f.Bits() {
		if widest, found = w.find(f, length, netip.Addr{}, taken); found {
			break
		}
	}
	where := "of the private ranges"
	if f == ipfam.V6 {
		where = "in " + w.block.String()
	}
	if !found {
		w.refuse(Refusal{Flag: "--avoid", Family: f, field: "spec.pods", Message: fmt.Sprintf("nothing %s is free for the pods and Services of %s", where, f)})
		return
	}
	needs := fmt.Sprintf("%s nodes with %s pods on each need an %s range of /%d, with a block of /%d for each node and a fifth to spare",
		number(d.Nodes), number(d.PodsPerNode), f, pods.bits, pods.mask)
	if pods.bits < widest.Bits() {
		most := plan.Blocks(widest, pods.mask)
		w.refuse(Refusal{Flag: "--nodes", Family: f, field: "spec.pods",
			Message: fmt.Sprintf("%s; the widest that is free %s is %s, which has %s such blocks", needs, where, widest, number(most))})
		return
	}
	beside := fmt.Sprintf("%s Services one of /%d", number(d.Services), bits)
	if n := w.poolBits(f); n > 0 {
		beside += fmt.Sprintf(" and %s load balancers one of /%d", number(w.loadBalancers()), n)
	}
	w.refuse(Refusal{Flag: "--nodes", Family: f, field: "spec.services",
		Message: fmt.Sprintf("%s, and %s beside it; the widest that is free %s is %s", needs, beside, where, widest)})
}
