package expose

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
)

func TestPublish(t *testing.T) {
	p := Published{
		Name:      "lab/web",
		Addresses: ipfam.Pair[netip.Addr]{V4: netip.MustParseAddr("192.168.16.100"), V6: netip.MustParseAddr("2001:db8:7653:216::100")},
		Ports:     []Port{{Number: 443}, {Number: 443, Protocol: "UDP"}},
	}
	for _, kind := range Routers {
		got, err := Publish(kind, ipfam.SetOf(ipfam.All[:]...), p)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", "router", kind+".golden")
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if diff := gocmp.Diff(read(t, path), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", kind, diff)
		}
		for _, f := range ipfam.All {
			one, err := Publish(kind, ipfam.SetOf(f), p)
			if err != nil || !strings.Contains(one, p.Addresses.Of(f).String()) || strings.Contains(one, p.Addresses.Of(f.Other()).String()) {
				t.Errorf("%s, %s alone: %v\n%s", kind, f, err, one)
			}
		}
	}
}

func TestPublishAddresses(t *testing.T) {
	both := ipfam.SetOf(ipfam.All[:]...)
	for _, tc := range []struct {
		v4, v6 string
		want   []string
		not    []string
	}{
		{"203.0.113.7", "2001:db8::7", []string{"ip daddr 203.0.113.7 tcp dport 80 accept", "ip6 daddr 2001:db8::7"}, []string{"dnat"}},
		{"10.0.0.7", "fd00::7", []string{"dnat to 10.0.0.7", "# IPv6: fd00::7 is not routed on the internet"}, []string{"ip6 daddr"}},
		{"10.0.0.7", "", []string{"dnat to 10.0.0.7", "# IPv6: lab/web has no address of it"}, []string{"ip6 daddr"}},
		{"", "2001:db8::7", []string{"# IPv4: lab/web has no address of it", "ip6 daddr 2001:db8::7"}, []string{"dnat"}},
	} {
		p := Published{Name: "lab/web", Ports: []Port{{Number: 80}}}
		for _, text := range []string{tc.v4, tc.v6} {
			if a, err := netip.ParseAddr(text); err == nil {
				*p.Addresses.At(ipfam.Of(a)) = a
			}
		}
		got, err := Publish("nftables", both, p)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range tc.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s %s: no %q in\n%s", tc.v4, tc.v6, want, got)
			}
		}
		for _, not := range tc.not {
			if strings.Contains(got, not) {
				t.Errorf("%s %s: %q in\n%s", tc.v4, tc.v6, not, got)
			}
		}
	}
	p := Published{Name: "lab/web", Ports: []Port{{Number: 80}}, Delegated: ipfam.Pair[netip.Prefix]{V6: netip.MustParsePrefix("2001:db8:7653:200::/56")}}
	p.Addresses.V4, p.Addresses.V6 = netip.MustParseAddr("192.168.16.100"), netip.MustParseAddr("2001:db8::7")
	got, err := Publish("nftables", both, p)
	if want := "# IPv6: by the plan the provider routes 2001:db8:7653:200::/56 here, and 2001:db8::7 is not of it"; err != nil || !strings.Contains(got, want) || strings.Contains(got, "ip6 daddr") {
		t.Errorf("an address that is not delegated: %v\n%s", err, got)
	}
	if _, err := Publish("junos", both, Published{}); err == nil || !strings.Contains(err.Error(), "want nftables, openwrt, vyos") {
		t.Errorf("a router that is not known: %v", err)
	}
}
