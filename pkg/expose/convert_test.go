package expose

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

func TestConvert(t *testing.T) {
	four, six, both, swapped := ipfam.All[:1], ipfam.All[1:], ipfam.All[:], []ipfam.Family{ipfam.V6, ipfam.V4}
	service := func(policy Policy, families ...ipfam.Family) snapshot.Service {
		s := snapshot.Service{Ref: snapshot.Ref{Kind: "Service", Namespace: "lab", Name: "web"}, Type: "ClusterIP", Policy: string(policy), Families: families}
		for _, f := range families {
			s.ClusterIPs = append(s.ClusterIPs, map[ipfam.Family]netip.Addr{ipfam.V4: netip.MustParseAddr("10.96.0.7"), ipfam.V6: netip.MustParseAddr("2001:db8:1::7")}[f])
		}
		return s
	}
	headless := service(Single, four...)
	headless.Headless, headless.ClusterIPs = true, nil
	external := service(Single, four...)
	external.Type = "ExternalName"
	server := service(Single, four...)
	server.Namespace, server.Name = "default", "kubernetes"
	for _, tc := range []struct {
		name   string
		decide func(snapshot.Service, Request) (Conversion, error)
		s      snapshot.Service
		r      Request
		want   string // the patch, why there is none, or a part of the error
	}{
		{"IPv4", Upgrade, service(Single, four...), Request{Policy: Require}, `{"op":"replace","path":"/spec/ipFamilyPolicy","value":"RequireDualStack"},{"op":"replace","path":"/spec/ipFamilies","value":["IPv4","IPv6"]}]`},
		{"IPv6", Upgrade, service(Single, six...), Request{Policy: Prefer}, `{"op":"replace","path":"/spec/ipFamilyPolicy","value":"PreferDualStack"},{"op":"replace","path":"/spec/ipFamilies","value":["IPv6","IPv4"]}]`},
		{"one that prefers both and has one", Upgrade, service(Prefer, four...), Request{Policy: Prefer}, `{"op":"replace","path":"/spec/ipFamilyPolicy","value":"PreferDualStack"},{"op":"replace","path":"/spec/ipFamilies","value":["IPv4","IPv6"]}]`},
		{"prefers both, to require them", Upgrade, service(Prefer, both...), Request{Policy: Require}, `{"op":"replace","path":"/spec/ipFamilyPolicy","value":"RequireDualStack"},{"op":"replace","path":"/spec/ipFamilies","value":["IPv4","IPv6"]}]`},
		{"of both already", Upgrade, service(Require, swapped...), Request{Policy: Require}, "is RequireDualStack of IPv4 and IPv6 already"},
		{"IPv4, to be IPv6 first", Upgrade, service(Single, four...), Request{Policy: Require, Families: swapped}, "has IPv4 as its primary family, which the API does not let change: make the Service anew with --families IPv6,IPv4"},
		{"IPv6, to be IPv4 first", Upgrade, service(Single, six...), Request{Policy: Require, Families: both}, "has IPv6 as its primary family"},
		{"headless, to be IPv6 first", Upgrade, headless, Request{Policy: Require, Families: swapped}, `{"op":"replace","path":"/spec/ipFamilyPolicy","value":"RequireDualStack"},{"op":"replace","path":"/spec/ipFamilies","value":["IPv6","IPv4"]}]`},
		{"to one family", Upgrade, service(Single, four...), Request{Policy: Single}, "is no upgrade"},
		{"a name", Upgrade, external, Request{Policy: Require}, "is of type ExternalName, which has no families"},
		{"the API server's", Upgrade, server, Request{Policy: Require}, "is the API server's own"},
		{"without families", Upgrade, service(""), Request{Policy: Require}, "has no .spec.ipFamilies"},
		{"down", Downgrade, service(Require, both...), Request{Policy: Require}, `{"op":"replace","path":"/spec/ipFamilyPolicy","value":"SingleStack"}]`},
		{"down, IPv6 first", Downgrade, service(Require, swapped...), Request{Policy: Require, Families: six}, `{"op":"replace","path":"/spec/ipFamilyPolicy","value":"SingleStack"}]`},
		{"down to the secondary", Downgrade, service(Require, both...), Request{Policy: Require, Families: six}, "has IPv4 as its primary family, which the API does not let go"},
		{"down, headless", Downgrade, headless, Request{Policy: Require, Families: six}, "is SingleStack of IPv4 already"},
		{"down already", Downgrade, service(Single, six...), Request{Policy: Require}, "is SingleStack of IPv6 already"},
	} {
		c, err := tc.decide(tc.s, tc.r)
		got := c.Already
		switch {
		case err != nil:
			got = err.Error()
		case got == "":
			patch, err := c.Patch(tc.s, true)
			if err != nil {
				t.Fatal(err)
			}
			got = string(patch)
		}
		if strings.HasPrefix(got, "[") {
			tests := fmt.Sprintf(`[{"op":"test","path":"/spec/ipFamilyPolicy","value":%q},{"op":"test","path":"/spec/ipFamilies","value":["%s"]},`,
				tc.s.Policy, names(tc.s.Families, `","`))
			got = strings.TrimPrefix(got, tests)
		}
		if !strings.Contains(got, tc.want) || err == nil && got != tc.want {
			t.Errorf("%s: %s\nwant %s", tc.name, got, tc.want)
		}
	}
}

func TestPin(t *testing.T) {
	both := []netip.Addr{netip.MustParseAddr("2001:db8::7"), netip.MustParseAddr("192.0.2.7")}
	s := snapshot.Service{Families: ipfam.All[:1], Policy: string(Single), RequestedIP: "192.0.2.7"}
	s.ClusterIPs = []netip.Addr{netip.MustParseAddr("10.96.0.7")}
	c, err := Upgrade(s, Request{Policy: Require})
	if err != nil {
		t.Fatal(err)
	}
	c.Pin(s, "metallb.io/loadBalancerIPs", both)
	patch, err := c.Patch(s, false)
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"op":"test","path":"/spec/ipFamilyPolicy","value":"SingleStack"},{"op":"test","path":"/spec/ipFamilies","value":["IPv4"]},` +
		`{"op":"replace","path":"/spec/ipFamilyPolicy","value":"RequireDualStack"},{"op":"replace","path":"/spec/ipFamilies","value":["IPv4","IPv6"]},` +
		`{"op":"test","path":"/spec/loadBalancerIP","value":"192.0.2.7"},{"op":"remove","path":"/spec/loadBalancerIP"},` +
		`{"op":"add","path":"/metadata/annotations","value":{}},{"op":"add","path":"/metadata/annotations/metallb.io~1loadBalancerIPs","value":"192.0.2.7,2001:db8::7"}]`
	if string(patch) != want {
		t.Errorf("%s\nwant %s", patch, want)
	}
	var shown []string
	for _, change := range c.Changes {
		shown = append(shown, fmt.Sprintf("%s: %s > %s", change.Field, change.From, change.To))
	}
	if diff := gocmp.Diff([]string{
		".spec.ipFamilyPolicy: SingleStack > RequireDualStack", ".spec.ipFamilies: IPv4 > IPv4, IPv6",
		".metadata.annotations.metallb.io/loadBalancerIPs:  > 192.0.2.7,2001:db8::7", ".spec.loadBalancerIP: 192.0.2.7 > ",
	}, shown); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
