package draft

import (
	"crypto/sha1" // RFC 4193 says so; nothing secret hangs on it
	"net/netip"
)

// ULA is the unique local prefix of a site, a /48, that seed stands for: fd and the
// last 40 bits of the SHA-1 of seed. RFC 4193, 3.2.2, feeds the time and a hardware
// address into the hash; any seed that nobody else has does as well (3.2.1), and one
// that is recorded gives the same prefix again.
func ULA(seed string) netip.Prefix {
	sum := sha1.Sum([]byte(seed))
	var a [16]byte
	a[0] = 0xfd
	copy(a[1:6], sum[len(sum)-5:])
	return netip.PrefixFrom(netip.AddrFrom16(a), 48)
}
