package cni

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var podsOnLink = &checks.Check{
	ID:       "DS425",
	Name:     "pods-on-link",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "pods with IPv6 addresses of the LAN are found by neighbour discovery",
		Why: `Where the pods' range lies in the LAN's prefix, router and neighbours ask for a pod's
address on the link. Cilium answers for the pods of its node, but the question is a
multicast packet, which a node hears reliably only when it has joined the pod's group
on the interface that ipv6-mcast-device names. Answers to pods that are not
masqueraded, and connections to them, depend on it.`,
		Fix:    "Name the interface of the LAN in extraConfig.ipv6-mcast-device, with a CiliumNodeConfig where nodes name it otherwise; or route a prefix of its own to the nodes for pods.",
		Limits: "That every node has the interface by that name is not known.",
		Holds:  "Cilium 1.15 and 1.20",
		Since:  "0.1",
		Refs:   []string{"cilium v1.20.2, pkg/mcastmanager", "cilium v1.20.2, bpf/lib/icmp6.h", "https://github.com/cilium/cilium/issues/30926", "https://github.com/cilium/cilium/issues/41601"},
		Covers: []string{"RTR-02"},
	},
	Needs: []snapshot.Kind{snapshot.CiliumConfig},
	Plan:  true,
	Run: func(in *checks.Input) []checks.Finding {
		c, ok := configuration(in)
		p := in.Plan()
		lan, pods := p.LAN.Prefixes.V6, p.Pods.Prefixes.V6
		if !ok || !c.Config.Enabled(ipfam.V6) || !holds(lan, pods) {
			return nil
		}
		finding := checks.Finding{Object: c.ConfigRef, Field: c.field(mcastDevice), Family: ipfam.V6}
		message := ndpFault(c, p.LAN.Interface)
		finding.Fix = c.set(cilium.Setting{Key: mcastDevice, Value: cmp.Or(p.LAN.Interface, "eth0")})
		if c.known && slices.Contains(ndpSilent, c.release) {
			finding.Severity = severity.Error
			message = fmt.Sprintf("does not help: Cilium %s answers no neighbour solicitation for pods", c.release)
			finding.Fix = c.upgradeTo(ndpMended)
		}
		if message == "" {
			return nil
		}
		finding.Message = fmt.Sprintf("%s; the pods' range %s is on the LAN %s", message, pods, lan)
		return []checks.Finding{finding}
	},
}

const mcastDevice = "ipv6-mcast-device"

// ndpSilent is the releases that answer for no pod, and ndpMended one of the same
// minor that does (cilium/cilium#30926).
var (
	ndpSilent = []release.Version{release.V(1, 15, 0), release.V(1, 15, 1)}
	ndpMended = release.V(1, 15, 19)
)

// ndpFault is why neighbours do not find pods, or nothing.
func ndpFault(c configured, lan string) string {
	device := c.Config[mcastDevice]
	switch {
	case device == "" && c.release.Before(ndpFindsDevice) && c.Config.Bool("enable-ipv6-ndp", false):
		return ""
	case device == "":
		return "is not set: nodes do not listen for questions about their pods' addresses"
	case lan != "" && device != lan && len(c.NodeConfigs) == 0:
		return fmt.Sprintf("is %q, and the LAN's interface is %s in the plan", device, lan)
	}
	return ""
}

// ndpFindsDevice is the releases that find the device by themselves; 1.16 to 1.19
// were not read.
var ndpFindsDevice = release.V(1, 16)
