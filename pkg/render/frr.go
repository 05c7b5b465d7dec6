package render

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
)

const frrFile = "frr.conf"

// frr is the routes of the router in front of the cluster, for FRR: those to the ranges
// that it is to send to the nodes, and the neighbours of pools that are announced by BGP.
// Source: https://docs.frrouting.org, pages STATIC and BGP.
func frr(j *job) {
	f := frrRendering{job: j, lines: lines{comment: "!"}}
	f.say("FRR on the router in front of the cluster: to be added to /etc/frr/frr.conf.\nstaticd, and for neighbours bgpd, are switched on in /etc/frr/daemons.")
	pools := f.bgpPools()
	if len(j.plan.Routed) == 0 && len(pools) == 0 {
		j.fault("spec.routed", "is not given, and no pool is announced by BGP: there is nothing to route to the nodes")
		return
	}
	for i, r := range j.plan.Routed {
		f.routed(i, r.Masked())
	}
	if len(pools) > 0 {
		f.neighbours(pools)
	}
	j.file(frrFile, f.bytes())
}

type frrRendering struct {
	*job
	lines
}

// routed sends a prefix to the nodes. Any of them passes on what is for another's pods:
// the tunnel between them does, and the routes of K3s do
// (https://docs.k3s.io/networking/basic-network-options). What no node takes is dropped,
// and does not go back to the provider.
func (f *frrRendering) routed(i int, r netip.Prefix) {
	family, field := ipfam.OfPrefix(r), fmt.Sprintf("spec.routed[%d]", i)
	if !f.plan.Want().Has(family) {
		f.note(frrFile, "%s is left out: %s has no %s", f.from(field), f.from("spec.families"), family)
		return
	}
	f.add("!")
	f.say(f.from(field))
	for _, hop := range f.hops(family) {
		f.add("%s route %s %s", command(family), r, hop)
	}
	f.add("%s route %s blackhole 254", command(family), r)
}

func command(f ipfam.Family) string {
	if f == ipfam.V4 {
		return "ip"
	}
	return "ipv6"
}

// hops is the nodes' addresses of a family, or a placeholder.
func (f *frrRendering) hops(family ipfam.Family) []string {
	if len(f.opts.Nodes) == 0 {
		hop := nodePlaceholders([]ipfam.Family{family})[0]
		f.note(frrFile, "put a node's address in place of %s, one line for each node, or name the nodes with --node", hop)
		return []string{hop}
	}
	var hops []string
	for _, n := range f.opts.Nodes {
		hops = append(hops, n.Addresses.Of(family).String())
	}
	return hops
}

// bgpPools is the indices of the pools that are announced by BGP.
func (f *frrRendering) bgpPools() []int {
	var pools []int
	for i, pool := range f.plan.LoadBalancers {
		if pool.Announce == "bgp" {
			pools = append(pools, i)
		}
	}
	return pools
}

// neighbours is the nodes as the router's neighbours, of which it takes the addresses
// of the pools and to which it tells nothing.
func (f *frrRendering) neighbours(pools []int) {
	for _, family := range f.plan.Families {
		f.add("!")
		f.say(fmt.Sprintf("What is taken from the nodes over %s.", family))
		f.accepted(family, pools)
	}
	f.add("route-map nothing deny 10")
	f.add("!")
	f.add("router bgp ${ROUTER_ASN}")
	f.add(" no bgp default ipv4-unicast")
	for _, family := range f.plan.Families {
		for _, hop := range f.hops(family) {
			f.add(" neighbor %s remote-as ${MY_ASN}", hop)
		}
	}
	for _, family := range f.plan.Families {
		f.add(" address-family %s unicast", strings.ToLower(family.String()))
		for _, hop := range f.hops(family) {
			f.add("  neighbor %s activate", hop)
			f.add("  neighbor %s route-map %s in", hop, policy(family))
			f.add("  neighbor %s route-map nothing out", hop)
		}
		f.add(" exit-address-family")
	}
	f.add("exit")
	f.note(frrFile, "the plan has no AS numbers: fill in ${ROUTER_ASN} and ${MY_ASN}, the cluster's")
}

func policy(f ipfam.Family) string { return "cluster-" + strings.ToLower(f.String()) }

// accepted is the prefixes of the pools, each address of which a node may announce.
func (f *frrRendering) accepted(family ipfam.Family, pools []int) {
	seq := 0
	for _, i := range pools {
		for k, r := range f.plan.LoadBalancers[i].Addresses {
			if ipfam.Of(r.From()) != family {
				continue
			}
			f.say(f.from(fmt.Sprintf("%s.addresses[%d]", poolField(i), k)))
			for _, p := range r.Prefixes() {
				seq += 5
				length := ""
				if p.Bits() < family.Bits() {
					length = fmt.Sprintf(" le %d", family.Bits())
				}
				f.add("%s prefix-list %s seq %d permit %s%s", command(family), policy(family), seq, p, length)
			}
		}
	}
	if seq == 0 {
		f.add("route-map %s deny 10", policy(family))
		return
	}
	f.add("route-map %s permit 10", policy(family))
	f.add(" match %s address prefix-list %s", command(family), policy(family))
	f.add("exit")
}
