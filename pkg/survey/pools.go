package survey

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// pool is a pool of a load balancer as it would stand in a plan.
type pool struct {
	plan.Pool
	source   Source
	announce []Statement
	unsure   string // why announce may not be all
	remarks  []string
}

func (s *surveyor) loadBalancers() {
	const field = "spec.loadBalancers"
	pools := append(s.metallbPools(), s.lbipamPools()...)
	for _, p := range pools {
		s.loadBalancer(field, p)
	}
	if len(s.withheld) > 0 && len(s.plan.LoadBalancers) == 0 {
		s.note(field, "loadBalancers:")
	}
	s.note(field, s.withheld...)
	kinds := snapshot.ClaimKinds[plan.LoadBalancers]
	if len(pools) == 0 {
		s.note(field, "no source has a pool of load-balancer addresses")
	}
	s.note(field, s.unread(kinds...)...)
}

// loadBalancer puts p into the plan, or into a comment when it cannot be told how its
// addresses are announced: a pool that does not say so would be announced by layer 2.
func (s *surveyor) loadBalancer(field string, p pool) {
	s.sources = append(s.sources, p.source.Name, p.source.Ref.String())
	p.Name = s.unused(p.Name, p.source.Name)
	at := fmt.Sprintf("%s[%d]", field, len(s.plan.LoadBalancers))
	switch {
	case len(p.Addresses) == 0:
		s.note(field, fmt.Sprintf("pool %s has no range that can be read: %s", p.Name, p.source))
		s.note(field, p.remarks...)
		return
	case p.unsure == "":
		value, ok := s.settle(at+".announce", p.announce, nil)
		if ok {
			p.Announce = value
			s.note(at, p.source.String())
			s.note(at, p.remarks...)
			s.plan.LoadBalancers = append(s.plan.LoadBalancers, p.Pool)
			return
		}
		delete(s.notes, at+".announce")
		p.unsure = "the sources do not agree how it is announced"
	default:
		s.conflicts = append(s.conflicts, Conflict{Field: at + ".announce", Statements: p.announce, Beside: []string{p.unsure}})
	}
	s.note(field, fmt.Sprintf("CONFLICT: pool %s of %s: %s. Write it with one announce.", p.Name, p.source, p.unsure))
	s.note(field, p.remarks...)
	s.withhold(p)
}

// withhold keeps p as a comment that can be made a pool.
func (s *surveyor) withhold(p pool) {
	add := func(line string) { s.withheld = append(s.withheld, line) }
	add("  - name: " + p.Name)
	for _, g := range group(p.announce) {
		add(fmt.Sprintf("    announce: %s # %s", g.value, g.sources))
	}
	if len(p.announce) == 0 {
		add("    announce: l2, bgp or none")
	}
	add("    addresses:")
	for _, r := range p.Addresses {
		add("      - " + plan.FormatAddrs(r))
	}
}

// unused is name, or one like it where another pool has it.
func (s *surveyor) unused(name, source string) string {
	taken := func(name string) bool {
		return slices.ContainsFunc(s.plan.LoadBalancers, func(p plan.Pool) bool { return p.Name == name })
	}
	for candidate, i := name, 2; ; i++ {
		if !taken(candidate) {
			return candidate
		}
		if candidate = name + "-" + source; taken(candidate) {
			candidate = fmt.Sprintf("%s-%d", candidate, i)
		}
	}
}

func (s *surveyor) metallbPools() []pool {
	var pools []pool
	for _, p := range s.snap.MetalLB.Pools {
		one := pool{Pool: plan.Pool{Name: p.Ref.Name}, source: s.source("metallb", p.Field(), p.Ref)}
		one.add(p.Addresses)
		if !p.AutoAssign {
			one.remarks = append(one.remarks, "only for Services that ask for it: autoAssign is false")
		}
		if p.Restricted {
			one.remarks = append(one.remarks, "only for some Services: it has a serviceAllocation")
		}
		if p.AvoidBuggyIPs {
			one.remarks = append(one.remarks, "without addresses that end in .0 and .255: avoidBuggyIPs is true")
		}
		s.announced(&one, p)
		pools = append(pools, one)
	}
	return pools
}

// announced is how MetalLB announces a pool: as the pool itself says, or by the
// advertisements that are about it.
func (s *surveyor) announced(one *pool, p snapshot.Pool) {
	say := func(value string, at Source) { one.announce = append(one.announce, Statement{value, at}) }
	if p.AnnouncesItself() {
		switch p.Protocol {
		case "layer2":
			say("l2", s.source("metallb", "protocol", p.Ref))
		case "bgp":
			say("bgp", s.source("metallb", "protocol", p.Ref))
		default:
			one.unsure = fmt.Sprintf("its protocol is %q", p.Protocol)
		}
		return
	}
	if g, gap := s.snap.Gap(snapshot.MetalLBAds); gap {
		one.unsure = "its advertisements are not known: " + g.String()
	}
	for _, a := range s.snap.MetalLB.Ads {
		selected, unsure := a.Selects(p.Ref.Name)
		switch {
		case unsure:
			one.unsure = fmt.Sprintf("%s selects pools by their labels", a.Ref)
		case selected && a.BGP:
			say("bgp", s.source("metallb", ".spec.ipAddressPools", a.Ref))
		case selected:
			say("l2", s.source("metallb", ".spec.ipAddressPools", a.Ref))
		}
	}
	if len(one.announce) == 0 && one.unsure == "" {
		say("none", Source{Name: "metallb", Field: "has no advertisement that is about it"})
	}
}

func (s *surveyor) lbipamPools() []pool {
	var pools []pool
	for _, p := range s.snap.LBIPAMPools {
		if p.Disabled {
			s.note("spec.loadBalancers", fmt.Sprintf("left out, since it is disabled: %s", s.source("lb-ipam", ".spec.disabled", p.Ref)))
			continue
		}
		one := pool{Pool: plan.Pool{Name: p.Name}, source: s.source("lb-ipam", p.ListField(), p.Ref)}
		one.add(p.Ranges)
		if p.Selector {
			one.remarks = append(one.remarks, "only for some Services: it has a serviceSelector")
		}
		s.announcedByCilium(&one)
		pools = append(pools, one)
	}
	return pools
}

// announcedByCilium is by which of Cilium's two ways addresses are announced, as far as
// the agents' configuration tells; which pools its policies are about is not known.
func (s *surveyor) announcedByCilium(one *pool) {
	c := s.snap.Cilium
	if c.ConfigRef == (snapshot.Ref{}) {
		one.unsure = "Cilium's configuration is not known"
		return
	}
	for _, way := range []struct{ key, value string }{{"enable-l2-announcements", "l2"}, {"enable-bgp-control-plane", "bgp"}} {
		if c.Config.Bool(way.key, false) {
			one.announce = append(one.announce, Statement{way.value, s.ciliumSource(way.key)})
		}
	}
	if len(one.announce) == 0 {
		one.announce = []Statement{{"none", Source{Name: "lb-ipam", Field: "has neither L2 announcements nor BGP"}}}
	}
}

// add takes the ranges that can be read, and tells of the others.
func (p *pool) add(entries []metallb.Addresses) {
	for _, e := range entries {
		switch {
		case !e.Range.IsValid():
			p.remarks = append(p.remarks, fmt.Sprintf("left out: %s", strings.TrimSpace(e.Err)))
		case !slices.Contains(p.Addresses, e.Range):
			p.Addresses = append(p.Addresses, e.Range)
		}
	}
}
