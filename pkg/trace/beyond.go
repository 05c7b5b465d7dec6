package trace

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
)

// leaves reports whether the packet leaves the nodes.
func (w *walk) leaves() bool { return w.to.kind == elsewhere || w.to.kind == onLAN }

// beyond is the way after the node, as the plan has it: the LAN, the router and the
// provider.
func (w *walk) beyond() {
	if !w.leaves() {
		return
	}
	f := w.path.Family
	if w.to.kind == onLAN {
		w.add(Hop{Step: StepLAN, State: Passes, Known: Inferred, Text: "on the nodes' network " + w.plan.LAN.Prefixes.Of(f).Masked().String(), Because: "spec.lan of the plan"})
		return
	}
	hop := Hop{Step: StepRouter, State: Passes, Known: Inferred, Text: "to the router, and on", Because: "no range of the plan has the destination"}
	if w.plan == nil {
		hop.Known, hop.Because = Unknown, "without a plan nothing is known of what is beyond the nodes"
	}
	if w.dst.IsValid() && !routed(w.dst) {
		hop.State, hop.Known, hop.Text = Open, Unknown, fmt.Sprintf("to %s, which is %s: by which way is not known", w.dst, AddressKind(w.dst))
	} else if f == ipfam.V4 && w.src.IsValid() && !routed(w.src) {
		w.path.Beyond = true
		hop.Text = "the router puts an address of its own in"
		hop.Because = fmt.Sprintf("%s is %s, to which the internet has no route", w.src, AddressKind(w.src))
	}
	w.add(hop)
	w.asPlanned()
}

// asPlanned compares the source with the way out that the plan asks for.
func (w *walk) asPlanned() {
	if w.plan == nil || !w.src.IsValid() || w.scene.Source.HostNetwork {
		return
	}
	own := w.src == w.own
	for i := range w.path.Hops {
		hop := &w.path.Hops[i]
		if hop.Step != StepMasquerade || hop.State != Passes {
			continue
		}
		switch want := w.plan.Egress.Of(w.path.Family); {
		case want == plan.Masquerade && own, want == plan.RoutedEgress && !own, want == plan.NoEgress:
			hop.State, hop.Check, hop.Fix = Doubtful, "DS404", "kubectl dualstack doctor --only DS404 --plan "+w.plan.Source()
			hop.Because += fmt.Sprintf("; the plan wants spec.egress.%s %s", key(w.path.Family), want)
		}
	}
}

func key(f ipfam.Family) string {
	if f == ipfam.V4 {
		return "ipv4"
	}
	return "ipv6"
}

// back is the way of the answer to the source that the packet has.
func (w *walk) back() {
	if !w.leaves() {
		return
	}
	if !w.src.IsValid() {
		w.add(Hop{Step: StepReturn, State: Open, Known: Unknown, Text: "not known, as the source is not"})
		return
	}
	if slices.Contains(w.nodeAddresses(w.scene.Source.Node), w.src) || w.path.Mechanism == ByGateway || w.path.Mechanism == ByHost {
		w.add(w.backToNode())
		return
	}
	w.add(w.backToPod())
}

// backToNode is an answer to an address that a node has.
func (w *walk) backToNode() Hop {
	hop := Hop{Step: StepReturn, State: Passes, Known: Inferred, Text: "to the node's address, which the LAN knows"}
	switch {
	case w.path.Family == ipfam.V4 && w.path.Beyond:
		hop.Text = "to the router's address, and from there to the node"
	case w.path.Family == ipfam.V6 && !routed(w.src) && w.to.kind == elsewhere:
		hop.State, hop.Known = Open, Unknown
		hop.Text = fmt.Sprintf("%s is %s: no answer, unless the router translates it", w.src, AddressKind(w.src))
	}
	return hop
}

// backToPod is an answer to the Pod's own address. Somebody has to lead it to the node:
// the router by a route, or the LAN by neighbour discovery where the range is of it.
func (w *walk) backToPod() Hop {
	hop := Hop{Step: StepReturn, State: Open, Known: Unknown, Text: fmt.Sprintf("to %s: whether a router leads there is not known", w.src),
		Because: "without a plan nothing is known of the router"}
	if w.plan == nil {
		return hop
	}
	contains := func(p netip.Prefix) bool { return p.IsValid() && p.Masked().Contains(w.src) }
	i := slices.IndexFunc(w.plan.Routed, contains)
	lan := w.plan.LAN.Prefixes.Of(w.path.Family)
	switch {
	case i >= 0:
		hop = Hop{Step: StepReturn, State: Passes, Known: Inferred, Text: fmt.Sprintf("the router leads %s to the nodes", w.plan.Routed[i].Masked()), Because: fmt.Sprintf("spec.routed[%d] of the plan", i)}
	case contains(lan):
		hop = w.backOnLink(lan)
	default:
		hop = Hop{Step: StepReturn, State: Stops, Known: Inferred, Text: fmt.Sprintf("no router leads back to %s", w.src), Check: "DS404",
			Because: "it is neither of spec.routed nor of spec.lan of the plan", Fix: w.backFix()}
	}
	delegated := w.plan.Delegated.Of(w.path.Family)
	if w.to.kind == elsewhere && hop.State == Passes && delegated.IsValid() && !contains(delegated) {
		hop.State, hop.Text = Doubtful, fmt.Sprintf("%s is not of %s, which the provider leads here", w.src, delegated.Masked())
		hop.Because = "spec.delegated of the plan"
	}
	return hop
}

func (w *walk) backFix() string {
	if w.scene.Cilium.Present() {
		return fmt.Sprintf("helm upgrade cilium cilium/cilium -n %s --reuse-values --set enable%sMasquerade=true", w.scene.Cilium.Namespace, w.path.Family)
	}
	return "masquerade " + w.path.Family.String() + " of Pods, or have the router lead their range to the nodes"
}

// backOnLink is an answer to a Pod whose address is of the LAN's own prefix: the router
// asks the LAN for it, and the Pod's node has to hear that and answer.
// Source: cilium v1.20.2, bpf/lib/icmp6.h and pkg/mcastmanager.
func (w *walk) backOnLink(lan netip.Prefix) Hop {
	c := w.scene.Cilium
	hop := Hop{Step: StepReturn, State: Open, Known: Unknown, Text: fmt.Sprintf("the LAN is asked for %s", w.src), Because: fmt.Sprintf("it is of %s, spec.lan of the plan", lan.Masked()), Check: "DS425"}
	if w.path.Family == ipfam.V6 && c.Present() && c.Config["ipv6-mcast-device"] != "" {
		hop.State, hop.Known, hop.Check = Passes, Inferred, ""
		hop.Because += "; " + w.setting("ipv6-mcast-device")
	}
	return hop
}
