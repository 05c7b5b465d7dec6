package plan_test

import (
	"fmt"
	"math/big"
	"net/netip"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
)

// ciliumClusterPool is, for each pod range, how many blocks Cilium's operator has,
// or "refused". It has the rule of kube-controller-manager, but starts with a range
// that is smaller than a block.
func ciliumClusterPool(j judged) string {
	return j.eachPodRange(func(f ipfam.Family, r netip.Prefix, mask int) string {
		blocks := plan.Blocks(r, mask)
		if blocks > 0 && j.refuses("spec.pods.nodeMask."+strings.ToLower(f.String()), plan.NodeMaskSize) {
			return "refused"
		}
		return fmt.Sprint(blocks)
	})
}

// ciliumPodAddresses is what an agent has of its node's block, as the allocators of
// Services say it, or "none" where there is no block.
func ciliumPodAddresses(j judged) string {
	text := j.eachPodRange(func(f ipfam.Family, r netip.Prefix, mask int) string {
		if plan.NodeMaskLimit(r, mask) != "" {
			return "none"
		}
		n := plan.PodAddresses(f, mask, j.version)
		first := big.NewInt(1)
		if mask >= f.Bits()-1 {
			first = big.NewInt(0) // the whole of a small block, or nothing of it
		}
		end, bits := new(big.Int).Add(first, new(big.Int).SetUint64(n)), ""
		for _, offset := range edges(netip.PrefixFrom(r.Addr(), mask)) {
			bits += sign(offset.Cmp(first) >= 0 && offset.Cmp(end) < 0)
		}
		return fmt.Sprintf("%d:%d:%s", n, min(n, 70), bits)
	})
	return strings.ReplaceAll(text, "refused", "none")
}

// eachPodRange is what a program says of each pod range; "refused" for one that
// cannot be read.
func (j judged) eachPodRange(say func(f ipfam.Family, r netip.Prefix, mask int) string) string {
	var words []string
	for i, f := range j.inOrder() {
		switch {
		case j.plan == nil && (j.refuses("spec.pods."+j.Families[i]) || j.refuses("spec.pods.nodeMask."+j.Families[i])):
			words = append(words, "refused")
		case j.plan == nil:
			words = append(words, "?")
		default:
			words = append(words, say(f, j.plan.Pods.Prefixes.Of(f).Masked(), j.plan.NodeMask(f)))
		}
	}
	return strings.Join(words, " ")
}
