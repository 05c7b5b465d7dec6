package metallb

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// Refusal is the words with which MetalLB of version v refuses an entry of a
// pool, and with it its whole configuration; it is empty when the entry is taken.
// Source: metallb v0.16.2, internal/config/config.go ParseCIDR.
func Refusal(text string, v release.Version) string {
	v = v.Or(Latest)
	from, to, isRange := strings.Cut(text, "-")
	if !isRange {
		if ParseAddresses(text).Err != "" {
			return fmt.Sprintf("invalid CIDR %q", text)
		}
		return ""
	}
	from, to = strings.TrimSpace(from), strings.TrimSpace(to)
	a, err := netip.ParseAddr(from)
	if err != nil || a.Zone() != "" {
		return fmt.Sprintf("invalid IP range %q: invalid start IP %q", text, from)
	}
	b, err := netip.ParseAddr(to)
	if err != nil || b.Zone() != "" {
		return fmt.Sprintf("invalid IP range %q: invalid end IP %q", text, to)
	}
	a, b = a.Unmap(), b.Unmap()
	switch {
	case ipfam.Of(a) != ipfam.Of(b) && v.From(RefusesMixedRanges):
		return fmt.Sprintf("invalid IP range %q: start and end IPs must be the same family", text)
	case after(a, b) && v.From(refusesReversed):
		return fmt.Sprintf("invalid IP range %q: start IP %q is after the end IP %q", text, from, to)
	}
	return ""
}

// after reports whether a is after b as MetalLB has it, to which IPv4 addresses are
// IPv4-mapped ones: nearly every IPv6 address is after them.
func after(a, b netip.Addr) bool {
	x, y := a.As16(), b.As16()
	return bytes.Compare(x[:], y[:]) > 0
}
