// Package expose decides about one Service that is to have an address of each
// family: what is asked for, who will serve it, what it will get, and what is still
// missing of it. It is pure; making the Service and waiting for it is I/O and is not
// here.
package expose

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
)

// Policy is .spec.ipFamilyPolicy.
type Policy string

// The policies of the Kubernetes API.
const (
	Require Policy = "RequireDualStack"
	Prefer  Policy = "PreferDualStack"
	Single  Policy = "SingleStack"
)

// Policies is the words that the command line has for policies.
var Policies = []string{"require", "prefer", "single"}

// ParsePolicy reads one of Policies, or a policy as the API spells it.
func ParsePolicy(s string) (Policy, error) {
	for i, p := range []Policy{Require, Prefer, Single} {
		if strings.EqualFold(s, Policies[i]) || strings.EqualFold(s, string(p)) {
			return p, nil
		}
	}
	return "", fmt.Errorf("%q: want %s", s, strings.Join(Policies, ", "))
}

// ParseFamilies reads families in an order that has meaning: the first one is the
// Service's primary family, which can never be changed.
func ParseFamilies(words []string) ([]ipfam.Family, error) {
	var families []ipfam.Family
	for _, word := range words {
		f, err := ipfam.Parse(strings.TrimSpace(word))
		if err != nil {
			return nil, err
		}
		if slices.Contains(families, f) {
			return nil, fmt.Errorf("%s is given twice", f)
		}
		families = append(families, f)
	}
	return families, nil
}

// ParseAddresses reads addresses, of which there is one of a family at most.
func ParseAddresses(words []string) ([]netip.Addr, error) {
	var as []netip.Addr
	for _, word := range words {
		a, err := netip.ParseAddr(strings.TrimSpace(word))
		if err != nil || a.Zone() != "" {
			return nil, fmt.Errorf("%q is no IP address", word)
		}
		a = a.Unmap()
		if i := slices.IndexFunc(as, func(b netip.Addr) bool { return ipfam.Of(a) == ipfam.Of(b) }); i >= 0 {
			return nil, fmt.Errorf("%s and %s are both %s; a Service has one address of a family", as[i], a, ipfam.Of(a))
		}
		as = append(as, a)
	}
	return as, nil
}

// ParseRanges reads the prefixes that clients of a Service may have.
func ParseRanges(words []string) ([]netip.Prefix, error) {
	var ps []netip.Prefix
	for _, word := range words {
		p, err := netip.ParsePrefix(strings.TrimSpace(word))
		if err != nil {
			return nil, fmt.Errorf("%q is no prefix such as 192.0.2.0/24 or 2001:db8::/64", word)
		}
		if p.Masked() != p {
			return nil, fmt.Errorf("%s has host bits: want %s", p, p.Masked())
		}
		ps = append(ps, p)
	}
	return ps, nil
}

// Request is what is asked of a Service beyond what «kubectl expose» takes.
type Request struct {
	Policy   Policy
	Families []ipfam.Family // in order; none leaves it to the API server
	Headless bool

	LoadBalancer bool
	Class        string       // .spec.loadBalancerClass
	Pool         string       // a pool of the controller's, by name
	Addresses    []netip.Addr // one of each family
	SharingKey   string
	SourceRanges []netip.Prefix
	// OneFamilyRanges is whether SourceRanges may leave out a family.
	OneFamilyRanges bool
}

// Wants is the families that the Service is to have for certain: with PreferDualStack
// those that are named, and otherwise what the cluster has.
func (r Request) Wants() ipfam.Set {
	if r.Policy == Require {
		return ipfam.SetOf(ipfam.All[:]...)
	}
	return ipfam.SetOf(r.Families...)
}

// Validate is what is contradictory about the request, in words of the flags.
func (r Request) Validate() error {
	named, given := ipfam.SetOf(r.Families...), ipfam.SetOfAddrs(r.Addresses)
	switch {
	case r.Policy == Single && named.Dual():
		return fmt.Errorf("--family-policy single takes one family, and --families names both")
	case r.Headless && r.LoadBalancer:
		return fmt.Errorf("--headless and --lb: a load balancer needs a ClusterIP")
	}
	if !r.LoadBalancer {
		for flag, set := range map[string]bool{
			"--pool": r.Pool != "", "--addresses": len(r.Addresses) > 0, "--share": r.SharingKey != "",
			"--load-balancer-class": r.Class != "", "--source-ranges": len(r.SourceRanges) > 0,
		} {
			if set {
				return fmt.Errorf("%s is for a LoadBalancer Service: give --lb too", flag)
			}
		}
		return nil
	}
	if wanted := r.Wants(); !given.Empty() && !wanted.Empty() && given != wanted {
		return fmt.Errorf("--addresses has %s, and the Service is to have %s: name an address of each family, or none", given, wanted)
	}
	return r.ranges()
}

// ranges refuses source ranges of one family, which are hardly meant: over the other one
// kube-proxy then lets everybody in, and Cilium in its place nobody. DS609 is about the
// same.
// Source: kubernetes v1.37.2, pkg/proxy/iptables/proxier.go usesFWChain; for Cilium
// 1.20.2 it was seen.
func (r Request) ranges() error {
	covered := ipfam.SetOfPrefixes(r.SourceRanges)
	if r.OneFamilyRanges || covered.Empty() || r.Policy == Single || covered.Dual() {
		return nil
	}
	missing := ipfam.SetOf(ipfam.All[:]...).Minus(covered)
	return fmt.Errorf("--source-ranges has %s only: over %s kube-proxy lets everybody in, and Cilium in its place nobody; name ranges of both families, or give --allow-one-family-ranges", covered, missing)
}
