package cni

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// What a packet grows by on its way between nodes, and what an IPv6 packet has to
// have room for. Source: cilium v1.20.2, pkg/mtu/mtu.go; RFC 8200 5.
const (
	tunnelOverIPv4    = 50
	tunnelOverIPv6    = 70
	wireguardOverhead = 95
	minIPv6MTU        = 1280
)

// flannelOverhead is what a backend of flannel takes off the MTU that it is told, of
// either family: flannel v0.27.4, pkg/backend/vxlan/device.go and vxlan_network.go.
var flannelOverhead = map[string]int{"vxlan": 50}

var mtu = &checks.Check{
	ID:       "DS431",
	Name:     "mtu-has-room-for-ipv6",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "an MTU that is written down leaves 1280 bytes for IPv6 packets of pods",
		Why: `The kernel takes IPv6 off an interface whose MTU is below 1280, and no IPv6 packet may
be cut to less on its way. A tunnel, and encryption besides, take their bytes out of the MTU of the
network below: over another overlay, whose MTU is often 1280 itself, nothing is left. IPv4 works
on with smaller packets, so that only one family is dead.`,
		Fix:    "Raise the MTU of the network below, or leave the second encapsulation out; without a value the MTU is found by itself.",
		Limits: "The MTU of interfaces is not in the API: without a value nothing is said. IPsec is not counted.",
		Holds:  "Cilium 1.15 to 1.20; flannel 0.27",
		Since:  "0.1",
		Refs:   []string{"RFC 8200 5", "cilium v1.20.2, pkg/mtu/mtu.go", "flannel v0.27.4, pkg/backend/vxlan/vxlan_network.go", "https://github.com/cilium/cilium/issues/45423", "https://github.com/flannel-io/flannel/issues/1781"},
		Covers: []string{"CNI-12", "CNI-13"},
	},
	Uses:  []snapshot.Kind{snapshot.CiliumConfig, snapshot.FlannelConfig},
	AnyOf: []snapshot.Kind{snapshot.CiliumConfig, snapshot.FlannelConfig},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		c, ok := configuration(in)
		flannel := in.Flannel()
		if value, err := strconv.Atoi(strings.TrimSpace(c.Config["mtu"])); ok && err == nil && value > 0 && c.Config.Enabled(ipfam.V6) {
			taken, why := c.overhead()
			if value-taken < minIPv6MTU {
				fs = append(fs, checks.Finding{
					Severity: mtuSeverity(value), Object: c.ConfigRef, Field: c.field("mtu"), Family: ipfam.V6,
					Message: fmt.Sprintf("is %d%s: %s", value, why, mtuOutcome(value)),
					Fix:     c.set(cilium.Setting{Key: "mtu", Value: strconv.Itoa(minIPv6MTU + taken)}),
				})
			}
		}
		if taken := flannelOverhead[flannel.Backend]; flannel.MTU > 0 && flannel.MTU-taken < minIPv6MTU && flannel.Enabled.Has(ipfam.V6) {
			fs = append(fs, checks.Finding{
				Severity: severity.Error, Object: flannel.ConfigMap, Field: flannelField, Family: ipfam.V6,
				Message: fmt.Sprintf("has MTU %d for the backend %s, which leaves %d to Pods: %s", flannel.MTU, flannel.Backend, flannel.MTU-taken, mtuOutcome(0)),
				Fix:     checks.Command("kubectl", "edit", "configmap", flannel.ConfigMap.Name, "-n", flannel.ConfigMap.Namespace) + " (without Backend.MTU)",
			})
		}
		return fs
	},
}

// overhead is the bytes that a packet between pods of two nodes grows by, and what for.
func (c configured) overhead() (bytes int, why string) {
	if !c.native() {
		bytes, why = tunnelOverIPv4, " and a tunnel over IPv4 takes 50 of it"
		if c.Config.Underlay(c.release) == ipfam.V6 {
			bytes, why = tunnelOverIPv6, " and a tunnel over IPv6 takes 70 of it"
		}
	}
	if c.Config.Bool("enable-wireguard", false) {
		bytes, why = bytes+wireguardOverhead, why+" and WireGuard 95"
	}
	return bytes, why
}

// mtuSeverity is an error where interfaces of pods lose IPv6. Otherwise it is the
// route between nodes that is too narrow, which packets that are small enough pass.
func mtuSeverity(value int) severity.Severity {
	if value < minIPv6MTU {
		return severity.Error
	}
	return severity.Warning
}

func mtuOutcome(value int) string {
	if value < minIPv6MTU {
		return "the kernel takes IPv6 off interfaces with less than 1280"
	}
	return "IPv6 packets of 1280 bytes do not get through between nodes"
}
