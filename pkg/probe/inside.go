package probe

import (
	"fmt"
	"net/netip"
	"strings"
)

// Script is a script for the shell of a small image, such as busybox, that connects to
// each address and says how that went, in lines that Read reads. nc ends with 1 when no
// connection is made, and otherwise when the other side is done or time is up; one that
// fails is tried again, as a Service that is new may not be everywhere yet. Addresses are
// literal, so each is asked over its own family.
func Script(targets []netip.AddrPort) string {
	var b strings.Builder
	b.WriteString(`try() {
	for i in 1 2 3 4 5; do
		timeout 4 nc -w 3 "$1" "$2" </dev/null >/dev/null 2>&1
		case $? in
		1) sleep 1 ;;
		126 | 127) echo "$1 $2 untried"; return ;;
		*) echo "$1 $2 connected"; return ;;
		esac
	done
	echo "$1 $2 refused"
}
`)
	for _, t := range targets {
		fmt.Fprintf(&b, "try %s %d &\n", t.Addr(), t.Port()) // a server may keep nc until time is up
	}
	b.WriteString("wait\n")
	return b.String()
}

// Read is what the script said of each target: nil for one that it connected to. A target
// that it says nothing of has an error too.
func Read(said string, targets []netip.AddrPort) map[netip.AddrPort]error {
	results := map[netip.AddrPort]error{}
	for _, t := range targets {
		results[t] = fmt.Errorf("nothing is known of %s", t)
	}
	for line := range strings.Lines(said) {
		var address, outcome string
		var port uint16
		if n, err := fmt.Sscan(line, &address, &port, &outcome); n != 3 || err != nil {
			continue
		}
		a, err := netip.ParseAddr(address)
		if err != nil {
			continue
		}
		to := netip.AddrPortFrom(a, port)
		if _, asked := results[to]; !asked {
			continue
		}
		switch outcome {
		case "connected":
			results[to] = nil
		case "untried":
			results[to] = fmt.Errorf("%s was not tried: the image has no nc or no timeout", to)
		default:
			results[to] = fmt.Errorf("%s does not answer", to)
		}
	}
	return results
}
