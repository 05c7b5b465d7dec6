// Package cilium is what Cilium does with its configuration, by version: which
// keys it reads, what a missing one means, and what follows for each family.
// It is pure. Unless a rule says otherwise it was read in cilium v1.20.2 and
// v1.15.19.
package cilium

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// Latest is the newest release whose rules this package knows, and the one that
// a configuration of unknown version is judged by.
var Latest = release.V(1, 20)

// Config is the data of cilium-config: option to value. A nil Config has every
// option at the agent's default, which is not the chart's.
type Config map[string]string

// Has reports whether key is written, with whatever value.
func (c Config) Has(key string) bool { _, ok := c[key]; return ok }

// Bool is key as a boolean, or def when it is missing or is none. All spellings
// of strconv.ParseBool count, as for the agent.
func (c Config) Bool(key string, def bool) bool {
	b, err := strconv.ParseBool(strings.TrimSpace(c[key]))
	if err != nil {
		return def
	}
	return b
}

// Key is the option with this name pattern for family f: Key("enable-%s", V6)
// is "enable-ipv6".
func Key(pattern string, f ipfam.Family) string {
	return strings.ReplaceAll(pattern, "%s", strings.ToLower(f.String()))
}

// Enabled reports whether the agents run family f. A configuration that does not
// say has both on: the agent's default is true, though the chart writes
// "false" for IPv6 (cilium v1.20.2, pkg/defaults/defaults.go; defaults before
// 1.15 were not read).
func (c Config) Enabled(f ipfam.Family) bool { return c.Bool(Key("enable-%s", f), true) }

// Families is the enabled families.
func (c Config) Families() ipfam.Set {
	var s ipfam.Set
	for _, f := range ipfam.All {
		if c.Enabled(f) {
			s = s.With(f)
		}
	}
	return s
}

// Mechanism is what rewrites a pod's source address on its way out.
type Mechanism string

// The mechanisms.
const (
	NoMasquerade Mechanism = "none"
	BPF          Mechanism = "BPF"
	IPTables     Mechanism = "iptables"
)

// Masquerade is who masquerades family f. The BPF switch is one for both
// families. Source: cilium v1.20.2, pkg/option/config.go
// IptablesMasqueradingIPv4Enabled and its siblings.
func (c Config) Masquerade(f ipfam.Family) Mechanism {
	switch {
	case !c.Enabled(f) || !c.Bool(Key("enable-%s-masquerade", f), true):
		return NoMasquerade
	case c.Bool("enable-bpf-masquerade", false):
		return BPF
	}
	return IPTables
}

// IPAM is the address allocation mode; the chart's default is cluster-pool.
func (c Config) IPAM() string {
	if mode := c["ipam"]; mode != "" {
		return mode
	}
	return "cluster-pool"
}

// routingModeFrom is the release that brought routing-mode; tunnelUntil is the
// first that no longer reads tunnel.
var (
	routingModeFrom = release.V(1, 14)
	tunnelUntil     = release.V(1, 15)
)

// Native reports whether pods' packets travel between nodes without a tunnel.
// routing-mode is read from 1.14 on and wins over tunnel, which is read up to
// 1.14; an unknown version is judged as Latest.
func (c Config) Native(v release.Version) bool {
	v = v.Or(Latest)
	if mode := c["routing-mode"]; mode != "" && v.From(routingModeFrom) {
		return mode == "native"
	}
	return v.Before(tunnelUntil) && c["tunnel"] == "disabled"
}

// UnderlayFrom is the release from which the tunnel can run over IPv6, and
// underlay-protocol says which family it is.
var UnderlayFrom = release.V(1, 18)

// Underlay is the family of the tunnel's outer packets: IPv4 before 1.18, then
// what underlay-protocol says, and by itself IPv4 where that is on.
// Source: cilium v1.20.2, pkg/datapath/tunnel/tunnel.go.
func (c Config) Underlay(v release.Version) ipfam.Family {
	if v.Or(Latest).Before(UnderlayFrom) {
		return ipfam.V4
	}
	if f, err := ipfam.Parse(c["underlay-protocol"]); err == nil {
		return f
	}
	if c.Enabled(ipfam.V4) {
		return ipfam.V4
	}
	return ipfam.V6
}

// FamilyNativeKeys is the release from which each family has a key of its own for
// NativeCIDR; before, native-routing-cidr was IPv4's.
var FamilyNativeKeys = release.V(1, 12)

// NativeCIDR is the native routing CIDR of family f: what lies in it is reached
// without masquerade. It is one prefix only; set is false when the key is missing
// or empty, and err tells a value that is no prefix of the family.
func (c Config) NativeCIDR(f ipfam.Family) (p netip.Prefix, set bool, err error) {
	text := strings.TrimSpace(c[Key("%s-native-routing-cidr", f)])
	if text == "" {
		return p, false, nil
	}
	p, err = netip.ParsePrefix(text)
	return p, true, err
}

// PoolKey and MaskKey are the operator's options of the cluster-pool mode.
const (
	PoolKey = "cluster-pool-%s-cidr"
	MaskKey = "cluster-pool-%s-mask-size"
)

// Pools is the cluster-pool ranges of family f, in order, and the entries that
// are no prefix of it. The list is separated by spaces; older charts wrote one
// entry, and commas are taken too.
func (c Config) Pools(f ipfam.Family) (pools []netip.Prefix, bad []string) {
	for _, text := range strings.FieldsFunc(c[Key(PoolKey, f)], func(r rune) bool { return r == ' ' || r == ',' }) {
		p, err := netip.ParsePrefix(text)
		if err != nil || ipfam.OfPrefix(p) != f {
			bad = append(bad, text)
			continue
		}
		pools = append(pools, p)
	}
	return pools, bad
}

// defaultMask is the operator's own default, used when the key is missing.
// Source: cilium v1.20.2, operator/pkg/ipam/clusterpool.go.
var defaultMask = ipfam.Pair[int]{V4: 24, V6: 112}

// MaskSize is the size of a node's block of family f in cluster-pool mode.
func (c Config) MaskSize(f ipfam.Family) int {
	if n, err := strconv.Atoi(strings.TrimSpace(c[Key(MaskKey, f)])); err == nil {
		return n
	}
	return defaultMask.Of(f)
}

// ReplacesKubeProxy reports whether Cilium serves Services in kube-proxy's place.
// "strict" is the spelling up to 1.15; from 1.16 on the agent refuses it.
func (c Config) ReplacesKubeProxy() bool {
	return c["kube-proxy-replacement"] == "strict" || c.Bool("kube-proxy-replacement", false)
}

// EgressGateway reports whether egress gateway policies are carried out by an agent of
// version v: the key was enable-ipv4-egress-gateway from 1.11 on and is
// enable-egress-gateway again from 1.18 on, which reads both; 1.19 reads the new one only.
// Source: cilium v1.20.2, Documentation/operations/upgrade.rst; the key of 1.10 was not read.
func (c Config) EgressGateway(v release.Version) bool {
	v = v.Or(Latest)
	now := c.Bool("enable-egress-gateway", false)
	before := c.Bool("enable-ipv4-egress-gateway", false)
	switch {
	case v.Before(release.V(1, 18)):
		return before
	case v.Before(release.V(1, 19)):
		return now || before
	}
	return now
}
