package plan

import (
	"net/netip"

	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// planForm is every field of a plan file. docs/schema/addressplan.schema.json
// says the same to editors, and a test holds the two together.
var planForm = form{
	{name: "apiVersion", required: true, read: constant(APIVersion)},
	{name: "kind", required: true, read: constant(Kind)},
	{name: "metadata", fields: form{
		{name: "name", read: text(func(p *Plan) *string { return &p.Name })},
	}},
	{name: "spec", required: true, fields: form{
		{name: "families", read: readFamilies},
		{name: "delegated", fields: prefixes(func(p *Plan) *ipfam.Pair[netip.Prefix] { return &p.Delegated })},
		{name: "lan", fields: append(
			prefixes(func(p *Plan) *ipfam.Pair[netip.Prefix] { return &p.LAN.Prefixes }),
			field{name: "interface", read: text(func(p *Plan) *string { return &p.LAN.Interface })},
			field{name: "reserved", read: addresses(func(p *Plan) *[]netipx.IPRange { return &p.LAN.Reserved })},
		)},
		{name: "routed", read: readRouted},
		{name: "pods", fields: append(
			prefixes(func(p *Plan) *ipfam.Pair[netip.Prefix] { return &p.Pods.Prefixes }),
			field{name: "nodeMask", fields: perFamily(func(f ipfam.Family) func(*reader, value) {
				return integer(f.Bits(), func(p *Plan) *int { return p.Pods.NodeMask.At(f) })
			})},
		)},
		{name: "services", fields: prefixes(func(p *Plan) *ipfam.Pair[netip.Prefix] { return &p.Services })},
		{
			name:  "loadBalancers",
			begin: func(p *Plan) { p.LoadBalancers = append(p.LoadBalancers, Pool{}) },
			items: form{
				{name: "name", required: true, read: readPoolName},
				{name: "announce", read: oneOf([]string{"l2", "bgp", "none"}, func(p *Plan) *string { return &p.pool().Announce })},
				{name: "addresses", required: true, read: readPoolAddresses},
			},
		},
		{name: "egress", fields: perFamily(func(f ipfam.Family) func(*reader, value) {
			return oneOf([]Egress{Masquerade, RoutedEgress, NoEgress}, func(p *Plan) *Egress { return p.Egress.At(f) })
		})},
		{name: "echo", read: text(func(p *Plan) *string { return &p.Echo })},
		{name: "expect", fields: form{
			{name: "nodes", read: integer(maxExpected, func(p *Plan) *int { return &p.Expect.Nodes })},
			{name: "podsPerNode", read: integer(maxExpected, func(p *Plan) *int { return &p.Expect.PodsPerNode })},
			{name: "services", read: integer(maxExpected, func(p *Plan) *int { return &p.Expect.Services })},
			{name: "loadBalancers", read: integer(maxExpected, func(p *Plan) *int { return &p.Expect.LoadBalancers })},
		}},
		{name: "versions", fields: form{
			{name: "kubernetes", read: version(func(p *Plan) *release.Version { return &p.Versions.Kubernetes })},
			{name: "cilium", read: version(func(p *Plan) *release.Version { return &p.Versions.Cilium })},
			{name: "metallb", read: version(func(p *Plan) *release.Version { return &p.Versions.MetalLB })},
		}},
	}},
}

// maxExpected is the largest number of anything that a cluster may be planned
// for: enough for all, and products of two of them do not overflow.
const maxExpected = 1_000_000_000

// pool is the pool that is being read.
func (p *Plan) pool() *Pool { return &p.LoadBalancers[len(p.LoadBalancers)-1] }

// perFamily is the fields ipv4 and ipv6.
func perFamily(read func(ipfam.Family) func(*reader, value)) form {
	var fields form
	for _, f := range ipfam.All {
		fields = append(fields, field{name: key(f), read: read(f)})
	}
	return fields
}

func prefixes(at func(*Plan) *ipfam.Pair[netip.Prefix]) form {
	return perFamily(func(f ipfam.Family) func(*reader, value) {
		return func(r *reader, v value) {
			if p, ok := r.prefix(v, f); ok {
				*at(&r.plan).At(f) = p
			}
		}
	})
}
