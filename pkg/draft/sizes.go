package draft

import (
	"fmt"
	"net/netip"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
)

// Sizes that everybody has: a /24 for the pods of a node and a /16 for all of
// them, a /16 for the Services. In IPv6 the same number of nodes would do, but a /96
// with blocks of /112 is the most that Kubernetes cuts, and costs nothing.
var (
	usualPodBits  = ipfam.Pair[int]{V4: 8, V6: 16} // host bits of a node's block
	usualNodeBits = ipfam.Pair[int]{V4: 8, V6: maxNodeBits}
)

const usualServiceBits = 16

// maxNodeBits is how many bits longer than the pod range a node's block may be: in
// IPv6 for kube-controller-manager and Cilium, in both families for kubeadm. See
// plan.NodeMaskLimit and plan.KubeadmNodeMaskLimit.
const maxNodeBits = 16

// podSize is a way to cut a pod range.
type podSize struct {
	mask int // the length of a node's block
	bits int // the length of the range
}

// podSizes is the ways to cut a pod range of family f that fit the demand, the
// roomiest first. It is empty, after a refusal, when there is none.
func (w *work) podSizes(f ipfam.Family) (sizes []podSize) {
	d := w.demand
	hostBits := leastBits(f.Bits()-1, d.PodsPerNode, func(bits int) uint64 { return plan.PodAddresses(f, f.Bits()-bits, d.Versions.Cilium) })
	nodeBits := leastBits(maxNodeBits, d.Nodes, func(bits int) uint64 { return 1 << bits })
	if nodeBits < 0 {
		w.refuse(Refusal{Flag: "--nodes", Family: f, field: "spec.expect.nodes",
			Message: fmt.Sprintf("%s nodes need more than 2^%d blocks of an %s range, which is the most that Kubernetes cuts out of one", number(d.Nodes), maxNodeBits, f)})
	}
	if hostBits < 0 || hostBits > 63 {
		w.refuse(Refusal{Flag: "--pods-per-node", Family: f, field: "spec.expect.podsPerNode",
			Message: fmt.Sprintf("%s pods on a node are more than a block of %s addresses can have", number(d.PodsPerNode), f)})
	}
	if nodeBits < 0 || hostBits < 0 || hostBits > 63 {
		return nil
	}
	most := max(hostBits, usualPodBits.Of(f))
	if mask := d.NodeMask.Of(f); mask != 0 {
		if f.Bits()-mask < hostBits {
			w.refuse(Refusal{Flag: maskFlag(f), Family: f, field: "spec.pods.nodeMask",
				Message: fmt.Sprintf("a block of /%d has %d addresses for %s pods on a node, with a fifth to spare it takes /%d",
					mask, plan.PodAddresses(f, mask, d.Versions.Cilium), number(d.PodsPerNode), f.Bits()-hostBits)})
			return nil
		}
		hostBits, most = f.Bits()-mask, f.Bits()-mask
	}
	for host := most; host >= hostBits; host-- {
		for node := max(nodeBits, usualNodeBits.Of(f)); node >= nodeBits; node-- {
			if host+node < f.Bits() {
				sizes = append(sizes, podSize{mask: f.Bits() - host, bits: f.Bits() - host - node})
			}
		}
	}
	if len(sizes) == 0 {
		sizes = append(sizes, podSize{mask: f.Bits() - hostBits, bits: 0}) // fits nowhere, which is then said
	}
	return sizes
}

// serviceSizes is the lengths of a Service range that fit the demand, the roomiest
// first: kubeadm takes 4 to 20 host bits.
func (w *work) serviceSizes(f ipfam.Family) (sizes []int) {
	d := w.demand
	shortest, longest := plan.KubeadmServiceBits(f)
	room := func(bits int) uint64 {
		return plan.ServiceAddresses(netip.PrefixFrom(unspecified(f), f.Bits()-bits), d.Versions.Kubernetes)
	}
	least := leastBits(f.Bits()-shortest, d.Services, room)
	if least < 0 {
		why := fmt.Sprintf("and is the widest %s range that kubeadm takes", f)
		if f == ipfam.V6 && d.Versions.Kubernetes.Before(plan.ServiceCIDRsFrom) {
			why = fmt.Sprintf("which is all that kube-apiserver before %s gives out of an IPv6 range", plan.ServiceCIDRsFrom)
		}
		w.refuse(Refusal{Flag: "--services", Family: f, field: "spec.expect.services",
			Message: fmt.Sprintf("%s Services do not fit into a /%d with a fifth to spare: it has %s addresses, %s",
				number(d.Services), shortest, number(room(f.Bits()-shortest)), why)})
		return []int{longest} // to see whether the pods have a place
	}
	least = max(least, f.Bits()-longest)
	for bits := max(usualServiceBits, least); bits >= least; bits-- {
		sizes = append(sizes, f.Bits()-bits)
	}
	return sizes
}

// leastBits is the fewest bits that have room for n and a fifth to spare, as
// plan.Validate counts it; -1 when most are not enough.
func leastBits(most, n int, room func(bits int) uint64) int {
	for bits := 0; bits <= most; bits++ {
		if has := room(bits); has >= uint64(n) && !plan.Scarce(uint64(n), has) {
			return bits
		}
	}
	return -1
}

func unspecified(f ipfam.Family) netip.Addr {
	if f == ipfam.V4 {
		return netip.IPv4Unspecified()
	}
	return netip.IPv6Unspecified()
}
