package trace

import (
	"fmt"
	"strings"
)

// lost is a packet that was not predicted to end anywhere, and did. Where it ends follows
// from what answers on the way, from the Pod and from its node.
func (c comparison) lost() {
	for _, look := range []func(comparison) (Parting, bool){
		comparison.lostName, comparison.lostAddress, comparison.refused, comparison.lostRoute,
		comparison.lostInCluster, comparison.lostAtNode, comparison.lostOnLAN, comparison.lostReturn, comparison.lostBeyond,
	} {
		if p, found := look(c); found {
			c.stops(p)
			return
		}
	}
	c.stops(Parting{Step: StepTarget, Observed: fmt.Sprintf("the target does not answer: %s", c.pod.Connect),
		Because: "which hop loses the packet is not known from here; a probe from the node tells more", Fix: "add --probe=agent,exec,host"})
}

// leaves reports whether the path goes beyond the nodes.
func (c comparison) leaves() bool { return c.hop(StepRouter) != nil || c.hop(StepLAN) != nil }

func (c comparison) lostName() (Parting, bool) {
	return Parting{Step: StepName, Observed: fmt.Sprintf("%s has no %s address", c.trace.Query.Target.Name, c.path.Family),
		Because: "the Pod's resolver has none of the family"}, c.pod.noAnswer()
}

// lostAddress is a Pod whose address is not in its network any more: a program that may
// can switch a family off there.
func (c comparison) lostAddress() (Parting, bool) {
	r := c.pod.Routes
	return Parting{Step: StepPod, Observed: fmt.Sprintf("no %s address in the Pod's network", c.path.Family),
			Because: "the API has one: it was taken away inside", Fix: fmt.Sprintf("look for net.%s.conf.*.disable_%s in the Pod", strings.ToLower(c.path.Family.String()), strings.ToLower(c.path.Family.String()))},
		r != nil && len(r.Addresses) == 0
}

func (c comparison) refused() (Parting, bool) {
	return Parting{Step: StepTarget, Observed: "refused: the host answers, and nobody listens at this port over " + c.path.Family.String(),
		Because: "a program that listens on 0.0.0.0 is deaf to IPv6", Fix: "have it listen on [::], or on both addresses"}, c.pod.Connect == Refused
}

// lostRoute is a node that has no way out, or no address, of the family.
func (c comparison) lostRoute() (Parting, bool) {
	for _, o := range []*Observation{c.agent, c.host} {
		if o == nil || o.Routes == nil || !c.leaves() {
			continue
		}
		f := c.path.Family
		if !o.Routes.HasRoute {
			return Parting{Step: StepNode, Observed: fmt.Sprintf("%s has no default route of %s", c.trace.Node, f),
				Because: "a node that forwards takes no router advertisements with accept_ra=1", Fix: "set accept_ra=2 on the uplink, or a static route"}, true
		}
		if c.hop(StepMasquerade) != nil && o.Tier == TierHost && len(o.Routes.Addresses) == 0 {
			return Parting{Step: StepNode, Observed: fmt.Sprintf("%s has no address of %s", c.trace.Node, f), Check: "DS301"}, true
		}
	}
	return Parting{}, false
}

// lostInCluster is a target inside of the cluster that does not answer.
func (c comparison) lostInCluster() (Parting, bool) {
	if c.leaves() {
		return Parting{}, false
	}
	p := Parting{Step: StepTarget, Observed: fmt.Sprintf("does not answer: %s", c.pod.Connect), Because: "what is before it is not known to fail: a firewall, or the target itself"}
	if peer := c.rung(c.pod, RungPeer); peer != NotTried && !peer.Answered() && c.hop(StepNode) == nil {
		p = Parting{Step: StepDatapath, Observed: fmt.Sprintf("neither the target nor its node answers: %s", peer), Because: "the way between the nodes is lost"}
	}
	return p, true
}

// lostAtNode is a node that does not forward what its Pods send: it reaches others itself.
func (c comparison) lostAtNode() (Parting, bool) {
	pod, host := c.rung(c.pod, RungPeer), c.rung(c.host, RungPeer)
	p := Parting{Step: StepNode, Observed: fmt.Sprintf("%s reaches another node, and its Pods do not: %s", c.trace.Node, pod),
		Because: fmt.Sprintf("the node does not forward %s", c.path.Family),
		Fix:     fmt.Sprintf("sysctl -w net.%s", map[bool]string{true: "ipv6.conf.all.forwarding=1", false: "ipv4.ip_forward=1"}[c.path.Family == 6])}
	return p, pod != NotTried && !pod.Answered() && host.Answered()
}

// lostOnLAN is a node that reaches nobody on its own network.
func (c comparison) lostOnLAN() (Parting, bool) {
	peer, router := c.rung(c.host, RungPeer), c.rung(c.host, RungRouter)
	if c.host == nil {
		peer, router = c.rung(c.pod, RungPeer), NotTried
	}
	p := Parting{Step: c.lanStep(), Observed: fmt.Sprintf("%s reaches no other node: %s", c.trace.Node, peer),
		Because: "neighbour discovery, a firewall, or an address that two hosts have"}
	if peer.Answered() && router != NotTried && !router.Answered() {
		p.Observed = fmt.Sprintf("%s reaches another node, and not its router: %s", c.trace.Node, router)
		return p, true
	}
	return p, peer != NotTried && !peer.Answered()
}

// lanStep is the LAN's hop, or the node's where the path has none.
func (c comparison) lanStep() Step {
	if c.hop(StepLAN) != nil || c.hop(StepRouter) != nil {
		return StepLAN
	}
	return StepNode
}

// lostReturn is an answer that does not find back to the Pod: its node, with the node's
// address, reaches the target.
func (c comparison) lostReturn() (Parting, bool) {
	own := c.path.Source == c.pod.Own && c.path.Mechanism == KeepsSource
	p := Parting{Step: StepReturn, Observed: fmt.Sprintf("no answer comes back to %s", c.pod.Own), Check: "DS404",
		Because: fmt.Sprintf("no router leads %s back to %s", c.pod.Own, c.trace.Node),
		Fix:     "have the router lead the Pods' range to the nodes, or masquerade " + c.path.Family.String()}
	switch {
	case c.host != nil && c.host.Connect == Connected && own:
		p.Because = fmt.Sprintf("%s reaches the target with its own address: %s", c.trace.Node, p.Because)
		return p, true
	case c.host != nil && c.host.Connect == Connected:
		return Parting{Step: StepMasquerade, Observed: fmt.Sprintf("%s reaches the target, and its Pods do not: %s", c.trace.Node, c.pod.Connect),
			Because: "the Pods' packets are lost on the node, or leave with an address that nobody answers"}, true
	}
	router := c.rung(c.pod, RungRouter)
	return p, own && c.host == nil && router != NotTried && !router.Answered()
}

// lostBeyond is a target that even the node does not reach, though its router answers.
func (c comparison) lostBeyond() (Parting, bool) {
	router := c.rung(c.host, RungRouter)
	if c.host == nil {
		router = c.rung(c.pod, RungRouter)
	}
	p := Parting{Step: StepRouter, Observed: fmt.Sprintf("the router answers, and nobody beyond it: %s", c.pod.Connect),
		Because: "the router does not forward it, its provider does not, or nobody leads the answer here"}
	if c.hop(StepRouter) == nil { // a host of the LAN
		p = Parting{Step: StepTarget, Observed: fmt.Sprintf("does not answer: %s", c.pod.Connect), Because: "the LAN is reached, and the host is not"}
	}
	return p, router.Answered() || c.rung(c.host, RungPeer).Answered()
}
