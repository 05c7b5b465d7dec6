package workloads

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var calicoNAT = &checks.Check{
	ID:       "DS906",
	Name:     "calico-pools-masquerade",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "Calico masquerades Pods with private addresses in both families or in none",
		Why: `The IPv6 pool that Calico makes by itself has no outgoing NAT, the IPv4 one has. Pods with
unique local addresses then send to the internet with them, and no answer comes back: names
with IPv6 addresses hang until the client tries IPv4.`,
		Fix:    "Set natOutgoing of the pool, or give the Pods addresses that are routed.",
		Limits: "A router that translates by itself is not seen. Where the plan has the family routed or not leaving at all, nothing is said.",
		Holds:  "Calico 3.11 to 3.30",
		Since:  "0.1",
		Refs:   []string{"https://docs.tigera.io/calico/latest/reference/resources/ippool", "https://github.com/projectcalico/calico/issues/2954", "https://github.com/projectcalico/calico/issues/7183"},
		Covers: []string{"EGR-02"},
	},
	Needs: []snapshot.Kind{snapshot.CalicoPools},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		var masqueraded ipfam.Set
		for _, p := range in.CalicoPools() {
			if p.NATOutgoing && !p.Disabled {
				masqueraded = masqueraded.With(ipfam.OfPrefix(p.CIDR))
			}
		}
		for _, p := range in.CalicoPools() {
			f := ipfam.OfPrefix(p.CIDR)
			if p.NATOutgoing || p.Disabled || public(p.CIDR) || !masqueraded.Has(f.Other()) || planned(in, f) {
				continue
			}
			fs = append(fs, checks.Finding{
				Object: p.Ref, Field: ".spec.natOutgoing", Family: f,
				Message: fmt.Sprintf("is false, and %s is private: over %s Pods get no answer from the internet, over %s they are masqueraded", p.CIDR, f, f.Other()),
				Fix:     checks.Patch(snapshot.Ref{Kind: "ippools.crd.projectcalico.org", Name: p.Name}, `{"spec":{"natOutgoing":true}}`),
			})
		}
		return fs
	},
}

// planned reports whether the plan has Pods leave over f otherwise than with a node's address.
func planned(in *checks.Input, f ipfam.Family) bool {
	p := in.Plan()
	return p != nil && (p.Egress.Of(f) == plan.RoutedEgress || p.Egress.Of(f) == plan.NoEgress)
}

// public reports whether r is of addresses that are routed on the internet.
func public(r netip.Prefix) bool { return r.IsValid() && plan.Public(netipx.RangeOfPrefix(r.Masked())) }

var k3sMasquerade = &checks.Check{
	ID:       "DS907",
	Name:     "k3s-masquerades-both-families",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "flannel of k3s masquerades Pods with private IPv6 addresses",
		Why: `k3s masquerades IPv4 by default and IPv6 only with --flannel-ipv6-masq. Pods with unique local
addresses send to the internet with them, and no answer comes back.`,
		Fix:    "Add flannel-ipv6-masq: true to /etc/rancher/k3s/config.yaml of every server, and restart k3s on all nodes.",
		Limits: "What the servers were started with, from the annotation k3s.io/node-args of their Nodes. Where the plan has IPv6 routed or not leaving at all, nothing is said.",
		Holds:  "k3s 1.23 to 1.34",
		Since:  "0.1",
		Refs:   []string{"https://docs.k3s.io/networking/basic-network-options", "https://github.com/k3s-io/k3s/issues/4683"},
		Covers: []string{"EGR-01"},
	},
	Needs: []snapshot.Kind{snapshot.Nodes},
	Run: func(in *checks.Input) []checks.Finding {
		for _, n := range in.Nodes() {
			masq, _ := strconv.ParseBool(n.K3sServer["flannel-ipv6-masq"])
			ranges, _ := n.K3sServer.Prefixes("cluster-cidr")
			inside := ipfam.Split(ranges).Of(ipfam.V6)
			if len(inside) == 0 || masq || public(inside[0]) || n.K3sServer["flannel-backend"] == "none" || planned(in, ipfam.V6) {
				continue
			}
			return []checks.Finding{{
				Object: n.Ref, Field: ".metadata.annotations.k3s.io/node-args", Family: ipfam.V6,
				Message: fmt.Sprintf("runs k3s without --flannel-ipv6-masq, and %s is private: over IPv6 Pods get no answer from the internet", inside[0]),
				Fix:     `on every server: echo "flannel-ipv6-masq: true" >> /etc/rancher/k3s/config.yaml; then on all nodes restart k3s`,
			}}
		}
		return nil
	},
}

var routesBack = &checks.Check{
	ID:       "DS908",
	Name:     "routes-to-pods-known",
	Severity: severity.Info,
	Doc: checks.Doc{
		Claim: "it is known how answers come back to Pods that leave with their own addresses",
		Why: `The upstream router knows its own networks. What Pods send with their own public addresses
leaves well, and the answer ends at the router unless it has a route to the node of each Pod,
by hand or by BGP.`,
		Fix:    "Give the router the routes of the finding, and write the range to spec.routed of the plan.",
		Limits: "The router is not asked. A route by a router that learns in another way is not seen.",
		Holds:  "Cilium 1.12 to 1.20",
		Since:  "0.1",
		Refs:   []string{"cilium v1.20.2, Documentation/network/concepts/routing.rst", "https://github.com/cilium/cilium/issues/6320"},
		Covers: []string{"RTR-01", "EGR-03"},
	},
	Needs: []snapshot.Kind{snapshot.CiliumConfig},
	Uses:  slices.DeleteFunc(slices.Clone(podKinds), func(k snapshot.Kind) bool { return k == snapshot.CiliumConfig }),
	Run: func(in *checks.Input) (fs []checks.Finding) {
		c, claims := in.Cilium(), in.Claims(plan.Pods)
		if !c.Present() || c.Config.Bool("enable-bgp-control-plane", false) {
			return nil
		}
		for _, f := range c.Config.Families().List() {
			r, ok := wholeRange(claims, f)
			if !ok || c.Config.Masquerade(f) != cilium.NoMasquerade || !public(r) || wayKnown(in.Plan(), r) {
				continue
			}
			routes := routesTo(in, f)
			if len(routes) == 0 {
				continue
			}
			key := cilium.Key("enable-%s-masquerade", f)
			fs = append(fs, checks.Finding{
				Object: c.ConfigRef, Field: ".data." + key, Family: f,
				Message: fmt.Sprintf("is %q: Pods of %s leave with their own addresses, and answers need a route on the router to each of %d nodes", cmp.Or(c.Config[key], "unset"), r, len(routes)),
				Fix:     "on the upstream router: " + strings.Join(routes, "; "),
			})
		}
		return fs
	},
}

// wholeRange is the range that the pods of f get their addresses from.
func wholeRange(claims []snapshot.Claim, f ipfam.Family) (netip.Prefix, bool) {
	for _, c := range claims {
		if ps := c.Of(f); len(ps) > 0 && !c.Blocks {
			return ps[0].Masked(), true
		}
	}
	return netip.Prefix{}, false
}

// wayKnown reports whether the plan says how packets come to r.
func wayKnown(p *plan.Plan, r netip.Prefix) bool {
	return p != nil && slices.ContainsFunc(append(slices.Clone(p.Routed), p.LAN.Prefixes.Of(ipfam.OfPrefix(r))), func(way netip.Prefix) bool {
		return way.IsValid() && way.Bits() <= r.Bits() && way.Contains(r.Addr())
	})
}

// routesTo is the route to the block of each node that has one, by the node's address, as
// ip of iproute2 takes it. The blocks are Cilium's or, where it reads them, those of the Nodes.
func routesTo(in *checks.Input, f ipfam.Family) (routes []string) {
	blocks := map[string][]netip.Prefix{}
	for _, n := range in.CiliumNodes() {
		blocks[n.Name] = ipfam.Split(n.PodCIDRs).Of(f)
	}
	for _, n := range in.Nodes() {
		by := ipfam.SplitAddrs(n.InternalIPs).Of(f)
		to := blocks[n.Name]
		if len(to) == 0 && in.Cilium().Config.IPAM() == "kubernetes" {
			to = ipfam.Split(n.PodCIDRs).Of(f)
		}
		if len(by) > 0 && len(to) > 0 {
			routes = append(routes, fmt.Sprintf("ip route add %s via %s", to[0], by[0]))
		}
	}
	return routes
}

var masqueradeExceptions = &checks.Check{
	ID:       "DS909",
	Name:     "masquerade-exceptions-of-both-families",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "the ip-masq-agent of Cilium leaves the pods of both families as they are",
		Why: `The list of what is not masqueraded that the agent has by itself is of IPv4. With native routing
and no native routing CIDR of the family, packets from Pod to Pod on another node are then
given the node's address: policies see a node in the place of a Pod, and logs too.`,
		Fix:    "Add the pods' range to nonMasqueradeCIDRs, or set the family's native routing CIDR.",
		Limits: "Native routing only: in a tunnel packets keep their addresses.",
		Holds:  "Cilium 1.14 to 1.20",
		Since:  "0.1",
		Refs:   []string{"cilium v1.20.2, pkg/ipmasq/ipmasq.go defaultNonMasqCIDRs", "cilium v1.20.2, bpf/lib/nat.h"},
		Covers: []string{"EGR-04"},
	},
	Needs: []snapshot.Kind{snapshot.CiliumConfig, snapshot.IPMasqAgentConfig},
	Uses:  slices.DeleteFunc(slices.Clone(podKinds), func(k snapshot.Kind) bool { return k == snapshot.CiliumConfig }),
	Run: func(in *checks.Input) (fs []checks.Finding) {
		c, agent, claims := in.Cilium(), in.IPMasqAgent(), in.Claims(plan.Pods)
		v, _ := in.CiliumVersion()
		if !c.Config.Bool("enable-ip-masq-agent", false) || !c.Config.Native(v) {
			return nil
		}
		for _, f := range c.Config.Families().List() {
			r, ok := wholeRange(claims, f)
			_, native, _ := c.Config.NativeCIDR(f)
			left := slices.ContainsFunc(agent.NonMasquerade, func(n netip.Prefix) bool { return n.Bits() <= r.Bits() && n.Contains(r.Addr()) })
			if !ok || native || left || c.Config.Masquerade(f) != cilium.BPF {
				continue
			}
			object, field := agent.ConfigMap, ".data.config"
			if object == (snapshot.Ref{}) {
				object, field = c.ConfigRef, ".data.enable-ip-masq-agent"
			}
			fs = append(fs, checks.Finding{
				Object: object, Field: field, Family: f,
				Message: fmt.Sprintf("leaves %s to be masqueraded, the pods' range: Pods see each other's nodes over %s", r, f),
				Fix:     checks.Command("kubectl", "edit", "configmap", "ip-masq-agent", "-n", cmp.Or(c.Namespace, "kube-system")) + fmt.Sprintf(" # add %q to nonMasqueradeCIDRs", r),
			})
		}
		return fs
	},
}
