package metallb

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
)

// Merge is the first pool with the ranges of the others added, those of one
// family after the other. It keeps the first pool's name and options, so that
// what names it goes on to.
func Merge(pools []Pool) Pool {
	if len(pools) == 0 {
		return Pool{}
	}
	merged := pools[0]
	merged.Addresses = nil
	for _, f := range ipfam.All {
		for _, p := range pools {
			merged.Addresses = append(merged.Addresses, p.Of(f)...)
		}
	}
	return merged
}

// Manifest is the pool as an IPAddressPool, complete but for serviceAllocation.
func (p Pool) Manifest(namespace string) string {
	options := ""
	if !p.AutoAssign {
		options += ", autoAssign: false"
	}
	if p.AvoidBuggyIPs {
		options += ", avoidBuggyIPs: true"
	}
	return manifest("IPAddressPool", p.Name, namespace, fmt.Sprintf("addresses: [%s]%s", p.entries(), options))
}

// AdvertisementManifest is the advertisement of a pool of the ConfigMap era or an
// AddressPool, whose protocol says what an IPAddressPool takes an object of its own for.
func (p Pool) AdvertisementManifest(namespace string) string {
	kind := "L2Advertisement"
	if p.Protocol == "bgp" {
		kind = "BGPAdvertisement"
	}
	return manifest(kind, p.Name, namespace, fmt.Sprintf("ipAddressPools: [%s]", plain(p.Name)))
}

func manifest(kind, name, namespace, spec string) string {
	return fmt.Sprintf("apiVersion: metallb.io/v1beta1\nkind: %s\nmetadata: {name: %s, namespace: %s}\nspec: {%s}\n",
		kind, plain(name), plain(namespace), spec)
}

// entries is the pool's ranges as the elements of a YAML list, quoted because an
// IPv6 address may end in a colon.
func (p Pool) entries() string {
	texts := make([]string, len(p.Addresses))
	for i, a := range p.Addresses {
		texts[i] = strconv.Quote(a.String())
	}
	return strings.Join(texts, ", ")
}

// ConfigInline is the pools as the ConfigMap's key config has them, which is also
// the value configInline of the charts before 0.13.
func ConfigInline(pools []Pool) string {
	var b strings.Builder
	b.WriteString("address-pools:\n")
	for _, p := range pools {
		fmt.Fprintf(&b, "- name: %s\n  protocol: %s\n", plain(p.Name), plain(p.Protocol))
		if !p.AutoAssign {
			b.WriteString("  auto-assign: false\n")
		}
		if p.AvoidBuggyIPs {
			b.WriteString("  avoid-buggy-ips: true\n")
		}
		fmt.Fprintf(&b, "  addresses: [%s]\n", p.entries())
	}
	return b.String()
}

// plain is a name as it stands in YAML, quoted unless it has the form of the
// names of Kubernetes: in the ConfigMap era a pool's name could be anything.
func plain(name string) string {
	odd := func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' }
	if name == "" || strings.ContainsFunc(name, odd) || !strings.ContainsFunc(name, isLetter) || words[name] {
		return fmt.Sprintf("%q", name)
	}
	return name
}

func isLetter(r rune) bool { return 'a' <= r && r <= 'z' }

// words is what YAML takes for something else than text.
var words = map[string]bool{"true": true, "false": true, "null": true, "yes": true, "no": true, "on": true, "off": true, "y": true, "n": true}
