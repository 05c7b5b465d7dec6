package expose

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
)

// Routers is the kinds of router that Publish has commands for.
var Routers = []string{"nftables", "openwrt", "vyos"}

// Published is what a router is to let in from the internet.
type Published struct {
	Name      string // of the Service: NAMESPACE/NAME
	Addresses ipfam.Pair[netip.Addr]
	Delegated ipfam.Pair[netip.Prefix] // by the plan: what the provider routes here; invalid when that is not known
	Ports     []Port
}

// Publish is the commands for a router of this kind, which publish a Service on the
// internet in these families: over IPv4 a private address is reached by the router's own,
// whose port is forwarded; over IPv6 nothing is translated, and the firewall lets in what
// is for the Service's address. An address that nobody outside can reach has a comment in
// the place of commands.
func Publish(kind string, families ipfam.Set, p Published) (string, error) {
	rules, ok := map[string]func(Published, netip.Addr, Port, int) []string{"nftables": nftables, "openwrt": openwrt, "vyos": vyos}[kind]
	if !ok {
		return "", fmt.Errorf("%q: want %s", kind, strings.Join(Routers, ", "))
	}
	lines := strings.Split(heads[kind], "\n")
	number := 100
	for _, f := range ipfam.All {
		a := p.Addresses.Of(f)
		switch {
		case !families.Has(f):
		case !a.IsValid():
			lines = append(lines, fmt.Sprintf("# %s: %s has no address of it", f, p.Name))
		case f == ipfam.V6 && (a.IsPrivate() || a.IsLinkLocalUnicast()):
			lines = append(lines, fmt.Sprintf("# %s: %s is not routed on the internet; publishing takes an address out of your provider's prefix", f, a))
		case p.Delegated.Of(f).IsValid() && !a.IsPrivate() && !p.Delegated.Of(f).Contains(a):
			lines = append(lines, fmt.Sprintf("# %s: by the plan the provider routes %s here, and %s is not of it", f, p.Delegated.Of(f), a))
		default:
			lines = append(lines, "# "+title(f, a))
			for _, port := range p.Ports {
				lines = append(lines, rules(p, a, port, number)...)
				number++
			}
		}
	}
	if last := tails[kind]; last != "" {
		lines = append(lines, last)
	}
	return strings.Join(lines, "\n") + "\n", nil
}

func title(f ipfam.Family, a netip.Addr) string {
	if translated(a) {
		return fmt.Sprintf("%s: ports of the router's own address are forwarded to %s", f, a)
	}
	return fmt.Sprintf("%s: %s is reached as it is; the firewall lets it through", f, a)
}

// translated reports whether a port has to be forwarded to the address.
func translated(a netip.Addr) bool { return a.Is4() && a.IsPrivate() }

// heads and tails stand around the rules of a kind.
var (
	heads = map[string]string{
		"nftables": "# WAN is the interface to the provider; the tables are those of Debian's nftables.conf with a nat table beside it.\nWAN=wan0",
		"openwrt":  "# Zones are wan and lan, as OpenWrt has them at first.",
		"vyos":     "# VyOS 1.4 and later; eth0 is the interface to the provider, and the numbers of the rules are to be free.",
	}
	tails = map[string]string{"openwrt": "uci commit firewall && service firewall reload"}
)

func nftables(p Published, a netip.Addr, port Port, _ int) (lines []string) {
	protocol := strings.ToLower(port.protocol())
	family := "ip6"
	if a.Is4() {
		family = "ip"
	}
	if translated(a) {
		lines = append(lines, fmt.Sprintf(`nft "add rule ip nat prerouting iifname $WAN %s dport %d dnat to %s comment \"%s\""`, protocol, port.Number, a, p.Name))
	}
	// In front: whatever accepts later cannot mend what was dropped.
	return append(lines, fmt.Sprintf(`nft "insert rule inet filter forward iifname $WAN %s daddr %s %s dport %d accept comment \"%s\""`, family, a, protocol, port.Number, p.Name))
}

func openwrt(p Published, a netip.Addr, port Port, _ int) []string {
	protocol, family := strings.ToLower(port.protocol()), ipfam.Of(a)
	section, kind := "rule", [][2]string{{"target", "ACCEPT"}, {"dest_port", fmt.Sprint(port.Number)}}
	if translated(a) {
		section, kind = "redirect", [][2]string{{"target", "DNAT"}, {"src_dport", fmt.Sprint(port.Number)}, {"dest_port", fmt.Sprint(port.Number)}}
	}
	lines := []string{"uci add firewall " + section}
	for _, option := range append([][2]string{
		{"name", fmt.Sprintf("%s %d/%s %s", p.Name, port.Number, protocol, family)}, {"family", strings.ToLower(family.String())},
		{"src", "wan"}, {"dest", "lan"}, {"proto", protocol}, {"dest_ip", a.String()},
	}, kind...) {
		lines = append(lines, fmt.Sprintf("uci set firewall.@%s[-1].%s='%s'", section, option[0], option[1]))
	}
	return lines
}

func vyos(p Published, a netip.Addr, port Port, number int) (lines []string) {
	protocol, family := strings.ToLower(port.protocol()), strings.ToLower(ipfam.Of(a).String())
	set := func(rule string, values ...string) {
		for _, value := range append(values, fmt.Sprintf("description '%s'", p.Name), "protocol "+protocol, fmt.Sprintf("destination port %d", port.Number)) {
			lines = append(lines, fmt.Sprintf("set %s rule %d %s", rule, number, value))
		}
	}
	if translated(a) {
		set("nat destination", "inbound-interface name eth0", "translation address "+a.String())
	}
	set("firewall "+family+" forward filter", "action accept", "inbound-interface name eth0", "destination address "+a.String())
	return lines
}
