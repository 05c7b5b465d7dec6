package trace

import (
	"fmt"
	"net/netip"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// fromPod is the way from a Pod with a network of its own.
func (w *walk) fromPod() {
	if w.scene.Cilium.Present() {
		w.underCilium()
		return
	}
	w.underPlugin()
}

// fromHost is the way from a Pod in the node's network: there is no pod network before
// it, and the kernel chooses the source by the route.
func (w *walk) fromHost() {
	w.path.Mechanism = ByHost
	node := w.scene.Source.Node
	addresses := w.nodeAddresses(node)
	switch w.to.kind {
	case atService:
		w.noService()
		return
	case atPeer, atSomePod, atUnknownPod:
		w.hostToPod()
		return
	case atOwnNode:
		w.add(Hop{Step: StepDatapath, State: Passes, Known: Inferred, Text: "to its own node"})
		w.src = w.dst
		return
	}
	w.node("leaves "+node, addresses)
	switch {
	case w.to.kind == atDoubt:
		w.src = netip.Addr{}
	case len(addresses) == 1:
		w.src = addresses[0]
		w.add(Hop{Step: StepMasquerade, State: Passes, Known: Inferred, Text: leavesAs("none", w.src), Because: "the kernel takes the node's only address of the family"})
	default:
		w.src = netip.Addr{}
		w.open(StepMasquerade, "the kernel chooses", fmt.Sprintf("the API has %d addresses of %s of the node", len(addresses), w.path.Family))
	}
}

// hostToPod is a packet from the host to a Pod. Cilium's routes to the Pods of the node,
// and through the tunnel, have cilium_host's address for its source; with native routing
// the packet leaves as any other.
// Source: cilium v1.20.2, pkg/datapath/linux/node.go createNodeRouteSpec.
func (w *walk) hostToPod() {
	text := "to the Pod on its node"
	if w.to.kind != atPeer {
		text = "to a Pod of " + w.to.node
	}
	addresses := w.nodeAddresses(w.scene.Source.Node)
	if w.scene.Cilium.Present() && w.to.kind != atPeer && w.scene.Cilium.Config.Native(w.scene.Cilium.Version) && len(addresses) == 1 {
		w.src = addresses[0]
		w.add(Hop{Step: StepDatapath, State: Passes, Known: Inferred, Text: text + ", from " + w.src.String(), Because: w.setting("routing-mode")})
		return
	}
	_, n := w.scene.NodeOf(w.scene.Source.Node)
	if w.scene.Cilium.Present() && n != nil {
		if router := snapshot.Of(n.Router, w.path.Family); router.IsValid() {
			w.src = router
			w.add(Hop{Step: StepDatapath, State: Passes, Known: Inferred, Text: text + ", from " + router.String(), Because: "Cilium's routes to Pods have cilium_host's address"})
			return
		}
	}
	w.src = netip.Addr{}
	w.open(StepDatapath, text, "with which address is the network plugin's affair, and the API does not show it")
}

// underPlugin is the way without Cilium. That Pods reach each other with their own
// addresses is the network model of Kubernetes, which every plugin keeps to; how they
// leave the cluster only flannel and Calico tell.
func (w *walk) underPlugin() {
	p := w.scene.Plugin
	switch w.to.kind {
	case atService:
		w.noService()
		return
	case atSelf, atPeer, atOwnNode:
		w.add(Hop{Step: StepDatapath, State: Passes, Known: Inferred, Text: "stays on the node", Because: "the network model of Kubernetes"})
		return
	case atUnknownPod:
		w.open(StepDatapath, "to a Pod that is not known", "no node has a pod range with "+w.dst.String())
		return
	case atSomePod:
		text := "from node to node"
		if p.Backend != "" {
			text = p.Backend + " from node to node"
		}
		w.add(Hop{Step: StepDatapath, State: Passes, Known: Inferred, Text: text, Because: "the network model of Kubernetes; by which way is the network plugin's affair"})
		return
	}
	w.node("leaves "+w.scene.Source.Node, w.nodeAddresses(w.scene.Source.Node))
	if w.to.kind == atDoubt {
		w.open(StepMasquerade, "not known: it may be an address of the cluster", w.to.why)
		w.unknownSource()
		return
	}
	pools := p.Pools.Of(w.path.Family)
	for _, pool := range pools {
		if !pool.Prefix.Masked().Contains(w.own) {
			continue
		}
		if !pool.Masquerades {
			w.keeps(pool.Key)
			return
		}
		w.masqueraded(ByPlugin, pool.Key)
		return
	}
	because := "no object of the API shows who masquerades here"
	if p.Name != "" {
		because = fmt.Sprintf("%s has no pool with %s", p.Name, w.own)
	}
	w.open(StepMasquerade, "not known", because)
	w.unknownSource()
}
