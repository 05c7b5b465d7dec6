package cni

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
	ID:       "DS427",
	Name:     "cilium-blocks-unique",
	Severity: severity.Error,
	Doc: checks.Doc{
		Claim: "no two CiliumNodes have pod ranges that share addresses",
		Why: `Packets to the shared addresses go to one of the two nodes, and which one is chance.
It has happened to one family while the other was fine: after a restore of CiliumNodes,
or when an operator freed one family's block because of a duplicate in the other.`,
		Fix:    "Cordon and drain the younger of the two nodes, delete its CiliumNode, and restart its agent.",
		Holds:  "Cilium 1.15 to 1.20",
		Since:  "0.1",
		Refs:   []string{"https://github.com/cilium/cilium/issues/17277", "https://github.com/cilium/cilium/issues/44832"},
		Covers: []string{"CNI-03"},
	},
	Needs: []snapshot.Kind{snapshot.CiliumNodes},
	Uses:  []snapshot.Kind{snapshot.CiliumConfig},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		field, ranges := ".spec.ipam.podCIDRs", func(n snapshot.CiliumNode) []netip.Prefix { return n.PodCIDRs }
		switch in.Cilium().Config.IPAM() {
		case "kubernetes":
			return nil // the CiliumNodes only repeat the Nodes, of which DS304 speaks
		case "multi-pool":
			field, ranges = ".spec.ipam.pools.allocated", func(n snapshot.CiliumNode) []netip.Prefix { return n.PoolCIDRs }
		}
		var holder block // prefixes that overlap are nested, so the first of them holds the others
		for _, b := range blocksInOrder(in.CiliumNodes(), ranges) {
			if !holder.prefix.IsValid() || !holder.prefix.Overlaps(b.prefix) {
				holder = b
				continue
			}
			fs = append(fs, checks.Finding{
				Object: b.node.Ref, Field: field, Family: ipfam.OfPrefix(b.prefix),
				Message: fmt.Sprintf("has %s, and %s has %s", b.prefix, holder.node.Ref, holder.prefix),
				Fix: checks.Command("kubectl", "drain", b.node.Name, "--ignore-daemonsets", "--delete-emptydir-data") + " && " +
					checks.Command("kubectl", "delete", "ciliumnode", b.node.Name) + " && " +
					checks.Command("kubectl", "delete", "pod", "-n", "kube-system", "-l", "k8s-app=cilium", "--field-selector", "spec.nodeName="+b.node.Name),
			})
		}
		return fs
	},
}

type block struct {
	prefix netip.Prefix
	node   snapshot.CiliumNode
}

// blocksInOrder is all pod ranges by their first address, the wider before the
// narrower.
func blocksInOrder(nodes []snapshot.CiliumNode, ranges func(snapshot.CiliumNode) []netip.Prefix) []block {
	var blocks []block
	for _, n := range nodes {
		for _, p := range ranges(n) {
			blocks = append(blocks, block{p.Masked(), n})
		}
	}
	slices.SortFunc(blocks, func(a, b block) int {
		return cmp.Or(a.prefix.Addr().Compare(b.prefix.Addr()), cmp.Compare(a.prefix.Bits(), b.prefix.Bits()), cmp.Compare(a.node.Name, b.node.Name))
	})
	return blocks
}
