package trace

import (
	"net/netip"
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// place is where a destination is, seen from the Pod.
type place struct {
	kind placeKind
	node string             // that has it
	pod  *snapshot.Workload // whose it is, where that is known
	why  string             // of atDoubt: what could not be read
}

type placeKind int

const (
	elsewhere    placeKind = iota // beyond the cluster and its LAN
	onLAN                         // of the nodes' network, and no node's
	atSelf                        // the Pod itself
	atPeer                        // a Pod on the same node
	atSomePod                     // a Pod on another node
	atUnknownPod                  // of the pod ranges, and of no node that is known
	atOwnNode                     // the node of the Pod
	atNode                        // another node
	atService                     // of the Service ranges, and no Service has it
	atDoubt                       // it may be a node's or a Pod's: that could not be read
)

// placeOf is where a lies.
func (w *walk) placeOf(a netip.Addr) place {
	if !a.IsValid() {
		return place{kind: elsewhere}
	}
	for i := range w.scene.Peers {
		p := &w.scene.Peers[i]
		if slices.Contains(p.IPs, a) {
			return w.placeOfPod(p)
		}
	}
	if slices.Contains(w.scene.Source.IPs, a) && !w.scene.Source.HostNetwork {
		return place{kind: atSelf, node: w.scene.Source.Node, pod: &w.scene.Source}
	}
	if at, ok := w.placeAtNode(a); ok {
		return at
	}
	switch g, unread := w.scene.Gap("ipaddresses", snapshot.Services); {
	case w.query.Target.Kind == ToAddress && unread && !g.Absent():
		return place{kind: atDoubt, why: g.String()}
	case w.inRanges(a, w.podRanges()):
		return place{kind: atUnknownPod}
	case w.inRanges(a, w.serviceRanges()) && unread: // an API server before 1.33 has no object of an address
		return place{kind: atDoubt, why: g.String()}
	case w.inRanges(a, w.serviceRanges()):
		return place{kind: atService}
	case w.query.Target.Kind == ToAddress && !w.scene.AllNodes:
		why := "the nodes could not be read"
		if g, ok := w.scene.Gap(snapshot.Nodes, snapshot.CiliumNodes); ok {
			why = g.String()
		}
		return place{kind: atDoubt, why: why}
	case w.plan != nil && w.plan.LAN.Prefixes.Of(w.path.Family).Contains(a):
		return place{kind: onLAN}
	}
	return place{kind: elsewhere}
}

func (w *walk) placeOfPod(p *snapshot.Workload) place {
	at := place{node: p.Node, pod: p}
	own := p.Node == w.scene.Source.Node
	switch {
	case p.Ref == w.scene.Source.Ref:
		at.kind = atSelf
	case p.HostNetwork && own:
		at.kind = atOwnNode
	case p.HostNetwork:
		at.kind = atNode
	case own:
		at.kind = atPeer
	default:
		at.kind = atSomePod
	}
	return at
}

// placeAtNode looks for a among the addresses and the pod ranges of nodes.
func (w *walk) placeAtNode(a netip.Addr) (place, bool) {
	at := w.scene.Locate(a)
	own := at.Node == w.scene.Source.Node
	kind := map[[2]bool]placeKind{{true, true}: atPeer, {true, false}: atSomePod, {false, true}: atOwnNode, {false, false}: atNode}[[2]bool{at.Pod, own}]
	return place{kind: kind, node: at.Node}, at.Node != ""
}

func (w *walk) inRanges(a netip.Addr, ranges []netip.Prefix) bool {
	return slices.ContainsFunc(ranges, func(p netip.Prefix) bool { return p.IsValid() && p.Masked().Contains(a) })
}

// podRanges is the ranges of the family that Pods of the whole cluster have addresses of,
// as far as anything says.
func (w *walk) podRanges() []netip.Prefix {
	f := w.path.Family
	ranges, _ := w.scene.Cilium.Config.Pools(f)
	if w.plan != nil {
		ranges = append(ranges, w.plan.Pods.Prefixes.Of(f))
	}
	for _, p := range w.scene.Plugin.Pools.Of(f) {
		ranges = append(ranges, p.Prefix)
	}
	return append(ranges, w.scene.KubeProxy.ClusterCIDR...)
}

func (w *walk) serviceRanges() (ranges []netip.Prefix) {
	for _, c := range w.scene.ServiceCIDRs {
		ranges = append(ranges, c.CIDRs...)
	}
	if w.plan != nil {
		ranges = append(ranges, w.plan.Services.Of(w.path.Family))
	}
	return ranges
}

// nodeAddresses is the addresses of the family that the API has for a node.
func (w *walk) nodeAddresses(name string) (all []netip.Addr) {
	node, ciliumNode := w.scene.NodeOf(name)
	var lists [][]netip.Addr
	if ciliumNode != nil {
		lists = append(lists, ciliumNode.Internal, ciliumNode.External)
	}
	if node != nil {
		lists = append(lists, node.InternalIPs, node.ExternalIPs)
	}
	for _, list := range lists {
		for _, a := range list {
			if ipfam.Of(a) == w.path.Family && !slices.Contains(all, a) {
				all = append(all, a)
			}
		}
	}
	return all
}
