package probe

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
)

// far is the caller's address in the answer of an echo server: plain text, or JSON. In a
// page for people an address says nothing of the caller; neither does one of several.
func far(f ipfam.Family, body string, server netip.Addr) netip.Addr {
	const longest = 500
	if _, text, ok := strings.Cut(body, "HTTP/1."); ok {
		body = text
	}
	if len(body) > longest || strings.Contains(body, "<") {
		return netip.Addr{}
	}
	var found []netip.Addr
	for _, word := range strings.FieldsFunc(body, notOfAddress) {
		a := address(f, word)
		if !a.IsValid() && f == ipfam.V4 {
			if with, err := netip.ParseAddrPort(word); err == nil {
				a = address(f, with.Addr().String())
			}
		}
		if a.IsValid() && !slices.Contains(found, a) {
			found = append(found, a)
		}
	}
	if len(found) > 1 {
		found = slices.DeleteFunc(found, func(a netip.Addr) bool { return a == server })
	}
	if len(found) != 1 {
		return netip.Addr{}
	}
	return found[0]
}

func notOfAddress(r rune) bool {
	return !strings.ContainsRune("0123456789abcdefABCDEF:.", r)
}

// statusIn is the status of the first line of HTTP among the texts, or 0.
func statusIn(texts []string) int {
	for _, text := range texts {
		_, rest, ok := strings.Cut(text, "HTTP/")
		if fields := strings.Fields(rest); ok && len(fields) > 1 {
			if n, err := strconv.Atoi(fields[1]); err == nil && n >= 100 && n < 600 {
				return n
			}
		}
	}
	return 0
}

// readPath reads lines of traceroute, « 2  192.0.2.1  0.4 ms», and of tracepath,
// « 2:  192.0.2.1  0.4ms» and «Resume: pmtu 1450 hops 3 back 3». The target is no hop.
func readPath(f ipfam.Family, lines []string, to netip.Addr) (hops []netip.Addr, mtu int) {
	for _, line := range lines {
		fields := strings.Fields(line)
		if len(fields) > 2 && fields[0] == "Resume:" && fields[1] == "pmtu" {
			if n := atoi(fields[2]); n > 0 && n <= 1<<16 {
				mtu = n
			}
		}
		if len(fields) < 2 || fields[1] == "[LOCALHOST]" {
			continue
		}
		n := atoi(strings.Trim(fields[0], ":?"))
		if n < 1 || n > maxHops || address(f, fields[1]) == to && to.IsValid() {
			continue
		}
		for len(hops) < n {
			hops = append(hops, netip.Addr{})
		}
		if a := address(f, fields[1]); a.IsValid() {
			hops[n-1] = a
		}
	}
	return hops, mtu
}
