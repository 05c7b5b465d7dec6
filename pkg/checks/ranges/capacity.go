package ranges

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var nodeCapacity = &checks.Check{
	ID:       "DS108",
	Name:     "node-capacity",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "the pod range of each family has blocks for more nodes than there are",
		Why: `When one family has no block left the next node gets none of either: it stays NotReady,
and the only sign is an Event of type Normal. Every node takes one block of each family. The
two seldom have as many, and the smaller one decides.`,
		Fix:    "Append a range to Cilium's list of pools. Node masks and the ranges of kube-controller-manager can only be changed with the cluster.",
		Limits: "Blocks that are lost to an overlap with Services, or that belong to nodes that are gone, are not counted.",
		Holds:  "Kubernetes 1.23 to 1.37, Cilium 1.15 to 1.20",
		Since:  "0.1",
		Refs: []string{
			"kubernetes v1.37.2, pkg/controller/nodeipam/ipam/cidrset/cidr_set.go getMaxCIDRs",
			"https://github.com/canonical/k8s-snap/issues/1762",
		},
		Covers: []string{"PLAN-04"},
	},
	AnyOf: []snapshot.Kind{snapshot.KubeadmConfig, snapshot.ControlPlane, snapshot.CiliumConfig},
	Uses:  kinds(podKinds, []snapshot.Kind{snapshot.Nodes, snapshot.CiliumNodes}),
	Run: func(in *checks.Input) (fs []checks.Finding) {
		list, nodes := pods(in), uint64(len(in.Nodes()))
		for _, f := range ipfam.All {
			ranges := of(list, f)
			have := nodeBlocks(ranges)
			if have == 1 && !in.Known(snapshot.Nodes) {
				fs = append(fs, ranges[0].finding(fmt.Sprintf("has 1 block of /%d: a second node gets none%s", ranges[0].mask, unless(of(list, f.Other()))), moreBlocks(in, ranges[0], list)))
			}
			if nodes == 0 {
				continue
			}
			if have == 0 || !plan.Scarce(nodes, have) || nodes > have && waiting(in, f) {
				continue // with no block at all the mask is at fault
			}
			finding := ranges[0].finding(fmt.Sprintf("has %s of /%d for %d nodes%s", count(have, "block"), ranges[0].mask, nodes, unless(of(list, f.Other()))), moreBlocks(in, ranges[0], list))
			if nodes > have {
				finding.Severity = severity.Error
			}
			fs = append(fs, finding)
		}
		return fs
	},
}

// waiting reports whether some nodes are seen to have a block of family f and
// some not. Then other checks name them.
func waiting(in *checks.Input, f ipfam.Family) bool {
	with, without := 0, 0
	tell := func(blocks []netip.Prefix) {
		if ipfam.SetOfPrefixes(blocks).Has(f) {
			with++
		} else {
			without++
		}
	}
	if ciliumNodes := in.CiliumNodes(); len(ciliumNodes) > 0 {
		for _, n := range ciliumNodes {
			tell(n.PodCIDRs)
		}
	} else {
		for _, n := range in.Nodes() {
			tell(n.PodCIDRs)
		}
	}
	return with > 0 && without > 0
}

func nodeBlocks(list []stated) uint64 {
	var n uint64
	for _, s := range list {
		if prefix, ok := s.Prefix(); ok {
			n = plan.Sum(n, plan.Blocks(prefix, s.mask))
		}
	}
	return n
}

// unless is what the other family has.
func unless(other []stated) string {
	if len(other) == 0 {
		return ""
	}
	return fmt.Sprintf("; %s has %s", other[0].Family(), plan.FormatCount(nodeBlocks(other)))
}

func count(n uint64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return plan.FormatCount(n) + " " + noun + "s"
}

// moreBlocks is twice the blocks: a further range for Cilium, which takes any
// number of them and whose nodes keep what they have; the prefix around s for
// kube-controller-manager.
func moreBlocks(in *checks.Input, s stated, all []stated) string {
	prefix, ok := s.Prefix()
	p := in.Plan()
	if p == nil {
		p = &plan.Plan{}
	}
	wider := plan.Shorter(prefix, 1)
	free, found := p.FreePrefix(prefix, rangesOf(all)...)
	switch {
	case s.program.Name == "" && ok && found:
		return s.more(free.String())
	case s.program.Name != "" && ok && plan.NodeMaskLimit(wider, s.mask) == "":
		return s.remedy(wider.String())
	}
	return s.remedy("<a range with more blocks>")
}

var serviceCapacity = &checks.Check{
	ID:       "DS109",
	Name:     "service-capacity",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "the Service range of each family has addresses for more Services than there are",
		Why: `When one range is full, Services that require both families are refused, and the others
get one address, of the range that is left. A dual-stack Service takes an address of each.`,
		Fix:    "From 1.33 on, add a ServiceCIDR of both families. Before, the range is as large as it was made.",
		Limits: "The static and the dynamic part of a range are counted together.",
		Holds:  "Kubernetes 1.23 to 1.37",
		Since:  "0.1",
		Refs: []string{
			"kubernetes v1.37.2, pkg/registry/core/service/ipallocator/ipallocator.go",
			"kubernetes v1.37.2, pkg/registry/core/service/ipallocator/bitmap.go",
		},
		Covers: []string{"SVC-10"},
	},
	Needs: []snapshot.Kind{snapshot.Services},
	Uses:  kinds(serviceKinds, []snapshot.Kind{snapshot.Versions}),
	Run: func(in *checks.Input) (fs []checks.Finding) {
		v, _ := in.KubernetesVersion()
		list := services(in)
		for _, f := range ipfam.All {
			var have uint64
			for _, s := range of(list, f) {
				if prefix, ok := s.Prefix(); ok {
					have = plan.Sum(have, plan.ServiceAddresses(prefix, v))
				}
			}
			used := clusterIPs(in.Services(), of(list, f))
			if have == 0 || used == 0 || !plan.Scarce(used, have) {
				continue
			}
			s := of(list, f)[0]
			fs = append(fs, s.finding(fmt.Sprintf("has %s addresses for Services, and %d are taken", plan.FormatCount(have), used), moreServices(in, s, v)))
		}
		return fs
	},
}

// clusterIPs is how many addresses out of ranges Services have.
func clusterIPs(services []snapshot.Service, ranges []stated) uint64 {
	var n uint64
	for _, s := range services {
		for _, a := range s.ClusterIPs {
			if slices.ContainsFunc(ranges, func(r stated) bool { return r.Addrs.Contains(a.Unmap()) }) {
				n++
			}
		}
	}
	return n
}

// moreServices is a ServiceCIDR with as many addresses again, where there are
// ServiceCIDRs, and otherwise a range with twice the addresses.
func moreServices(in *checks.Input, s stated, v release.Version) string {
	prefix, ok := s.Prefix()
	if !ok {
		return s.remedy("<a larger range>")
	}
	p := in.Plan()
	if p == nil {
		p = &plan.Plan{}
	}
	free, ok := p.FreePrefix(prefix, s.Range)
	if !ok || !v.From(plan.ServiceCIDRsFrom) {
		return s.remedy(plan.Shorter(prefix, 1).String())
	}
	return fmt.Sprintf(`echo '{"apiVersion":"networking.k8s.io/v1","kind":"ServiceCIDR","metadata":{"name":"more-%s"},"spec":{"cidrs":[%q]}}' | kubectl create -f -`,
		field(s.Family()), free)
}
