package metallb_test

import (
	"fmt"
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
		m[a] = []metallb.Use{{Service: "d/other"}}
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
		{"named and used up, 0.15", release.V(0, 15, 3), []metallb.Pool{pool("tiny", "192.168.16.100/32")},
			metallb.Service{Families: four, Pool: "tiny"}, taken("192.168.16.100"), nil, `["<nil>"] is not allowed in config`},
		{"named and used up, 0.11", release.V(0, 11), []metallb.Pool{pool("tiny", "192.168.16.100/32")},
			metallb.Service{Families: four, Pool: "tiny"}, taken("192.168.16.100"), nil, `no available IPs in pool "tiny"`},
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
	if o := metallb.Predict(s, []metallb.Pool{a, b}, nil, metallb.Latest); o.Pool != "a" || len(o.Others) != 1 || o.Others[0].Pool != "b" {
		t.Errorf("two pools that would do: %+v; want one of both", o)
	}
	s.Pool = "manual"
	if o := metallb.Predict(s, []metallb.Pool{selected, manual}, nil, metallb.Latest); o.Pool != "manual" || !o.Families().Dual() {
		t.Errorf("a pool by name: %+v; want both addresses of it", o)
	}
}

// TestPredictOthers is about the order of pools, which MetalLB leaves open.
func TestPredictOthers(t *testing.T) {
	dual, four, six := pool("dual", "192.0.2.0/28", "2001:db8::/124"), pool("four", "192.0.2.16/28"), pool("six", "2001:db8::1:0/124")
	more := pool("more", "192.0.2.32/28", "2001:db8::2:0/124")
	first, second := pinned("d", pool("first", "192.0.2.48/28", "2001:db8::3:0/124")), pinned("d", pool("second", "192.0.2.64/28", "2001:db8::4:0/124"))
	first.Priority, second.Priority = 1, 2
	last := pinned("d", pool("last", "192.0.2.80/28", "2001:db8::5:0/124"))

	prefer := metallb.Service{Namespace: "d", Families: []ipfam.Family{ipfam.V4, ipfam.V6}, Policy: "PreferDualStack"}
	sixFirst := prefer
	sixFirst.Families = []ipfam.Family{ipfam.V6, ipfam.V4}
	single := metallb.Service{Namespace: "d", Families: []ipfam.Family{ipfam.V4}}
	for _, tc := range []struct {
		name    string
		service metallb.Service
		pools   []metallb.Pool
		want    []string // the pools that it may be
	}{
		{"both families before one", prefer, []metallb.Pool{four, dual, six, more}, []string{"dual", "more"}},
		{"the primary family before the other", prefer, []metallb.Pool{six, four}, []string{"four"}},
		{"IPv6 before IPv4 where it is primary", sixFirst, []metallb.Pool{four, six}, []string{"six"}},
		{"one family is enough", single, []metallb.Pool{six, four, dual}, []string{"four", "dual"}},
		{"the better priority", prefer, []metallb.Pool{last, second, first, dual}, []string{"first"}},
		{"no priority", prefer, []metallb.Pool{last, pinned("d", more)}, []string{"last", "more"}},
	} {
		o := metallb.Predict(tc.service, tc.pools, nil, metallb.Latest)
		got := []string{o.Pool}
		for _, other := range o.Others {
			got = append(got, other.Pool)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}

func TestPredictStatusOrder(t *testing.T) {
	both := []ipfam.Family{ipfam.V4, ipfam.V6}
	lan := []metallb.Pool{pool("lan", "2001:db8::/124", "192.0.2.0/28"), pool("far", "46.4.1.0/28", "2a01:db8::/124")}
	for _, tc := range []struct {
		name    string
		service metallb.Service
		version release.Version
		want    string
	}{
		{"allocated", metallb.Service{Families: both, Pool: "lan"}, metallb.Latest, "[192.0.2.0 2001:db8::]"},
		{"allocated, 0.14.8", metallb.Service{Families: both, Pool: "lan"}, release.V(0, 14, 8), "[2001:db8:: 192.0.2.0]"},
		{"asked for", metallb.Service{Families: both, Requested: addrs("46.4.1.1", "2a01:db8::1")}, metallb.Latest, "[2a01:db8::1 46.4.1.1]"},
		{"added", metallb.Service{Families: both, Policy: "PreferDualStack", Current: addrs("2001:db8::5")}, metallb.Latest, "[2001:db8::5 192.0.2.0]"},
		{"as it was", metallb.Service{Families: both, Current: addrs("2001:db8::5", "192.0.2.5")}, metallb.Latest, "[2001:db8::5 192.0.2.5]"},
	} {
		if got := fmt.Sprint(metallb.Predict(tc.service, lan, nil, tc.version).Addrs); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}

// TestPredictSharing is about addresses that other Services have already.
func TestPredictSharing(t *testing.T) {
	web, dns := metallb.Port{Protocol: "TCP", Number: 80}, metallb.Port{Protocol: "UDP", Number: 53}
	sharing := func(key, backend string, ports ...metallb.Port) metallb.Sharing {
		return metallb.Sharing{Key: key, Backend: backend, Ports: ports}
	}
	use := func(service string, s metallb.Sharing) metallb.Use { return metallb.Use{Service: service, Sharing: s} }
	lan := []metallb.Pool{pool("lan", "192.168.16.100-192.168.16.101", "2001:db8::100/127")}
	four := []ipfam.Family{ipfam.V4}
	a := netip.MustParseAddr("192.168.16.100")
	inUse := func(uses ...metallb.Use) metallb.Taken { return metallb.Taken{a: uses} }

	for _, tc := range []struct {
		name      string
		sharing   metallb.Sharing
		requested bool
		taken     metallb.Taken
		want      string
		why       string
	}{
		{"other ports", sharing("k", "", dns), false, inUse(use("d/a", sharing("k", "", web))), "192.168.16.100", ""},
		{"other protocol", sharing("k", "", metallb.Port{Protocol: "TCP", Number: 53}), false, inUse(use("d/a", sharing("k", "", dns))), "192.168.16.100", ""},
		{"same port", sharing("k", "", web), false, inUse(use("d/a", sharing("k", "", web))), "192.168.16.101", ""},
		{"same port, asked for", sharing("k", "", dns, web), true, inUse(use("d/a", sharing("k", "", web))), "", `port TCP/80 is already in use on "192.168.16.100"`},
		{"other key", sharing("l", "", dns), false, inUse(use("d/a", sharing("k", "", web))), "192.168.16.101", ""},
		{"other key, asked for", sharing("l", "", dns), true, inUse(use("d/a", sharing("k", "", web))), "", `can't change sharing key for "d/b", address also in use by d/a`},
		{"no key, asked for", sharing("", "", dns), true, inUse(use("d/a", sharing("", "", web))), "", `can't change sharing key for "d/b", address also in use by d/a`},
		{"of two, asked for", sharing("l", "", dns), true, inUse(use("d/a", sharing("k", "", web)), use("d/c", sharing("k", ""))), "", `can't change sharing key for "d/b", address also in use by d/a,d/c`},
		{"Local, same selector", sharing("k", "app=web", dns), true, inUse(use("d/a", sharing("k", "app=web", web))), "192.168.16.100", ""},
		{"Local, other selector", sharing("k", "app=dns", dns), true, inUse(use("d/a", sharing("k", "app=web", web))), "", `can't change sharing key for "d/b", address also in use by d/a`},
		{"Local and Cluster", sharing("k", "", dns), true, inUse(use("d/a", sharing("k", "app=web", web))), "", `can't change sharing key for "d/b", address also in use by d/a`},
		{"its own", sharing("", "", web), true, inUse(use("d/b", sharing("k", "", web))), "192.168.16.100", ""},
	} {
		s := metallb.Service{Namespace: "d", Name: "b", Families: four, Sharing: tc.sharing}
		if tc.requested {
			s.Requested = []netip.Addr{a}
		}
		o := metallb.Predict(s, lan, tc.taken, metallb.Latest)
		if len(o.Addrs) == 0 != (tc.want == "") || len(o.Addrs) > 0 && o.Addrs[0].String() != tc.want || o.Why != tc.why {
			t.Errorf("%s: %v, %q; want %s, %q", tc.name, o.Addrs, o.Why, tc.want, tc.why)
		}
	}
}

// TestPredictConversion is about Services that have addresses when something about
// them changes.
func TestPredictConversion(t *testing.T) {
	const require, prefer, single = "RequireDualStack", "PreferDualStack", "SingleStack"
	four, six := []ipfam.Family{ipfam.V4}, []ipfam.Family{ipfam.V6}
	dual, sixFirst := []ipfam.Family{ipfam.V4, ipfam.V6}, []ipfam.Family{ipfam.V6, ipfam.V4}
	lan := pool("lan", "192.168.16.100-192.168.16.119", "2001:db8:16::/112")
	one := []metallb.Pool{lan}
	two := []metallb.Pool{pool("ipv4", "192.168.16.100-192.168.16.119"), pool("ipv6", "2001:db8:16::/112")}
	others := pinned("others", lan)
	old, latest := release.V(0, 14, 8), metallb.Latest

	for _, tc := range []struct {
		name    string
		version release.Version
		pools   []metallb.Pool
		service metallb.Service
		want    string
		kept    bool
		changes string
	}{
		{"nothing changes", latest, one, metallb.Service{Families: dual, Policy: require, Current: addrs("192.168.16.105", "2001:db8:16::5")}, "[192.168.16.105 2001:db8:16::5]", true, "none"},
		{"single to prefer", latest, one, metallb.Service{Families: dual, Policy: prefer, Current: addrs("192.168.16.105")}, "[192.168.16.105 2001:db8:16::]", true, "none"},
		{"single to prefer, 0.14.9", metallb.PreferOne, one, metallb.Service{Families: dual, Policy: prefer, Current: addrs("192.168.16.105")}, "[192.168.16.105 2001:db8:16::]", true, "none"},
		{"single to prefer, 0.14.8", old, one, metallb.Service{Families: dual, Policy: prefer, Current: addrs("192.168.16.105")}, "[192.168.16.100 2001:db8:16::]", false, "IPv4"},
		{"single IPv6 to prefer", latest, one, metallb.Service{Families: sixFirst, Policy: prefer, Current: addrs("2001:db8:16::5")}, "[2001:db8:16::5 192.168.16.100]", true, "none"},
		{"single to prefer, pool of one family", latest, two, metallb.Service{Families: dual, Policy: prefer, Current: addrs("192.168.16.105")}, "[192.168.16.105]", true, "none"},
		{"single to prefer, pool of one family, 0.14.8", old, two, metallb.Service{Families: dual, Policy: prefer, Current: addrs("192.168.16.105")}, "[]", false, "IPv4"},
		{"single to require", latest, one, metallb.Service{Families: dual, Policy: require, Current: addrs("192.168.16.105")}, "[192.168.16.100 2001:db8:16::]", false, "IPv4"},
		{"single to require, the lowest", latest, one, metallb.Service{Families: dual, Policy: require, Current: addrs("192.168.16.100")}, "[192.168.16.100 2001:db8:16::]", false, "none"},
		{"single to require, asked for", latest, one, metallb.Service{Families: dual, Policy: require, Current: addrs("192.168.16.105"), Requested: addrs("192.168.16.105", "2001:db8:16::9")}, "[192.168.16.105 2001:db8:16::9]", false, "none"},
		{"single to require, pool of one family", latest, two, metallb.Service{Families: dual, Policy: require, Current: addrs("192.168.16.105")}, "[]", false, "IPv4"},
		{"require to single", latest, one, metallb.Service{Families: four, Policy: single, Current: addrs("192.168.16.105", "2001:db8:16::5")}, "[192.168.16.100]", false, "IPv4"},
		{"require to single, the lowest", latest, one, metallb.Service{Families: six, Policy: single, Current: addrs("192.168.16.105", "2001:db8:16::")}, "[2001:db8:16::]", false, "none"},
		{"prefer with one to single", latest, two, metallb.Service{Families: four, Policy: single, Current: addrs("192.168.16.105")}, "[192.168.16.105]", true, "none"},
		{"require to prefer", latest, one, metallb.Service{Families: dual, Policy: prefer, Current: addrs("192.168.16.105", "2001:db8:16::5")}, "[192.168.16.105 2001:db8:16::5]", true, "none"},
		{"prefer with one to require", latest, one, metallb.Service{Families: dual, Policy: require, Current: addrs("2001:db8:16::5")}, "[192.168.16.100 2001:db8:16::]", false, "IPv6"},
		{"other pool asked for", latest, append(two[:1:1], pool("new", "192.168.17.0/24")), metallb.Service{Families: four, Pool: "new", Current: addrs("192.168.16.105")}, "[192.168.17.0]", false, "IPv4"},
		{"other address asked for", latest, one, metallb.Service{Families: four, Requested: addrs("192.168.16.106"), Current: addrs("192.168.16.105")}, "[192.168.16.106]", false, "IPv4"},
		{"single to prefer, its one asked for", latest, one, metallb.Service{Families: dual, Policy: prefer, Current: addrs("192.168.16.105"), Requested: addrs("192.168.16.105")}, "[]", false, "IPv4"},
		{"single to prefer, its one asked for, pool of one family", latest, two, metallb.Service{Families: dual, Policy: prefer, Current: addrs("192.168.16.105"), Requested: addrs("192.168.16.105")}, "[192.168.16.105]", true, "none"},
		{"the pool is gone", latest, two[1:], metallb.Service{Families: four, Current: addrs("192.168.16.105")}, "[]", false, "IPv4"},
		{"the pool is others'", latest, []metallb.Pool{others}, metallb.Service{Namespace: "d", Families: four, Current: addrs("192.168.16.105")}, "[]", false, "IPv4"},
		{"of two pools", latest, two, metallb.Service{Families: dual, Policy: prefer, Current: addrs("192.168.16.105", "2001:db8:16::5")}, "[192.168.16.100]", false, "IPv4 and IPv6"},
		{"of another implementation", latest, one, metallb.Service{Families: four, Current: addrs("192.168.16.20", "192.168.16.21", "192.168.16.22")}, "[192.168.16.100]", false, "IPv4"},
		{"before dual stack", release.V(0, 11), one, metallb.Service{Families: dual, Policy: require, Current: addrs("192.168.16.105")}, "[192.168.16.105]", true, "none"},
	} {
		o := metallb.Predict(tc.service, tc.pools, nil, tc.version)
		changes := o.Changes.String()
		if o.Changes.Empty() {
			changes = "none"
		}
		if got := fmt.Sprint(o.Addrs); got != tc.want || o.Kept != tc.kept || changes != tc.changes || o.Flaps {
			t.Errorf("%s: %s, kept %t, changes %s, flaps %t; want %s, %t, %s", tc.name, got, o.Kept, changes, o.Flaps, tc.want, tc.kept, tc.changes)
		}
	}
}

// TestPredictSharedConversion is about a Service that shares the address that it has.
func TestPredictSharedConversion(t *testing.T) {
	lan := []metallb.Pool{pool("lan", "192.168.16.100-192.168.16.119", "2001:db8:16::/112")}
	s := metallb.Service{Namespace: "d", Name: "b", Families: []ipfam.Family{ipfam.V4}, Current: addrs("192.168.16.105")}
	s.Sharing = metallb.Sharing{Key: "k", Ports: []metallb.Port{{Protocol: "UDP", Number: 53}}}
	other := metallb.Sharing{Key: "k", Ports: []metallb.Port{{Protocol: "TCP", Number: 80}}}
	taken := metallb.Taken{s.Current[0]: {{Service: "d/a", Sharing: other}, {Service: "d/b", Sharing: s.Sharing}}}

	if o := metallb.Predict(s, lan, taken, metallb.Latest); !o.Kept {
		t.Errorf("it shares: %+v; want it to keep its address", o)
	}
	for _, change := range []func(s *metallb.Service){
		func(s *metallb.Service) { s.Key = "" },
		func(s *metallb.Service) { s.Backend = "app=web" },
		func(s *metallb.Service) { s.Ports = other.Ports },
	} {
		changed := s
		change(&changed)
		if o := metallb.Predict(changed, lan, taken, metallb.Latest); o.Kept || o.Addrs[0].String() != "192.168.16.100" || !o.Changes.Has(ipfam.V4) {
			t.Errorf("it no longer shares: %+v; want another address", o)
		}
	}
	require := s
	require.Families, require.Policy = []ipfam.Family{ipfam.V4, ipfam.V6}, "RequireDualStack"
	require.Requested = addrs("192.168.16.105", "2001:db8:16::5")
	if o := metallb.Predict(require, lan, taken, metallb.Latest); o.Kept || !o.Changes.Empty() || !o.Families().Dual() {
		t.Errorf("dual stack, both asked for: %+v; want the address and another one", o)
	}
}

// TestPredictFlaps is about PreferDualStack in a single-stack cluster.
func TestPredictFlaps(t *testing.T) {
	four := []ipfam.Family{ipfam.V4}
	lan := pool("lan", "192.168.16.100-192.168.16.119", "2001:db8:16::/127")
	ipv4 := pool("ipv4", "192.168.17.0/24")
	for _, tc := range []struct {
		name    string
		version release.Version
		pools   []metallb.Pool
		service metallb.Service
		taken   metallb.Taken
		flaps   bool
		kept    bool
	}{
		{"new", metallb.Latest, []metallb.Pool{lan}, metallb.Service{Families: four, Policy: "PreferDualStack"}, nil, true, false},
		{"new, 0.14.9", metallb.PreferOne, []metallb.Pool{lan}, metallb.Service{Families: four, Policy: "PreferDualStack"}, nil, true, false},
		{"new, 0.14.8", release.V(0, 14, 8), []metallb.Pool{lan}, metallb.Service{Families: four, Policy: "PreferDualStack"}, nil, false, false},
		{"single-stack", metallb.Latest, []metallb.Pool{lan}, metallb.Service{Families: four, Policy: "SingleStack"}, nil, false, false},
		{"with an address", metallb.Latest, []metallb.Pool{lan}, metallb.Service{Families: four, Policy: "PreferDualStack", Current: addrs("192.168.16.105")}, nil, true, false},
		{"with both", metallb.Latest, []metallb.Pool{lan}, metallb.Service{Families: four, Policy: "PreferDualStack", Current: addrs("192.168.16.105", "2001:db8:16::")}, nil, true, false},
		{"with both, 0.14.8", release.V(0, 14, 8), []metallb.Pool{lan}, metallb.Service{Families: four, Policy: "PreferDualStack", Current: addrs("192.168.16.105", "2001:db8:16::")}, nil, false, false},
		{"asked for", metallb.Latest, []metallb.Pool{lan}, metallb.Service{Families: four, Policy: "PreferDualStack", Requested: addrs("192.168.16.105")}, nil, true, false},
		{"IPv6 used up", metallb.Latest, []metallb.Pool{lan}, metallb.Service{Families: four, Policy: "PreferDualStack", Current: addrs("192.168.16.105")}, taken("2001:db8:16::", "2001:db8:16::1"), false, true},
		{"pool of one family", metallb.Latest, []metallb.Pool{ipv4}, metallb.Service{Families: four, Policy: "PreferDualStack"}, nil, false, false},
		{"either pool", metallb.Latest, []metallb.Pool{ipv4, lan}, metallb.Service{Families: four, Policy: "PreferDualStack"}, nil, true, false},
	} {
		if o := metallb.Predict(tc.service, tc.pools, tc.taken, tc.version); o.Flaps != tc.flaps || o.Kept != tc.kept || len(o.Addrs) != 1 {
			t.Errorf("%s: %+v; want flaps %t, kept %t", tc.name, o, tc.flaps, tc.kept)
		}
	}
	require := metallb.Service{Families: four, Policy: "RequireDualStack"}
	if o := metallb.Predict(require, []metallb.Pool{lan}, nil, metallb.Latest); o.Why != "Service requires dual stack but not enough clusterips" {
		t.Errorf("one ClusterIP and both required: %+v", o)
	}
}

func TestServes(t *testing.T) {
	for _, tc := range []struct {
		class, lbClass string
		version        release.Version
		want           bool
	}{
		{"", "", metallb.Latest, true},
		{"", "metallb", metallb.Latest, false},
		{"metallb", "metallb", metallb.Latest, true},
		{"metallb", "", metallb.Latest, false},
		{"io.cilium/node", "metallb", metallb.Latest, false},
		{"metallb", "", release.V(0, 11), true},
		{"metallb", "", release.Version{}, false},
	} {
		if got := metallb.Serves(tc.class, tc.lbClass, tc.version); got != tc.want {
			t.Errorf("class %q, --lb-class=%s, MetalLB %s: %t, want %t", tc.class, tc.lbClass, tc.version, got, tc.want)
		}
	}
}
