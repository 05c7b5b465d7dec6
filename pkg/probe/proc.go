package probe

import (
	"encoding/hex"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/trace"
)

// ProcFiles is what there is to read of a network namespace, to be read with cat, one
// after the other: their lines do not look alike. Those of IPv6, which may be missing, come
// before the one that is always there: where it was read, they were.
var ProcFiles = []string{"/proc/net/if_inet6", "/proc/net/ipv6_route", "/proc/net/route", "/proc/net/fib_trie"}

// Bits in the kernel's tables.
// Source: linux include/uapi/linux/route.h, ipv6_route.h, if_addr.h.
const (
	routeReject   = 0x0200
	addrDADFailed = 0x08
	addrTentative = 0x40
)

// readProc reads lines of ProcFiles in any order. Where nothing of /proc/net was read
// both are nil; where there is no if_inet6 there is no IPv6, and that is read.
func readProc(text string) ipfam.Pair[*trace.Routes] {
	var v4, v6 namespace
	var leaf netip.Addr
	read := false
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		switch {
		case len(fields) > 1 && fields[0] == "Iface":
			read = true
		case len(fields) == 11 && len(fields[1]) == 8:
			v4.route4(fields)
		case len(fields) == 2 && fields[0] == "|--":
			leaf = address(ipfam.V4, fields[1])
		case strings.TrimSpace(line) == "/32 host LOCAL":
			if !leaf.IsLinkLocalUnicast() {
				add(&v4.Addresses, leaf)
			}
		case len(fields) == 6 && len(fields[0]) == 32:
			v6.address6(fields)
		case len(fields) == 10 && len(fields[0]) == 32:
			v6.route6(fields)
		}
	}
	if !read {
		return ipfam.Pair[*trace.Routes]{}
	}
	return ipfam.Pair[*trace.Routes]{V4: &v4.Routes, V6: &v6.Routes}
}

// namespace is Routes while they are read.
type namespace struct{ trace.Routes }

// route4 takes in a line of /proc/net/route: interface, destination, gateway, flags,
// reference count, use, metric, mask and more. The addresses are in the order of the
// machine, and all that the tool meets but s390x have the small end first.
func (n *namespace) route4(fields []string) {
	flags, err := strconv.ParseUint(fields[3], 16, 32)
	if err != nil || flags&routeReject != 0 || fields[1] != "00000000" || fields[7] != "00000000" {
		return
	}
	n.HasRoute = true
	if b, err := hex.DecodeString(fields[2]); err == nil && len(b) == 4 {
		slices.Reverse(b)
		next, _ := netip.AddrFromSlice(b)
		add(&n.Default, next)
	}
}

// route6 takes in a line of /proc/net/ipv6_route: destination and its length, source and
// its length, next hop, metric, reference count, use, flags, interface. The kernel keeps a
// default route of its own that rejects, with the largest metric, where there is no other.
func (n *namespace) route6(fields []string) {
	flags, err := strconv.ParseUint(fields[8], 16, 32)
	zero := strings.Repeat("0", 32)
	if err != nil || fields[0] != zero || fields[1] != "00" || fields[3] != "00" ||
		flags&routeReject != 0 || fields[5] == "ffffffff" || fields[9] == "lo" {
		return
	}
	n.HasRoute = true
	add(&n.Default, hex6(fields[4]))
}

// address6 takes in a line of /proc/net/if_inet6: address, number of the interface, length,
// scope, flags, interface. An address that is not sure to be unique cannot be used yet.
func (n *namespace) address6(fields []string) {
	flags, err := strconv.ParseUint(fields[4], 16, 32)
	if err == nil && fields[3] == "00" && flags&(addrDADFailed|addrTentative) == 0 {
		add(&n.Addresses, hex6(fields[0]))
	}
}

func hex6(s string) netip.Addr {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 16 {
		return netip.Addr{}
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// add adds an address that leaves the machine, once.
func add(to *[]netip.Addr, a netip.Addr) {
	if a.IsValid() && !a.IsUnspecified() && !a.IsLoopback() && !slices.Contains(*to, a) {
		*to = append(*to, a)
	}
}
