package render

import "github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"

// slaac is the only length of a prefix out of which hosts make addresses of their own
// on Ethernet (RFC 4862, 5.5.3; RFC 2464, 4).
const slaac = 64

// radvd is the router's advertisements on the LAN: the prefix, and that the router is
// the way out.
// Source: radvd.conf(5).
func radvd(j *job) {
	lan := j.plan.LAN.Prefixes.Of(ipfam.V6)
	if !lan.IsValid() {
		j.fault("spec.lan.ipv6", "is not given: there is nothing to advertise")
		return
	}
	lan = lan.Masked()
	l := lines{comment: "#"}
	l.say("/etc/radvd.conf of the router. " + lanNIC + " is its interface on the LAN.")
	l.add("interface %s {", lanNIC)
	l.add("\tAdvSendAdvert on;")
	l.add("")
	l.why(j.from("spec.lan.ipv6"), "\tprefix %s {", lan)
	l.add("\t\tAdvOnLink on;")
	if lan.Bits() == slaac {
		l.add("\t\tAdvAutonomous on;")
	} else {
		l.why("hosts make addresses of a /64 only", "\t\tAdvAutonomous off;")
	}
	l.add("\t};")
	l.add("")
	l.add("\t# Name servers are yours to add: RDNSS ADDRESS { };")
	l.add("};")
	j.note("radvd.conf", "put the router's interface on the LAN in place of %s", lanNIC)
	j.file("radvd.conf", l.bytes())
}
