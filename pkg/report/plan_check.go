package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// PlanCheck is what plan check looked at beside the file.
type PlanCheck struct {
	Usage    *plan.Usage // nil when no cluster was asked
	Cluster  string
	Verdicts []plan.Verdict // of the releases that were asked about
	// Neighbours is what the plan was compared with. That nothing was found is worth
	// something only beside it.
	Neighbours []plan.Neighbour
}

// PlanCompared is how many ranges of one kind a plan was compared with.
type PlanCompared struct {
	With   plan.Rule `json:"with"` // "host", "docker", "defaults" or "peer"
	Ranges int       `json:"ranges"`
}

// compared counts the neighbours of each kind, in the order of the flags.
func (c PlanCheck) compared() []PlanCompared {
	list := []PlanCompared{}
	for _, n := range c.Neighbours {
		if i := slices.IndexFunc(list, func(known PlanCompared) bool { return known.With == n.Rule }); i >= 0 {
			list[i].Ranges++
			continue
		}
		list = append(list, PlanCompared{n.Rule, 1})
	}
	return list
}

// neighbourNames is whose ranges they are.
var neighbourNames = map[plan.Rule]string{
	plan.HostFree: "of this host", plan.DockerFree: "of Docker", plan.DefaultsFree: "that others have by default", plan.PeerFree: "of other plans",
}

// compared prints what the plan was compared with.
func (p *printer) compared(list []PlanCompared) {
	if len(list) == 0 {
		return
	}
	var parts []string
	for _, c := range list {
		parts = append(parts, counted(uint64(c.Ranges), "range", "ranges")+" "+neighbourNames[c.With])
	}
	p.line("")
	p.wrapped("", "Compared with "+strings.Join(parts, ", ")+".")
}

// Horizon is how long a plan lasts: how much of everything there is and is needed,
// and what runs out first.
type Horizon struct {
	Cluster  string        `json:"cluster"` // what was asked for what is used; empty for none
	Supplies []PlanSupply  `json:"supplies"`
	First    *PlanSupply   `json:"runsOutFirst"` // nil when nothing is known to be needed
	Unknown  []PlanUnknown `json:"unknown"`
}

// PlanSupply is how much of a resource there is in one family. Numbers are at most
// 2^64 - 1.
type PlanSupply struct {
	Resource plan.Resource `json:"resource"`
	Family   ipfam.Family  `json:"family"`
	Capacity uint64        `json:"capacity"`
	Used     *uint64       `json:"used"` // nil when it is not known
	Expected uint64        `json:"expected"`
	More     *uint64       `json:"more"` // nil when nothing is known to be needed
}

// PlanUnknown is why it is not known how much is used.
type PlanUnknown struct {
	Use    plan.Use `json:"use"`
	Reason string   `json:"reason"`
}

// PlanReleases is what releases of a component that follow one another have
// against the plan, which others do not.
type PlanReleases struct {
	Component plan.Component  `json:"component"`
	First     release.Version `json:"first"`
	Last      release.Version `json:"last"`
	Takes     bool            `json:"takes"`
	Problems  []PlanProblem   `json:"problems"`
}

// takenUses is the uses of which something can be taken.
var takenUses = []plan.Use{plan.Pods, plan.Services, plan.LoadBalancers}

func unknowns(u *plan.Usage) []PlanUnknown {
	list := []PlanUnknown{}
	if u == nil {
		return list
	}
	for _, use := range takenUses {
		if reason, unknown := u.Unknown[use]; unknown {
			list = append(list, PlanUnknown{Use: use, Reason: reason})
		}
	}
	return list
}

func (in PlanInput) horizon() *Horizon {
	h := &Horizon{Cluster: in.Check.Cluster, Supplies: []PlanSupply{}, Unknown: unknowns(in.Check.Usage)}
	supplies := in.Plan.Horizon(in.Check.Usage)
	for _, s := range supplies {
		h.Supplies = append(h.Supplies, planSupply(s))
	}
	if first, ok := plan.First(supplies); ok {
		s := planSupply(first)
		h.First = &s
	}
	return h
}

func (in PlanInput) releases() []PlanReleases {
	list := []PlanReleases{}
	for _, v := range in.Check.Verdicts {
		list = append(list, PlanReleases{Component: v.Component, First: v.First, Last: v.Last, Takes: v.Takes(), Problems: in.planProblems(v.Problems)})
	}
	return list
}

func planSupply(s plan.Supply) PlanSupply {
	out := PlanSupply{Resource: s.Of, Family: s.Family, Capacity: s.Capacity, Expected: s.Expected}
	if s.Known {
		out.Used = &s.Used
	}
	if left := s.Left(); s.Known || s.Expected > 0 {
		out.More = &left
	}
	return out
}

// horizon prints how much of everything there is, and what runs out first.
func (p *printer) horizon(h Horizon) {
	expected := false
	for _, s := range h.Supplies {
		expected = expected || s.Expected > 0
	}
	header := []string{"HORIZON", "", "ROOM FOR"}
	if h.Cluster != "" {
		header = append(header, "USED")
	}
	if expected {
		header = append(header, "EXPECTED")
	}
	needed := h.Cluster != "" || expected
	if needed {
		header = append(header, "MORE")
	}
	g := &grid{header: header}
	var last plan.Resource
	for _, s := range h.Supplies {
		name := s.Resource.String()
		if s.Resource == last {
			name = ""
		}
		last = s.Resource
		cells := []string{name, s.Family.String(), amount(s.Capacity)}
		if h.Cluster != "" {
			cells = append(cells, orUnknown(s.Used))
		}
		if expected {
			cells = append(cells, p.orDash(s.Expected))
		}
		if needed {
			cells = append(cells, orUnknown(s.More))
		}
		g.add(cells...)
	}
	p.grid(g)
	p.line("")
	p.wrapped("", p.firstText(h))
	for _, u := range h.Unknown {
		p.wrapped(p.mark(markUnknown)+" ", p.safe(fmt.Sprintf("%s: not known: %s", takenText[u.Use], u.Reason)))
	}
}

func orUnknown(n *uint64) string {
	if n == nil {
		return "?"
	}
	return amount(*n)
}

func (p *printer) orDash(n uint64) string {
	if n == 0 {
		return p.dash()
	}
	return amount(n)
}

// firstText is what runs out first, and what the other family has of it.
func (p *printer) firstText(h Horizon) string {
	if h.First == nil {
		return "What runs out first is known with spec.expect in the plan, or with -f FILES or --live."
	}
	s := *h.First
	text := fmt.Sprintf("%s runs out first: %s, %s for", s.Family, s.Resource, amount(s.Capacity))
	if s.Used != nil && *s.Used >= s.Expected {
		text += fmt.Sprintf(" %s in use", amount(*s.Used))
	} else {
		text += fmt.Sprintf(" %s expected", amount(s.Expected))
	}
	if i := slices.IndexFunc(h.Supplies, func(other PlanSupply) bool { return other.Resource == s.Resource && other.Family != s.Family }); i >= 0 {
		text += fmt.Sprintf("; %s has %s", h.Supplies[i].Family, amount(h.Supplies[i].Capacity))
	}
	return text + "."
}

// releases prints which releases take the plan, and what the others have against
// it.
func (p *printer) releases(list []PlanReleases) {
	if len(list) == 0 {
		return
	}
	g := &grid{header: []string{"RELEASES", "", "THE PLAN"}}
	for _, r := range list {
		verdict := p.mark(markOK) + " is taken"
		if !r.Takes {
			verdict = p.mark(markError) + " is not taken"
		}
		g.add(componentNames[r.Component], r.versions(), verdict)
	}
	p.grid(g)
	p.line("")
	told := false
	for _, r := range list {
		for _, problem := range r.Problems {
			problem.Message = fmt.Sprintf("%s %s: %s", componentNames[r.Component], r.versions(), problem.Message)
			p.problem(problem)
			told = true
		}
	}
	if told {
		p.line("")
	}
}

// versions is "1.29" or "1.29 to 1.33".
func (r PlanReleases) versions() string {
	if r.First == r.Last {
		return r.First.String()
	}
	return r.First.String() + " to " + r.Last.String()
}

var componentNames = map[plan.Component]string{plan.Kubernetes: "Kubernetes", plan.Cilium: "Cilium", plan.MetalLB: "MetalLB"}
