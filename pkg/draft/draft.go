// Package draft makes address plans: from what a site has and what a cluster is to
// have room for, the ranges that fit, and why they are what they are. It is pure:
// the same demand always gives the same plan.
package draft

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
)

// Demand is what a plan is to have room for, and what is settled already. The zero
// value of a field was not given.
type Demand struct {
	Name     string
	Families []ipfam.Family // primary first; both, IPv4 first, when not given

	Delegated netip.Prefix // the IPv6 prefix that the provider routes to the site
	ULASeed   string       // pods and Services are to have unique local addresses, drawn from this
	Routed    netip.Prefix // what the upstream router sends to the nodes already
	LAN       ipfam.Pair[netip.Prefix]
	Interface string
	Reserved  []netipx.IPRange

	Nodes, PodsPerNode, Services, LoadBalancers int
	NodeMask                                    ipfam.Pair[int]
	Pool                                        []netipx.IPRange // instead of one that is drafted
	Announce                                    string           // "l2" when not given, or "bgp"
	Egress                                      ipfam.Pair[plan.Egress]
	Avoid                                       []netip.Prefix // what others have: other clusters, VPNs, hosts' routes
	Versions                                    plan.Versions
	Relative                                    bool // IPv6 ranges are written relative to the delegated prefix
}

// The sizes that are taken when a demand does not say any.
const (
	DefaultNodes         = 3
	DefaultPodsPerNode   = 110 // kubelet's own: kubernetes v1.37.2, pkg/kubelet/apis/config/v1beta1/defaults.go
	DefaultServices      = 1000
	DefaultLoadBalancers = 15
)

// NoLoadBalancers is a number of load balancers for a plan without a pool.
const NoLoadBalancers = -1

// Draft is a plan for d, in which Validate finds no error and no warning and which
// has what d asks for and a fifth to spare, and the reasons for its numbers, by
// field, as plan.Format takes them. When no plan is possible it is nil, and the
// refusals are all that stands in the way, each with what would do.
func Draft(d Demand) (*plan.Plan, map[string]string, []Refusal) {
	w := draw(d)
	if len(w.refusals) > 0 {
		return nil, nil, withOffers(d, w.refusals)
	}
	w.explain()
	if d.Relative {
		return w.plan.ToRelative(), w.notes, nil
	}
	return w.plan, w.notes, nil
}

// work is a draft in the making.
type work struct {
	demand   Demand
	plan     *plan.Plan
	notes    map[string]string
	refusals []Refusal
	site     netip.Prefix // what the IPv6 ranges of pods and Services come out of
	block    netip.Prefix // the part of it that is theirs
	ownPool  ipfam.Pair[netip.Prefix]
}

// draw makes the plan, and gathers what cannot be had.
func draw(d Demand) *work {
	w := &work{demand: d.complete(), notes: map[string]string{}}
	d = w.demand
	w.plan = &plan.Plan{
		Name: d.Name, Families: d.Families, LAN: plan.Network{Interface: d.Interface},
		Versions: d.Versions,
		Expect: plan.Expectation{
			Nodes: d.Nodes, PodsPerNode: d.PodsPerNode, Services: d.Services, LoadBalancers: max(d.LoadBalancers, 0),
		},
	}
	w.network()
	for _, f := range d.want().List() {
		w.ranges(f)
	}
	w.egress()
	w.pool()
	w.judge()
	return w
}

// complete is d with the defaults for what it does not say.
func (d Demand) complete() Demand {
	if len(d.Families) == 0 {
		d.Families = append([]ipfam.Family{}, ipfam.All[:]...)
	}
	for _, n := range []struct {
		at       *int
		standard int
	}{{&d.Nodes, DefaultNodes}, {&d.PodsPerNode, DefaultPodsPerNode}, {&d.Services, DefaultServices}} {
		if *n.at == 0 {
			*n.at = n.standard
		}
	}
	if d.LoadBalancers == 0 && len(d.Pool) == 0 {
		d.LoadBalancers = DefaultLoadBalancers
	}
	if d.Announce == "" {
		d.Announce = "l2"
	}
	for _, f := range d.want().List() {
		if d.Egress.Of(f) == "" {
			*d.Egress.At(f) = d.standardEgress(f)
		}
	}
	return d
}

// standardEgress is the pods' own addresses where they are routed on the internet,
// and otherwise a node's.
func (d Demand) standardEgress(f ipfam.Family) plan.Egress {
	if f == ipfam.V6 && d.Delegated.IsValid() && d.ULASeed == "" {
		return plan.RoutedEgress
	}
	return plan.Masquerade
}

func (d Demand) want() ipfam.Set { return ipfam.SetOf(d.Families...) }

// network is what is given about the site.
func (w *work) network() {
	d := w.demand
	if d.want().Has(ipfam.V6) {
		w.sites()
	}
	for _, f := range ipfam.All {
		if p := d.LAN.Of(f); p.IsValid() && d.want().Has(f) {
			*w.plan.LAN.Prefixes.At(f) = p.Masked()
		}
	}
	for _, r := range d.Reserved {
		if d.want().Has(ipfam.Of(r.From())) {
			w.plan.LAN.Reserved = append(w.plan.LAN.Reserved, r)
		}
	}
	if d.Routed.IsValid() && d.want().Has(ipfam.OfPrefix(d.Routed)) {
		w.plan.Routed = []netip.Prefix{d.Routed.Masked()}
	}
}

// judge holds the draft to what plan.Validate says. What is left to find there is
// in what was given: a LAN outside of the delegated prefix, a pool outside of the LAN.
func (w *work) judge() {
	refused := len(w.refusals) > 0
	for _, problem := range w.plan.Validate() {
		unplaced := refused && (problem.Rule == plan.HasFamilies || problem.Rule == plan.Enough) // which is said already
		if problem.Severity == severity.Info || unplaced || w.drafted(problem.Field) {
			continue
		}
		message := strings.ReplaceAll(problem.Message, ", line 1)", ")") // there is no file
		w.refuse(Refusal{Flag: flagOf(problem.Field), Message: message, Fix: problem.Fix, field: problem.Field})
	}
}

// drafted reports whether a field holds an address range of the pool that was not
// given but taken from the LAN: what is wrong with it is wrong with the LAN.
func (w *work) drafted(field string) bool {
	for i, pool := range w.plan.LoadBalancers {
		for j, r := range pool.Addresses {
			if field == fmt.Sprintf("spec.loadBalancers[%d].addresses[%d]", i, j) {
				return !slices.Contains(w.demand.Pool, r) && hasFlag(w.refusals, 0, "--lan")
			}
		}
	}
	return false
}
