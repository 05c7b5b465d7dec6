package draft

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
)

// noteWidth is how wide a comment becomes, indented as its field is.
const noteWidth = 90

// note adds a sentence to the comment of a field.
func (w *work) note(field, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if before := w.notes[field]; before != "" {
		text = before + " " + text
	}
	w.notes[field] = text
}

// wrap breaks text between words.
func wrap(text string, width int) string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return strings.Join(append(lines, line), "\n")
}

// explain writes the reasons of what is in the plan.
func (w *work) explain() {
	d := w.demand
	head := "Drafted with these flags of plan init, which give the same plan again:\n" + indented(d.Flags())
	w.explainFamilies()
	if d.Delegated.IsValid() && d.want().Has(ipfam.V6) {
		w.note("spec.delegated.ipv6", "What the provider routes to the site. When it changes: kubectl dualstack plan renumber.")
	}
	if len(w.plan.LAN.Reserved) == 0 && d.Announce == "l2" && d.LoadBalancers >= 0 {
		w.note("spec.lan.reserved", "reserved: write here what the load balancers must never give away, such as what DHCP hands out.")
	}
	w.explainRouted()
	for _, f := range d.want().List() {
		w.explainRanges(f)
		w.explainEgress(f)
	}
	w.explainPool()
	for field, text := range w.notes {
		w.notes[field] = wrap(text, noteWidth)
	}
	w.notes[""] = head
}

func (w *work) explainFamilies() {
	first := w.demand.Families[0]
	switch {
	case !w.demand.want().Dual():
		w.note("spec.families", "One family: nothing of the cluster has an address of the other.")
	case first == ipfam.V6:
		w.note("spec.families", "IPv6 first: it is what a Service gets that asks for one family. The order is for good.")
	}
}

func (w *work) explainRouted() {
	for i, r := range w.plan.Routed {
		field := fmt.Sprintf("spec.routed[%d]", i)
		w.note(field, "The router has to send this to the nodes: it is how answers to pods come back.")
		if r == w.block && !w.demand.Routed.IsValid() {
			w.note(field, "It is the last free /%d of the site, since routers hand out from the first.", r.Bits())
		}
	}
}

func (w *work) explainRanges(f ipfam.Family) {
	d, pods, services := w.demand, w.plan.Pods.Prefixes.Of(f), w.plan.Services.Of(f)
	if !pods.IsValid() || !services.IsValid() {
		return
	}
	mask := w.plan.Pods.NodeMask.Of(f)
	blocks := plan.Blocks(pods, mask)
	field := "spec.pods." + strings.ToLower(f.String())
	w.note(field, "%s blocks of /%d, one for each node: room for %s nodes with a fifth to spare.", number(blocks), mask, number(spared(blocks)))
	if f == ipfam.V6 {
		w.note(field, "A block may be %d bits longer than the range, for kube-controller-manager and for Cilium.", maxNodeBits)
		if d.ULASeed != "" {
			w.note(field, "Out of %s: RFC 4193, from the seed %s.", w.site, strconv.Quote(d.ULASeed))
		}
	} else if usual := netip.PrefixFrom(podHint4, pods.Bits()).Masked(); pods != usual {
		w.note(field, "The usual %s is taken.", usual)
	}
	w.note("spec.pods.nodeMask."+strings.ToLower(f.String()), "/%d: %s addresses for %s pods on a node.", mask, number(plan.PodAddresses(f, mask, d.Versions.Cilium)), number(d.PodsPerNode))

	field = "spec.services." + strings.ToLower(f.String())
	shortest, longest := plan.KubeadmServiceBits(f)
	w.note(field, "%s addresses for %s Services; kubeadm takes /%d to /%d.",
		number(plan.ServiceAddresses(services, d.Versions.Kubernetes)), number(d.Services), shortest, longest)
	if usual := netip.PrefixFrom(serviceHint4, services.Bits()).Masked(); f == ipfam.V4 && services != usual {
		w.note(field, "The usual %s is taken.", usual)
	}
	if f == ipfam.V6 && !pods.Overlaps(netip.PrefixFrom(services.Addr(), 96)) {
		w.note(field, "In a /96 beside that of the pods, so that it can grow where it is.")
	}
}

// spared is what of n may be used with a fifth to spare.
func spared(n uint64) uint64 {
	if n < 5 {
		return max(n, 1) - 1
	}
	return n - n/5 - 1
}

func (w *work) explainEgress(f ipfam.Family) {
	field := "spec.egress." + strings.ToLower(f.String())
	pods := w.plan.Pods.Prefixes.Of(f)
	switch w.demand.Egress.Of(f) {
	case plan.RoutedEgress:
		w.note(field, "Pods leave with their own addresses, which are routed.")
	case plan.Masquerade:
		if pods.IsValid() && plan.Public(netipx.RangeOfPrefix(pods)) {
			w.note(field, "Pods leave with the address of their node.")
			return
		}
		w.note(field, "Pods leave with the address of their node: theirs are not routed outside of the cluster.")
	case plan.NoEgress:
		w.note(field, "Pods do not leave the cluster.")
	}
}

func (w *work) explainPool() {
	d := w.demand
	if len(w.plan.LoadBalancers) == 0 {
		return
	}
	const field = "spec.loadBalancers[0]"
	if d.want().Dual() {
		w.note(field, "One pool with both families: MetalLB, from 0.12 on, takes both addresses of a Service from one pool.")
	}
	for i, r := range w.plan.LoadBalancers[0].Addresses {
		at := fmt.Sprintf("%s.addresses[%d]", field, i)
		f := ipfam.Of(r.From())
		if slices.Contains(d.Pool, r) {
			continue
		}
		w.note(at, "%s addresses for %s Services.", number(plan.Count(r)), number(w.plan.Expect.LoadBalancers))
		switch {
		case d.Announce == "bgp":
			w.note(at, "Outside of the LAN: the router learns the way by BGP.")
		case f == ipfam.V4 && len(w.plan.LAN.Reserved) == 0:
			w.note(at, "At the end of the LAN, since DHCP and hosts mostly begin at its start. Keep DHCP away from it.")
		case f == ipfam.V6 && !r.Contains(w.plan.LAN.Prefixes.V6.Addr()):
			w.note(at, "Far from what hosts of the LAN give themselves, and not with its first address, which is that of all its routers (RFC 4291, 2.6.1).")
			if other, ok := besideIPv4(w.plan.LAN.Prefixes.V6, 0, w.plan.LoadBalancers[0].Addresses[:1]); ok && other == r && d.want().Has(ipfam.V4) {
				w.note(at, "Written like the IPv4 addresses above.")
			}
		}
	}
}

// Flags is the flags of plan init that d is given with, one after the other, with
// what a demand that does not say it has.
func (d Demand) Flags() []string {
	d = d.complete()
	var flags []string
	add := func(flag, value string) {
		if value != "" {
			flags = append(flags, flag+" "+quote(value))
		}
	}
	prefix := func(flag string, p netip.Prefix) {
		if p.IsValid() {
			add(flag, p.String())
		}
	}
	add("--name", d.Name)
	names := make([]string, len(d.Families))
	for i, f := range d.Families {
		names[i] = f.String()
	}
	add("--families", strings.Join(names, ","))
	prefix("--delegated", d.Delegated)
	if d.ULASeed != "" {
		flags = append(flags, "--ula")
	}
	add("--ula-seed", d.ULASeed)
	prefix("--routed", d.Routed)
	for _, f := range ipfam.All {
		prefix("--lan", d.LAN.Of(f))
	}
	add("--interface", d.Interface)
	for _, r := range d.Reserved {
		add("--reserved", plan.FormatAddrs(r))
	}
	add("--nodes", strconv.Itoa(d.Nodes))
	add("--pods-per-node", strconv.Itoa(d.PodsPerNode))
	add("--services", strconv.Itoa(d.Services))
	if d.LoadBalancers != 0 {
		add("--load-balancers", strconv.Itoa(max(d.LoadBalancers, 0)))
	}
	for _, r := range d.Pool {
		add("--pool", plan.FormatAddrs(r))
	}
	add("--announce", d.Announce)
	for _, f := range d.want().List() {
		if mask := d.NodeMask.Of(f); mask != 0 {
			add(maskFlag(f), strconv.Itoa(mask))
		}
		add("--egress-"+strings.ToLower(f.String()), string(d.Egress.Of(f)))
	}
	for _, p := range d.Avoid {
		prefix("--avoid", p)
	}
	if d.Relative {
		flags = append(flags, "--relative")
	}
	for _, v := range []struct {
		flag  string
		known bool
		text  string
	}{
		{"--kubernetes", d.Versions.Kubernetes.Known(), d.Versions.Kubernetes.String()},
		{"--cilium", d.Versions.Cilium.Known(), d.Versions.Cilium.String()},
		{"--metallb", d.Versions.MetalLB.Known(), d.Versions.MetalLB.String()},
	} {
		if v.known {
			add(v.flag, v.text)
		}
	}
	return flags
}

// quote is a value as a shell takes it.
func quote(s string) string {
	plain := strings.IndexFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune(".:/,-_", r)
	}) < 0
	if plain && s != "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// indented is flags in lines that are continued in a shell.
func indented(flags []string) string {
	var lines []string
	line := ""
	for _, f := range flags {
		if line != "" && len(line)+1+len(f) > noteWidth {
			lines = append(lines, line+" \\")
			line = ""
		}
		if line == "" {
			line = "  " + f
			continue
		}
		line += " " + f
	}
	return strings.Join(append(lines, line), "\n")
}

// number is n with its thousands apart.
func number[T int | uint64](n T) string {
	text := strconv.FormatUint(uint64(n), 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
