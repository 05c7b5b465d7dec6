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

// nativeKey is the option of the CIDR that is reached without masquerade.
const nativeKey = "%s-native-routing-cidr"

var nativeCIDR = &checks.Check{
	ID:       "DS406",
	Name:     "native-routing-cidr-set",
	Severity: severity.Error,
	Doc: checks.Doc{
		Claim: "native routing names the CIDR of each family that is masqueraded",
		Why: `With native routing the agent has to know which destinations are reached with a
pod's own address. For a family that is masqueraded it exits when
ipv4-native-routing-cidr or ipv6-native-routing-cidr is missing, or is no prefix of
the family. People who add IPv6 to a cluster that routes natively forget the second
key, and the chart takes the first one for granted.`,
		Fix:    "Set ipv4NativeRoutingCIDR and ipv6NativeRoutingCIDR to the pods' ranges, or to the wider range that is routed to the nodes.",
		Limits: "The IPAM modes eni and alibabacloud need none for IPv4. With ip-masq-agent none is asked for.",
		Holds:  "Cilium 1.12 to 1.20",
		Since:  "0.1",
		Refs:   []string{"cilium v1.20.2, pkg/option/config.go checkIPv4NativeRoutingCIDR, checkIPv6NativeRoutingCIDR", "https://github.com/cilium/cilium/issues/18367"},
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
			message := nativeCIDRFault(c, f)
			if message == "" {
				continue
			}
			key := cilium.Key(nativeKey, f)
			setting := cilium.Setting{Key: cilium.Key("enable-%s-masquerade", f), Value: "false"}
			if pods := ranges.Of(f); len(pods) > 0 {
				setting = cilium.Setting{Key: key, Value: pods[0].String()}
			}
			fs = append(fs, checks.Finding{
				Object: c.ConfigRef, Field: c.field(key), Family: f,
				Message: message, Fix: c.set(setting),
			})
		}
		return fs
	},
}

// nativePrefix is the native routing CIDR of f, if there is one that the agent
// takes.
func nativePrefix(c cilium.Config, f ipfam.Family) (netip.Prefix, bool) {
	p, set, err := c.NativeCIDR(f)
	return p, set && err == nil && ipfam.OfPrefix(p) == f
}

// firstNativeKeys is the release from which the CIDR has a key for each family.
var firstNativeKeys = cilium.Span{From: cilium.FamilyNativeKeys}

func nativeCIDRFault(c configured, f ipfam.Family) string {
	p, set, err := c.Config.NativeCIDR(f)
	switch {
	case !firstNativeKeys.Has(c.release):
		return ""
	case set && (err != nil || ipfam.OfPrefix(p) != f):
		return fmt.Sprintf("is %s, which is no %s prefix; the agent does not start", c.text(cilium.Key(nativeKey, f)), f)
	case set || !c.native() || c.Config.Bool("enable-ip-masq-agent", false) || nativeExempt(c.Config.IPAM(), f):
		return ""
	}
	if mechanism := c.Config.Masquerade(f); mechanism != cilium.NoMasquerade {
		return fmt.Sprintf("is not set, while pods are routed natively and %s is masqueraded (%s); the agent does not start", f, mechanism)
	}
	return ""
}

// nativeExempt reports whether the IPAM mode learns the IPv4 CIDR from the cloud.
// It is one of the places where the families differ.
func nativeExempt(ipam string, f ipfam.Family) bool {
	return f == ipfam.V4 && (ipam == "eni" || ipam == "alibabacloud")
}
