package cni

import (
	"fmt"
	"net/netip"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var nativeCIDRNarrow = &checks.Check{
	ID:       "DS408",
	Name:     "native-routing-cidr-covers-pods",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "with native routing, the native routing CIDR holds all of the pods' ranges",
		Why: `A pod on another node whose address is outside of the CIDR is reached with the
sender's node address: what it sees is a node, and a policy that allows the sending
pods drops the packet. It looks like a policy that works for one family.`,
		Fix:    "Widen the CIDR until it holds every pool. It is one prefix: pools that do not lie in one need ip-masq-agent.",
		Limits: "Only with native routing; a tunnel takes the packets before they are masqueraded. With ip-masq-agent its own list counts, which is not read.",
		Holds:  "Cilium 1.12 to 1.20",
		Since:  "0.1",
		Refs:   []string{"cilium v1.20.2, bpf/lib/nat.h", "cilium v1.20.2, pkg/datapath/iptables/iptables.go", "https://github.com/cilium/cilium/issues/24000"},
		Covers: []string{"CNI-07"},
	},
	Needs: []snapshot.Kind{snapshot.CiliumConfig},
	Uses:  snapshot.ClaimKinds[plan.Pods],
	Run: func(in *checks.Input) (fs []checks.Finding) {
		c, ok := configuration(in)
		if !ok {
			return nil
		}
		ranges := podRanges(in, c)
		for _, f := range ipfam.All {
			p, ok := nativePrefix(c.Config, f)
			if !ok || !c.native() || c.Config.Masquerade(f) == cilium.NoMasquerade || c.Config.Bool("enable-ip-masq-agent", false) {
				continue
			}
			for _, r := range ranges.Of(f) {
				if holds(p, r) {
					continue
				}
				key := cilium.Key(nativeKey, f)
				fs = append(fs, checks.Finding{
					Object: c.ConfigRef, Field: c.field(key), Family: f,
					Message: fmt.Sprintf("is %s and does not hold the pods' range %s: packets between pods of two nodes are masqueraded", p, r),
					Fix:     c.set(cilium.Setting{Key: key, Value: around(p, r).String()}),
				})
				break
			}
		}
		return fs
	},
}

// around is the longest prefix that holds both.
func around(a, b netip.Prefix) netip.Prefix {
	p := netip.PrefixFrom(a.Addr(), min(a.Bits(), b.Bits())).Masked()
	for !holds(p, b) && p.Bits() > 0 {
		p = netip.PrefixFrom(p.Addr(), p.Bits()-1).Masked()
	}
	return p
}
