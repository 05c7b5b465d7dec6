package plan

import (
	"fmt"
	"math"
	"net/netip"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// LatestKubernetes is the newest release whose rules this package knows, and the
// one that a cluster of unknown version is judged by.
var LatestKubernetes = release.V(1, 37)

// maxServiceHostBits is the largest Service range, in host bits, that
// kube-apiserver takes for either family: a /12 or a /108. The check is in force
// through 1.33; from 1.34 on it is off with the default feature gates. kubeadm
// keeps it in 1.37.
// Source: kubernetes v1.37.2, cmd/kube-apiserver/app/options/validation.go and
// cmd/kubeadm/app/apis/kubeadm/validation/validation.go.
const maxServiceHostBits = 20

// minServiceBits6 is the shortest IPv6 Service range out of which the allocator
// of 1.33 and later gives addresses. The API server only logs that it cannot.
// Source: kubernetes v1.37.2, pkg/registry/core/service/ipallocator/ipallocator.go.
const minServiceBits6 = 64

// minServiceAddresses is the smallest primary Service range that kube-apiserver
// takes. Source: kubernetes v1.37.2,
// pkg/controlplane/apiserver/options/options.go ServiceIPRange.
const minServiceAddresses = 8

// What kubeadm wants at least of a Service and of a pod range, of each family.
// Source: kubernetes v1.37.2, cmd/kubeadm/app/constants/constants.go.
const (
	minKubeadmServiceAddresses = 10 // the tenth is the DNS Service's
	minKubeadmPodAddresses     = 14
)

// maxBitmapAddresses6 is how much of an IPv6 Service range the allocator before
// ServiceCIDRsFrom looks at, whatever its length.
// Source: kubernetes v1.37.2, pkg/registry/core/service/ipallocator/bitmap.go New.
const maxBitmapAddresses6 = 65536

// maxBlockBits is how many bits longer than the IPv6 pod range a node's block
// may be, in kube-controller-manager and, copied from there, in Cilium's
// operator. kubeadm applies it to both families.
// Source: kubernetes v1.37.2, pkg/controller/nodeipam/ipam/cidrset/cidr_set.go;
// cilium v1.20.2, pkg/ipam/cidrset/cidr_set.go.
const maxBlockBits = 16

// DefaultNodeMask is the size of a node's block when kube-controller-manager is
// not told. Source: kubernetes v1.37.2, cmd/kube-controller-manager/app/core.go.
var DefaultNodeMask = ipfam.Pair[int]{V4: 24, V6: 64}

// kubernetesWideServices is the first release whose API server takes a Service
// range of more than maxServiceHostBits.
var kubernetesWideServices = release.V(1, 34)

// ServiceCIDRsFrom is the first release that gives Service addresses out
// of ServiceCIDR objects rather than out of a bitmap.
var ServiceCIDRsFrom = release.V(1, 33)

func hostBits(p netip.Prefix) int { return p.Addr().BitLen() - p.Bits() }

// counted is the addresses of r as kubeadm and kube-apiserver count them: none in
// a /0 and a /1 of either family.
// Source: k8s.io/utils, net/net.go RangeSize.
func counted(r netip.Prefix) uint64 {
	if r.Bits() < minCountedBits {
		return 0
	}
	return size(r)
}

const minCountedBits = 2

// ServiceRangeLimit says what kube-apiserver of version v would not do with the
// Service range r because of its length: refuse it, or give no address out of it.
// It is empty when r is fine. An unknown v is judged as the strictest.
func ServiceRangeLimit(r netip.Prefix, v release.Version) string {
	switch bits := hostBits(r); {
	case !v.From(kubernetesWideServices) && bits > maxServiceHostBits:
		return fmt.Sprintf("%s has %d host bits; kube-apiserver before %s takes at most %d (/%d)",
			r, bits, kubernetesWideServices, maxServiceHostBits, r.Addr().BitLen()-maxServiceHostBits)
	case ipfam.OfPrefix(r) == ipfam.V6 && r.Bits() < minServiceBits6:
		return fmt.Sprintf("%s is shorter than /%d; kube-apiserver %s and later starts with it and gives no address out of it",
			r, minServiceBits6, ServiceCIDRsFrom)
	case ServiceAddresses(r, v) == 0:
		return fmt.Sprintf("%s has no address that kube-apiserver gives a Service", r)
	}
	return ""
}

// ServiceBits is the lengths from the widest to the smallest Service range of
// family f that kube-apiserver of version v takes and gives addresses out of.
func ServiceBits(f ipfam.Family, v release.Version) (shortest, longest int) {
	longest = f.Bits() - 3 // minServiceAddresses
	switch {
	case !v.From(kubernetesWideServices):
		return f.Bits() - maxServiceHostBits, longest
	case f == ipfam.V6:
		return minServiceBits6, longest
	}
	return minCountedBits, longest
}

// PrimaryServiceLimit says why kube-apiserver refuses the Service range r as its
// first one. Of the second it does not count the addresses.
func PrimaryServiceLimit(r netip.Prefix) string {
	switch n := counted(r); {
	case r.Bits() < minCountedBits:
		return fmt.Sprintf("%s is wider than a /%d; kube-apiserver counts no address in it, and wants at least %d in its first range",
			r, minCountedBits, minServiceAddresses)
	case n < minServiceAddresses:
		return fmt.Sprintf("%s has %d addresses; kube-apiserver wants at least %d in its first range", r, n, minServiceAddresses)
	}
	return ""
}

// KubeadmServiceLimit says why kubeadm refuses the Service range r; empty when
// it does not. It holds for kubeadm through 1.37.
func KubeadmServiceLimit(r netip.Prefix) string {
	if bits := hostBits(r); bits > maxServiceHostBits {
		return fmt.Sprintf("%s has %d host bits; kubeadm takes at most %d (/%d)",
			r, bits, maxServiceHostBits, r.Addr().BitLen()-maxServiceHostBits)
	}
	return tooFew(r, minKubeadmServiceAddresses)
}

// KubeadmPodLimit says why kubeadm refuses the pod range r, whatever the node
// mask; empty when it does not.
func KubeadmPodLimit(r netip.Prefix) string { return tooFew(r, minKubeadmPodAddresses) }

func tooFew(r netip.Prefix, least uint64) string {
	switch n := counted(r); {
	case r.Bits() < minCountedBits:
		return fmt.Sprintf("%s is wider than a /%d; kubeadm counts no address in it, and wants at least %d", r, minCountedBits, least)
	case n < least:
		return fmt.Sprintf("%s has %d addresses; kubeadm wants at least %d", r, n, least)
	}
	return ""
}

func size(r netip.Prefix) uint64 { return Blocks(r, r.Addr().BitLen()) }

// NodeMaskLimit says why kube-controller-manager does not start with the pod
// range r cut into blocks of mask; empty when it does. Cilium's operator has the
// same rule for IPv6, and for IPv4 never gives a block out of a range that is
// smaller than one. The limit of 16 bits is for IPv6 alone.
func NodeMaskLimit(r netip.Prefix, mask int) string {
	switch {
	case mask > r.Addr().BitLen():
		return fmt.Sprintf("node mask /%d is longer than an %s address", mask, ipfam.OfPrefix(r))
	case mask < r.Bits():
		return fmt.Sprintf("a node's block /%d is larger than the pod range %s", mask, r)
	case ipfam.OfPrefix(r) == ipfam.V6 && mask-r.Bits() > maxBlockBits:
		return fmt.Sprintf("node mask /%d is %d bits longer than the pod range %s; at most %d are taken (/%d to /%d)",
			mask, mask-r.Bits(), r, maxBlockBits, r.Bits(), r.Bits()+maxBlockBits)
	}
	return ""
}

// KubeadmNodeMaskLimit is NodeMaskLimit as kubeadm has it: the 16 bits hold for
// both families.
func KubeadmNodeMaskLimit(r netip.Prefix, mask int) string {
	if limit := NodeMaskLimit(r, mask); limit != "" {
		return limit
	}
	if mask-r.Bits() > maxBlockBits {
		return fmt.Sprintf("node mask /%d is %d bits longer than the pod range %s; kubeadm takes at most %d",
			mask, mask-r.Bits(), r, maxBlockBits)
	}
	return ""
}

// Blocks is the number of blocks of mask that r has, at most math.MaxUint64; it
// is 0 when a block is larger than r.
func Blocks(r netip.Prefix, mask int) uint64 {
	switch bits := mask - r.Bits(); {
	case bits < 0:
		return 0
	case bits > 63:
		return math.MaxUint64
	default:
		return 1 << bits
	}
}

// NodeMasks is the node masks that kube-controller-manager takes for the pod
// range r, from the shortest to the longest.
func NodeMasks(r netip.Prefix) (shortest, longest int) {
	if ipfam.OfPrefix(r) == ipfam.V6 {
		return r.Bits(), min(r.Bits()+maxBlockBits, r.Addr().BitLen())
	}
	return r.Bits(), r.Addr().BitLen()
}

// KubeadmServiceBits is the lengths from the widest to the smallest Service range
// of family f that kubeadm takes.
func KubeadmServiceBits(f ipfam.Family) (shortest, longest int) {
	return f.Bits() - maxServiceHostBits, f.Bits() - 4 // minKubeadmServiceAddresses
}
