package ranges

import (
	"fmt"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var disjoint = &checks.Check{
	ID:       "DS103",
	Name:     "ranges-disjoint",
	Severity: severity.Error,
	Doc: checks.Doc{
		Claim: "no address is for two uses",
		Why: `A Service or a load balancer with the address of a node, of a pod or of a host on the
LAN takes that host's traffic, and pods whose range holds the LAN cannot reach it. Nothing in
Kubernetes compares the ranges of pods, Services, nodes and load balancers; each program
checks its own, and the fault shows when an address is given out a second time.`,
		Fix: `Move the range that is easiest to move: a pool of a load balancer at any time, Service
and pod ranges when the cluster is made.`,
		Limits: "Other networks of the site, such as a VPN's, are seen only if the plan has them as reserved or routed.",
		Holds:  "Kubernetes 1.23 to 1.37, MetalLB 0.9 to 0.16",
		Since:  "0.1",
		Refs: []string{
			"kubernetes v1.37.2, cmd/kubeadm/app/preflight/checks.go",
			"kubernetes v1.37.2, pkg/controller/nodeipam/ipam/range_allocator.go filterOutServiceRange",
			"https://github.com/cilium/cilium/issues/23872",
			"https://github.com/metallb/metallb/issues/2700",
		},
		Covers: []string{"PLAN-05", "LB-05", "NODE-03"},
	},
	Uses: kinds(podKinds, serviceKinds, poolKinds, []snapshot.Kind{snapshot.Nodes}),
	Run: func(in *checks.Input) (fs []checks.Finding) {
		cluster := slices.Concat(pods(in), services(in), pools(in))
		var meetings []meeting
		for _, pair := range pairs(cluster, unsaid(cluster, planned(in))) {
			if s := conflict(in.Plan(), pair); s > severity.Info { // pods on the link are DS425's
				meetings = append(meetings, meeting{pair[0], pair[1], s})
			}
		}
		for _, m := range meetings {
			if !m.follows(meetings) {
				fs = append(fs, m.finding(in.Plan(), cluster))
			}
		}
		onLAN := slices.DeleteFunc(slices.Clone(cluster), func(s stated) bool { return holdsLAN(s, meetings) })
		return append(fs, nodesWithin(in.Nodes(), onLAN)...)
	},
}

// meeting is two ranges that share addresses, and how bad that is.
type meeting struct {
	a, b stated
	bad  severity.Severity
}

// follows reports whether m is another side of one of meetings: of two about one
// range and the LAN, or what is reserved on it, the worse is said, and the LAN
// stands for what is on it.
func (m meeting) follows(meetings []meeting) bool {
	return slices.ContainsFunc(meetings, func(other meeting) bool {
		if other.a.ref != m.a.ref || other.a.Addrs != m.a.Addrs {
			return false
		}
		switch {
		case m.b.Use == plan.Reserved:
			return other.b.Use == plan.LAN && other.bad == severity.Error
		case m.b.Use == plan.LAN && m.bad != severity.Error:
			return other.b.Use == plan.Reserved
		}
		return false
	})
}

// holdsLAN reports whether s is found to hold the LAN, and so the nodes.
func holdsLAN(s stated, meetings []meeting) bool {
	return slices.ContainsFunc(meetings, func(m meeting) bool {
		return m.a.ref == s.ref && m.a.Addrs == s.Addrs && m.b.Use == plan.LAN && m.bad == severity.Error
	})
}

// pairs is every two ranges that are to be compared: those of the cluster, those
// of the plan, and what the plan knows of the network around with what the
// cluster has. The one that is easier to move stands first.
func pairs(cluster, planned []stated) [][2]stated {
	var list [][2]stated
	add := func(a, b stated) {
		if movable(b.Use) > movable(a.Use) {
			a, b = b, a
		}
		list = append(list, [2]stated{a, b})
	}
	for _, group := range [][]stated{cluster, planned} {
		for i, b := range group {
			for _, a := range group[:i] {
				add(b, a)
			}
		}
	}
	for _, c := range cluster {
		for _, p := range planned {
			if network(p.Use) || !has(cluster, p) {
				add(c, p)
			}
		}
	}
	return list
}

// network reports whether ranges of the use are known from a plan alone.
func network(u plan.Use) bool {
	return u == plan.Delegated || u == plan.Routed || u == plan.LAN || u == plan.Reserved
}

// has reports whether list has a range of the use and family of p, which may
// then be another than the plan's: that is for DS104 to say.
func has(list []stated, p stated) bool { return len(of(ofUse(list, p.Use), p.Family())) > 0 }

func movable(u plan.Use) int {
	return slices.Index([]plan.Use{plan.Delegated, plan.Routed, plan.LAN, plan.Reserved, plan.Pods, plan.Services, plan.LoadBalancers}, u)
}

func conflict(p *plan.Plan, pair [2]stated) severity.Severity {
	if p != nil {
		return p.Conflict(pair[0].Range, pair[1].Range)
	}
	return plan.Conflict(pair[0].Range, pair[1].Range)
}

// finding is that the first range, which is easier to move, meets the other.
func (m meeting) finding(p *plan.Plan, cluster []stated) checks.Finding {
	if p == nil {
		p = &plan.Plan{}
	}
	a, b := m.a, m.b
	fix := fmt.Sprintf("<a range outside of %s>", b)
	rest := plan.Subtract(a.Addrs, b.Addrs)
	prefix, isPrefix := a.Prefix()
	free, found := p.FreePrefix(prefix, rangesOf(cluster)...)
	switch {
	case a.Use == plan.LoadBalancers && len(rest) > 0:
		fix = strings.Join(rest, ", ")
	case isPrefix && found && a.Use != plan.LoadBalancers:
		fix = free.String()
	}
	f := a.finding(fmt.Sprintf("%s (%s)", plan.DescribeOverlap(a.Range, b.Range), b.seen()), a.remedy(fix))
	f.Severity = m.bad
	return f
}

// nodesWithin is the ranges that have addresses of nodes in them, one finding for
// each, however many nodes there are.
func nodesWithin(nodes []snapshot.Node, cluster []stated) (fs []checks.Finding) {
	for _, s := range cluster {
		var within []string
		for _, n := range nodes {
			for _, a := range slices.Concat(n.InternalIPs, n.ExternalIPs) {
				one := plan.Range{Use: plan.Nodes, Addrs: netipx.IPRangeFrom(a.Unmap(), a.Unmap())}
				if plan.Conflict(s.Range, one) != 0 {
					within = append(within, fmt.Sprintf("%s %s", n.Ref, a))
				}
			}
		}
		if len(within) > 0 {
			fs = append(fs, s.finding(fmt.Sprintf("%s has addresses of nodes in it: %s", s, some(within)),
				s.remedy("<a range without them>")))
		}
	}
	return fs
}
