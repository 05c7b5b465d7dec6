package ranges

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
)

var matchPlan = &checks.Check{
	ID:       "DS104",
	Name:     "ranges-match-plan",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "pods, Services and load balancers get addresses of the planned ranges",
		Why: `Packets with addresses of another range are dropped, or go to somebody else, as soon as
they leave the cluster: routes, firewalls and names are set up by the plan. Inside of it all
works, and when it is one family only, nobody notices.`,
		Fix:    "Write the planned range where the cluster has another, or mend the plan. Pod and Service ranges cannot be changed in place: nodes and Services keep what they have.",
		Limits: "Only the sources that addresses are drawn from are compared; that the others disagree with them is the business of the control plane's checks.",
		Holds:  "all releases",
		Since:  "0.1",
		Refs:   []string{"kubernetes v1.37.2, pkg/controller/nodeipam/ipam/range_allocator.go", "cilium v1.20.2, operator/pkg/ipam/allocator/clusterpool"},
		Covers: []string{"PLAN-05"},
	},
	Uses: kinds(podKinds, serviceKinds, poolKinds),
	Plan: true,
	Run: func(in *checks.Input) []checks.Finding {
		p := in.Plan()
		podRanges, serviceRanges := pods(in), services(in)
		fs := slices.Concat(differing(p, podRanges, p.Pods.Prefixes), differing(p, serviceRanges, p.Services), differingMasks(podRanges, p))
		for _, f := range p.Want().List() {
			if len(serviceRanges) > 0 && len(of(serviceRanges, f)) == 0 && len(of(podRanges, f)) == 0 {
				fs = append(fs, missingFamily(serviceRanges[0], p.Services.Of(f), f))
			}
		}
		return append(fs, poolsOffPlan(pools(in), p)...)
	},
}

// differing is the ranges that are another than the plan has for their family.
func differing(p *plan.Plan, list []stated, want ipfam.Pair[netip.Prefix]) (fs []checks.Finding) {
	for _, s := range list {
		if lost(p, s) {
			continue
		}
		planned := want.Of(s.Family())
		switch {
		case !planned.IsValid():
			fs = append(fs, s.finding(fmt.Sprintf("is %s; the plan has no %s range for %s", s, s.Family(), s.Use),
				fmt.Sprintf("in the plan: spec.%s.%s: %s", s.Use, field(s.Family()), s)))
		case s.Addrs != plan.RangeOf(s.Use, planned).Addrs:
			fs = append(fs, s.finding(fmt.Sprintf("is %s; the plan has %s for %s", s, planned.Masked(), s.Use), s.remedy(planned.Masked().String())))
		}
	}
	return fs
}

// lost reports whether packets with addresses of s do not come back, by the plan.
// Then that is said of s, by DS110, DS111 or DS114.
func lost(p *plan.Plan, s stated) bool {
	if prefix, ok := s.Prefix(); ok && s.Use == plan.Pods {
		if bad, _, _ := p.PodEgress(prefix); bad != 0 {
			return true
		}
	}
	return !p.Owns(s.Addrs)
}

func field(f ipfam.Family) string { return strings.ToLower(f.String()) }

// differingMasks is the ranges that are cut into blocks of another size than the
// plan has.
func differingMasks(list []stated, p *plan.Plan) (fs []checks.Finding) {
	for _, s := range list {
		want := p.Pods.NodeMask.Of(s.Family())
		if want == 0 || s.mask == 0 || s.mask == want {
			continue
		}
		fs = append(fs, s.finding(fmt.Sprintf("is cut into blocks of /%d, %s in all; the plan has /%d, %s in all",
			s.mask, blocks(s, s.mask), want, blocks(s, want)), fmt.Sprintf("in the plan: spec.pods.nodeMask.%s: %d, or a new cluster with blocks of /%d", field(s.Family()), s.mask, want)))
	}
	return fs
}

func blocks(s stated, mask int) string {
	return plan.FormatCount(plan.Blocks(s.written.Masked(), mask))
}

// missingFamily is that the cluster has neither pods nor Services of a family of
// the plan. Where it has one of the two, another check says so.
func missingFamily(s stated, want netip.Prefix, f ipfam.Family) checks.Finding {
	finding := s.finding(fmt.Sprintf("is %s; the plan has %s too, and the cluster has neither pods nor Services of it", s, f),
		s.remedy(fmt.Sprintf("%s,%s", s, want.Masked())))
	finding.Family = f
	return finding
}

// poolsOffPlan compares the pools of the cluster with those of the plan, address
// by address: how the addresses are divided into pools is not a matter of ranges.
func poolsOffPlan(list []stated, p *plan.Plan) (fs []checks.Finding) {
	if len(p.LoadBalancers) == 0 || len(list) == 0 {
		return nil
	}
	planned := union(rangesOfPlan(p, plan.LoadBalancers))
	for _, s := range list {
		if !planned.ContainsRange(s.Addrs) && !offLAN(p, s) && !lost(p, s) {
			fs = append(fs, s.finding(fmt.Sprintf("%s is not within the load-balancer ranges of the plan: %s", s, familyText(p, s.Family())),
				s.remedy(familyText(p, s.Family()))))
		}
	}
	inPools := union(rangesOf(list))
	for _, r := range rangesOfPlan(p, plan.LoadBalancers) {
		if inPools.OverlapsRange(r.Addrs) {
			continue
		}
		fs = append(fs, checks.Finding{
			Severity: severity.Info, Object: planRef(p), Field: "." + r.Field, PlanAt: r.Field, Family: r.Family(),
			Message: fmt.Sprintf("%s is in no pool of the cluster", r), Fix: fmt.Sprintf("add %s to a pool, or in the plan: remove %s", r, r.Field),
		})
	}
	return fs
}

// offLAN reports whether s lies outside of the LAN although all load balancers
// are to be on it: then that is the fault, and another check's.
func offLAN(p *plan.Plan, s stated) bool {
	lan := p.LAN.Prefixes.Of(s.Family())
	elsewhere := slices.ContainsFunc(p.LoadBalancers, func(pool plan.Pool) bool { return pool.Announce == "bgp" || pool.Announce == "none" })
	return lan.IsValid() && !elsewhere && !plan.RangeOf(plan.LAN, lan).Contains(s.Range)
}

func rangesOfPlan(p *plan.Plan, u plan.Use) []plan.Range {
	return slices.DeleteFunc(p.Ranges(), func(r plan.Range) bool { return r.Use != u })
}

// familyText is the plan's load-balancer ranges of family f.
func familyText(p *plan.Plan, f ipfam.Family) string {
	var texts []string
	for _, r := range rangesOfPlan(p, plan.LoadBalancers) {
		if r.Family() == f {
			texts = append(texts, r.String())
		}
	}
	if len(texts) == 0 {
		return fmt.Sprintf("it has none of %s", f)
	}
	return strings.Join(texts, ", ")
}
