package plan

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/bits"
	"net/netip"
	"strconv"
	"strings"
)

// Route is a route of a host.
type Route struct {
	To        netip.Prefix
	Interface string
	Gateway   netip.Addr // invalid when To is on the link
}

// The flags of a route in /proc/net/route and /proc/net/ipv6_route.
// Source: linux v6.12, include/uapi/linux/{route,ipv6_route}.h.
const (
	routeUp      = 0x0001
	routeReject  = 0x0200
	routeAnycast = 0x00100000
	routeLocal   = 0x80000000
)

// ParseRoutes4 reads /proc/net/route, the main table of IPv4, in which addresses
// are hexadecimal numbers in the byte order of the host. Routes that lead nowhere
// are left out, and so is the default route, which is about no network.
// Source: linux v6.12, net/ipv4/fib_trie.c fib_route_seq_show.
func ParseRoutes4(text string, order binary.ByteOrder) ([]Route, error) {
	var routes []Route
	for number, line := range rows(text) {
		fields := strings.Fields(line)
		if number == 1 || len(fields) == 0 {
			continue // the names of the columns
		}
		if len(fields) < 8 {
			return nil, fmt.Errorf("line %d: %d fields: want 8 or more", number, len(fields))
		}
		to, errTo := four(order, fields[1])
		gateway, errGateway := four(order, fields[2])
		mask, errMask := four(order, fields[7])
		flags, errFlags := strconv.ParseUint(fields[3], 16, 32)
		for _, err := range []error{errTo, errGateway, errMask, errFlags} {
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", number, err)
			}
		}
		m := binary.BigEndian.Uint32(mask.AsSlice())
		length := bits.LeadingZeros32(^m)
		if m<<length != 0 {
			return nil, fmt.Errorf("line %d: mask %s has a gap", number, mask)
		}
		if flags&routeUp == 0 || flags&routeReject != 0 || length == 0 {
			continue
		}
		r := Route{To: netip.PrefixFrom(to, length).Masked(), Interface: fields[0]}
		if !gateway.IsUnspecified() {
			r.Gateway = gateway
		}
		routes = append(routes, r)
	}
	return routes, nil
}

// four reads an IPv4 address such as 000200C0, which is 192.0.2.0 where the lowest
// byte comes first.
func four(order binary.ByteOrder, text string) (netip.Addr, error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != 4 {
		return netip.Addr{}, fmt.Errorf("%q is no address", text)
	}
	var a [4]byte
	order.PutUint32(a[:], binary.BigEndian.Uint32(b))
	return netip.AddrFrom4(a), nil
}

// ParseRoutes6 reads /proc/net/ipv6_route. Of its tables it leaves out the host's
// own addresses, anycast and multicast, routes that lead nowhere, and those of
// link-local addresses, of which every link has one.
// Source: linux v6.12, net/ipv6/ip6_fib.c ipv6_route_native_seq_show.
func ParseRoutes6(text string) ([]Route, error) {
	var routes []Route
	for number, line := range rows(text) {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		if len(fields) < 10 {
			return nil, fmt.Errorf("line %d: %d fields: want 10", number, len(fields))
		}
		to, errTo := sixteen(fields[0])
		length, errLength := strconv.ParseUint(fields[1], 16, 8)
		gateway, errGateway := sixteen(fields[4])
		flags, errFlags := strconv.ParseUint(fields[8], 16, 32)
		for _, err := range []error{errTo, errLength, errGateway, errFlags} {
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", number, err)
			}
		}
		if length > 128 {
			return nil, fmt.Errorf("line %d: length %d", number, length)
		}
		unwanted := flags&(routeReject|routeAnycast|routeLocal) != 0 || flags&routeUp == 0
		if unwanted || length == 0 || to.IsMulticast() || to.IsLinkLocalUnicast() || fields[9] == "lo" {
			continue
		}
		r := Route{To: netip.PrefixFrom(to, int(length)).Masked(), Interface: fields[9]}
		if !gateway.IsUnspecified() {
			r.Gateway = gateway
		}
		routes = append(routes, r)
	}
	return routes, nil
}

func sixteen(text string) (netip.Addr, error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != 16 {
		return netip.Addr{}, fmt.Errorf("%q is no address", text)
	}
	return netip.AddrFrom16([16]byte(b)), nil
}

// rows is the lines of a table, counted from 1.
func rows(text string) func(yield func(int, string) bool) {
	return func(yield func(int, string) bool) {
		number := 0
		for line := range strings.Lines(text) {
			if number++; !yield(number, line) {
				return
			}
		}
	}
}
