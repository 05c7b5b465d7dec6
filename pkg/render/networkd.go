package render

import (
	"net/netip"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
)

// networkd is the network of each node for systemd-networkd, and what the kernel is
// told to forward.
// Source: systemd.network(5) of systemd 252.
func networkd(j *job) {
	nic := j.nic()
	lans := j.ranges("spec.lan", j.plan.LAN.Prefixes)
	if len(j.faults) > 0 {
		return
	}
	if len(j.opts.Nodes) == 0 {
		j.link("networkd.network", nic, lans, nil)
	}
	for i := range j.opts.Nodes {
		j.link("networkd-"+j.opts.Nodes[i].Name+".network", nic, lans, &j.opts.Nodes[i])
	}
	j.forwarding()
}

// link is the file of a node's interface.
func (j *job) link(name, nic string, lans []netip.Prefix, n *Node) {
	l := lines{comment: "#"}
	owner := "each node, with its own addresses"
	if n != nil {
		owner = n.Name
	}
	l.say("/etc/systemd/network/10-lan.network of " + owner + ".")
	l.add("[Match]")
	l.say(j.from("spec.lan.interface"))
	l.add("Name=%s", nic)
	l.add("")
	l.add("[Network]")
	l.add("DHCP=no")
	for i, f := range j.plan.Families {
		address := nodePlaceholders([]ipfam.Family{f})[0]
		if n != nil {
			address = n.Addresses.Of(f).String()
			l.say("--node; " + j.from(of("spec.lan", f)))
		} else {
			l.say(j.from(of("spec.lan", f)))
			j.note(name, "put the node's address in place of %s, or name the nodes with --node", address)
		}
		l.add("Address=%s/%d", address, lans[i].Bits())
	}
	if j.plan.Want().Has(ipfam.V4) {
		l.add("Gateway=%s", router(ipfam.V4))
		j.note(name, "put the router's address in place of %s; name servers are yours to add, DNS=", router(ipfam.V4))
	}
	if j.plan.Want().Has(ipfam.V6) {
		l.say("The way out is the router's to advertise. Without this line networkd does not listen to routers on a\n" +
			"host that forwards, and the kernel itself does not either: the default route would be lost.")
		l.add("IPv6AcceptRA=yes")
		l.say("No address that changes: nodes are known by the ones above.")
		l.add("IPv6PrivacyExtensions=no")
		l.add("")
		l.add("[IPv6AcceptRA]")
		l.add("UseAutonomousPrefix=no")
	}
	j.file(name, l.bytes())
}

// forwarding is for sysctl.d, which outlasts a restart. Network plug-ins set the same,
// later. What a node does with advertisements is networkd's business, so that accept_ra
// is left alone.
func (j *job) forwarding() {
	l := lines{comment: "#"}
	l.say("/etc/sysctl.d/90-dualstack.conf of each node: it passes packets on, of " + j.plan.Want().String() + " (" + j.from("spec.families") + ").")
	for _, f := range j.plan.Families {
		if f == ipfam.V4 {
			l.add("net.ipv4.ip_forward = 1")
		} else {
			l.add("net.ipv6.conf.all.forwarding = 1")
		}
	}
	j.file("networkd-sysctl.conf", l.bytes())
}
