package expose

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

func TestParse(t *testing.T) {
	policy := func(s string) (any, error) { return ParsePolicy(s) }
	families := func(s string) (any, error) { return ParseFamilies(strings.Split(s, ",")) }
	addresses := func(s string) (any, error) { return ParseAddresses(strings.Split(s, ",")) }
	ranges := func(s string) (any, error) { return ParseRanges(strings.Split(s, ",")) }
	port := func(s string) (any, error) { p, err := ParsePort(s); return fmt.Sprintf("%+v", p), err }
	for _, tc := range []struct {
		parse func(string) (any, error)
		text  string
		want  string // or a part of the error
	}{
		{policy, "require", "RequireDualStack"},
		{policy, "PREFER", "PreferDualStack"},
		{policy, "SingleStack", "SingleStack"},
		{policy, "both", `"both": want require, prefer, single`},
		{policy, "", `"": want`},
		{families, "IPv6,IPv4", "[IPv6 IPv4]"},
		{families, "ipv6", "[IPv6]"},
		{families, "IPv4,IPv4", "IPv4 is given twice"},
		{families, "v4", `address family "v4"`},
		{addresses, "192.0.2.1,2001:db8::1", "[192.0.2.1 2001:db8::1]"},
		{addresses, "2001:db8::1,192.0.2.1", "[2001:db8::1 192.0.2.1]"},
		{addresses, "::ffff:192.0.2.1", "[192.0.2.1]"},
		{addresses, "192.0.2.1,192.0.2.2", "192.0.2.1 and 192.0.2.2 are both IPv4"},
		{addresses, "fe80::1%eth0", `"fe80::1%eth0" is no IP address`},
		{addresses, "192.0.2.0/24", `"192.0.2.0/24" is no IP address`},
		{ranges, "192.0.2.0/24,2001:db8::/64", "[192.0.2.0/24 2001:db8::/64]"},
		{ranges, "192.0.2.1", `"192.0.2.1" is no prefix`},
		{ranges, "2001:db8::1/64", "2001:db8::1/64 has host bits: want 2001:db8::/64"},
		{port, "80", "{Name: Number:80 Target: Protocol:}"},
		{port, "web=80:http/tcp", "{Name:web Number:80 Target:http Protocol:TCP}"},
		{port, "53/UDP", "{Name: Number:53 Target: Protocol:UDP}"},
		{port, "443:8443", "{Name: Number:443 Target:8443 Protocol:}"},
		{port, "0", `port "0": want 1 to 65535`},
		{port, "80:0", "target 0: want 1 to 65535"},
		{port, "80:", "nothing after the colon"},
		{port, "=80", "nothing before the equals sign"},
		{port, "80/ICMP", `protocol "ICMP": want TCP, UDP, SCTP`},
		{port, "http", `port "http": want 1 to 65535`},
	} {
		value, err := tc.parse(tc.text)
		got := fmt.Sprint(value)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, tc.want) || err == nil && got != tc.want {
			t.Errorf("%q: %s, want %s", tc.text, got, tc.want)
		}
	}
}

func TestParsePorts(t *testing.T) {
	for _, tc := range []struct {
		values []string
		plain  bool
		want   string
	}{
		{nil, true, ""},
		{[]string{"80"}, true, ""},
		{[]string{"80,443"}, true, ""}, // kubectl's own
		{[]string{"none"}, true, ""},   // which refuses it in its own words
		{[]string{"80", "443"}, false, "port-1 80 port-2 443"},
		{[]string{"web=80:http", "53", "53/UDP"}, false, "web 80 port-2-tcp 53 port-3-udp 53"},
		{[]string{"80:8080"}, false, " 80"},
		{[]string{"80", "80/TCP"}, false, "80/TCP is given twice"},
		{[]string{"a=80", "a=81"}, false, `two ports have the name "a"`},
		{[]string{"80", "none"}, false, "want 1 to 65535"},
	} {
		ports, plain, err := ParsePorts(tc.values)
		var parts []string
		for _, p := range Named(ports) {
			parts = append(parts, fmt.Sprintf("%s %d", p.Name, p.Number))
		}
		got := strings.Join(parts, " ")
		if err != nil {
			got = err.Error()
		}
		if plain != tc.plain || !strings.Contains(got, tc.want) || err == nil && got != tc.want {
			t.Errorf("%q: plain %t, %s, want %t, %s", tc.values, plain, got, tc.plain, tc.want)
		}
	}
}

func FuzzParsePort(f *testing.F) {
	for _, seed := range []string{"80", "web=80:http/TCP", "=:/", "1:2/udp", "65536", "a=b=c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParsePort(text)
		if err != nil {
			return
		}
		back := fmt.Sprint(p.Number)
		if p.Target != "" {
			back += ":" + p.Target
		}
		if p.Protocol != "" {
			back += "/" + p.Protocol
		}
		if p.Name != "" {
			back = p.Name + "=" + back
		}
		if again, err := ParsePort(back); err != nil || again != p {
			t.Errorf("%q is %+v, and that as %q is %+v, %v", text, p, back, again, err)
		}
	})
}

func TestValidate(t *testing.T) {
	v4, v6 := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	only4, only6 := netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/64")
	for _, tc := range []struct {
		name string
		r    Request
		want string // a part of the error, or none
	}{
		{"nothing", Request{Policy: Require}, ""},
		{"single of two", Request{Policy: Single, Families: ipfam.All[:]}, "single takes one family"},
		{"require of one, which the API server completes", Request{Policy: Require, Families: ipfam.All[1:]}, ""},
		{"headless load balancer", Request{Policy: Require, Headless: true, LoadBalancer: true}, "needs a ClusterIP"},
		{"pool without load balancer", Request{Policy: Require, Pool: "lan"}, "--pool is for a LoadBalancer Service"},
		{"both addresses", Request{Policy: Require, LoadBalancer: true, Addresses: []netip.Addr{v6, v4}}, ""},
		{"IPv4 for both", Request{Policy: Require, LoadBalancer: true, Addresses: []netip.Addr{v4}}, "--addresses has IPv4, and the Service is to have IPv4 and IPv6"},
		{"IPv6 for both", Request{Policy: Require, LoadBalancer: true, Addresses: []netip.Addr{v6}}, "--addresses has IPv6, and the Service is to have IPv4 and IPv6"},
		{"IPv6 for single IPv6", Request{Policy: Single, Families: ipfam.All[1:], LoadBalancer: true, Addresses: []netip.Addr{v6}}, ""},
		{"both for single IPv6", Request{Policy: Single, Families: ipfam.All[1:], LoadBalancer: true, Addresses: []netip.Addr{v4, v6}}, "the Service is to have IPv6"},
		{"single of the API server's family", Request{Policy: Single, LoadBalancer: true, Addresses: []netip.Addr{v6}}, ""},
		{"ranges of IPv4", Request{Policy: Require, LoadBalancer: true, SourceRanges: []netip.Prefix{only4}}, "--source-ranges has IPv4 only: over IPv6"},
		{"ranges of IPv6", Request{Policy: Prefer, LoadBalancer: true, SourceRanges: []netip.Prefix{only6}}, "--source-ranges has IPv6 only: over IPv4"},
		{"ranges of IPv6, on purpose", Request{Policy: Require, LoadBalancer: true, SourceRanges: []netip.Prefix{only6}, OneFamilyRanges: true}, ""},
		{"ranges of both", Request{Policy: Require, LoadBalancer: true, SourceRanges: []netip.Prefix{only6, only4}}, ""},
		{"ranges of one for one", Request{Policy: Single, LoadBalancer: true, SourceRanges: []netip.Prefix{only4}}, ""},
	} {
		err := tc.r.Validate()
		if got := fmt.Sprint(err); tc.want == "" && err != nil || !strings.Contains(got, tc.want) {
			t.Errorf("%s: %v, want %q", tc.name, err, tc.want)
		}
	}
}

func TestAnnotations(t *testing.T) {
	both := []netip.Addr{netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("192.0.2.1")}
	for _, tc := range []struct {
		c    Controller
		v    release.Version
		r    Request
		want string
	}{
		{MetalLB, metallb.Latest, Request{Pool: "lan", Addresses: both, SharingKey: "k"}, "map[metallb.io/address-pool:lan metallb.io/allow-shared-ip:k metallb.io/loadBalancerIPs:192.0.2.1,2001:db8::1]"},
		{MetalLB, release.V(0, 13, 12), Request{Pool: "lan", Addresses: both}, "map[metallb.universe.tf/address-pool:lan metallb.universe.tf/loadBalancerIPs:192.0.2.1,2001:db8::1]"},
		{MetalLB, release.V(0, 12, 1), Request{Addresses: both}, "--addresses: MetalLB reads no annotation for it"},
		{MetalLB, release.Version{}, Request{Pool: "lan"}, "map[metallb.io/address-pool:lan]"},
		{LBIPAM, cilium.Latest, Request{Addresses: both, SharingKey: "k"}, "map[lbipam.cilium.io/ips:192.0.2.1,2001:db8::1 lbipam.cilium.io/sharing-key:k]"},
		{LBIPAM, release.V(1, 15), Request{Addresses: both}, "map[io.cilium/lb-ipam-ips:192.0.2.1,2001:db8::1]"},
		{LBIPAM, cilium.Latest, Request{Pool: "lan"}, ".spec.serviceSelector"},
		{KubeVIP, release.Version{}, Request{Addresses: both}, "map[kube-vip.io/loadbalancerIPs:192.0.2.1,2001:db8::1]"},
		{ServiceLB, release.Version{}, Request{Addresses: both}, "--addresses: servicelb reads no annotation for it"},
		{Nobody, release.Version{}, Request{Pool: "lan"}, "nobody does here that can be told"},
		{Nobody, release.Version{}, Request{}, "map[]"},
	} {
		a, err := tc.r.Annotations(tc.c, tc.v)
		got := fmt.Sprint(a)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, tc.want) {
			t.Errorf("%s %s: %s, want %s", tc.c, tc.v, got, tc.want)
		}
	}
}

func TestState(t *testing.T) {
	addr := netip.MustParseAddr
	v4, v6, out4, out6 := addr("10.96.0.7"), addr("2001:db8:1::7"), addr("192.0.2.7"), addr("2001:db8:2::7")
	balancer := snapshot.Service{
		Ref: snapshot.Ref{Kind: "Service", Namespace: "lab", Name: "web"}, Type: "LoadBalancer", Policy: string(Require),
		ClusterIPs: []netip.Addr{v4, v6}, Selector: map[string]string{"app": "web"},
	}
	slice := func(service string, f ipfam.Family, ready int) snapshot.EndpointSlice {
		return snapshot.EndpointSlice{Ref: snapshot.Ref{Namespace: "lab"}, Service: service, Family: f, Ready: ready, Total: 3}
	}
	both := []snapshot.EndpointSlice{slice("web", ipfam.V4, 2), slice("web", ipfam.V4, 1), slice("web", ipfam.V6, 2), slice("other", ipfam.V6, 9)}
	with := func(change func(*snapshot.Service)) snapshot.Service { s := balancer; change(&s); return s }
	for _, tc := range []struct {
		name   string
		s      snapshot.Service
		slices []snapshot.EndpointSlice
		want   []string
	}{
		{"complete", with(func(s *snapshot.Service) { s.Ingress = []netip.Addr{out4, out6} }), both, nil},
		{"by name", with(func(s *snapshot.Service) { s.Hostnames = []string{"lb.example"} }), both, nil},
		{"IPv6 lacks", with(func(s *snapshot.Service) { s.Ingress = []netip.Addr{out4} }), both[:2], []string{"a load-balancer address of IPv6", "a ready endpoint of IPv6"}},
		{"IPv4 lacks", with(func(s *snapshot.Service) { s.Ingress = []netip.Addr{out6} }), both[2:], []string{"a load-balancer address of IPv4", "a ready endpoint of IPv4"}},
		{"placeholders", with(func(s *snapshot.Service) { s.Ingress = []netip.Addr{out4, out6} }), []snapshot.EndpointSlice{slice("web", ipfam.V4, 0), slice("web", ipfam.V6, 0)}, []string{"a ready endpoint of IPv4", "a ready endpoint of IPv6"}},
		{"required, of one family", with(func(s *snapshot.Service) {
			s.ClusterIPs, s.Ingress = s.ClusterIPs[:1], []netip.Addr{out4, out6}
		}), both, []string{"a ClusterIP of IPv6"}},
		{"preferred, of one family", with(func(s *snapshot.Service) {
			s.Policy, s.ClusterIPs, s.Ingress = string(Prefer), s.ClusterIPs[:1], []netip.Addr{out4}
		}), both, nil},
		{"no selector", with(func(s *snapshot.Service) { s.Selector, s.Ingress = nil, []netip.Addr{out4, out6} }), nil, nil},
		{"headless", with(func(s *snapshot.Service) { s.Type, s.Headless, s.ClusterIPs = "ClusterIP", true, nil }), both, nil},
	} {
		if diff := gocmp.Diff(tc.want, StateOf(tc.s, tc.slices).Missing()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
	state := StateOf(with(func(s *snapshot.Service) { s.Ingress = []netip.Addr{out4, out6} }), both)
	got := strings.Join(append(state.Try(80), append(state.Try(8080), state.Records("web.example.")...)...), "\n")
	want := `curl -4 -g 'http://192.0.2.7/'
curl -6 -g 'http://[2001:db8:2::7]/'
curl -4 -g 'http://192.0.2.7:8080/'
curl -6 -g 'http://[2001:db8:2::7]:8080/'
web.example. IN A    192.0.2.7
web.example. IN AAAA 2001:db8:2::7`
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
