package loadbalancers

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var poolFirstAddress = &checks.Check{
	ID:       "DS509",
	Name:     "pool-first-address",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "a pool gives out no address of the LAN that means something else",
		Why: `MetalLB gives out a range from its very first address on. The first address of an
IPv6 prefix is the Subnet-Router anycast address: every router of the link answers
for it. The first and the last IPv4 address of a prefix are the network's own and its
broadcast address. avoidBuggyIPs passes over IPv4 addresses that end in .0 or .255;
nothing does so for IPv6.`,
		Fix:    "Begin the range one address later, and for IPv4 end it one address earlier.",
		Limits: "Without a plan only IPv6 is looked at, for the first address of each /64, and as an info: whether that /64 is a LAN is not known.",
		Holds:  "MetalLB 0.9 to 0.16",
		Since:  "0.1",
		Refs:   []string{"RFC 4291 section 2.6.1", "metallb v0.16.2 internal/allocator/allocator.go", "https://github.com/cilium/cilium/issues/43774"},
		Covers: []string{"LB-06", "LB-05"},
	},
	Needs: []snapshot.Kind{snapshot.MetalLBPools},
	Uses:  []snapshot.Kind{snapshot.MetalLBSetup},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		p := in.Plan()
		for _, pool := range in.PoolsInForce() {
			for i, a := range pool.Addresses {
				taken := slices.DeleteFunc(special(a.Range, p), func(m meaning) bool { return !pool.Owns(m.addr) || !a.Range.Contains(m.addr) })
				if len(taken) == 0 || a.Masked { // host bits have their own check
					continue
				}
				f := checks.Finding{
					Object: pool.Ref, Field: addressesField(pool, i), Family: ipfam.Of(a.Range.From()),
					Message: fmt.Sprintf("%s has %s", a, join(taken)),
					Fix:     fmt.Sprintf("in place of %q: %s", a.Text, without(a.Range, taken)),
				}
				if p == nil {
					f.Severity = severity.Info
				}
				fs = append(fs, f)
			}
		}
		return fs
	},
}

// meaning is an address and what it is used for already.
type meaning struct {
	addr netip.Addr
	what string
}

func join(ms []meaning) string {
	texts := make([]string, len(ms))
	for i, m := range ms {
		texts[i] = fmt.Sprintf("%s, %s", m.addr, m.what)
	}
	return strings.Join(texts, ", and ")
}

// special is the addresses of r's family that mean something on the plan's LAN or,
// without a plan, on a /64.
func special(r netipx.IPRange, p *plan.Plan) []meaning {
	f := ipfam.Of(r.From())
	if !f.Valid() {
		return nil
	}
	if p == nil {
		if f == ipfam.V6 {
			return anycastIn(r)
		}
		return nil
	}
	lan := p.LAN.Prefixes.Of(f)
	switch {
	case !lan.IsValid() || lan.Bits() >= f.Bits()-1: // a /31 or a /127 has no such addresses
		return nil
	case f == ipfam.V6:
		return []meaning{{lan.Masked().Addr(), fmt.Sprintf("the Subnet-Router anycast address of the LAN %s", lan)}}
	}
	all := netipx.RangeOfPrefix(lan.Masked())
	return []meaning{
		{all.From(), fmt.Sprintf("the network's own address of the LAN %s", lan)},
		{all.To(), fmt.Sprintf("the broadcast address of the LAN %s", lan)},
	}
}

// anycastIn is the first address of a /64 in r: of that of r's first address, or
// else of that of its last one.
func anycastIn(r netipx.IPRange) []meaning {
	for _, end := range []netip.Addr{r.From(), r.To()} {
		subnet := netip.PrefixFrom(end, 64).Masked()
		if r.Contains(subnet.Addr()) {
			return []meaning{{subnet.Addr(), fmt.Sprintf("which is the Subnet-Router anycast address if %s is a LAN", subnet)}}
		}
	}
	return nil
}

// without is r without the addresses of ms, as entries of a pool.
func without(r netipx.IPRange, ms []meaning) string {
	var b netipx.IPSetBuilder
	b.AddRange(r)
	for _, m := range ms {
		b.Remove(m.addr)
	}
	set, err := b.IPSet()
	if err != nil || len(set.Ranges()) == 0 {
		return "another range"
	}
	var texts []string
	for _, left := range set.Ranges() {
		texts = append(texts, fmt.Sprintf("%q", plan.FormatAddrs(left)))
	}
	return strings.Join(texts, ", ")
}
