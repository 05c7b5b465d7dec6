package trace

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// gatewayIPv6From is the release from which egress gateways take IPv6; before, what
// Pods send over it passes them by. An egressIP of IPv6 came in 1.20.
var gatewayIPv6From = release.V(1, 18)

// gateway reports whether an egress gateway takes the packet, and adds the hops if so.
// What stays in the cluster is never taken, nor what a policy excludes.
// Source: cilium v1.20.2, pkg/egressgateway/policy.go and manager.go.
func (w *walk) gateway() bool {
	c, v := w.scene.Cilium.Config, w.scene.Cilium.Version
	if !c.EgressGateway(v) || w.to.kind != elsewhere && w.to.kind != onLAN {
		return false
	}
	if g, ok := w.scene.Gap(snapshot.EgressGateways); ok {
		w.open(StepGateway, "not known: egress gateway policies", g.String())
		w.unknownSource()
		return true
	}
	policy := w.gatewayPolicy()
	if policy == nil {
		return false
	}
	if w.path.Family == ipfam.V6 && v.Or(release.V(1, 20)).Before(gatewayIPv6From) {
		w.add(Hop{Step: StepGateway, State: Doubtful, Known: Inferred, Text: "passed by: " + policy.Name + " takes IPv4 only",
			Because: fmt.Sprintf("Cilium %s has egress gateways for IPv4", v), Check: "DS420"})
		return false
	}
	w.throughGateway(policy)
	return true
}

// gatewayPolicy is the policy of the Pod that has the most specific destination, or nil.
func (w *walk) gatewayPolicy() (best *snapshot.EgressGateway) {
	longest := -1
	for i := range w.scene.Gateways {
		g := &w.scene.Gateways[i]
		if !slices.ContainsFunc(g.Subjects, w.subject) || !w.fromNode(g) || w.inRanges(w.asked(), g.Excluded) {
			continue
		}
		for _, d := range g.Destinations {
			if ipfam.OfPrefix(d) == w.path.Family && d.Contains(w.asked()) && d.Bits() > longest {
				best, longest = g, d.Bits()
			}
		}
	}
	return best
}

func (w *walk) subject(s snapshot.GatewaySubject) bool {
	return (s.Pods == nil || s.Pods.Matches(w.scene.Source.Labels)) && (s.Namespaces == nil || s.Namespaces.Matches(w.scene.Source.NamespaceLabels))
}

// fromNode reports whether a policy is for Pods of this node; without selectors it is for
// those of all.
func (w *walk) fromNode(g *snapshot.EgressGateway) bool {
	return len(g.SourceNodes) == 0 || slices.ContainsFunc(g.SourceNodes, func(s snapshot.Selector) bool { return s.Matches(w.scene.NodeLabels) })
}

// throughGateway is the way by a gateway node. The first node in the order of names is
// taken, of each of the policy's gateways.
func (w *walk) throughGateway(policy *snapshot.EgressGateway) {
	name := policy.Ref.String()
	if len(policy.Gateways) != 1 {
		w.open(StepGateway, "one of several gateways of "+policy.Name, fmt.Sprintf("%s has %d", name, len(policy.Gateways)))
		w.unknownSource()
		return
	}
	g := policy.Gateways[0]
	if len(g.Candidates) == 0 {
		w.add(Hop{Step: StepGateway, State: Stops, Known: Inferred, Text: "no node is the gateway of " + policy.Name,
			Because: fmt.Sprintf("no node has the labels %q of %s", g.Nodes, name), Check: "DS420"})
		return
	}
	node := g.Candidates[0]
	w.add(Hop{Step: StepGateway, State: Passes, Known: Inferred, Text: "leaves by " + node, Because: name})
	w.src, w.path.Mechanism = w.gatewaySource(g, node), ByGateway
	if !w.src.IsValid() {
		w.add(Hop{Step: StepMasquerade, State: Open, Known: Unknown, Text: "by the gateway, to an address that is not known",
			Because: fmt.Sprintf("it is that of interface %q of %s", g.Interface, node)})
		return
	}
	w.add(Hop{Step: StepMasquerade, State: Passes, Known: Inferred, Text: leavesAs("by the gateway", w.src), Because: name})
}

// gatewaySource is the address that a gateway puts in: its egressIP of the family, or the
// first one of the interface of the default route. That of a named interface the API does
// not tell, unless the node has one address only.
func (w *walk) gatewaySource(g snapshot.Gateway, node string) netip.Addr {
	if ipfam.Of(g.EgressIP) == w.path.Family {
		return g.EgressIP
	}
	if addresses := w.nodeAddresses(node); len(addresses) == 1 && g.Interface == "" {
		return addresses[0]
	}
	return netip.Addr{}
}
