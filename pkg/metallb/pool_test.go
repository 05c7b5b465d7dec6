package metallb_test

import (
	"math"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

func TestRefusal(t *testing.T) {
	for _, tc := range []struct {
		entry   string
		version release.Version
		want    string
	}{
		{"192.168.1.0/24", metallb.Latest, ""},
		{"192.168.1.5/24", metallb.Latest, ""},
		{"192.168.1.1 - 192.168.1.5", metallb.Latest, ""},
		{"::ffff:192.168.1.0/120", metallb.Latest, ""},
		{"2001:db8:7653:216:ffff:fac:ade::/112", metallb.Latest, ""},
		{"fd00::-fd00::ffff:ffff:ffff:ffff", metallb.Latest, ""},
		{"192.168.1.5", metallb.Latest, `invalid CIDR "192.168.1.5"`},
		{"192.168.1.0/24 ", metallb.Latest, `invalid CIDR "192.168.1.0/24 "`},
		{"192.168.010.0/24", metallb.Latest, `invalid CIDR "192.168.010.0/24"`},
		{"fe80::%eth0/64", metallb.Latest, `invalid CIDR "fe80::%eth0/64"`},
		{"[fd00::]/64", metallb.Latest, `invalid CIDR "[fd00::]/64"`},
		{"192.168.1.1-", metallb.Latest, `invalid IP range "192.168.1.1-": invalid end IP ""`},
		{"192.168.1.1-192.168.1.5/32", metallb.Latest, `invalid IP range "192.168.1.1-192.168.1.5/32": invalid end IP "192.168.1.5/32"`},
		{"192.168.1.10-192.168.1.5", metallb.Latest, `invalid IP range "192.168.1.10-192.168.1.5": start IP "192.168.1.10" is after the end IP "192.168.1.5"`},
		{"192.168.1.10-192.168.1.5", release.V(0, 9, 6), ""},
		{"10.0.0.1-fe80::1", release.V(0, 16, 2), `invalid IP range "10.0.0.1-fe80::1": start and end IPs must be the same family`},
		{"10.0.0.1-fe80::1", release.V(0, 15, 2), ""},
		{"fe80::1-10.0.0.1", release.V(0, 15, 2), `invalid IP range "fe80::1-10.0.0.1": start IP "fe80::1" is after the end IP "10.0.0.1"`},
		{"::1-10.0.0.1", release.V(0, 15, 2), ""},
	} {
		if got := metallb.Refusal(tc.entry, tc.version); got != tc.want {
			t.Errorf("%q, MetalLB %s: %q, want %q", tc.entry, tc.version, got, tc.want)
		}
	}
}

// TestCapacity holds the arithmetic to the obvious count, address by address.
func TestCapacity(t *testing.T) {
	for _, entry := range []string{
		"192.168.16.100-192.168.16.119", "10.0.0.255-10.0.1.5", "10.0.0.0/32", "10.0.0.0/23", "10.0.0.1-10.0.0.1",
		"10.0.0.0/20", "0.0.0.0-0.0.1.255", "10.0.0.128/25", "2001:db8::/116", "2001:db8::ff-2001:db8::100",
	} {
		for _, avoid := range []bool{false, true} {
			p := pool("p", entry)
			p.AvoidBuggyIPs = avoid
			r := p.Addresses[0].Range
			want := uint64(0)
			for a := r.From(); r.Contains(a); a = a.Next() {
				if p.Owns(a) {
					want++
				}
			}
			if got := p.Capacity(ipfam.Of(r.From())); got != want {
				t.Errorf("%s, avoidBuggyIPs %t: %d addresses, counted %d", entry, avoid, got, want)
			}
			if got := p.Capacity(ipfam.Of(r.From()).Other()); got != 0 {
				t.Errorf("%s: %d addresses of the other family", entry, got)
			}
		}
	}
	if got := pool("p", "fd00::/48", "fd01::/48").Capacity(ipfam.V6); got != math.MaxUint64 {
		t.Errorf("two IPv6 ranges /48: %d, want as many as can be said", got)
	}
}

func TestOwner(t *testing.T) {
	pools := []metallb.Pool{pool("a", "192.0.2.0/28"), pool("b", "192.0.2.16/28", "2001:db8::/112")}
	pools[0].AvoidBuggyIPs = true
	for _, tc := range []struct {
		addrs []string
		want  string
	}{
		{[]string{"192.0.2.1"}, "a"},
		{[]string{"192.0.2.0"}, ""},
		{[]string{"192.0.2.17", "2001:db8::5"}, "b"},
		{[]string{"192.0.2.1", "2001:db8::5"}, ""},
		{[]string{"198.51.100.1"}, ""},
	} {
		if got, ok := metallb.Owner(pools, addrs(tc.addrs...)); got != tc.want || ok != (tc.want != "") {
			t.Errorf("%v: owner %q, want %q", tc.addrs, got, tc.want)
		}
	}
}

func TestAnnotation(t *testing.T) {
	both := map[string]string{"metallb.io/address-pool": "new", "metallb.universe.tf/address-pool": "old"}
	for _, tc := range []struct {
		annotations map[string]string
		version     release.Version
		want        string
	}{
		{both, metallb.Latest, "new"},
		{both, release.V(0, 14, 8), "old"},
		{map[string]string{"metallb.io/address-pool": "new"}, release.V(0, 14, 8), ""},
		{map[string]string{"metallb.universe.tf/address-pool": "old"}, metallb.Latest, "old"},
		{nil, metallb.Latest, ""},
	} {
		if _, got := metallb.Annotation(tc.annotations, metallb.PoolAnnotation, tc.version); got != tc.want {
			t.Errorf("MetalLB %s reads %q of %v, want %q", tc.version, got, tc.annotations, tc.want)
		}
	}
	if got := metallb.Unread(map[string]string{"metallb.io/address-pool": "new"}, release.V(0, 14, 8)); len(got) != 1 {
		t.Errorf("0.14.8 does not read metallb.io/address-pool; got %v", got)
	}
	if got := metallb.Unread(both, release.V(0, 14, 8)); got != nil {
		t.Errorf("the old annotation stands beside it; got %v", got)
	}
}

func TestRequested(t *testing.T) {
	annotation := func(value string) map[string]string {
		return map[string]string{"metallb.io/loadBalancerIPs": value}
	}
	for _, tc := range []struct {
		annotations map[string]string
		field       string
		want        int
		err         string
	}{
		{nil, "", 0, ""},
		{nil, "192.0.2.5", 1, ""},
		{nil, "web", 0, `invalid spec.loadBalancerIP "web"`},
		{annotation("192.0.2.5, 2001:db8::5"), "", 2, ""},
		{annotation("192.0.2.5/32"), "", 0, `invalid metallb.io/loadBalancerIPs: "192.0.2.5/32"`},
		{annotation("192.0.2.5,192.0.2.6"), "", 0, `IPFamilyForAddresses: same address family ["192.0.2.5" "192.0.2.6"]`},
		{annotation("192.0.2.5,2001:db8::5,192.0.2.6"), "", 0, `IPFamilyForAddresses: invalid ips length 3 ["192.0.2.5" "2001:db8::5" "192.0.2.6"]`},
		{map[string]string{"metallb.universe.tf/loadBalancerIPs": "web"}, "", 0, `invalid metallb.io/loadBalancerIPs: "web"`},
		{annotation("192.0.2.5"), "192.0.2.5", 0, "service can not have both metallb.io/loadBalancerIPs and svc.Spec.LoadBalancerIP"},
	} {
		got, _, err := metallb.Requested(tc.annotations, tc.field, metallb.Latest)
		if len(got) != tc.want || (err == nil) != (tc.err == "") || err != nil && err.Error() != tc.err {
			t.Errorf("%v, %q: %v, %v; want %d addresses, %q", tc.annotations, tc.field, got, err, tc.want, tc.err)
		}
	}
}

// TestManifest reads back what is printed for users to apply.
func TestManifest(t *testing.T) {
	p := metallb.Merge([]metallb.Pool{pool("ipv4", "192.0.2.100-192.0.2.119"), pool("ipv6", "2001:db8::1-2001:db8:1::")})
	var object struct {
		Kind     string
		Metadata struct{ Name, Namespace string }
		Spec     struct{ Addresses []string }
	}
	if err := yaml.Unmarshal([]byte(p.Manifest("metallb-system")), &object); err != nil {
		t.Fatal(err)
	}
	got := strings.Join(object.Spec.Addresses, " ")
	if want := "192.0.2.100-192.0.2.119 2001:db8::1-2001:db8:1::"; got != want || object.Metadata.Name != "ipv4" {
		t.Errorf("%+v, want addresses %s", object, want)
	}
	var config struct {
		Pools []struct {
			Name, Protocol string
			Addresses      []string
		} `yaml:"address-pools"`
	}
	p.Protocol = "layer2"
	if err := yaml.Unmarshal([]byte(metallb.ConfigInline([]metallb.Pool{p})), &config); err != nil {
		t.Fatal(err)
	}
	if len(config.Pools) != 1 || config.Pools[0].Protocol != "layer2" || len(config.Pools[0].Addresses) != 2 {
		t.Errorf("%+v", config)
	}
}

func FuzzRefusal(f *testing.F) {
	for _, entry := range []string{"192.0.2.0/24", "192.0.2.1-192.0.2.5", "fe80::%eth0/64", "10.0.0.1-fe80::1", "-", "::ffff:1.2.3.4/90"} {
		f.Add(entry)
	}
	f.Fuzz(func(t *testing.T, entry string) {
		a := metallb.ParseAddresses(entry)
		if metallb.Refusal(entry, metallb.Latest) == "" != (a.Err == "") {
			t.Errorf("%q: refused with %q, parsed with %q", entry, metallb.Refusal(entry, metallb.Latest), a.Err)
		}
	})
}
