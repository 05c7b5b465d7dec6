package plan

import (
	"net/netip"

	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
)

// SpecialPrefix is a prefix that has a purpose of its own, or that many people
// have in their clusters by accident.
type SpecialPrefix struct {
	Prefix   netip.Prefix
	Severity severity.Severity // Info for the prefixes of documentation
	Name     string            // "documentation (RFC 3849)"
	Why      string            // what comes of it, as a predicate of the addresses
	Default  bool              // a program's default for pods: only the very prefix counts
}

// ForDocumentation reports whether the prefix is one for documentation.
func (s SpecialPrefix) ForDocumentation() bool { return s.Severity == severity.Info && !s.Default }

func special(prefix string, s severity.Severity, name, why string) SpecialPrefix {
	return SpecialPrefix{Prefix: netip.MustParsePrefix(prefix), Severity: s, Name: name, Why: why}
}

// specials is the special prefixes, those within another before it.
var specials = []SpecialPrefix{
	special("192.0.2.0/24", severity.Info, "documentation (RFC 5737)", nowhere),
	special("198.51.100.0/24", severity.Info, "documentation (RFC 5737)", nowhere),
	special("203.0.113.0/24", severity.Info, "documentation (RFC 5737)", nowhere),
	special("2001:db8::/32", severity.Info, "documentation (RFC 3849)", nowhere),
	special("3fff::/20", severity.Info, "documentation (RFC 9637)", nowhere),

	special("0.0.0.0/8", severity.Error, "«this network» (RFC 791)", "are no addresses of hosts"),
	special("127.0.0.0/8", severity.Error, "loopback (RFC 1122)", "never leave a host"),
	special("169.254.0.0/16", severity.Error, "link-local (RFC 3927)", "are passed on by no router"),
	special("224.0.0.0/4", severity.Error, "multicast (RFC 5771)", "are no addresses of hosts"),
	special("240.0.0.0/4", severity.Warning, "reserved (RFC 1112)", "are dropped by many hosts and routers"),
	special("::1/128", severity.Error, "loopback (RFC 4291)", "never leave a host"),
	special("64:ff9b::/96", severity.Warning, "NAT64 (RFC 6052)", "stand for IPv4 addresses"),
	special("64:ff9b:1::/48", severity.Warning, "NAT64 of the site (RFC 8215)", "stand for IPv4 addresses"),
	special("100::/64", severity.Warning, "discard (RFC 6666)", "are dropped by routers"),
	special("2001::/32", severity.Warning, "Teredo (RFC 4380)", "stand for tunnels through NAT"),
	special("2001:cafe::/32", severity.Warning, "the example of k3s's documentation",
		"are public, and not this site's"), // https://github.com/k3s-io/k3s/issues/10575
	special("2002::/16", severity.Warning, "6to4 (RFC 7526, deprecated)", "stand for IPv4 tunnels"),
	special("fe80::/10", severity.Error, "link-local (RFC 4291)", "are passed on by no router"),
	special("fec0::/10", severity.Warning, "site-local (RFC 3879, deprecated)", "have been abolished, and kubeadm warns of them"),
	special("ff00::/8", severity.Error, "multicast (RFC 4291)", "are no addresses of hosts"),
	special("::/8", severity.Warning, "reserved by the IETF (RFC 4291)", "are routed nowhere"),

	{Prefix: netip.MustParsePrefix("10.0.0.0/8"), Severity: severity.Info, Default: true, Name: ciliumDefault, Why: common},
	{Prefix: netip.MustParsePrefix("fd00::/104"), Severity: severity.Info, Default: true, Name: ciliumDefault, Why: common},
}

const (
	nowhere       = "are routed nowhere"
	ciliumDefault = "the default of Cilium's chart"
	common        = "other clusters have too, so that they cannot be joined"
)

// SpecialOf is the special prefix that r lies in, if there is one.
func SpecialOf(r Range) (SpecialPrefix, bool) {
	for _, s := range specials {
		whole := netipx.RangeOfPrefix(s.Prefix)
		if s.Default && (r.Use != Pods || r.Addrs != whole) {
			continue
		}
		if Within(r.Addrs, whole) {
			return s, true
		}
	}
	return SpecialPrefix{}, false
}

// privates is the prefixes that every site may use and none has alone.
var privates = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"),
	netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("fc00::/7"),
}

// Public reports whether r is of addresses that are routed on the internet: not
// private, not of a special purpose. The prefixes of documentation count as
// public, since they stand for such.
func Public(r netipx.IPRange) bool {
	if !r.IsValid() || containing(privates, r).IsValid() {
		return false
	}
	s, ok := SpecialOf(Range{Addrs: r})
	return !ok || s.ForDocumentation()
}

// containing is the longest of ps that r lies in; invalid when there is none.
func containing(ps []netip.Prefix, r netipx.IPRange) netip.Prefix {
	var best netip.Prefix
	for _, p := range ps {
		if p.IsValid() && Within(r, netipx.RangeOfPrefix(p.Masked())) && (!best.IsValid() || p.Bits() > best.Bits()) {
			best = p.Masked()
		}
	}
	return best
}
