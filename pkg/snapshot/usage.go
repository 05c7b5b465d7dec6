package snapshot

import (
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
)

// UsageKinds is the kinds that Usage looks at.
var UsageKinds = []Kind{Nodes, Pods, Services, CiliumConfig, CiliumNodes}

// Usage is what the cluster has given out of its ranges: blocks to nodes,
// ClusterIPs, and addresses of load balancers. What could not be read is Unknown,
// never nothing.
func (s *Snapshot) Usage() *plan.Usage {
	t := taken{Usage: plan.Usage{Unknown: map[plan.Use]string{}}, seen: map[plan.Use]map[netipx.IPRange]bool{}}
	t.nodes(s)
	t.services(s)
	t.pods(s)
	return &t.Usage
}

// taken is a Usage in the making.
type taken struct {
	plan.Usage
	seen map[plan.Use]map[netipx.IPRange]bool
}

// add takes each block or address once: Services may share one.
func (t *taken) add(use plan.Use, owner Ref, field string, r netipx.IPRange) {
	if t.seen[use] == nil {
		t.seen[use] = map[netipx.IPRange]bool{}
	}
	if !r.IsValid() || t.seen[use][r] {
		return
	}
	t.seen[use][r] = true
	name := owner.Name
	if owner.Namespace != "" {
		name = owner.Namespace + "/" + name
	}
	t.Taken = append(t.Taken, plan.Range{Use: use, Name: name, Addrs: r, Owner: owner.String(), Field: field})
}

func (t *taken) address(use plan.Use, owner Ref, field string, a netip.Addr) {
	t.add(use, owner, field, netipx.IPRangeFrom(a.Unmap(), a.Unmap()))
}

// nodes is how many nodes there are, and their blocks: Cilium's where its operator
// cuts them, and otherwise those of kube-controller-manager.
// Source: cilium v1.20.2, pkg/node/sync/local_node_sync_wait.go.
func (t *taken) nodes(s *Snapshot) {
	if _, gap := s.Gap(Nodes); !gap {
		t.Nodes, t.NodesKnown = uint64(len(s.Nodes)), true
	}
	if g, gap := s.Gap(CiliumConfig); gap && !g.Absent() {
		t.Unknown[plan.Pods] = g.String() // whose blocks count cannot be told
		return
	}
	ours := s.Cilium.Present() && slices.Contains([]string{"cluster-pool", "multi-pool"}, s.Cilium.Config.IPAM())
	kind := Nodes
	if ours {
		kind = CiliumNodes
	}
	if g, gap := s.Gap(kind); gap {
		t.Unknown[plan.Pods] = g.String()
		return
	}
	if ours {
		for _, n := range s.CiliumNodes {
			t.blocks(n.Ref, ".spec.ipam.podCIDRs", n.PodCIDRs)
			t.blocks(n.Ref, ".spec.ipam.pools.allocated", n.PoolCIDRs)
		}
		return
	}
	for _, n := range s.Nodes {
		t.blocks(n.Ref, ".spec.podCIDRs", n.PodCIDRs)
	}
}

func (t *taken) blocks(owner Ref, field string, blocks []netip.Prefix) {
	for _, b := range blocks {
		t.add(plan.Pods, owner, field, netipx.RangeOfPrefix(b.Masked()))
	}
}

// services is the addresses of Services. A manifest that is still to be applied
// has none, which says nothing about a cluster.
func (t *taken) services(s *Snapshot) {
	reason := ""
	switch g, gap := s.Gap(Services); {
	case gap:
		reason = g.String()
	case !s.Source.Live && !slices.ContainsFunc(s.Services, func(v Service) bool { return v.Live }):
		reason = "no Service in the files is one of a running cluster"
	}
	if reason != "" {
		t.Unknown[plan.Services], t.Unknown[plan.LoadBalancers] = reason, reason
		return
	}
	for _, v := range s.Services {
		for _, a := range v.ClusterIPs {
			t.address(plan.Services, v.Ref, ".spec.clusterIPs", a)
		}
		for _, a := range v.Ingress {
			t.address(plan.LoadBalancers, v.Ref, ".status.loadBalancer.ingress", a)
		}
	}
}

// pods is how many addresses Pods have that are not their node's.
func (t *taken) pods(s *Snapshot) {
	if _, gap := s.Gap(Pods); gap {
		return
	}
	t.PodsKnown = true
	for _, p := range s.Pods {
		if p.HostNetwork {
			continue
		}
		for _, a := range p.IPs {
			if at := t.Pods.At(ipfam.Of(a)); at != nil {
				*at++
			}
		}
	}
}
