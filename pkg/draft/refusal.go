package draft

import (
	"slices"
	"strconv"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
)

// Refusal is a demand that cannot be had, together with the others.
type Refusal struct {
	Flag    string       // of plan init, that the demand is given with: "--nodes"
	Family  ipfam.Family // that it cannot be had in; none, when that does not matter
	Message string       // values first, present tense
	Fix     string       // may be empty
	// Offers is demands with which there is a plan: each alone, when the first offer of
	// each refusal before this one is taken too.
	Offers []Offer

	field string // of the plan, to tell refusals apart
}

func (w *work) refuse(r Refusal) { w.refusals = append(w.refusals, r) }

// same reports whether two refusals are of one thing.
func (r Refusal) same(s Refusal) bool {
	return r.Flag == s.Flag && r.Family == s.Family && r.field == s.field
}

func hasSame(rs []Refusal, r Refusal) bool {
	for _, s := range rs {
		if s.same(r) {
			return true
		}
	}
	return false
}

// Offer is a change of a demand.
type Offer struct {
	Flag  string
	Value string // empty: without the flag; for flags without a value, "true"
	apply func(Demand) Demand
}

// Apply is the demand with the change made.
func (o Offer) Apply(d Demand) Demand { return o.apply(d) }

// String is the offer as it is given: "--nodes 3276".
func (o Offer) String() string {
	switch o.Value {
	case "":
		return "leave out " + o.Flag
	case "true":
		return o.Flag
	}
	return o.Flag + " " + o.Value
}

// maxRounds bounds how often refusals that come up behind others are looked for.
const maxRounds = 8

// withOffers looks for what would do for each refusal, and for those that come up
// once the first offers are taken. An offer is one only if with it the refusal is gone.
func withOffers(d Demand, refusals []Refusal) []Refusal {
	var all []Refusal
	for range maxRounds {
		for _, r := range refusals {
			if hasSame(all, r) {
				continue
			}
			if hasSame(draw(d).refusals, r) {
				r.Offers = offersFor(d, r)
			} else {
				r.Offers = offered(all, r.Flag)
			}
			all = append(all, r)
			if len(r.Offers) > 0 {
				d = r.Offers[0].Apply(d)
			}
		}
		refusals = draw(d).refusals
		if len(refusals) == 0 {
			break
		}
	}
	return settled(all)
}

// offered is what was offered for a refusal before, with which others are gone too:
// if possible for the same flag.
func offered(before []Refusal, flag string) []Offer {
	var last []Offer
	for _, r := range before {
		if len(r.Offers) > 0 && (len(last) == 0 || last[0].Flag != flag) {
			last = r.Offers[:1]
		}
	}
	return last
}

// settled has the last word on a flag said at its first refusal already: what comes
// up behind a refusal may lower the same number again.
func settled(rs []Refusal) []Refusal {
	for i, r := range rs {
		for _, later := range rs[i+1:] {
			if len(r.Offers) > 0 && len(later.Offers) > 0 && r.Offers[0].Flag == later.Offers[0].Flag {
				rs[i].Offers = later.Offers[:1]
			}
		}
	}
	return rs
}

// offersFor is what would do for r: if possible what brings up no other refusal, if
// possible without giving up a family.
func offersFor(d Demand, r Refusal) []Offer {
	now := draw(d).refusals
	alone := func(d Demand) bool { return gone(d, r, now) }
	atLeast := func(d Demand) bool { return gone(d, r, nil) }
	for _, try := range []struct {
		offers []Offer
		helps  func(Demand) bool
	}{
		{candidates(d, r, alone), alone}, {candidates(d, r, atLeast), atLeast},
		{otherFamily(d, r), alone}, {otherFamily(d, r), atLeast},
	} {
		offers := slices.DeleteFunc(try.offers, func(o Offer) bool { return !try.helps(o.Apply(d)) })
		if len(offers) > 0 {
			return offers
		}
	}
	return nil
}

// gone reports whether r is no refusal of d, and, with now, whether all that are
// were among those.
func gone(d Demand, r Refusal, now []Refusal) bool {
	then := draw(d).refusals
	return !hasSame(then, r) && (now == nil || !slices.ContainsFunc(then, func(s Refusal) bool { return !hasSame(now, s) }))
}

// otherFamily is a plan without the family that r is about: the last resort.
func otherFamily(d Demand, r Refusal) []Offer {
	if !r.Family.Valid() || !d.complete().want().Dual() {
		return nil
	}
	other := r.Family.Other()
	return []Offer{{Flag: "--families", Value: other.String(), apply: func(d Demand) Demand {
		d.Families = []ipfam.Family{other}
		return d
	}}}
}

// candidates is what could be offered for a refusal.
func candidates(d Demand, r Refusal, helps func(Demand) bool) []Offer {
	var offers []Offer
	add := func(o Offer, ok bool) {
		if ok {
			offers = append(offers, o)
		}
	}
	switch r.Flag {
	case "--nodes":
		add(lower(d, helps, nodesOf))
		add(lower(d, helps, podsOf))
		if r.field == "spec.services" {
			add(lower(d, helps, servicesOf))
			add(lower(d, helps, loadBalancersOf))
		}
		add(without("--avoid", len(d.Avoid) > 0, func(d *Demand) { d.Avoid = nil }))
		add(without(maskFlag(r.Family), d.NodeMask.Of(r.Family) != 0, func(d *Demand) { *d.NodeMask.At(r.Family) = 0 }))
	case "--pods-per-node", maskFlag(ipfam.V4), maskFlag(ipfam.V6):
		add(without(maskFlag(r.Family), d.NodeMask.Of(r.Family) != 0, func(d *Demand) { *d.NodeMask.At(r.Family) = 0 }))
		add(lower(d, helps, podsOf))
	case "--services":
		add(lower(d, helps, servicesOf))
		add(Offer{Flag: "--kubernetes", Value: plan.ServiceCIDRsFrom.String(), apply: func(d Demand) Demand {
			d.Versions.Kubernetes = plan.ServiceCIDRsFrom
			return d
		}}, d.Versions.Kubernetes.Before(plan.ServiceCIDRsFrom))
	case "--load-balancers":
		add(lower(d, helps, loadBalancersOf))
		add(without("--reserved", len(d.Reserved) > 0, func(d *Demand) { d.Reserved = nil }))
		add(without("--pool", len(d.Pool) > 0, func(d *Demand) { d.Pool = nil }))
		add(noPool(), true)
	case "--delegated", "--egress-ipv6", "--routed":
		add(without("--routed", r.Flag == "--routed" && d.Routed.IsValid(), func(d *Demand) { d.Routed = noPrefix }))
		add(withULA(d, r))
	case "--avoid":
		add(without("--avoid", len(d.Avoid) > 0, func(d *Demand) { d.Avoid = nil }))
	case "--pool":
		add(without("--pool", len(d.Pool) > 0, func(d *Demand) { d.Pool = nil }))
	case "--reserved":
		add(without("--reserved", len(d.Reserved) > 0, func(d *Demand) { d.Reserved = nil }))
	case "--lan":
		add(lower(d, helps, nodesOf))
		add(noPool(), d.Announce != "bgp" && !d.LAN.Of(r.Family).IsValid())
	}
	return offers
}

// noPool is a plan without load balancers.
func noPool() Offer {
	return Offer{Flag: "--load-balancers", Value: "0", apply: func(d Demand) Demand {
		d.LoadBalancers, d.Pool = NoLoadBalancers, nil
		return d
	}}
}

// withULA is pods and Services with unique local addresses, so that the delegated
// prefix has to hold the LAN and the load balancers alone.
func withULA(d Demand, r Refusal) (Offer, bool) {
	if d.ULASeed != "" && r.Flag != "--egress-ipv6" {
		return Offer{}, false
	}
	o := Offer{Flag: "--ula", Value: "true"}
	if d.Egress.V6 == "routed" {
		o = Offer{Flag: "--ula --egress-ipv6", Value: "masquerade"}
	}
	if d.ULASeed != "" {
		o = Offer{Flag: "--egress-ipv6", Value: "masquerade"}
	}
	o.apply = func(d Demand) Demand {
		if d.ULASeed == "" {
			d.ULASeed = "any text"
		}
		d.Egress.V6 = "masquerade"
		return d
	}
	return o, true
}

// count is a number of a demand.
type count struct {
	flag     string
	of       func(*Demand) *int
	standard int
}

var (
	nodesOf         = count{"--nodes", func(d *Demand) *int { return &d.Nodes }, DefaultNodes}
	podsOf          = count{"--pods-per-node", func(d *Demand) *int { return &d.PodsPerNode }, DefaultPodsPerNode}
	servicesOf      = count{"--services", func(d *Demand) *int { return &d.Services }, DefaultServices}
	loadBalancersOf = count{"--load-balancers", func(d *Demand) *int { return &d.LoadBalancers }, DefaultLoadBalancers}
)

// lower is the largest smaller number that helps, if there is one.
func lower(d Demand, helps func(Demand) bool, c count) (Offer, bool) {
	most := *c.of(&d)
	if most == 0 {
		most = c.standard
	}
	with := func(n int) Offer {
		return Offer{Flag: c.flag, Value: strconv.Itoa(n), apply: func(d Demand) Demand { *c.of(&d) = n; return d }}
	}
	fits := func(n int) bool { return helps(with(n).Apply(d)) }
	if most < 2 || !fits(1) {
		return Offer{}, false
	}
	low, high := 1, most
	for high-low > 1 {
		if middle := low + (high-low)/2; fits(middle) {
			low = middle
		} else {
			high = middle
		}
	}
	return with(low), true
}

func without(flag string, given bool, drop func(*Demand)) (Offer, bool) {
	return Offer{Flag: flag, apply: func(d Demand) Demand { drop(&d); return d }}, given
}

func maskFlag(f ipfam.Family) string { return "--node-mask-" + strings.ToLower(f.String()) }

// flagOf is the flag that decides about a field of a plan.
func flagOf(field string) string {
	for _, known := range []struct{ field, flag string }{
		{"spec.delegated", "--delegated"},
		{"spec.lan.reserved", "--reserved"},
		{"spec.lan", "--lan"},
		{"spec.routed", "--routed"},
		{"spec.loadBalancers", "--pool"},
		{"spec.egress", "--egress-ipv6"},
		{"spec.pods.nodeMask.ipv4", maskFlag(ipfam.V4)},
		{"spec.pods.nodeMask.ipv6", maskFlag(ipfam.V6)},
	} {
		if strings.HasPrefix(field, known.field) {
			return known.flag
		}
	}
	return "--delegated"
}
