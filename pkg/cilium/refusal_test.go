package cilium

import (
	"maps"
	"strings"
	"testing"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// with is c and more.
func (c Config) with(pairs ...string) Config {
	out := Config{}
	maps.Copy(out, c)
	for i := 0; i+1 < len(pairs); i += 2 {
		out[pairs[i]] = pairs[i+1]
	}
	return out
}

func TestRefusals(t *testing.T) {
	bpf := Config{"enable-bpf-masquerade": "true", "kube-proxy-replacement": "true"}
	for name, tt := range map[string]struct {
		config  Config
		version release.Version
		want    string // in what the agent says; empty: it starts
	}{
		"the defaults":                         {nil, release.V(1, 20), ""},
		"IPv6 by BPF in 1.13":                  {bpf, release.V(1, 13), "BPF masquerade is not supported for IPv6"},
		"IPv6 by BPF in 1.14":                  {bpf, release.V(1, 14), ""},
		"the homelab":                          {bpf.with("enable-ipv6-masquerade", "false"), release.V(1, 11), ""},
		"nothing left to masquerade, 1.20":     {bpf.with("enable-ipv4-masquerade", "false", "enable-ipv6-masquerade", "false"), release.V(1, 20), "BPF masquerade requires (--enable-ipv4"},
		"nothing left to masquerade, 1.14":     {bpf.with("enable-ipv4-masquerade", "false", "enable-ipv6-masquerade", "false"), release.V(1, 14), ""},
		"masquerade of a family that is off":   {bpf.with("enable-ipv4-masquerade", "false", "enable-ipv6", "false"), release.V(1, 20), "BPF masquerade requires (--enable-ipv4"},
		"the host firewall in 1.15":            {bpf.with("enable-host-firewall", "true"), release.V(1, 15), "along with the host firewall"},
		"the host firewall in 1.16":            {bpf.with("enable-host-firewall", "true"), release.V(1, 16), ""},
		"without NodePort in 1.18":             {Config{"enable-bpf-masquerade": "true"}, release.V(1, 18), "requires NodePort"},
		"without NodePort in 1.19":             {Config{"enable-bpf-masquerade": "true"}, release.V(1, 19), ""},
		"NodePort and no socket-LB, tunnelled": {Config{"enable-bpf-masquerade": "true", "enable-node-port": "true"}, release.V(1, 15), "requires socket-LB"},
		"NodePort and no socket-LB, native":    {Config{"enable-bpf-masquerade": "true", "enable-node-port": "true", "routing-mode": "native"}, release.V(1, 15), ""},
		"interfaces with BPF":                  {bpf.with("egress-masquerade-interfaces", "eth0"), release.V(1, 20), "does not allow to specify devices"},
		"route source with BPF":                {bpf.with("enable-masquerade-to-route-source", "true"), release.V(1, 20), "route source"},
		"ip-masq-agent without BPF":            {Config{"enable-ip-masq-agent": "true"}, release.V(1, 20), "ip-masq-agent requires"},
		"ip-masq-agent with BPF":               {bpf.with("enable-ip-masq-agent", "true"), release.V(1, 20), ""},
		"no iptables rules":                    {bpf.with("install-iptables-rules", "false"), release.V(1, 20), "requires iptables rules"},
		"multi-pool and iptables":              {Config{"ipam": "multi-pool"}, release.V(1, 20), "Egress masquerading interfaces cannot be empty"},
		"multi-pool and BPF":                   {bpf.with("ipam", "multi-pool"), release.V(1, 20), ""},
		"NDP without IPv6":                     {Config{"enable-ipv6": "false", "enable-ipv6-ndp": "true"}, release.V(1, 15), "when IPv6 is not enabled"},
		"NDP without a device, 1.20":           {Config{"enable-ipv6-ndp": "true"}, release.V(1, 20), "without ipv6-mcast-device"},
		"NDP without a device, 1.15":           {Config{"enable-ipv6-ndp": "true"}, release.V(1, 15), ""},
		"NDP with a device":                    {Config{"enable-ipv6-ndp": "true", "ipv6-mcast-device": "eno1"}, release.V(1, 20), ""},
		"direct routes in a tunnel":            {Config{"auto-direct-node-routes": "true"}, release.V(1, 20), "cannot be used with tunneling"},
		"direct routes":                        {Config{"auto-direct-node-routes": "true", "routing-mode": "native"}, release.V(1, 20), ""},
		"an underlay that is off":              {Config{"underlay-protocol": "ipv6", "enable-ipv6": "false"}, release.V(1, 20), "underlay protocol set to IPv6, but IPv6 is disabled"},
		"a gateway between one family":         {Config{"enable-nat46x64-gateway": "true", "enable-ipv4": "false"}, release.V(1, 20), "requires both"},
		"egress gateway without BPF":           {Config{"enable-egress-gateway": "true"}, release.V(1, 20), "egress gateway requires"},
		"egress gateway":                       {bpf.with("enable-egress-gateway", "true"), release.V(1, 20), ""},
		"ENI and IPv6 in 1.15":                 {Config{"ipam": "eni", "routing-mode": "native"}, release.V(1, 15), "cannot be enabled in ENI"},
		"a fallback range of another length":   {Config{"ipv6-cluster-alloc-cidr": "f00d::/48"}, release.V(1, 20), "must be /64"},
		"unreachable routes left out of none":  {Config{"direct-routing-skip-unreachable": "true", "routing-mode": "native"}, release.V(1, 20), "direct-routing-skip-unreachable cannot be enabled"},
		"a router's address in a tunnel":       {Config{"local-router-ipv6": "fd00::1"}, release.V(1, 20), "Cannot specify local-router-ipv4"},
		"no conntrack in a tunnel":             {Config{"install-no-conntrack-iptables-rules": "true"}, release.V(1, 20), "requires the agent to run in direct routing mode"},
		"no conntrack of IPv6":                 {Config{"install-no-conntrack-iptables-rules": "true", "routing-mode": "native", "enable-ipv4": "false"}, release.V(1, 20), "requires IPv4 support"},
		"XDP below a tunnel over IPv6":         {bpf.with("underlay-protocol", "ipv6", "bpf-lb-acceleration", "native"), release.V(1, 20), "XDP acceleration"},
		"XDP below a tunnel over IPv4":         {bpf.with("bpf-lb-acceleration", "native"), release.V(1, 20), ""},
		"direct answers out of a tunnel":       {bpf.with("bpf-lb-mode", "dsr"), release.V(1, 20), "cannot be used with vxlan"},
		"direct answers":                       {bpf.with("bpf-lb-mode", "dsr", "routing-mode", "native"), release.V(1, 20), ""},
		"the default pool without BPF":         {Config{"only-masquerade-default-pool": "true"}, release.V(1, 20), "only-masquerade-default-pool requires"},
		"SRv6 without IPv6":                    {Config{"enable-srv6": "true", "enable-ipv6": "false"}, release.V(1, 20), "SRv6 requires IPv6"},
		"remote nodes without BPF":             {Config{"enable-remote-node-masquerade": "true"}, release.V(1, 18), "requires BPF masquerade"},
	} {
		var says []string
		for _, r := range tt.config.Refusals(tt.version) {
			says = append(says, r.Says)
		}
		got := strings.Join(says, "; ")
		if (tt.want == "") != (got == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: the agent says %q, want %q", name, got, tt.want)
		}
	}
}

// TestRefusalsAreMended writes what each refusal wants instead, and sees it gone.
func TestRefusalsAreMended(t *testing.T) {
	broken := []Config{
		{"enable-bpf-masquerade": "true", "kube-proxy-replacement": "true", "enable-ipv4-masquerade": "false", "enable-ipv6-masquerade": "false"},
		{"enable-bpf-masquerade": "true", "kube-proxy-replacement": "true", "egress-masquerade-interfaces": "eth0"},
		{"enable-bpf-masquerade": "true", "kube-proxy-replacement": "true", "install-iptables-rules": "false"},
		{"enable-ip-masq-agent": "true"},
		{"ipam": "multi-pool"},
		{"enable-ipv6-ndp": "true"},
		{"auto-direct-node-routes": "true"},
		{"underlay-protocol": "IPv4", "enable-ipv4": "false"},
		{"enable-egress-gateway": "true"},
		{"ipv6-cluster-alloc-cidr": "f00d::/48"},
	}
	for _, c := range broken {
		refusals := c.Refusals(Latest)
		if len(refusals) == 0 {
			t.Errorf("%v is not refused", c)
		}
		for _, r := range refusals {
			for _, s := range r.Instead {
				c = c.with(s.Key, s.Value)
			}
		}
		if left := c.Refusals(Latest); len(left) > 0 {
			t.Errorf("%v is still refused: %s", c, left[0].Says)
		}
	}
	for _, r := range refusals {
		if r.Says == "" || r.Source == "" || len(r.Instead) == 0 || r.Subject == "" {
			t.Errorf("%s: no words, source or mending: %+v", r.Key, r.Says)
		}
	}
}
