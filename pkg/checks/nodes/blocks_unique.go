package nodes

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var blocksUnique = &checks.Check{
	ID:       "DS304",
	Name:     "node-pod-cidrs-unique",
	Severity: severity.Error,
	Doc: checks.Doc{
		Claim: "no two Nodes have the same pod range of a family",
		Why: `Packets for a Pod go to the node that has its range: with the range on two nodes half of
them arrive where the Pod is not, and two Pods can have one address. It happens in one family
alone, so that the other hides it. kube-controller-manager gives no range twice; Nodes that were
restored from a backup, or written by hand, have one that it gave away.`,
		Fix:    "Drain one of the two, delete its Node, and let kubelet register it again.",
		Limits: "CiliumNodes, which have the ranges that count where Cilium has pools of its own, are the subject of DS427.",
		Holds:  "Kubernetes 1.23 to 1.37",
		Since:  "0.1",
		Refs:   []string{"kubernetes v1.37.2, pkg/controller/nodeipam/ipam/cidrset/cidr_set.go AllocateNext"},
		Covers: []string{"CNI-03"},
	},
	Needs: []snapshot.Kind{snapshot.Nodes},
	Uses:  checks.BlockKinds,
	Run: func(in *checks.Input) []checks.Finding {
		return shared(blocksOf(in.Nodes()), in.BlockUse().Severity(severity.Error))
	},
}

// block is a pod range of one node.
type block struct {
	prefix netip.Prefix
	owner  snapshot.Ref
}

func blocksOf(nodes []snapshot.Node) (blocks []block) {
	for _, n := range nodes {
		for _, p := range n.PodCIDRs {
			blocks = append(blocks, block{p.Masked(), n.Ref})
		}
	}
	return blocks
}

// shared is the blocks that lie in a block of another node. Prefixes are nested
// or apart, so that in the order of their addresses, the larger first, each is to
// be compared with the last one that was not inside another:
//
//	last  |-----------|
//	next     |--|          in last
//	next                |--|   becomes last
func shared(blocks []block, sev severity.Severity) (fs []checks.Finding) {
	slices.SortStableFunc(blocks, func(a, b block) int {
		return cmp.Or(a.prefix.Addr().Compare(b.prefix.Addr()), cmp.Compare(a.prefix.Bits(), b.prefix.Bits()))
	})
	var last block
	for _, b := range blocks {
		if !last.prefix.IsValid() || !last.prefix.Overlaps(b.prefix) {
			last = b
			continue
		}
		if b.owner == last.owner {
			continue
		}
		fs = append(fs, checks.Finding{
			Severity: sev, Object: b.owner, Field: ".spec.podCIDRs", Family: ipfam.OfPrefix(b.prefix),
			Message: fmt.Sprintf("has the pod range %s, and %s has %s", b.prefix, last.owner, last.prefix),
			Fix:     rejoinFor(sev, b.owner.Name),
		})
	}
	return fs
}
