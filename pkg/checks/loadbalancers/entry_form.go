package loadbalancers

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
)

// entryForm is how an entry that MetalLB refuses is to be written, as far as what
// stands there tells what was meant.
func entryForm(text string) string {
	trimmed := strings.TrimSpace(text)
	if _, err := netip.ParsePrefix(trimmed); err == nil {
		return fmt.Sprintf("%q", trimmed)
	}
	if a, err := netip.ParseAddr(trimmed); err == nil && a.Zone() == "" {
		return fmt.Sprintf("\"%s/%d\"", a, ipfam.Of(a).Bits())
	}
	from, to, _ := strings.Cut(trimmed, "-")
	a, errA := netip.ParseAddr(strings.TrimSpace(from))
	b, errB := netip.ParseAddr(strings.TrimSpace(to))
	if errA == nil && errB == nil && ipfam.Of(a) == ipfam.Of(b) && b.Less(a) {
		return fmt.Sprintf("\"%s-%s\"", b, a)
	}
	if errA == nil && errB == nil && ipfam.Of(a) != ipfam.Of(b) {
		return fmt.Sprintf("two entries, one that begins with %s and one that ends with %s, each FROM-TO of one family", a, b)
	}
	return "PREFIX/LENGTH or FROM-TO"
}
