package cilium

import (
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// Subject is what a refused combination of options is about.
type Subject string

// The subjects.
const (
	AboutMasquerade Subject = "masquerade"
	AboutNDP        Subject = "neighbour discovery"
	AboutRouting    Subject = "routing"
	AboutFeatures   Subject = "features"
)

// Refusal is a combination of options with which the agent does not start.
type Refusal struct {
	Subject Subject
	Key     string // the option that the refusal is about
	In      Span   // the releases that refuse it
	When    func(c Config, v release.Version) bool
	Says    string    // the agent's last words
	Instead []Setting // with which it starts
	Source  string
}

// Refusals is why an agent of version v does not start with c; an unknown v is
// judged as Latest.
func (c Config) Refusals(v release.Version) []Refusal {
	v = v.Or(Latest)
	var found []Refusal
	for _, r := range refusals {
		if r.In.Has(v) && r.When(c, v) {
			found = append(found, r)
		}
	}
	return found
}

func (c Config) on(key string) bool { return c.Bool(key, false) }

// asksForMasquerade reports whether any family's switch is on. The agent looks at
// the switches together with the families (cilium v1.20.2, pkg/option/config.go
// Populate and MasqueradingEnabled).
func (c Config) asksForMasquerade() bool {
	for _, f := range ipfam.All {
		if c.Masquerade(f) != NoMasquerade {
			return true
		}
	}
	return false
}

func (c Config) bpfMasquerades() bool { return c.asksForMasquerade() && c.on("enable-bpf-masquerade") }

// podRangeModes are the modes in which a node's pod range is known.
var podRangeModes = map[string]bool{"cluster-pool": true, "kubernetes": true}

const (
	agent120 = "cilium v1.20.2, daemon/cmd/daemon.go"
	main120  = "cilium v1.20.2, daemon/cmd/daemon_main.go"
	agent115 = "cilium v1.15.19, daemon/cmd/daemon.go"
	main115  = "cilium v1.15.19, daemon/cmd/daemon_main.go"
	// initializer120 is where the options of the replacement of kube-proxy are held to each other.
	initializer120 = "cilium v1.20.2, pkg/kpr/initializer/kube_proxy_replacement.go"

	both = "cilium v1.20.2 and v1.15.19, pkg/option/config.go"
)

// refusals is the combinations that have to do with the families. Where a span is
// open on both sides the rule was read in v1.20.2 and v1.15.19.
var refusals = []Refusal{
	{
		Subject: AboutMasquerade, Key: "enable-bpf-masquerade", In: Span{release.V(1, 11), release.V(1, 14)},
		When:    func(c Config, _ release.Version) bool { return c.Masquerade(ipfam.V6) == BPF },
		Says:    "BPF masquerade is not supported for IPv6.",
		Instead: []Setting{{"enable-ipv6-masquerade", "false"}},
		Source:  "https://github.com/cilium/cilium/issues/17906; https://github.com/cilium/cilium/issues/23165",
	},
	{
		Subject: AboutMasquerade, Key: "enable-host-firewall", In: Span{release.V(1, 14), release.V(1, 16)},
		When: func(c Config, _ release.Version) bool {
			return c.Masquerade(ipfam.V6) == BPF && c.on("enable-host-firewall")
		},
		Says:    "IPv6 BPF masquerade is not supported along with the host firewall.",
		Instead: []Setting{{"enable-bpf-masquerade", "false"}},
		Source:  main115 + "; https://github.com/cilium/cilium/issues/31511",
	},
	{
		Subject: AboutMasquerade, Key: "enable-bpf-masquerade", In: from(15),
		When:    func(c Config, _ release.Version) bool { return c.on("enable-bpf-masquerade") && !c.asksForMasquerade() },
		Says:    `BPF masquerade requires (--enable-ipv4-masquerade="true" or --enable-ipv6-masquerade="true")`,
		Instead: []Setting{{"enable-bpf-masquerade", "false"}},
		Source:  agent120 + "; " + agent115,
	},
	{
		Subject: AboutMasquerade, Key: "egress-masquerade-interfaces", In: from(15),
		When: func(c Config, _ release.Version) bool {
			return c.bpfMasquerades() && c["egress-masquerade-interfaces"] != ""
		},
		Says:    "BPF masquerade does not allow to specify devices via --egress-masquerade-interfaces (use --devices instead)",
		Instead: []Setting{{"egress-masquerade-interfaces", ""}},
		Source:  agent120 + "; " + agent115,
	},
	{
		Subject: AboutMasquerade, Key: "enable-masquerade-to-route-source", In: from(15),
		When: func(c Config, _ release.Version) bool {
			return c.bpfMasquerades() && c.on("enable-masquerade-to-route-source")
		},
		Says:    "BPF masquerading to route source currently not supported with BPF-based masquerading",
		Instead: []Setting{{"enable-masquerade-to-route-source", "false"}},
		Source:  agent120 + "; " + agent115,
	},
	{
		Subject: AboutMasquerade, Key: "enable-bpf-masquerade", In: Span{release.V(1, 15), release.V(1, 19)},
		When: func(c Config, _ release.Version) bool {
			return c.bpfMasquerades() && !c.ReplacesKubeProxy() && !c.on("enable-node-port")
		},
		Says:    `BPF masquerade requires NodePort (--enable-node-port="true")`,
		Instead: []Setting{{"kube-proxy-replacement", "true"}},
		Source:  agent115 + "; https://github.com/cilium/cilium/issues/41380",
	},
	{
		Subject: AboutMasquerade, Key: "bpf-lb-sock", In: Span{release.V(1, 15), release.V(1, 16)},
		When: func(c Config, v release.Version) bool {
			return c.bpfMasquerades() && !c.Native(v) && !c.ReplacesKubeProxy() && c.on("enable-node-port") && !c.on("bpf-lb-sock")
		},
		Says:    `BPF masquerade requires socket-LB (--bpf-lb-sock="false")`,
		Instead: []Setting{{"kube-proxy-replacement", "true"}},
		Source:  agent115,
	},
	{
		Subject: AboutMasquerade, Key: "enable-ip-masq-agent",
		When:    func(c Config, _ release.Version) bool { return c.on("enable-ip-masq-agent") && !c.bpfMasquerades() },
		Says:    `BPF ip-masq-agent requires (--enable-ipv4-masquerade="true" or --enable-ipv6-masquerade="true") and --enable-bpf-masquerade="true"`,
		Instead: []Setting{{"enable-bpf-masquerade", "true"}},
		Source:  agent120 + "; " + agent115,
	},
	{
		Subject: AboutMasquerade, Key: "install-iptables-rules", In: from(20),
		When: func(c Config, _ release.Version) bool {
			return !c.Bool("install-iptables-rules", true) && (c.on("enable-bpf-masquerade") || c.ReplacesKubeProxy())
		},
		Says:    `kube-proxy replacement or BPF masquerade requires iptables rules (--install-iptables-rules="true")`,
		Instead: []Setting{{"install-iptables-rules", "true"}},
		Source:  agent120,
	},
	{
		Subject: AboutMasquerade, Key: "enable-remote-node-masquerade", In: from(18),
		When: func(c Config, _ release.Version) bool {
			return c.on("enable-remote-node-masquerade") && !c.on("enable-bpf-masquerade")
		},
		Says:    "Option enable-remote-node-masquerade requires BPF masquerade to be enabled (enable-bpf-masquerade)",
		Instead: []Setting{{"enable-remote-node-masquerade", "false"}},
		Source:  main120 + "; https://github.com/cilium/cilium/issues/37568",
	},
	{
		Subject: AboutMasquerade, Key: "egress-masquerade-interfaces", In: from(20),
		When: func(c Config, _ release.Version) bool {
			return c.asksForMasquerade() && !c.bpfMasquerades() && !podRangeModes[c.IPAM()] && c["egress-masquerade-interfaces"] == ""
		},
		Says:    "Egress masquerading interfaces cannot be empty when IP masquerading is enabled with IPAM mode other than ClusterPool or Kubernetes",
		Instead: []Setting{{"enable-bpf-masquerade", "true"}},
		Source:  "cilium v1.20.2, pkg/datapath/iptables/iptables.go",
	},
	{
		Subject: AboutMasquerade, Key: "only-masquerade-default-pool", In: from(20),
		When: func(c Config, _ release.Version) bool {
			return c.on("only-masquerade-default-pool") && !c.on("enable-bpf-masquerade")
		},
		Says:    "--only-masquerade-default-pool requires --enable-bpf-masquerade to be enabled",
		Instead: []Setting{{"enable-bpf-masquerade", "true"}},
		Source:  "cilium v1.20.2, pkg/ipam/cell/cell.go",
	},
	{
		Subject: AboutNDP, Key: "enable-ipv6-ndp",
		When:    func(c Config, _ release.Version) bool { return c.on("enable-ipv6-ndp") && !c.Enabled(ipfam.V6) },
		Says:    "IPv6NDP cannot be enabled when IPv6 is not enabled",
		Instead: []Setting{{"enable-ipv6", "true"}},
		Source:  both,
	},
	{
		// Releases up to 1.15 find the device by themselves; 1.16 to 1.19 were not read.
		Subject: AboutNDP, Key: "enable-ipv6-ndp", In: from(20),
		When: func(c Config, _ release.Version) bool {
			return c.on("enable-ipv6-ndp") && c.Enabled(ipfam.V6) && strings.TrimSpace(c["ipv6-mcast-device"]) == ""
		},
		Says:    "IPv6NDP cannot be enabled without ipv6-mcast-device",
		Instead: []Setting{{"enable-ipv6-ndp", "false"}}, // the device alone makes the nodes listen
		Source:  "cilium v1.20.2, pkg/option/config.go; https://github.com/cilium/cilium/issues/41601",
	},
	{
		Subject: AboutRouting, Key: "auto-direct-node-routes",
		When:    func(c Config, v release.Version) bool { return c.on("auto-direct-node-routes") && !c.Native(v) },
		Says:    "auto-direct-node-routes cannot be used with tunneling. Packets must be routed through the tunnel device.",
		Instead: []Setting{{"auto-direct-node-routes", "false"}},
		Source:  main120 + "; " + main115,
	},
	{
		Subject: AboutRouting, Key: "ipam",
		When:    func(c Config, v release.Version) bool { return c.IPAM() == "eni" && !c.Native(v) },
		Says:    "Cannot specify IPAM mode eni in tunnel mode.",
		Instead: []Setting{{"routing-mode", "native"}},
		Source:  main120 + "; " + main115,
	},
	{
		// From 1.20 on IPv6 is a beta feature there; 1.16 to 1.19 were not read.
		Subject: AboutRouting, Key: "enable-ipv6", In: until(16),
		When:    func(c Config, _ release.Version) bool { return c.IPAM() == "eni" && c.Enabled(ipfam.V6) },
		Says:    "IPv6 cannot be enabled in ENI IPAM mode",
		Instead: []Setting{{"enable-ipv6", "false"}},
		Source:  "cilium v1.15.19, pkg/option/config.go",
	},
	{
		Subject: AboutRouting, Key: "direct-routing-skip-unreachable", In: from(20),
		When: func(c Config, _ release.Version) bool {
			return c.on("direct-routing-skip-unreachable") && !c.on("auto-direct-node-routes")
		},
		Says:    "Flag direct-routing-skip-unreachable cannot be enabled when auto-direct-node-routes is not enabled.",
		Instead: []Setting{{"direct-routing-skip-unreachable", "false"}},
		Source:  "cilium v1.20.2, pkg/option/config.go",
	},
	localRouterOf(ipfam.V4),
	localRouterOf(ipfam.V6),
	underlayOf(ipfam.V4),
	underlayOf(ipfam.V6),
	{
		Subject: AboutFeatures, Key: "install-no-conntrack-iptables-rules", In: from(20),
		When: func(c Config, v release.Version) bool {
			return c.on("install-no-conntrack-iptables-rules") && !c.Native(v)
		},
		Says:    "install-no-conntrack-iptables-rules requires the agent to run in direct routing mode.",
		Instead: []Setting{{"install-no-conntrack-iptables-rules", "false"}},
		Source:  main120,
	},
	{
		Subject: AboutFeatures, Key: "install-no-conntrack-iptables-rules", In: from(20),
		When: func(c Config, _ release.Version) bool {
			return c.on("install-no-conntrack-iptables-rules") && !c.Enabled(ipfam.V4)
		},
		Says:    "install-no-conntrack-iptables-rules requires IPv4 support.",
		Instead: []Setting{{"install-no-conntrack-iptables-rules", "false"}},
		Source:  main120,
	},
	{
		Subject: AboutFeatures, Key: "bpf-lb-acceleration", In: from(20),
		When: func(c Config, v release.Version) bool {
			return c.ReplacesKubeProxy() && !c.Native(v) && c.Underlay(v) == ipfam.V6 && !slices.Contains([]string{"", "disabled"}, c["bpf-lb-acceleration"])
		},
		Says:    "XDP acceleration cannot be used with an IPv6 underlay",
		Instead: []Setting{{"bpf-lb-acceleration", "disabled"}},
		Source:  initializer120,
	},
	{
		Subject: AboutFeatures, Key: "bpf-lb-mode", In: from(20),
		When: func(c Config, v release.Version) bool {
			return c.ReplacesKubeProxy() && !c.Native(v) && slices.Contains([]string{"", "vxlan"}, c["tunnel-protocol"]) &&
				!slices.Contains([]string{"", "snat"}, c["bpf-lb-mode"])
		},
		Says:    "Node Port mode other than snat cannot be used with vxlan tunneling.",
		Instead: []Setting{{"bpf-lb-mode", "snat"}},
		Source:  initializer120,
	},
	{
		Subject: AboutFeatures, Key: "enable-nat46x64-gateway",
		When:    func(c Config, _ release.Version) bool { return c.on("enable-nat46x64-gateway") && !c.Families().Dual() },
		Says:    "enable-nat46x64-gateway requires both --enable-ipv4 and --enable-ipv6 enabled",
		Instead: []Setting{{"enable-nat46x64-gateway", "false"}},
		Source:  both,
	},
	{
		Subject: AboutFeatures, Key: "enable-srv6",
		When:    func(c Config, _ release.Version) bool { return c.on("enable-srv6") && !c.Enabled(ipfam.V6) },
		Says:    "SRv6 requires IPv6.",
		Instead: []Setting{{"enable-srv6", "false"}},
		Source:  main120 + "; " + main115,
	},
	{
		Subject: AboutFeatures, Key: "enable-egress-gateway", In: from(20),
		When: func(c Config, _ release.Version) bool {
			return c.on("enable-egress-gateway") && c.Masquerade(ipfam.V4) != BPF
		},
		Says:    `egress gateway requires --enable-ipv4-masquerade="true" and --enable-bpf-masquerade="true"`,
		Instead: []Setting{{"enable-ipv4-masquerade", "true"}, {"enable-bpf-masquerade", "true"}},
		Source:  "cilium v1.20.2, pkg/egressgateway/manager.go",
	},
	{
		Subject: AboutFeatures, Key: "ipv6-cluster-alloc-cidr",
		When: func(c Config, _ release.Version) bool {
			text := strings.TrimSpace(c["ipv6-cluster-alloc-cidr"])
			return text != "" && c.Enabled(ipfam.V6) && !strings.HasSuffix(text, "/64")
		},
		Says:    "Prefix length must be /64",
		Instead: []Setting{{"ipv6-cluster-alloc-cidr", "f00d::/64"}},
		Source:  "cilium v1.20.2, pkg/option/config.go",
	},
}

// underlayOf is the tunnel's outer family being off. The option came with 1.18;
// the rule was read in 1.20.
func underlayOf(f ipfam.Family) Refusal {
	return Refusal{
		Subject: AboutRouting, Key: "underlay-protocol", In: from(20),
		When: func(c Config, _ release.Version) bool {
			return strings.EqualFold(c["underlay-protocol"], f.String()) && !c.Enabled(f)
		},
		Says:    "underlay protocol set to " + f.String() + ", but " + f.String() + " is disabled",
		Instead: []Setting{{"underlay-protocol", "auto"}},
		Source:  "cilium v1.20.2, pkg/datapath/tunnel/tunnel.go",
	}
}

// localRouterOf is an address of the router of pods beside a tunnel.
func localRouterOf(f ipfam.Family) Refusal {
	key := Key("local-router-%s", f)
	return Refusal{
		Subject: AboutRouting, Key: key, In: from(20),
		When:    func(c Config, v release.Version) bool { return c[key] != "" && !c.Native(v) },
		Says:    "Cannot specify local-router-ipv4 or local-router-ipv6 in tunnel mode.",
		Instead: []Setting{{key, ""}},
		Source:  main120,
	}
}

// RefusalSources is where the refusals about subjects were read.
func RefusalSources(subjects ...Subject) []string {
	var sources []string
	for _, r := range refusals {
		if !slices.Contains(subjects, r.Subject) {
			continue
		}
		for source := range strings.SplitSeq(r.Source, "; ") {
			if !slices.Contains(sources, source) {
				sources = append(sources, source)
			}
		}
	}
	return sources
}
