package render

import (
	"net/netip"

	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
)

const nftablesFile = "nftables.conf"

// nftables is the rules of the router: what passes it in both families, and what has its
// address outside. Its tables have the names of Debian's, with a nat table beside them,
// which is what expose --publish nftables adds to.
func nftables(j *job) {
	n := nftRendering{job: j, lines: lines{comment: "#"}}
	if !n.hasLAN() {
		return
	}
	n.add("#!/usr/sbin/nft -f")
	n.say("/etc/nftables.conf of the router. It takes the place of all rules that are there.")
	n.add("flush ruleset")
	n.add("")
	n.add("define lan = %s", lanNIC)
	n.add("define uplink = %s", uplinkNIC)
	n.add("")
	n.add("table inet filter {")
	n.input()
	n.add("")
	n.forward()
	n.add("}")
	n.nat()
	j.note(nftablesFile, "put the names of the router's interfaces, in double quotes, in place of %s and %s", lanNIC, uplinkNIC)
	j.note(nftablesFile, "nothing comes in from the internet but answers: expose --publish nftables prints the rules for a Service")
	j.file(nftablesFile, n.bytes())
}

type nftRendering struct {
	*job
	lines
}

func (n *nftRendering) hasLAN() bool {
	n.ranges("spec.lan", n.plan.LAN.Prefixes)
	return len(n.faults) == 0
}

// input is what the router itself takes. Neighbour discovery is nobody else's: it comes
// from the link, with a hop limit of 255 (RFC 4861, 6.1 and 7.1), and without it there
// is no IPv6. The errors are those of RFC 4890, 4.4.1; DHCPv6 is how the provider
// delegates its prefix.
func (n *nftRendering) input() {
	n.add("\tchain input {")
	n.add("\t\ttype filter hook input priority filter; policy drop;")
	n.add("\t\tct state established,related accept")
	n.add("\t\tiifname { \"lo\", $lan } accept")
	if n.plan.Want().Has(ipfam.V6) {
		n.add("\t\ticmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } ip6 hoplimit 255 accept")
		n.add("\t\ticmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem } accept")
		n.add("\t\ticmpv6 type echo-request limit rate 10/second accept")
		n.add("\t\tip6 saddr fe80::/10 udp dport 546 accept")
	}
	if n.plan.Want().Has(ipfam.V4) {
		n.add("\t\ticmp type { destination-unreachable, time-exceeded, parameter-problem } accept")
		n.add("\t\ticmp type echo-request limit rate 10/second accept")
	}
	n.add("\t}")
}

// forward is what passes the router. Packets of which it sees one direction only, from
// the LAN to pods that answer directly, are no connection to it, so that nothing is
// dropped for its state. ICMPv6 errors pass wherever they are for: without
// packet-too-big large answers never arrive (RFC 4890, 4.3.1).
func (n *nftRendering) forward() {
	n.add("\tchain forward {")
	n.add("\t\ttype filter hook forward priority filter; policy drop;")
	n.add("\t\tct state established,related accept")
	if n.plan.Want().Has(ipfam.V6) {
		n.add("\t\ticmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem } accept")
		n.add("\t\ticmpv6 type echo-request limit rate 10/second accept")
	}
	if n.plan.Want().Has(ipfam.V4) {
		n.add("\t\ticmp type { destination-unreachable, time-exceeded, parameter-problem } accept")
		n.add("\t\ticmp type echo-request limit rate 10/second accept")
	}
	n.add("")
	n.add("\t\t# From here, wherever it goes.")
	for _, s := range n.sources() {
		n.why(s.why, "\t\tiifname $lan %s saddr %s accept", s.table(), s.prefix)
	}
	n.add("\t}")
}

// source is a range that packets come from.
type source struct {
	prefix netip.Prefix
	why    string
}

// table is how nft calls the family of the source.
func (s source) table() string {
	if ipfam.OfPrefix(s.prefix) == ipfam.V4 {
		return "ip"
	}
	return "ip6"
}

// sources is where packets come from, as the router sees them: the LAN, and the pods
// that leave with their own addresses, unless they are of the LAN.
func (n *nftRendering) sources() []source {
	var list []source
	for _, f := range n.plan.Families {
		lan := n.plan.LAN.Prefixes.Of(f).Masked()
		list = append(list, source{lan, n.from(of("spec.lan", f))})
		pods := n.plan.Pods.Prefixes.Of(f)
		if !pods.IsValid() || n.plan.Egress.Of(f) != plan.RoutedEgress || plan.Within(netipx.RangeOfPrefix(pods.Masked()), netipx.RangeOfPrefix(lan)) {
			continue
		}
		list = append(list, source{pods.Masked(), n.from(of("spec.pods", f), of("spec.egress", f))})
	}
	return list
}

// nat gives what is not routed on the internet the router's own address there: private
// IPv4, and private IPv6 where the plan says masquerade.
func (n *nftRendering) nat() {
	for _, f := range n.plan.Families {
		var hidden []source
		for _, s := range n.sources() {
			private := !plan.Public(netipx.RangeOfPrefix(s.prefix))
			if ipfam.OfPrefix(s.prefix) == f && private && (f == ipfam.V4 || n.plan.Egress.V6 == plan.Masquerade) {
				hidden = append(hidden, s)
			}
		}
		if len(hidden) == 0 {
			continue
		}
		n.add("")
		n.add("table %s nat {", hidden[0].table())
		n.add("\tchain prerouting {")
		n.add("\t\ttype nat hook prerouting priority dstnat;")
		n.add("\t}")
		n.add("")
		n.add("\tchain postrouting {")
		n.add("\t\ttype nat hook postrouting priority srcnat;")
		for _, s := range hidden {
			n.why(s.why, "\t\toifname $uplink %s saddr %s masquerade", s.table(), s.prefix)
		}
		n.add("\t}")
		n.add("}")
	}
}
