package loadbalancers

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var nodeAddresses = &checks.Check{
	ID:       "DS520",
	Name:     "node-addresses-beside-pools",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "where MetalLB has pools, no Service that it serves has the addresses of nodes instead",
		Why: `k3s and RKE2 come with a load balancer of their own, ServiceLB, which gives a Service the
addresses of the nodes that its Pods run on. It serves Services without a class, as MetalLB does: each writes
its addresses over the other's, and a dual-stack Service is now at the addresses of the pool, now at the
nodes', of as many families as the nodes have.`,
		Fix:    "Switch ServiceLB off: disable: [servicelb] in config.yaml of each server; or give the Services a class that one of the two is told to serve.",
		Limits: "Services that MetalLB is not to serve by their class are left out, and so are node addresses that stand in a pool.",
		Holds:  "MetalLB 0.13 to 0.16; k3s",
		Since:  "0.1",
		Refs:   []string{"metallb v0.16.2 website/content/configuration/k3s.md", "https://github.com/metallb/metallb/issues/1543"},
		Covers: []string{"LB-15"},
	},
	Needs: []snapshot.Kind{snapshot.Services, snapshot.Nodes, snapshot.MetalLBPools},
	Uses:  []snapshot.Kind{snapshot.MetalLBSetup},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		pools, m := in.PoolsInForce(), in.MetalLB()
		v, _ := in.MetalLBVersion()
		own := map[netip.Addr]bool{}
		for _, n := range in.Nodes() {
			for _, a := range slices.Concat(n.InternalIPs, n.ExternalIPs) {
				own[a] = true
			}
		}
		for _, s := range in.Services() {
			strange := len(s.Ingress) > 0 && !slices.ContainsFunc(s.Ingress, func(a netip.Addr) bool {
				return !own[a] || slices.ContainsFunc(pools, func(p snapshot.Pool) bool { return p.Owns(a) })
			})
			if len(pools) == 0 || !strange || !s.LoadBalancer() || !metallb.Serves(s.Class, m.Class, v) {
				continue
			}
			fs = append(fs, checks.Finding{
				Object: s.Ref, Field: ".status.loadBalancer.ingress",
				Message: fmt.Sprintf("has addresses of nodes, %s, and MetalLB has pools for it: another load balancer writes them over MetalLB's", listed(s.Ingress)),
				Fix:     "k3s and RKE2: disable: [servicelb] in config.yaml of each server, and restart it; kubectl delete daemonset -n kube-system -l svccontroller.k3s.cattle.io/svcname=" + s.Name,
			})
		}
		return fs
	},
}

func listed(as []netip.Addr) string {
	texts := make([]string, len(as))
	for i, a := range as {
		texts[i] = a.String()
	}
	return strings.Join(texts, ", ")
}
