package cilium

import (
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// Span is a run of releases: From is the first of it, Until the first after it.
// Both are minor releases. A zero end is open.
type Span struct {
	From, Until release.Version
}

// Has reports whether v is in s. An unknown v is in no span that has an end.
func (s Span) Has(v release.Version) bool {
	return (!s.From.Known() || v.From(s.From)) && (!s.Until.Known() || v.Before(s.Until))
}

// Open reports whether s is all releases.
func (s Span) Open() bool { return !s.From.Known() && !s.Until.Known() }

// String is "1.15 and later", "before 1.14", "1.11 to 1.17" or "every release".
func (s Span) String() string {
	switch {
	case s.Open():
		return "every release"
	case !s.Until.Known():
		return s.From.String() + " and later"
	case !s.From.Known():
		return "before " + s.Until.String()
	}
	last := s.Until
	last.Minor--
	return s.From.String() + " to " + last.String()
}

// Unread is an option, or some of its values, that some releases do not read.
type Unread struct {
	Key string
	// Values is the values that are meant; empty is all of them.
	Values []string
	In     Span
	// Refused is whether the agent then does not start. Otherwise it passes over
	// the option without a word.
	Refused bool
	// Instead is what those releases read in its place, given the value; it may
	// be nothing.
	Instead func(value string) []Setting
	// Without is what the agent does, since it does not read the option.
	Without func(value string) string
	// Default is the value that changes nothing when it is passed over; such an
	// option is not worth a word.
	Default string
	// Moot is whether another option makes this one superfluous. Without a rule it
	// is whether the option that is to be written instead is there too.
	Moot   func(Config) bool
	Source string
}

// applies reports whether the value is one that u means.
func (u Unread) applies(value string) bool {
	return len(u.Values) == 0 || slices.Contains(u.Values, value)
}

// moot reports whether u is a harmless left-over in c.
func (u Unread) moot(c Config) bool {
	switch {
	case u.Refused:
		return false
	case u.Moot != nil:
		return u.Moot(c)
	case u.Instead == nil:
		return false
	}
	settings := u.Instead(c[u.Key])
	return len(settings) > 0 && c.Has(settings[0].Key)
}

// sameAsDefault reports whether value says what the agent does anyway.
func (u Unread) sameAsDefault(c Config) bool {
	if u.Default == "" {
		return false
	}
	if u.Default == "true" || u.Default == "false" {
		return c.Bool(u.Key, u.Default == "true") == (u.Default == "true")
	}
	return c[u.Key] == u.Default
}

// Unread is the options of c that v does not read, or refuses, and whose value
// would make a difference. An unknown v is judged as Latest.
func (c Config) Unread(v release.Version) []Unread {
	v = v.Or(Latest)
	var found []Unread
	for _, u := range unread {
		if c.Has(u.Key) && u.applies(c[u.Key]) && u.In.Has(v) && !u.moot(c) && !u.sameAsDefault(c) {
			found = append(found, u)
		}
	}
	return found
}

// from and until are spans of 1.minor: there is no other Cilium.
func from(minor int) Span  { return Span{From: release.V(1, minor)} }
func until(minor int) Span { return Span{Until: release.V(1, minor)} }

// renamed keeps the value under another key.
func renamed(key string) func(string) []Setting {
	return func(value string) []Setting { return []Setting{{key, value}} }
}

// becomes is fixed settings, whatever the value was.
func becomes(settings ...Setting) func(string) []Setting {
	return func(string) []Setting { return settings }
}

func always(text string) func(string) string { return func(string) string { return text } }

const (
	upgradeNotes  = "cilium Documentation/operations/upgrade.rst, notes of "
	readIn120     = "cilium v1.20.2: no flag of this name; "
	replaceSource = "cilium v1.20.2, pkg/kpr/config.go, a boolean flag; https://github.com/cilium/cilium/issues/31286"
)

// unread is what changed between the releases, by key.
var unread = []Unread{
	{
		Key: "masquerade", In: from(11), Default: "true",
		Instead: renamed("enable-ipv4-masquerade"),
		Without: always("IPv4 is masqueraded all the same"),
		Source:  readIn120 + upgradeNotes + "1.11",
	},
	{
		Key: "native-routing-cidr", In: from(12),
		Instead: renamed("ipv4-native-routing-cidr"),
		Without: always("no native routing CIDR is set"),
		Source:  readIn120 + upgradeNotes + "1.12",
	},
	{
		Key: "ipv6-native-routing-cidr", In: until(12),
		Without: always("there is no IPv6 native routing CIDR before 1.12"),
		Source:  upgradeNotes + "1.12",
	},
	{
		Key: "tunnel", In: from(15),
		Instead: routingOfTunnel, Without: withoutTunnel,
		Source: readIn120 + upgradeNotes + "1.14 and 1.15",
	},
	{
		Key: "routing-mode", In: until(14), Default: "tunnel",
		Instead: becomes(Setting{"tunnel", "disabled"}),
		Without: always("pods' packets go through the tunnel"),
		Source:  upgradeNotes + "1.14",
	},
	{
		Key: "tunnel-protocol", In: until(14), Default: "vxlan",
		Instead: renamed("tunnel"),
		Without: always("the tunnel is vxlan"),
		Source:  upgradeNotes + "1.14",
	},
	{
		Key: "underlay-protocol", In: until(18),
		Without: always("the tunnel runs over IPv4"),
		Source:  "https://github.com/cilium/cilium/issues/38523",
	},
	{
		Key: "kube-proxy-replacement", Values: []string{"probe"}, In: from(13), Refused: true,
		Instead: becomes(Setting{"kube-proxy-replacement", "true"}),
		Source:  "cilium v1.15.19, daemon/cmd/kube_proxy_replacement.go; https://github.com/kubernetes-sigs/kubespray/issues/9929",
	},
	{
		Key: "kube-proxy-replacement", Values: []string{"strict"}, In: from(16), Refused: true,
		Instead: becomes(Setting{"kube-proxy-replacement", "true"}),
		Source:  replaceSource,
	},
	{
		Key: "kube-proxy-replacement", Values: []string{"partial", "disabled"}, In: from(16), Refused: true,
		Instead: becomes(Setting{"kube-proxy-replacement", "false"}),
		Source:  replaceSource,
	},
	{
		Key: "enable-ipv4-egress-gateway", In: from(19), Default: "false",
		Instead: renamed("enable-egress-gateway"),
		Without: always("the egress gateway is off, and pods leave from their own nodes"),
		Source:  readIn120 + "https://github.com/cilium/cilium/issues/42238",
	},
	{
		Key: "enable-egress-gateway", In: Span{release.V(1, 11), release.V(1, 18)}, Default: "false",
		Instead: renamed("enable-ipv4-egress-gateway"),
		Without: always("the egress gateway is off, and pods leave from their own nodes"),
		Source:  upgradeNotes + "1.11; https://github.com/cilium/cilium/issues/40014",
	},
	partOfReplacement("enable-node-port", "NodePorts"),
	partOfReplacement("enable-host-port", "hostPorts"),
	partOfReplacement("enable-external-ips", "externalIPs"),
	partOfReplacement("enable-session-affinity", "session affinity"),
	{
		Key: "node-port-mode", In: from(20), Default: "snat",
		Instead: renamed("bpf-lb-mode"),
		Without: always("Services are answered in snat mode"),
		Source:  "cilium v1.20.2, Documentation/operations/upgrade-current.inc",
	},
	{
		Key: "ipam", Values: []string{"cluster-pool-v2beta"}, In: from(15), Refused: true,
		Instead: becomes(Setting{"ipam", "multi-pool"}),
		Source:  "cilium v1.20.2, pkg/ipam/ipam.go; " + upgradeNotes + "1.15; https://github.com/cilium/cilium/issues/25767",
	},
	{
		Key: "enable-l2-announcements", In: until(14), Default: "false",
		Without: always("no load-balancer address is announced"),
		Source:  upgradeNotes + "1.14",
	},
	{
		Key: "enable-masquerade-to-route-source", In: until(15), Default: "false",
		Without: always("masqueraded packets carry the address that the kernel picks"),
		Source:  "https://github.com/cilium/cilium/issues/27618",
	},
	{
		Key: "enable-remote-node-masquerade", In: until(18), Default: "false",
		Without: always("packets to other nodes are not masqueraded"),
		Source:  "https://github.com/cilium/cilium/issues/37568",
	},
}

// routingOfTunnel is what 1.14 and later read in place of tunnel.
func routingOfTunnel(value string) []Setting {
	if value == "disabled" {
		return []Setting{{"routing-mode", "native"}}
	}
	return []Setting{{"routing-mode", "tunnel"}, {"tunnel-protocol", value}}
}

// withoutTunnel is what becomes of a tunnel option that is not read: the default
// is a vxlan tunnel (cilium v1.20.2, pkg/defaults/defaults.go).
func withoutTunnel(value string) string {
	switch value {
	case "disabled":
		return "pods' packets go through a vxlan tunnel"
	case "vxlan":
		return "nothing changes while vxlan is the default"
	}
	return "the tunnel is vxlan"
}

// partOfReplacement is an option that was one part of kube-proxy's replacement
// until it could no longer be switched on by itself (cilium/cilium#41380).
func partOfReplacement(key, what string) Unread {
	return Unread{
		Key: key, In: from(19), Default: "false",
		Instead: becomes(Setting{"kube-proxy-replacement", "true"}),
		Moot:    Config.ReplacesKubeProxy,
		Without: always("Cilium serves no " + what + " unless it replaces kube-proxy"),
		Source:  readIn120 + "https://github.com/cilium/cilium/issues/41380",
	}
}

// UnreadSources is where the changes of Unread were read.
func UnreadSources() []string {
	var sources []string
	for _, u := range unread {
		for source := range strings.SplitSeq(u.Source, "; ") {
			if !slices.Contains(sources, source) {
				sources = append(sources, source)
			}
		}
	}
	return sources
}
