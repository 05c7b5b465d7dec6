package cni

import (
	"fmt"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// bpfDropsICMP is the releases that masquerade IPv6 in BPF and not its errors
// (cilium/cilium#23165, #39505, #40002).
var bpfDropsICMP = cilium.Span{From: release.V(1, 14), Until: release.V(1, 18)}

var bpfICMP = &checks.Check{
	ID:       "DS426",
	Name:     "bpf-masquerade-icmpv6",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "masquerade lets the ICMPv6 errors of the path through to pods",
		Why: `BPF masquerade of IPv6 came with 1.14 as a beta, and until 1.18 drops ICMPv6 messages
such as Packet Too Big. Pods then hang in transfers to hosts behind a smaller MTU
(PPPoE, tunnels, VPNs) after the first small packets went well. IPv4 is fine, since
routers there cut packets up or clamp the MSS.`,
		Fix:    "Upgrade to 1.18 or later, masquerade with iptables, or do without IPv6 masquerade where the pods' addresses are routed.",
		Holds:  "Cilium 1.14 to 1.17",
		Since:  "0.1",
		Refs:   []string{"cilium v1.15.19, bpf/lib/nat.h", "https://github.com/cilium/cilium/issues/26816", "https://github.com/cilium/cilium/issues/39505", "https://github.com/cilium/cilium/issues/40002"},
		Covers: []string{"CNI-08"},
	},
	Needs: []snapshot.Kind{snapshot.CiliumConfig},
	Run: func(in *checks.Input) []checks.Finding {
		c, ok := configuration(in)
		if !ok || !bpfDropsICMP.Has(c.release) || c.Config.Masquerade(ipfam.V6) != cilium.BPF {
			return nil
		}
		return []checks.Finding{{
			Object: c.ConfigRef, Field: c.field("enable-bpf-masquerade"), Family: ipfam.V6,
			Message: fmt.Sprintf("is on for IPv6, and Cilium %s drops ICMPv6 Packet Too Big on the way back", bpfDropsICMP),
			Fix:     c.set(cilium.Setting{Key: "enable-bpf-masquerade", Value: "false"}),
		}}
	},
}
