package plan

import (
	"fmt"
	"net/netip"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// ServiceSizeFix is what to write for the Service range r so that kube-apiserver
// of version v takes it, and kubeadm too.
func ServiceSizeFix(r netip.Prefix, v release.Version) string {
	shortest, longest := ServiceBits(ipfam.OfPrefix(r), v)
	widest, smallest := KubeadmServiceBits(ipfam.OfPrefix(r))
	return lengthFix(r, max(shortest, widest), min(longest, smallest))
}

// lengthFix is r, lengthened or shortened as little as it takes.
func lengthFix(r netip.Prefix, shortest, longest int) string {
	return fmt.Sprintf("write %s (/%d to /%d are taken)", resized(r, shortest, longest), shortest, longest)
}

// NodeMaskFix is what to write when kube-controller-manager does not take the
// node mask for the pod range r: a mask that it takes, or the length of a range
// for which it takes the mask.
func NodeMaskFix(r netip.Prefix, mask int) string {
	shortest, longest := NodeMasks(r)
	fix := fmt.Sprintf("write a node mask of /%d (/%d to /%d are taken)", LegalNodeMask(r, mask), shortest, longest)
	if mask > longest && mask <= r.Addr().BitLen() {
		fix += fmt.Sprintf(", or a pod range of /%d to /%d", mask-maxBlockBits, mask)
	}
	return fix
}

// defaultPodBits is the host bits of the smallest block with room for the 110 pods
// that kubelet runs unless it is told otherwise.
const defaultPodBits = 7

// LegalNodeMask is mask or, when kube-controller-manager or kubeadm does not take
// it for the pod range r, the mask of the most nodes: with room for 110 pods on
// each where that can be.
func LegalNodeMask(r netip.Prefix, mask int) int {
	longest := min(r.Bits()+maxBlockBits, r.Addr().BitLen())
	switch {
	case mask > longest:
		return longest
	case mask < r.Bits():
		return min(longest, max(r.Bits(), r.Addr().BitLen()-defaultPodBits))
	}
	return mask
}

func kubeadmPodFix(r netip.Prefix, mask int) string {
	if r.Bits() < minCountedBits {
		return fmt.Sprintf("write %s", resized(r, minCountedBits, r.Addr().BitLen()))
	}
	if mask-r.Bits() > maxBlockBits {
		return fmt.Sprintf("write a node mask of /%d (/%d to /%d are taken)", r.Bits()+maxBlockBits, r.Bits(), r.Bits()+maxBlockBits)
	}
	return fmt.Sprintf("write %s", PodLength(r, r.Addr().BitLen()-4)) // minKubeadmPodAddresses
}

// ServiceLength is the Service range r, lengthened or shortened as little as it
// takes for kube-apiserver of version v and for kubeadm.
func ServiceLength(r netip.Prefix, v release.Version) netip.Prefix {
	shortest, longest := ServiceBits(ipfam.OfPrefix(r), v)
	widest, smallest := KubeadmServiceBits(ipfam.OfPrefix(r))
	return resized(r, max(shortest, widest), min(longest, smallest))
}

// PodLength is the pod range r, lengthened or shortened as little as it takes for
// kubeadm to cut blocks of mask out of it.
func PodLength(r netip.Prefix, mask int) netip.Prefix {
	return resized(r, mask-maxBlockBits, mask)
}

// Shorter is the prefix around r that is bits shorter.
func Shorter(r netip.Prefix, bits int) netip.Prefix { return resized(r, 0, r.Bits()-bits) }

func resized(r netip.Prefix, shortest, longest int) netip.Prefix {
	return netip.PrefixFrom(r.Addr(), max(min(max(r.Bits(), shortest), longest), 0)).Masked()
}
