package probe

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
)

// listen is a listener on the loopback of the family.
func listen(t *testing.T, network, address string) netip.AddrPort {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return netip.MustParseAddrPort(l.Addr().String())
}

func TestBoth(t *testing.T) {
	v4, v6 := listen(t, "tcp4", "127.0.0.1:0"), listen(t, "tcp6", "[::1]:0")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	got := Both(ctx, ipfam.Pair[netip.AddrPort]{V4: v4, V6: v6})
	for _, f := range ipfam.All {
		if r := got.Of(f); r.Err != nil || ipfam.Of(r.To.Addr()) != f || r.Took <= 0 {
			t.Errorf("%s: %+v", f, r)
		}
	}
}

// TestOneFamily has a listener of IPv4 alone, on a port that IPv6 has free.
func TestOneFamily(t *testing.T) {
	v4 := listen(t, "tcp4", "127.0.0.1:0")
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	got := Both(ctx, ipfam.Pair[netip.AddrPort]{V4: v4, V6: netip.AddrPortFrom(netip.IPv6Loopback(), v4.Port())})
	if got.V4.Err != nil {
		t.Errorf("IPv4: %v", got.V4.Err)
	}
	if got.V6.Err == nil {
		t.Errorf("IPv6 answers, and nobody listens: %+v", got.V6)
	}
}

func TestNothingToTry(t *testing.T) {
	if got := Both(t.Context(), ipfam.Pair[netip.AddrPort]{}); got != (ipfam.Pair[Result]{}) {
		t.Errorf("without addresses: %+v", got)
	}
}
