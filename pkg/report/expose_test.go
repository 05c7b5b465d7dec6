package report

import (
	"bytes"
	"errors"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/expose"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/probe"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// foretold is a forecast with a line of each kind, one of them with what could move a
// cursor in it.
var foretold = expose.Forecast{Lines: []expose.Line{
	{About: "families", Text: "IPv4 and IPv6: 10.96.0.0/16, 2001:db8:7653:299:cafe:1::/112"},
	{Unknown: true, About: "pods", Text: "list pods -n lab: forbidden"},
	{Severity: severity.Warning, About: "listener", Text: "container c\x1b[2J binds to an IPv4 address, \"0.0.0.0:80\": nobody will answer over IPv6"},
	{Severity: severity.Error, About: "addresses", Text: "none; MetalLB will say: unknown pool \"lam\"", Fix: "give --pool lan"},
	{Severity: severity.Error, About: "DS505", Text: "ipaddresspool/metallb-system/lan has no L2Advertisement and no BGPAdvertisement", Fix: "kubectl apply -f - <<'EOF'\nkind: L2Advertisement\nEOF"},
}}

func TestWriteForecast(t *testing.T) {
	for name, tc := range map[string]struct {
		all   bool
		style Style
	}{
		"forecast.160":         {true, Style{Width: 160}},
		"forecast.80.color":    {true, Style{Width: 80, Color: true}},
		"forecast.40.ascii":    {true, Style{Width: 40, ASCII: true}},
		"forecast.80.problems": {false, Style{Width: 80}},
	} {
		var b bytes.Buffer
		if err := WriteForecast(&b, foretold, tc.all, tc.style); err != nil {
			t.Fatal(err)
		}
		golden(t, filepath.Join("testdata", "golden", name+".txt"), b.String())
	}
}

func TestWriteExposed(t *testing.T) {
	addr := netip.MustParseAddr
	s := snapshot.Service{
		Ref: snapshot.Ref{Kind: "Service", Namespace: "lab", Name: "web"}, Type: "LoadBalancer", Selector: map[string]string{"app": "web"},
		ClusterIPs: []netip.Addr{addr("2001:db8:7653:299:cafe:1:0:55da"), addr("10.96.73.153")},
		Ingress:    []netip.Addr{addr("192.168.16.101"), addr("2001:db8:7653:216:ffff:fac:ade:101")},
	}
	state := expose.State{Service: s, Ready: ipfam.Pair[int]{V4: 2, V6: 1}, Backends: true}
	probes := ipfam.Pair[probe.Result]{
		V4: probe.Result{To: netip.AddrPortFrom(s.Ingress[0], 80), Took: 1234 * time.Microsecond},
		V6: probe.Result{To: netip.AddrPortFrom(s.Ingress[1], 80), Err: errors.New("connection refused")},
	}
	inside := state
	inside.Service.Type, inside.Service.Ingress, inside.Service.ClusterIPs = "ClusterIP", nil, s.ClusterIPs[:1]
	for name, write := range map[string]func(*bytes.Buffer) error{
		"exposed":        func(b *bytes.Buffer) error { return WriteExposed(b, state, ipfam.Pair[probe.Result]{}, 80, Style{}) },
		"exposed.probed": func(b *bytes.Buffer) error { return WriteExposed(b, state, probes, 8080, Style{Color: true}) },
		"exposed.cluster": func(b *bytes.Buffer) error {
			return WriteExposed(b, inside, ipfam.Pair[probe.Result]{}, 80, Style{ASCII: true})
		},
		"change": func(b *bytes.Buffer) error {
			return WriteChange(b, s.Ref, []expose.Change{
				{Field: ".spec.ipFamilyPolicy", From: "SingleStack", To: "RequireDualStack"}, {Field: ".spec.loadBalancerIP", From: "192.0.2.7"}, {Field: ".metadata.annotations.a", To: "b\n"},
			}, Style{})
		},
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		golden(t, filepath.Join("testdata", "golden", name+".txt"), b.String())
	}
}
