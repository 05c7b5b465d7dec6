package report

import (
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
)

// PlanInput is a plan file, what is wrong with it, and the plan, which is nil
// when the file could not be understood.
type PlanInput struct {
	Source   string
	Plan     *plan.Plan
	Problems []plan.Problem
	// Check is what plan check adds; nil for plan validate.
	Check *PlanCheck
}

// PlanReport is what plan validate found, or plan check.
type PlanReport struct {
	APIVersion string      `json:"apiVersion"`
	Kind       string      `json:"kind"`
	Plans      []PlanState `json:"plans"`
}

// PlanState is one plan file.
type PlanState struct {
	Source   string        `json:"source"`
	Name     string        `json:"name"`
	Problems []PlanProblem `json:"problems"`
	Capacity *Capacities   `json:"capacity"` // nil when the file could not be understood
	// Horizon, Releases and Compared are there for plan check only.
	Horizon  *Horizon       `json:"horizon,omitzero"`
	Releases []PlanReleases `json:"releases,omitzero"`
	Compared []PlanCompared `json:"compared,omitzero"`
}

// PlanProblem is something wrong with a plan.
type PlanProblem struct {
	Severity severity.Severity `json:"severity"`
	Source   string            `json:"source"` // "file:line:column"
	Field    string            `json:"field"`
	Message  string            `json:"message"`
	Fix      string            `json:"fix"`
}

// Capacities is how much a plan has room for, by family.
type Capacities struct {
	V4 Capacity `json:"ipv4"`
	V6 Capacity `json:"ipv6"`
}

// Capacity is how much a plan has room for in one family: at most 2^64 - 1, and 0
// where the plan has no range of the family.
type Capacity struct {
	Nodes         uint64 `json:"nodes"`
	PodsPerNode   uint64 `json:"podsPerNode"`
	Services      uint64 `json:"services"`
	LoadBalancers uint64 `json:"loadBalancers"`
}

// BuildPlans is the report of plans.
func BuildPlans(plans []PlanInput) *PlanReport {
	r := &PlanReport{APIVersion: APIVersion, Kind: "PlanReport", Plans: []PlanState{}}
	for _, in := range plans {
		state := PlanState{Source: in.Source}
		if in.Plan != nil {
			state.Name = in.Plan.Name
			state.Capacity = capacities(in.Plan.Capacity())
			if in.Check != nil {
				state.Horizon, state.Releases, state.Compared = in.horizon(), in.releases(), in.Check.compared()
			}
		}
		state.Problems = in.planProblems(in.Problems)
		r.Plans = append(r.Plans, state)
	}
	return r
}

func (in PlanInput) planProblems(problems []plan.Problem) []PlanProblem {
	list := make([]PlanProblem, 0, len(problems))
	for _, p := range problems {
		list = append(list, PlanProblem{
			Severity: p.Severity, Source: fmt.Sprintf("%s:%d:%d", in.Source, p.At.Line, p.At.Column),
			Field: p.Field, Message: p.Message, Fix: p.Fix,
		})
	}
	return list
}

func capacities(c plan.Capacity) *Capacities {
	var pair ipfam.Pair[Capacity]
	for _, f := range ipfam.All {
		*pair.At(f) = Capacity{
			Nodes: c.Nodes.Of(f), PodsPerNode: c.PodsPerNode.Of(f),
			Services: c.Services.Of(f), LoadBalancers: c.LoadBalancers.Of(f),
		}
	}
	cs := Capacities(pair)
	return &cs
}

// Write prints r as a table, JSON or YAML.
func (r *PlanReport) Write(w io.Writer, f Format, s Style) error {
	switch f {
	case JSON:
		return WriteJSON(w, r)
	case YAML:
		return WriteYAML(w, r)
	}
	p := newPrinter(s)
	for i, state := range r.Plans {
		if i > 0 {
			p.line("")
		}
		p.plan(state)
	}
	return p.flush(w)
}

func (p *printer) plan(state PlanState) {
	for _, problem := range state.Problems {
		p.problem(problem)
	}
	if state.Capacity == nil {
		return
	}
	if len(state.Problems) > 0 {
		p.line("")
	}
	if state.Horizon != nil {
		p.releases(state.Releases)
		p.horizon(*state.Horizon)
		p.compared(state.Compared)
	} else {
		p.capacity(*state.Capacity)
	}
	p.line("")
	p.line(Escape(state.Source) + ": " + joined(state.findings(), ", "))
}

func (p *printer) capacity(c Capacities) {
	g := &grid{header: []string{"CAPACITY"}}
	for _, f := range ipfam.All {
		g.header = append(g.header, f.String())
	}
	pair := ipfam.Pair[Capacity](c)
	for _, row := range []struct {
		name string
		of   func(Capacity) uint64
	}{
		{"nodes", func(c Capacity) uint64 { return c.Nodes }},
		{"pods per node", func(c Capacity) uint64 { return c.PodsPerNode }},
		{"Services", func(c Capacity) uint64 { return c.Services }},
		{"load balancers", func(c Capacity) uint64 { return c.LoadBalancers }},
	} {
		cells := []string{row.name}
		for _, f := range ipfam.All {
			cells = append(cells, number(row.of(pair.Of(f))))
		}
		g.add(cells...)
	}
	p.grid(g)
}

// problem prints one problem in the form that editors and terminals jump to.
func (p *printer) problem(problem PlanProblem) {
	field := ""
	if problem.Field != "" {
		field = Escape(problem.Field) + ": "
	}
	p.linef("%s: %s %s: %s%s", Escape(problem.Source), p.mark(markOf(problem.Severity)), problem.Severity, field, Escape(problem.Message))
	if problem.Fix != "" {
		p.fix("    ", problem.Fix, problem.Source)
	}
}

// findings is how many problems of each severity a plan has.
func (s PlanState) findings() []count {
	var sum Summary
	for _, problem := range s.Problems {
		sum.add(problem.Severity)
	}
	return sum.counts()[:3]
}

// number is n with its thousands apart.
func number(n uint64) string {
	if n == math.MaxUint64 {
		return "2^64 or more"
	}
	text := strconv.FormatUint(n, 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
