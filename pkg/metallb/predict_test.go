package metallb_test

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

func pool(name string, entries ...string) metallb.Pool {
	p := metallb.Pool{Name: name, AutoAssign: true}
	for _, text := range entries {
		p.Addresses = append(p.Addresses, metallb.ParseAddresses(text))
	}
	return p
}

func pinned(namespace string, p metallb.Pool) metallb.Pool {
	p.Restricted, p.Namespaces = true, []string{namespace}
	return p
}

func addrs(texts ...string) []netip.Addr {
	var as []netip.Addr
	for _, text := range texts {
		as = append(as, netip.MustParseAddr(text))
	}
	return as
}

func taken(texts ...string) metallb.Taken {
	m := metallb.Taken{}
	for _, a := range addrs(texts...) {
		m[a] = "d/other"
	}
	return m
}

// TestPredict holds Predict to what MetalLB's own allocator and controller
// answered, release by release.
func TestPredict(t *testing.T) {
	const require, prefer = "RequireDualStack", "PreferDualStack"
	four, six := []ipfam.Family{ipfam.V4}, []ipfam.Family{ipfam.V6}
	dual, dual6 := []ipfam.Family{ipfam.V4, ipfam.V6}, []ipfam.Family{ipfam.V6, ipfam.V4}
	two := []metallb.Pool{
		pool("ipv4", "192.168.16.100-192.168.16.119"),
		pool("ipv6", "2001:db8:7653:216:ffff:fac:ade::/112"),
	}
	one := []metallb.Pool{metallb.Merge(two)}
	small := []metallb.Pool{pool("small", "192.168.16.100/32", "2001:db8::10/126")}
	pin := []metallb.Pool{pool("both", "192.168.30.0/24", "2001:db8:30::/112"), pinned("d", pool("pin", "192.168.20.0/24"))}

	for _, tc := range []struct {
		name    string
		version release.Version
		pools   []metallb.Pool
		service metallb.Service
		taken   metallb.Taken
		want    []netip.Addr
		why     string
	}{
		{"two pools, require, 0.13", release.V(0, 13, 5), two, metallb.Service{Families: dual, Policy: require}, nil, nil, "no available IPs"},
		{"two pools, require, 0.16", release.V(0, 16, 2), two, metallb.Service{Families: dual, Policy: require}, nil, nil, "no available IPs"},
		{"two pools, prefer, 0.14.8", release.V(0, 14, 8), two, metallb.Service{Families: dual, Policy: prefer}, nil, nil, "no available IPs"},
		{"two pools, prefer, 0.14.9", release.V(0, 14, 9), two, metallb.Service{Families: dual, Policy: prefer}, nil, addrs("192.168.16.100"), ""},
		{"two pools, prefer, IPv6 first", release.V(0, 16, 2), two, metallb.Service{Families: dual6, Policy: prefer}, nil, addrs("2001:db8:7653:216:ffff:fac:ade:0"), ""},
		{"two pools, before dual stack", release.V(0, 11), two, metallb.Service{Families: dual6, Policy: require}, nil, addrs("2001:db8:7653:216:ffff:fac:ade:0"), ""},
		{"two pools, asked for", release.V(0, 16, 2), two,
			metallb.Service{Families: dual, Policy: require, Requested: addrs("192.168.16.105", "2001:db8:7653:216:ffff:fac:ade:5")}, nil,
			nil, `["192.168.16.105" "2001:db8:7653:216:ffff:fac:ade:5"] is not allowed in config`},
		{"one pool, require", release.V(0, 16, 2), one, metallb.Service{Families: dual, Policy: require}, nil, addrs("192.168.16.100", "2001:db8:7653:216:ffff:fac:ade:0"), ""},
		{"one pool, one asked for", release.V(0, 16, 2), one, metallb.Service{Families: dual, Policy: require, Requested: addrs("192.168.16.105")}, nil,
			nil, `requested loadBalancer IP(s) ["192.168.16.105"] does not match the ipFamily of the service`},
		{"IPv4 used up, require", release.V(0, 16, 2), small, metallb.Service{Families: dual, Policy: require}, taken("192.168.16.100", "2001:db8::10"), nil, "no available IPs"},
		{"IPv4 used up, prefer", release.V(0, 16, 2), small, metallb.Service{Families: dual, Policy: prefer}, taken("192.168.16.100", "2001:db8::10"), addrs("2001:db8::11"), ""},
		{"pinned, prefer", release.V(0, 16, 2), pin, metallb.Service{Namespace: "d", Families: dual, Policy: prefer}, nil, addrs("192.168.20.0"), ""},
		{"pinned, require", release.V(0, 16, 2), pin, metallb.Service{Namespace: "d", Families: dual, Policy: require}, nil, addrs("192.168.30.0", "2001:db8:30::"), ""},
		{"pinned to others", release.V(0, 16, 2), pin, metallb.Service{Namespace: "e", Families: four}, nil, addrs("192.168.30.0"), ""},
		{"unknown pool", release.V(0, 16, 2), two, metallb.Service{Families: four, Pool: "lan"}, nil, nil, `unknown pool "lan"`},
		{"pool of the other family", release.V(0, 16, 2), two, metallb.Service{Families: six, Pool: "ipv4"}, nil, nil, `["<nil>"] is not allowed in config`},
		{"pool of the other family, 0.14.9", release.V(0, 14, 9), two, metallb.Service{Families: six, Pool: "ipv4"}, nil, nil, "no available IPs in pool ipv4 for ipv6 IPFamily"},
		{"pool of one family", release.V(0, 16, 2), two, metallb.Service{Families: dual, Policy: require, Pool: "ipv4"}, nil, nil, "no available IPs in pool ipv4 for dual IPFamily"},
		{"pool of one family, 0.14.8", release.V(0, 14, 8), two, metallb.Service{Families: dual, Policy: prefer, Pool: "ipv4"}, nil, nil, `no available IPs in pool "ipv4" for dual IPFamily`},
		{"named and used up", release.V(0, 16, 2), []metallb.Pool{pool("tiny", "192.168.16.100/32")},
			metallb.Service{Families: four, Pool: "tiny"}, taken("192.168.16.100"), nil, "no available IPs in pool tiny"},
		{"named and pinned to others", release.V(0, 16, 2), pin, metallb.Service{Namespace: "e", Families: four, Pool: "pin"}, nil, nil, "pool pin not compatible for ip assignment"},
		{"asked for of a pool pinned to others", release.V(0, 16, 2), pin, metallb.Service{Namespace: "e", Families: four, Requested: addrs("192.168.20.5")}, nil,
			nil, "pool pin not compatible for ip assignment"},
		{"asked for and in use", release.V(0, 16, 2), one, metallb.Service{Namespace: "d", Name: "a", Families: four, Requested: addrs("192.168.16.105")}, taken("192.168.16.105"),
			nil, `can't change sharing key for "d/a", address also in use by d/other`},
		{"no pools", release.V(0, 16, 2), nil, metallb.Service{Families: four}, nil, nil, "no available IPs"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := metallb.Predict(tc.service, tc.pools, tc.taken, tc.version)
			if diff := cmp.Diff(tc.want, got.Addrs, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
				t.Errorf("addresses (-want +got):\n%s", diff)
			}
			if got.Why != tc.why {
				t.Errorf("why %q, want %q", got.Why, tc.why)
			}
		})
	}
}

func TestPredictNotes(t *testing.T) {
	selected := pool("labels", "192.0.2.0/28", "2001:db8::/124")
	selected.Restricted, selected.ServiceSelectors = true, true
	manual := pool("manual", "192.0.2.16/28", "2001:db8::1:0/124")
	manual.AutoAssign = false
	s := metallb.Service{Families: []ipfam.Family{ipfam.V4, ipfam.V6}, Policy: "RequireDualStack"}

	if o := metallb.Predict(s, []metallb.Pool{selected, manual}, nil, metallb.Latest); !o.Unsure || len(o.Addrs) > 0 {
		t.Errorf("a pool that labels open, one that is not automatic: %+v; want none, unsure", o)
	}
	a, b := pool("a", "192.0.2.32/28", "2001:db8::2:0/124"), pool("b", "192.0.2.48/28", "2001:db8::3:0/124")
	if o := metallb.Predict(s, []metallb.Pool{a, b}, nil, metallb.Latest); !o.OneOf || o.Pool != "a" {
		t.Errorf("two pools that would do: %+v; want one of both", o)
	}
	s.Pool = "manual"
	if o := metallb.Predict(s, []metallb.Pool{selected, manual}, nil, metallb.Latest); o.Pool != "manual" || !o.Families().Dual() {
		t.Errorf("a pool by name: %+v; want both addresses of it", o)
	}
}
