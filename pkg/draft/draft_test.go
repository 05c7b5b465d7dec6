package draft

import (
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// homelab is what the site of examples/homelab has.
func homelab() Demand {
	return Demand{
		Name:      "homelab",
		Delegated: netip.MustParsePrefix("2001:db8:7653:200::/56"),
		Routed:    netip.MustParsePrefix("2001:db8:7653:299::/64"),
		LAN:       ipfam.Pair[netip.Prefix]{V4: netip.MustParsePrefix("192.168.16.0/24"), V6: netip.MustParsePrefix("2001:db8:7653:216::/64")},
		Interface: "eno1",
		Reserved:  []netipx.IPRange{netipx.MustParseIPRange("192.168.16.1-192.168.16.99")},
	}
}

// Each golden file is a plan with its reasons, or what is in its way.
func TestDraft(t *testing.T) {
	with := func(change func(*Demand)) Demand {
		d := homelab()
		change(&d)
		return d
	}
	for name, d := range map[string]Demand{
		"homelab": homelab(),
		"relative": with(func(d *Demand) {
			d.Relative, d.Routed = true, noPrefix
		}),
		"ipv6-first": with(func(d *Demand) { d.Families = []ipfam.Family{ipfam.V6, ipfam.V4} }),
		"ipv6-only":  with(func(d *Demand) { d.Families, d.Announce = []ipfam.Family{ipfam.V6}, "bgp" }),
		"ipv4-only": with(func(d *Demand) {
			d.Families = []ipfam.Family{ipfam.V4}
			d.Avoid = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
		}),
		"ula": {
			ULASeed: "the seed of this test", LAN: ipfam.Pair[netip.Prefix]{V4: netip.MustParsePrefix("10.0.0.0/16")},
			Nodes: 400, PodsPerNode: 230, Services: 50_000, Versions: plan.Versions{Kubernetes: release.V(1, 32)},
		},
		"ula-beside-a-prefix": with(func(d *Demand) { d.ULASeed = "the seed of this test" }),
		"refused-before-1.33": with(func(d *Demand) { d.Services, d.Versions.Kubernetes = 60_000, release.V(1, 32) }),
		"refused": {
			Delegated: netip.MustParsePrefix("2001:db8:7653:216::/64"), LAN: homelab().LAN,
			Nodes: 80_000, Services: 2_000_000, LoadBalancers: 300,
		},
		"refused-larger-range": with(func(d *Demand) {
			d.Nodes, d.Avoid = 8000, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("172.16.0.0/12")}
			d.LAN.V4 = netip.MustParsePrefix("203.0.113.0/24")
			d.Reserved = nil
		}),
		"refused-facts": with(func(d *Demand) {
			d.LAN.V6 = netip.MustParsePrefix("2a02:1:2:3::/64")
			d.Reserved = append(d.Reserved, netipx.MustParseIPRange("192.168.17.1-192.168.17.9"))
			d.Pool = []netipx.IPRange{netipx.MustParseIPRange("192.168.16.90-192.168.16.119")}
		}),
	} {
		t.Run(name, func(t *testing.T) {
			p, notes, refusals := Draft(d)
			got := refusalsText(refusals)
			if p != nil {
				got = string(p.Format(notes))
			}
			golden(t, name, got)
		})
	}
}

func refusalsText(rs []Refusal) string {
	var b strings.Builder
	for _, r := range rs {
		b.WriteString(r.Flag + ": " + r.Message + "\n")
		if r.Fix != "" {
			b.WriteString("  fix: " + r.Fix + "\n")
		}
		for _, o := range r.Offers {
			b.WriteString("  offer: " + o.String() + "\n")
		}
	}
	return b.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The flags that a plan says it was drafted with are enough to draft it again.
func TestFlagsAreTheDemand(t *testing.T) {
	d := homelab()
	first, _, _ := Draft(d)
	again, _, _ := Draft(d.complete())
	if diff := cmp.Diff(string(first.Format(nil)), string(again.Format(nil))); diff != "" {
		t.Errorf("with what is standard said (-not +said):\n%s", diff)
	}
	if got := quote("it's"); got != `'it'\''s'` {
		t.Errorf("quote: %s", got)
	}
}

func TestULA(t *testing.T) {
	a, b := ULA("a"), ULA("b")
	if a == b || a != ULA("a") || a.Bits() != 48 || !netip.MustParsePrefix("fd00::/8").Contains(a.Addr()) || a != a.Masked() {
		t.Errorf("%s and %s", a, b)
	}
	// The SHA-1 of "abc" ends in 50 6c 9c d0 d8 9d (FIPS 180-4, example 1: a9993e36 4706816a ba3e2571 7850c26c 9cd0d89d).
	if got := ULA("abc").String(); got != "fd6c:9cd0:d89d::/48" {
		t.Errorf("ULA(abc) = %s", got)
	}
}

// A slow search, candidate by candidate, finds the same prefix.
func TestSearchAgainstSlow(t *testing.T) {
	space := netip.MustParsePrefix("10.0.0.0/24")
	for seed := range 400 {
		var taken []netipx.IPRange
		for i, x := 0, uint64(seed)*2654435761+1; i < seed%5; i++ {
			x = x*6364136223846793005 + 1442695040888963407
			from := plus(space.Addr(), x>>40%256)
			to := plus(space.Addr(), min(255, x>>40%256+x>>50%40))
			taken = append(taken, netipx.IPRangeFrom(from, to))
		}
		for bits := 23; bits <= 32; bits++ {
			var first, last netip.Prefix
			for i := 0; i < 256 && bits >= 24; i += 1 << (32 - bits) {
				p := netip.PrefixFrom(plus(space.Addr(), uint64(i)), bits)
				if _, blocked := blocker(p, taken); !blocked {
					last = p
					if !first.IsValid() {
						first = p
					}
				}
			}
			gotFirst, ok1 := firstFree(space, bits, netip.Addr{}, taken)
			gotLast, ok2 := lastFree(space, bits, taken)
			if gotFirst != first || gotLast != last || ok1 != first.IsValid() || ok2 != last.IsValid() {
				t.Fatalf("/%d beside %v: %s and %s, want %s and %s", bits, taken, gotFirst, gotLast, first, last)
			}
		}
	}
}
