// Package advertise sends router advertisements, as a home router does, and as somebody
// does who is none.
package advertise

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// Numbers of RFC 4861, sections 4.2, 6.1.2 and 6.2.1, and preferences of RFC 4191,
// section 2.2.
const (
	advertisement = 134
	hopLimit      = 255 // of the packet: nobody takes one that was forwarded
	perLifetime   = 3   // advertisements, so that one may be lost
	shortest      = time.Second
	longest       = 9000 * time.Second
)

var preferences = map[string]byte{"low": 0b11, "medium": 0b00, "high": 0b01}

// Serve advertises this host as a router on the interface that its argument names, until
// it is killed.
func Serve(args []string) error {
	flags := flag.NewFlagSet("advertise", flag.ContinueOnError)
	lifetime := flags.Duration("lifetime", 30*time.Minute, "how long the route is good for")
	preference := flags.String("preference", "medium", "low, medium or high")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return errors.New("advertise: want the name of an interface, such as lan0")
	}
	m, err := message(*lifetime, *preference)
	if err != nil {
		return fmt.Errorf("advertise: %w", err)
	}
	conn, err := listen(flags.Arg(0))
	if err != nil {
		return fmt.Errorf("advertise on %s: %w", flags.Arg(0), err)
	}
	defer conn.Close()
	for ; ; time.Sleep(*lifetime / perLifetime) {
		if _, err := conn.WriteTo(m, &net.IPAddr{IP: net.IPv6linklocalallnodes, Zone: flags.Arg(0)}); err != nil {
			return err
		}
	}
}

// message is an advertisement without a prefix: hosts have addresses already. The kernel
// adds the checksum.
func message(lifetime time.Duration, preference string) ([]byte, error) {
	if lifetime < shortest || lifetime > longest {
		return nil, fmt.Errorf("--lifetime %s: want %s to %s", lifetime, shortest, longest)
	}
	bits, ok := preferences[preference]
	if !ok {
		return nil, fmt.Errorf("--preference %q: want low, medium or high", preference)
	}
	m := make([]byte, 16)
	m[0], m[5] = advertisement, bits<<3
	binary.BigEndian.PutUint16(m[6:], uint16(lifetime/time.Second))
	return m, nil
}

// listen is a socket on the interface's link-local address, the only kind that routers
// are known by.
func listen(device string) (*net.IPConn, error) {
	link, err := net.InterfaceByName(device)
	if err != nil {
		return nil, err
	}
	own, err := linkLocal(link)
	if err != nil {
		return nil, err
	}
	conn, err := net.ListenIP("ip6:ipv6-icmp", &net.IPAddr{IP: own.AsSlice(), Zone: device})
	if err != nil {
		return nil, err
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	var set error
	err = raw.Control(func(fd uintptr) {
		set = errors.Join(
			syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IPV6, syscall.IPV6_MULTICAST_HOPS, hopLimit),
			syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IPV6, syscall.IPV6_MULTICAST_IF, link.Index),
		)
	})
	if err = errors.Join(err, set); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

func linkLocal(link *net.Interface) (netip.Addr, error) {
	all, err := link.Addrs()
	if err != nil {
		return netip.Addr{}, err
	}
	for _, one := range all {
		p, err := netip.ParsePrefix(one.String())
		if err == nil && p.Addr().Is6() && p.Addr().IsLinkLocalUnicast() {
			return p.Addr(), nil
		}
	}
	return netip.Addr{}, errors.New("it has no link-local address")
}
