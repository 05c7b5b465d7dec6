package cmd

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/draft"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// initWords is a demand as it is given: in flags, or in answers to questions.
type initWords struct {
	name, delegated, ulaSeed, routed, device    string
	families, lan, reserved, pool, avoid        []string
	nodes, podsPerNode, services, loadBalancers string
	announce, kubernetes, cilium, metallb       string
	egress, nodeMask                            ipfam.Pair[string]
	relative                                    bool
}

// parse is the demand that w says, or every word of it that makes no sense.
func (w *initWords) parse(d *draft.Demand) error {
	var errs []error
	check := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	*d = draft.Demand{Name: w.name, Interface: w.device, ULASeed: w.ulaSeed, Relative: w.relative}
	check(w.parseFamilies(d))
	check(prefixWord("--delegated", w.delegated, ipfam.V6, &d.Delegated))
	check(prefixWord("--routed", w.routed, ipfam.V6, &d.Routed))
	check(w.parseLAN(d))
	check(addrsWords("--reserved", w.reserved, &d.Reserved))
	check(addrsWords("--pool", w.pool, &d.Pool))
	for _, text := range w.avoid {
		var p netip.Prefix
		check(prefixWord("--avoid", text, 0, &p))
		d.Avoid = append(d.Avoid, p)
	}
	check(numberWord("--nodes", w.nodes, 1, &d.Nodes))
	check(numberWord("--pods-per-node", w.podsPerNode, 1, &d.PodsPerNode))
	check(numberWord("--services", w.services, 1, &d.Services))
	check(numberWord("--load-balancers", w.loadBalancers, 0, &d.LoadBalancers))
	if w.loadBalancers != "" && d.LoadBalancers == 0 {
		d.LoadBalancers = draft.NoLoadBalancers
	}
	check(choiceWord("--announce", w.announce, &d.Announce, "l2", "bgp"))
	for _, f := range ipfam.All {
		check(choiceWord("--egress-"+strings.ToLower(f.String()), w.egress.Of(f), d.Egress.At(f), plan.Masquerade, plan.RoutedEgress, plan.NoEgress))
		check(maskWord(f, w.nodeMask.Of(f), d.NodeMask.At(f)))
	}
	check(versionWord("--kubernetes", w.kubernetes, &d.Versions.Kubernetes))
	check(versionWord("--cilium", w.cilium, &d.Versions.Cilium))
	check(versionWord("--metallb", w.metallb, &d.Versions.MetalLB))
	if w.relative && w.delegated == "" {
		check(errors.New("--relative is to the prefix of --delegated, which is not given"))
	}
	return errors.Join(errs...)
}

func (w *initWords) parseFamilies(d *draft.Demand) error {
	for _, text := range w.families {
		f, err := ipfam.Parse(strings.TrimSpace(text))
		if err != nil {
			return fmt.Errorf("--families %q: want IPv4, IPv6 or both, the primary first", text)
		}
		if slices.Contains(d.Families, f) {
			return fmt.Errorf("--families: names %s a second time", f)
		}
		d.Families = append(d.Families, f)
	}
	return nil
}

func (w *initWords) parseLAN(d *draft.Demand) error {
	var errs []error
	for _, text := range w.lan {
		var p netip.Prefix
		if err := prefixWord("--lan", text, 0, &p); err != nil {
			errs = append(errs, err)
			continue
		}
		at := d.LAN.At(ipfam.OfPrefix(p))
		if at.IsValid() {
			errs = append(errs, fmt.Errorf("--lan %s: there is an %s network already, %s", p, ipfam.OfPrefix(p), *at))
		}
		*at = p
	}
	return errors.Join(errs...)
}

// prefixWord reads a prefix of family f, or of either when f is none.
func prefixWord(flag, text string, f ipfam.Family, at *netip.Prefix) error {
	if text == "" {
		return nil
	}
	p, err := netip.ParsePrefix(strings.TrimSpace(text))
	switch {
	case err != nil || p.Addr().Is4In6():
		return fmt.Errorf("%s %q: want a prefix, such as 192.168.16.0/24 or 2001:db8:7653:200::/56", flag, text)
	case f.Valid() && ipfam.OfPrefix(p) != f:
		return fmt.Errorf("%s %s: want an %s prefix", flag, p, f)
	case p != p.Masked():
		return fmt.Errorf("%s %s: has host bits; want %s", flag, p, p.Masked())
	}
	*at = p
	return nil
}

// addrsWords reads addresses, prefixes and FROM-TO.
func addrsWords(flag string, texts []string, at *[]netipx.IPRange) error {
	var errs []error
	for _, text := range texts {
		text = strings.TrimSpace(text)
		if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
			*at = append(*at, netipx.IPRangeFrom(a.Unmap(), a.Unmap()))
			continue
		}
		r, masked, err := plan.ParseAddrs(text)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("%s %w", flag, err))
		case masked:
			errs = append(errs, fmt.Errorf("%s %s: has host bits; want %s", flag, text, plan.FormatAddrs(r)))
		default:
			*at = append(*at, r)
		}
	}
	return errors.Join(errs...)
}

// mostWord is the largest number of anything, as in a plan.
const mostWord = 1_000_000_000

func numberWord(flag, text string, least int, at *int) error {
	if text == "" {
		return nil
	}
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || n < least || n > mostWord {
		return fmt.Errorf("%s %q: want a whole number from %d to %d", flag, text, least, mostWord)
	}
	*at = n
	return nil
}

func maskWord(f ipfam.Family, text string, at *int) error {
	if text == "" {
		return nil
	}
	n, err := strconv.Atoi(strings.TrimPrefix(text, "/"))
	if err != nil || n < 1 || n > f.Bits() {
		return fmt.Errorf("--node-mask-%s %q: want a length from 1 to %d", strings.ToLower(f.String()), text, f.Bits())
	}
	*at = n
	return nil
}

func choiceWord[T ~string](flag, text string, at *T, choices ...T) error {
	if text == "" {
		return nil
	}
	if !slices.Contains(choices, T(text)) {
		return fmt.Errorf("%s %q: want one of %v", flag, text, choices)
	}
	*at = T(text)
	return nil
}

func versionWord(flag, text string, at *release.Version) error {
	if text == "" {
		return nil
	}
	v, err := release.Parse(text)
	if err != nil {
		return fmt.Errorf("%s %q: want a release such as 1.37 or 1.37.2", flag, text)
	}
	*at = v
	return nil
}

// missing is the flags without which there is no plan: what nobody can guess.
func (w *initWords) missing(ula bool) []string {
	var d draft.Demand
	if w.parseFamilies(&d) != nil {
		return nil
	}
	families := ipfam.SetOf(d.Families...)
	if families.Empty() {
		families = ipfam.SetOf(ipfam.All[:]...)
	}
	var missing []string
	if families.Has(ipfam.V6) && w.delegated == "" && w.ulaSeed == "" && !ula {
		missing = append(missing, "--delegated PREFIX with what the provider routes here, or --ula")
	}
	if w.parseLAN(&d) != nil || w.announce == "bgp" || w.loadBalancers == "0" {
		return missing
	}
	if want := families.Minus(ipfam.SetOf(ipfam.V6)); !want.Empty() && !d.LAN.V4.IsValid() || len(w.lan) == 0 {
		missing = append(missing, "--lan NETWORK of the nodes, once for each family")
	}
	return missing
}
