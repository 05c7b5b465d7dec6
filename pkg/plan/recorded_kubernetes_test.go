package plan_test

import (
	"fmt"
	"math/big"
	"net/netip"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
)

// kubeadm is a sign for the Service subnet and one for the pod subnet.
func kubeadm(j judged) string {
	return j.verdict("spec.services", plan.ServiceSize, plan.KubeadmSize) +
		j.verdict("spec.pods", plan.NodeMaskSize, plan.KubeadmSize)
}

func apiServer(j judged) string { return j.verdict("spec.services", plan.ServiceSize) }

// serviceAllocators is FREE:TAKEN:BITS of each range: how many addresses there
// are, how many of them were taken, up to 70, and whether the first three and the
// last three of the range are among them.
func serviceAllocators(j judged) string {
	switch apiServer(j) {
	case "-":
		return "refused"
	case "?":
		return "?"
	}
	var verdicts []string
	for _, f := range j.inOrder() {
		r := j.plan.Services.Of(f)
		n := plan.ServiceAddresses(r, j.version)
		bits := ""
		for _, offset := range edges(r) {
			in := offset.Sign() > 0 && offset.Cmp(new(big.Int).SetUint64(n)) <= 0
			bits += sign(in)
		}
		verdicts = append(verdicts, fmt.Sprintf("%d:%d:%s", asInt(n), min(n, 70), bits))
	}
	return strings.Join(verdicts, " ")
}

// edges is where the first three and the last three addresses of r are.
func edges(r netip.Prefix) []*big.Int {
	size := new(big.Int).Lsh(big.NewInt(1), uint(r.Addr().BitLen()-r.Bits()))
	found := []*big.Int{big.NewInt(0), big.NewInt(1), big.NewInt(2)}
	for _, n := range []int64{3, 2, 1} {
		found = append(found, new(big.Int).Sub(size, big.NewInt(n)))
	}
	return found
}

// controllerManager is BLOCKS:LEFT:LAST of each range: the blocks, those without
// an address of the Services, and how far the last is from the first.
func controllerManager(j judged) string {
	switch j.verdict("spec.pods", plan.NodeMaskSize) {
	case "-":
		return "refused"
	case "?":
		return "?"
	}
	var verdicts []string
	for _, f := range j.inOrder() {
		r, mask := j.plan.Pods.Prefixes.Of(f).Masked(), j.plan.NodeMask(f)
		all := plan.Blocks(r, mask)
		left := all - lost(r, j.plan.Services.Of(f).Masked(), mask)
		if left < all && !j.conflicts(f, left == 0) {
			return "ours says nothing of the overlap"
		}
		last := new(big.Int).Lsh(new(big.Int).SetUint64(all-1), uint(f.Bits()-mask))
		zeros := last.TrailingZeroBits()
		verdicts = append(verdicts, fmt.Sprintf("%d:%d:%X.%d", all, left, last.Rsh(last, zeros), zeros))
	}
	return strings.Join(verdicts, " ")
}

// lost is how many blocks of mask of the pod range hold addresses of services.
func lost(pods, services netip.Prefix, mask int) uint64 {
	switch {
	case !pods.Overlaps(services):
		return 0
	case services.Bits() <= pods.Bits():
		return plan.Blocks(pods, mask)
	case services.Bits() >= mask:
		return 1
	}
	return plan.Blocks(services, mask)
}

// conflicts reports whether Validate says of family f that pods and Services share
// addresses, as an error when no block is left.
func (j judged) conflicts(f ipfam.Family, none bool) bool {
	for _, p := range j.problems {
		if p.Rule == plan.Disjoint && strings.HasSuffix(p.Field, strings.ToLower(f.String())) &&
			(!none || p.Severity == severity.Error) {
			return true
		}
	}
	return false
}

// apiObjects is a sign for a ServiceCIDR of the Service ranges, and one for an
// IPAddress of the address in each.
func apiObjects(j judged) string {
	text := j.verdict("spec.services", plan.HostBits)
	for _, r := range j.Services {
		address, _, _ := strings.Cut(r, "/")
		a, err := netip.ParseAddr(address)
		text += sign(err == nil && a.Zone() == "")
	}
	return text
}
