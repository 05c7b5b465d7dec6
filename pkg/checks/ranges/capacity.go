package ranges

import (
	"fmt"
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
		Why: `Every node takes one block of each family. When one family has no block left the
next node gets none of either: it stays NotReady, and the only sign is an Event of type
Normal. The two families seldom have as many blocks; the smaller one decides.`,
		Fix:    "Append a range to Cilium's list of pools. Node masks and the ranges of kube-controller-manager can only be changed with the cluster.",
		Limits: "Blocks that are lost to an overlap with Services, or that belong to nodes that are gone, are not counted.",
		Holds:  "Kubernetes 1.23 to 1.37, Cilium 1.15 to 1.20",
		Since:  "0.1",
		Refs: []string{
			"kubernetes v1.37.2, pkg/controller/nodeipam/ipam/cidrset/cidr_set.go getMaxCIDRs",
			"https://github.com/canonical/k8s-snap/issues/1762",
		},
	},
	Needs: []snapshot.Kind{snapshot.Nodes},
	Uses:  podKinds,
	Run: func(in *checks.Input) (fs []checks.Finding) {
		list, nodes := pods(in), uint64(len(in.Nodes()))
		for _, f := range ipfam.All {
			ranges := of(list, f)
			if len(ranges) == 0 || nodes == 0 {
				continue
			}
			have := nodeBlocks(ranges)
			if have == 0 || !plan.Scarce(nodes, have) {
				continue // with no block at all the mask is at fault
			}
			finding := ranges[0].finding(fmt.Sprintf("has %s of /%d for %d nodes%s", count(have, "block"), ranges[0].mask, nodes, unless(of(list, f.Other()))), moreBlocks(ranges[0]))
			if nodes > have {
				finding.Severity = severity.Error
			}
			fs = append(fs, finding)
		}
		return fs
	},
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

// moreBlocks is a range with twice the blocks: the longest prefix around s that
// has them.
func moreBlocks(s stated) string {
	prefix, ok := s.Prefix()
	if !ok || prefix.Bits() == 0 {
		return s.remedy("<a range with more blocks>")
	}
	return s.remedy(plan.Shorter(prefix, 1).String())
}

var serviceCapacity = &checks.Check{
	ID:       "DS109",
	Name:     "service-capacity",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "the Service range of each family has addresses for more Services than there are",
		Why: `A dual-stack Service takes an address of each range. When one range is full, Services
that require both families are refused, and the others get one address, of the range that
is left.`,
		Fix:    "From 1.33 on, add a ServiceCIDR of both families. Before, the range is as large as it was made.",
		Limits: "The static and the dynamic part of a range are counted together.",
		Holds:  "Kubernetes 1.23 to 1.37",
		Since:  "0.1",
		Refs: []string{
			"kubernetes v1.37.2, pkg/registry/core/service/ipallocator/ipallocator.go",
			"kubernetes v1.37.2, pkg/registry/core/service/ipallocator/bitmap.go",
		},
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
