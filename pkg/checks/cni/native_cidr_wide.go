package cni

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var nativeCIDRWide = &checks.Check{
	ID:       "DS407",
	Name:     "native-routing-cidr-not-too-wide",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "the native routing CIDR holds no network that pods are to be masqueraded to",
		Why: `What lies in the CIDR is reached with the pod's own address, in tunnel mode too. A
CIDR of ::/0 or 2000::/3 switches masquerade off towards the internet while Cilium's
status goes on to say that it is enabled; one that has the LAN in it makes the hosts
beside the nodes unreachable, and only those.`,
		Fix:    "Make it the pods' range, or the range that is routed to the nodes and no more.",
		Limits: "With native routing a CIDR that holds the LAN may be right: its router may know the way to the pods. That is judged in tunnel mode only.",
		Holds:  "Cilium 1.12 to 1.20",
		Since:  "0.1",
		Refs:   []string{"cilium v1.20.2, bpf/lib/nat.h", "cilium v1.20.2, pkg/node/local_node.go RemoteSNATDstAddrExclusionCIDRv6", "cilium v1.20.2, Documentation/network/concepts/masquerading.rst"},
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
			if !ok || c.Config.Masquerade(f) == cilium.NoMasquerade {
				continue // without masquerade the CIDR has no effect on what leaves
			}
			message, worst := tooWide(in, c, f, p, ranges.Of(f))
			if message == "" {
				continue
			}
			key := cilium.Key(nativeKey, f)
			setting := cilium.Setting{Key: key}
			if pods := ranges.Of(f); len(pods) > 0 {
				setting.Value = pods[0].String()
			}
			fs = append(fs, checks.Finding{
				Severity: worst,
				Object:   c.ConfigRef, Field: c.field(key), Family: f,
				Message: message, Fix: c.set(setting),
			})
		}
		return fs
	},
}

// tooWide is what the native routing CIDR p of f holds that it is not to hold.
func tooWide(in *checks.Input, c configured, f ipfam.Family, p netip.Prefix, pods []netip.Prefix) (string, severity.Severity) {
	planned := in.Plan()
	network, name := lanIn(in, f, p)
	switch {
	case planned != nil && (planned.Egress.Of(f) == plan.RoutedEgress || planned.Egress.Of(f) == plan.NoEgress):
		return "", 0
	case exempts(c.Config, f):
		worst := severity.Warning
		if _, private := firstPrivate(pods); private {
			worst = severity.Error
		}
		return fmt.Sprintf("is %s, which has the internet in it: no %s packet to it is masqueraded, though masquerade is on", p, f), worst
	case name != "" && !c.native() && !anyHolds(network, pods):
		return fmt.Sprintf("is %s, which has %s in it: packets to its hosts keep the pods' addresses, and are not answered", p, name), severity.Warning
	}
	return "", 0
}

// lanIn is the network of the nodes that lies in p: the plan's LAN, or else the
// address of a node.
func lanIn(in *checks.Input, f ipfam.Family, p netip.Prefix) (netip.Prefix, string) {
	nodes := in.Nodes()
	if planned := in.Plan(); planned != nil {
		lan := planned.LAN.Prefixes.Of(f)
		if holds(p, lan) {
			return lan, fmt.Sprintf("the LAN %s", lan)
		}
		return lan, ""
	}
	for _, n := range nodes {
		for _, a := range n.InternalIPs {
			if p.Contains(a) {
				return netip.PrefixFrom(a, a.BitLen()), fmt.Sprintf("the network of node %s (%s)", n.Name, a)
			}
		}
	}
	return netip.Prefix{}, ""
}

// anyHolds reports whether one of ranges is in network, whose hosts then ask for
// pods' addresses on the link.
func anyHolds(network netip.Prefix, ranges []netip.Prefix) bool {
	return slices.ContainsFunc(ranges, func(r netip.Prefix) bool { return holds(network, r) })
}
