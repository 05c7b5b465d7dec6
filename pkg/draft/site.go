package draft

import (
	"fmt"
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
)

var noPrefix netip.Prefix

// blockBits is the length of an IPv6 network: hosts of a LAN make their addresses
// in 64 bits (RFC 4291, 2.5.4), so that a prefix is handed out in parts of /64.
const blockBits = 64

// sites settles where the IPv6 ranges come out of: a LAN, if none is given, and the
// block of the pods and Services.
func (w *work) sites() {
	d := w.demand
	if d.Delegated.IsValid() {
		w.plan.Delegated.V6 = d.Delegated.Masked()
	}
	w.site = w.plan.Delegated.V6
	if d.ULASeed != "" {
		w.site = ULA(d.ULASeed)
	}
	if !w.site.IsValid() {
		w.refuse(Refusal{Flag: "--delegated", Family: ipfam.V6, field: "spec.delegated",
			Message: "IPv6 ranges have to come out of a prefix, and there is none",
			Fix:     "--delegated with the prefix that the provider routes to the site, or --ula for unique local addresses"})
		return
	}
	w.lan6()
	w.ownBlock()
}

// lan6 draws the LAN's IPv6 network where the site has a LAN and nobody said which.
func (w *work) lan6() {
	d := w.demand
	hasLAN := d.LAN.V4.IsValid() && d.want().Has(ipfam.V4) || d.Announce == "l2" && d.LoadBalancers >= 0
	if d.LAN.V6.IsValid() || !hasLAN {
		return
	}
	site := d.Delegated
	if !site.IsValid() {
		site = w.site
	}
	lan, ok := firstFree(site, max(blockBits, site.Bits()), netip.Addr{}, append(w.taken(), rangesOf(d.Routed)...))
	if !ok {
		w.refuse(Refusal{Flag: "--lan", Family: ipfam.V6, field: "spec.lan.ipv6", Message: fmt.Sprintf("%s has no /%d that is free for the LAN", site, blockBits),
			Fix: "--lan with the IPv6 network of the LAN"})
		return
	}
	w.plan.LAN.Prefixes.V6 = lan
	w.note("spec.lan.ipv6", "No IPv6 network of the LAN was given: this is the first free one of the site, which the router is to advertise.")
}

// ownBlock finds the block of the pods and Services: the one that is routed to the
// nodes already, or the last /64 of the site that is free, since routers hand out
// from the first.
func (w *work) ownBlock() {
	d := w.demand
	if d.Routed.IsValid() && ipfam.OfPrefix(d.Routed) == ipfam.V6 && w.site.Overlaps(d.Routed) {
		w.block = d.Routed.Masked()
		return
	}
	for bits := max(blockBits, w.site.Bits()); bits <= shortestBlock; bits++ {
		if block, ok := lastFree(w.site, bits, w.taken()); ok {
			w.block = block
			return
		}
	}
	w.refuse(Refusal{Flag: "--delegated", Family: ipfam.V6, field: "spec.routed",
		Message: fmt.Sprintf("%s has no room for pods and Services beside the LAN and what is to be avoided", w.site),
		Fix:     "ask the provider for a shorter prefix, such as a /56"})
}

// shortestBlock is the longest prefix that is tried for the pods and Services.
const shortestBlock = 112

// egress writes how pods leave, and asks the router for what that needs.
func (w *work) egress() {
	d := w.demand
	for _, f := range d.want().List() {
		pods := w.plan.Pods.Prefixes.Of(f)
		switch {
		case d.Egress.Of(f) != plan.RoutedEgress:
		case f == ipfam.V6 && w.site.IsValid() && !plan.Public(netipx.RangeOfPrefix(w.site)):
			w.refuse(Refusal{Flag: "--egress-ipv6", Family: f, field: "spec.egress.ipv6",
				Message: fmt.Sprintf("%s is not routed on the internet, so that pods cannot leave with addresses of it", w.site)})
			continue
		case !pods.IsValid():
		case f == ipfam.V6 && !slices.ContainsFunc(w.plan.Routed, func(p netip.Prefix) bool { return plan.Within(netipx.RangeOfPrefix(pods), netipx.RangeOfPrefix(p)) }):
			w.plan.Routed = append(w.plan.Routed, w.block)
		case f == ipfam.V4:
			w.plan.Routed = append(w.plan.Routed, pods)
		}
		*w.plan.Egress.At(f) = d.Egress.Of(f)
	}
}
