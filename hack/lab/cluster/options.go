package cluster

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/network"
)

// Options is what the founding cluster leaves open. The zero values of the flags that
// set them are what examples/homelab-today has.
type Options struct {
	Families      Families
	Masquerade    Families // that pods leave with a node's address over
	BPF           bool     // Cilium masquerades and finds the host in BPF rather than by iptables
	NativeRouting bool     // no tunnel between the nodes
	PodsIPv6      network.PodsIPv6
	SeparatePools bool // a MetalLB pool of each family, as at first, which serves no Service of both
	// Files is a folder of what plan render writes for kubeadm, cilium and metallb, which
	// then stand in the place of the example's. The other options are to be as they are there.
	Files string
}

// Families is one or both families, in the order that the cluster has them in.
type Families []string

// The families' names, as the API has them.
const (
	IPv4 = "IPv4"
	IPv6 = "IPv6"
)

// ParseFamilies reads a list such as IPv6,IPv4.
func ParseFamilies(s string) (Families, error) {
	if s == "" || s == "none" {
		return nil, nil
	}
	var fs Families
	for f := range strings.SplitSeq(s, ",") {
		if f != IPv4 && f != IPv6 {
			return nil, fmt.Errorf("%q is no family; want IPv4, IPv6 or both, with a comma", f)
		}
		if slices.Contains(fs, f) {
			return nil, fmt.Errorf("%s stands there twice", f)
		}
		fs = append(fs, f)
	}
	return fs, nil
}

func (fs Families) has(family string) bool { return slices.Contains(fs, family) }

// pick is what each family has, in their order.
func (fs Families) pick(v4, v6 string) []string {
	var all []string
	for _, f := range fs {
		if f == IPv4 {
			all = append(all, v4)
		} else {
			all = append(all, v6)
		}
	}
	return all
}

// Homelab is the options of examples/homelab-today.
func Homelab(p Profile) Options {
	o := Options{Families: Families{IPv4, IPv6}, Masquerade: Families{IPv4}, BPF: true, PodsIPv6: network.OnLink}
	if p == Plain {
		o.PodsIPv6 = network.Routed // nothing answers for the pods of the bridge plugin
	}
	return o
}

func (o Options) validate(p Profile) error {
	switch {
	case len(o.Families) == 0:
		return fmt.Errorf("a cluster needs a family")
	case o.PodsIPv6 != network.OnLink && o.PodsIPv6 != network.Routed:
		return fmt.Errorf("pods' IPv6 is %q; want %s or %s", o.PodsIPv6, network.OnLink, network.Routed)
	case p == Plain && o.Files != "":
		return fmt.Errorf("files of plan render are for a cluster with Cilium")
	case p == Plain && o.PodsIPv6 == network.OnLink:
		return fmt.Errorf("pods' IPv6 %s needs Cilium: the bridge plugin answers no neighbour solicitation", network.OnLink)
	}
	return nil
}
