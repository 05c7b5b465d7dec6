package expose

import (
	"fmt"
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// OfAddresses is the line about the load balancer's addresses; zero when there is none.
func (f Forecast) OfAddresses() Line {
	if i := slices.IndexFunc(f.Lines, func(l Line) bool { return l.About == aboutAddresses }); i >= 0 {
		return f.Lines[i]
	}
	return Line{}
}

// foreseeBalancer is who will serve the Service, and with which addresses.
func (f *Forecast) foreseeBalancer(s Situation, in *checks.Input) {
	c, because := ControllerOf(in, s.Service.Class)
	f.Controller = c
	if text := unread(in, snapshot.MetalLBSetup, snapshot.MetalLBPools, snapshot.LBIPAMPools); text != "" && c == Nobody {
		f.Lines = append(f.Lines, Line{Unknown: true, About: "controller", Text: text})
		return
	}
	switch c {
	case MetalLB:
		f.Lines = append(f.Lines, Line{About: "controller", Text: because})
		f.foreseeMetalLB(s, in)
	case Nobody:
		text := "nobody gives addresses to LoadBalancer Services here, as far as can be told: it will stay <pending>"
		if because != "" {
			text = because + " is of no controller that is known here; whoever it is gives the addresses"
		}
		f.Lines = append(f.Lines, Line{Severity: severity.Warning, About: "controller", Text: text})
	default:
		f.Lines = append(f.Lines, Line{About: "controller", Text: fmt.Sprintf("%s, by %s", c, because)})
		if c == LBIPAM {
			f.Lines = append(f.Lines, lbIPAMLine(in, s.families()))
		}
	}
}

// unread is what of these kinds could not be read, with the verb that it takes; empty when
// all was, or there is nothing to read. Without it nothing can be foretold, good or bad.
func unread(in *checks.Input, kinds ...snapshot.Kind) string {
	for _, k := range kinds {
		if g, gap := in.Gap(k); gap && !g.Absent() {
			return g.String()
		}
	}
	return ""
}

// foreseeMetalLB predicts the addresses, where its pools are known and what is taken of
// them.
func (f *Forecast) foreseeMetalLB(s Situation, in *checks.Input) {
	if text := unread(in, snapshot.MetalLBPools, snapshot.Services); text != "" {
		f.Lines = append(f.Lines, Line{Unknown: true, About: aboutAddresses, Text: text})
		return
	}
	v, _ := in.MetalLBVersion()
	o := offer{in.PoolsInForce(), in.Taken(), v}
	service := in.AsMetalLB(s.Service)
	service.Current = s.Service.Ingress
	as, _, err := metallb.Requested(s.Service.Annotations, s.Service.RequestedIP, v)
	service.Requested = as
	switch {
	case err != nil:
		f.Outcome = metallb.Outcome{Why: err.Error()}
	case len(o.pools) == 0:
		f.Outcome = metallb.Outcome{Why: noPool}
	default:
		f.Outcome = o.predict(service)
	}
	l := f.outcomeLine(s.families())
	switch {
	case l.Severity == 0:
	case s.Exists && len(as) > 0:
		l.Fix = "give --keep-addresses, which asks for addresses that fit"
	default:
		l.Fix = o.mend(service)
	}
	f.Lines = append(f.Lines, l)
	if changed := f.Outcome.Changes; s.Exists && !changed.Empty() && f.Outcome.Why == "" {
		f.Lines = append(f.Lines, Line{
			Severity: severity.Warning, About: aboutAddresses,
			Text: fmt.Sprintf("its address of %s may change: MetalLB takes back %s and gives it addresses anew", changed, commas(s.Service.Ingress)),
			Fix:  "give --keep-addresses",
		})
	}
	if f.Outcome.Flaps {
		f.Lines = append(f.Lines, Line{
			Severity: severity.Error, About: aboutAddresses,
			Text: "MetalLB gives it a second address and takes both back, for ever: it prefers two families and has one ClusterIP",
			Fix:  "give --family-policy single",
		})
	}
}

func (f *Forecast) outcomeLine(wanted ipfam.Set) Line {
	o := f.Outcome
	l := Line{About: aboutAddresses}
	switch got := o.Families(); {
	case o.Why == noPool:
		l.Severity, l.Text = severity.Error, "none: "+noPool
	case o.Why != "":
		l.Severity, l.Text = severity.Error, "none; MetalLB will say: "+o.Why
	case got != wanted:
		l.Severity = severity.Warning
		l.Text = fmt.Sprintf("%s alone, out of pool %s: no pool that is open to it has %s free", commas(o.Addrs), o.Pool, wanted.Minus(got))
	case len(o.Others) > 0:
		l.Text = fmt.Sprintf("%s, or those of another pool: MetalLB takes any", commas(o.Addrs))
	default:
		l.Text = fmt.Sprintf("%s, out of pool %s", commas(o.Addrs), o.Pool)
	}
	if o.Unsure {
		l.Unknown, l.Severity = true, 0
		l.Text += "; labels open a pool to some Services, and are not evaluated"
	}
	return l
}

// lbIPAMLine is whether LB IPAM has a range of each family. It takes each address out of
// any of its pools.
// Source: cilium v1.20.2, operator/pkg/lbipam/lbipam.go.
func lbIPAMLine(in *checks.Input, wanted ipfam.Set) Line {
	var has ipfam.Set
	for _, p := range in.LBIPAMPools() {
		for _, r := range p.Ranges {
			if !p.Disabled && r.Range.IsValid() {
				has = has.With(ipfam.Of(r.Range.From()))
			}
		}
	}
	if missing := wanted.Minus(has); !missing.Empty() {
		return Line{
			Severity: severity.Error, About: aboutAddresses,
			Text: fmt.Sprintf("no CiliumLoadBalancerIPPool has a range of %s", missing),
			Fix:  "kubectl dualstack doctor --only DS517",
		}
	}
	return Line{About: aboutAddresses, Text: fmt.Sprintf("pools of LB IPAM have ranges of %s; which are taken is not predicted", wanted)}
}
