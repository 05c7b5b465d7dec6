package services

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var foreignAddresses = &checks.Check{
	ID:       "DS613",
	Name:     "external-addresses-of-own-families",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "externalIPs and load-balancer addresses of a Service are of families that it has a ClusterIP of",
		Why: `kube-proxy, and Cilium in its place, serve each family of a Service by itself, and a family
that the Service has no ClusterIP of not at all: it has no EndpointSlices of that family either. An
externalIP or a load-balancer address of it is accepted, may be announced, and nothing is behind it.`,
		Fix:    "Give the Service the family, or take the address away.",
		Limits: "Of load-balancer addresses those that stand in a pool of MetalLB or of Cilium's LB IPAM, or are a Node's: others may belong to a proxy, which goes from one family to the other by itself. Services without a selector are left out.",
		Holds:  "Kubernetes 1.23 to 1.37; Cilium 1.15 to 1.20",
		Since:  "0.1",
		Refs: []string{
			"kubernetes v1.37.2, pkg/proxy/serviceport.go newBaseServiceInfo", "kubernetes v1.37.2, pkg/proxy/servicechangetracker.go serviceToServiceMap",
			"https://github.com/cilium/cilium/issues/30450",
		},
		Covers: []string{"KPX-03", "KPX-07"},
	},
	Needs: []snapshot.Kind{snapshot.Services},
	Uses:  []snapshot.Kind{snapshot.MetalLBPools, snapshot.LBIPAMPools, snapshot.Nodes},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		passes := passed(in)
		for _, s := range in.Services() {
			families := ipfam.SetOfAddrs(s.ClusterIPs)
			if s.Headless || families.Empty() || len(s.Selector) == 0 {
				continue
			}
			for _, f := range ipfam.All {
				if families.Has(f) {
					continue
				}
				if given := ipfam.SplitAddrs(s.ExternalIPs).Of(f); len(given) > 0 {
					fs = append(fs, foreign(s, ".spec.externalIPs", f, given))
				}
				var given []netip.Addr
				for _, a := range ipfam.SplitAddrs(s.Ingress).Of(f) {
					if passes(a) {
						given = append(given, a)
					}
				}
				if len(given) > 0 {
					fs = append(fs, foreign(s, ".status.loadBalancer.ingress", f, given))
				}
			}
		}
		return fs
	},
}

// passed is whether packets for an address come as they are to the nodes: it is of a
// pool that the nodes announce, or a node's own.
func passed(in *checks.Input) func(netip.Addr) bool {
	pools, balancers, nodes := in.MetalLBPools(), in.LBIPAMPools(), in.Nodes()
	return func(a netip.Addr) bool {
		for _, p := range pools {
			if p.Owns(a) {
				return true
			}
		}
		for _, p := range balancers {
			for _, r := range p.Ranges {
				if r.Range.IsValid() && r.Range.Contains(a) {
					return true
				}
			}
		}
		for _, n := range nodes {
			if slices.Contains(n.InternalIPs, a) || slices.Contains(n.ExternalIPs, a) {
				return true
			}
		}
		return false
	}
}

func foreign(s snapshot.Service, field string, f ipfam.Family, given []netip.Addr) checks.Finding {
	texts := make([]string, len(given))
	for i, a := range given {
		texts[i] = a.String()
	}
	return checks.Finding{
		Object: s.Ref, Field: field, Family: f,
		Message: fmt.Sprintf("has %s, and the Service has no %s ClusterIP: nothing is behind it", strings.Join(texts, ", "), f),
		Fix:     checks.Patch(s.Ref, fmt.Sprintf(`{"spec":{"ipFamilyPolicy":"RequireDualStack","ipFamilies":[%s]}}`, familyList(f.Other(), f))),
	}
}
