// Package report is the outcome of one run as a value, and the formats in which
// it is printed: one file for each. A format decides nothing; what is found and
// how it is counted is settled in Build.
package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// APIVersion and Kind are the first two fields of every report.
const (
	APIVersion = "dualstack/v1alpha1"
	Kind       = "DoctorReport"
)

// Report is what doctor found. Its JSON is documented by
// docs/schema/doctorreport.schema.json.
type Report struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Source     Source   `json:"source"`
	Plan       *Plan    `json:"plan"` // nil without a plan
	Matrix     []Row    `json:"matrix"`
	Summary    Summary  `json:"summary"`
	Results    []Result `json:"results"`
	WhatIf     *WhatIf  `json:"whatIf,omitempty"` // nil in a report of what is

	brokenPlan string // the file of a plan that could not be understood
	tool       string
	drawing    *plan.Plan // nil without a plan
}

// Source is what the report was made from, and what was missing of it.
type Source struct {
	Type     string    `json:"type"` // "cluster" or "files"
	Name     string    `json:"name"` // the context of the kubeconfig, or the paths as given
	Server   string    `json:"server,omitempty"`
	ReadAt   time.Time `json:"readAt"`
	Depth    string    `json:"depth"` // "deep" or "quick"
	Reason   string    `json:"depthReason"`
	Versions []Version `json:"versions"`
	Gaps     []Gap     `json:"gaps"`
	Problems []Problem `json:"problems"`
	Ignored  []Ignored `json:"ignored"`
}

// Version is the release whose rules a component was judged by.
type Version struct {
	Component string          `json:"component"`
	Version   release.Version `json:"version"`
	Assumed   bool            `json:"assumed"` // not known, so the latest
}

// Gap is a kind of facts that is not known, or not wholly.
type Gap struct {
	Kind    snapshot.Kind   `json:"kind"`
	Reason  snapshot.Reason `json:"reason"`
	Detail  string          `json:"detail"`
	Partial bool            `json:"partial"`
}

// Problem is a document or a value of the input that was not understood.
type Problem struct {
	Source  string `json:"source"` // "file:line", or empty
	Object  Object `json:"object"`
	Field   string `json:"field"`
	Message string `json:"message"`
}

// Ignored is how many documents of a kind nothing reads.
type Ignored struct {
	Kind      string `json:"kind"`
	Documents int    `json:"documents"`
}

// Plan is the address plan that the cluster was judged by.
type Plan struct {
	Name     string         `json:"name"`
	Source   string         `json:"source"` // its file
	Families []ipfam.Family `json:"families"`
	Found    bool           `json:"found"` // among the files that were read, and not named by --plan
}

// Object names what a finding is about.
type Object struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// String is as of snapshot.Ref: "service/shop/web".
func (o Object) String() string { return snapshot.Ref(o).String() }

// Result is what came of one check.
type Result struct {
	ID       string            `json:"id"`
	Name     string            `json:"name"`
	Severity severity.Severity `json:"severity"`
	Status   checks.Status     `json:"status"`
	Reason   string            `json:"reason"` // of skipped and unknown
	Findings []Finding         `json:"findings"`

	claim       string
	consequence string
}

// Finding is one counterexample to a check's claim.
type Finding struct {
	Severity severity.Severity `json:"severity"`
	Object   Object            `json:"object"`
	Source   string            `json:"source"` // "file:line", or empty
	Field    string            `json:"field"`
	Family   ipfam.Family      `json:"family"`
	Message  string            `json:"message"`
	Fix      string            `json:"fix"`
	Cause    *Cause            `json:"cause"` // nil when nothing found explains it
	// Suppressed is why the finding does not count; nil when it does.
	Suppressed *Suppressed `json:"suppressed"`
	Known      bool        `json:"known"` // it is in the baseline, and fails no run
	Change     Change      `json:"change,omitempty"`
}

// Suppressed is the reason that somebody gave for a finding.
type Suppressed struct {
	Reason string `json:"reason"`
	Until  string `json:"until"` // a day, or empty
	From   string `json:"from"`  // the flag, the line of a file, or the annotation
}

// Cause is the finding that another one follows from.
type Cause struct {
	Check  string       `json:"check"`
	Object Object       `json:"object"`
	Field  string       `json:"field"`
	Family ipfam.Family `json:"family"`

	message string
}

// Input is all that a report is made from.
type Input struct {
	Plan      *plan.Plan // nil without a plan
	PlanFound bool       // the plan was among the files, nobody named it
	Broken    BrokenPlan // instead of a plan
	Snapshot  *snapshot.Snapshot
	Results   []checks.Result
	Supposed  *Supposition // nil when the results are of what is
	Tool      string       // the version of this tool, where it is known
}

// BrokenPlan is a plan that could not be understood. The zero BrokenPlan is none.
type BrokenPlan struct {
	Source   string
	Problems []plan.Problem
}

// Build is the report of in.
func Build(in Input) *Report {
	r := &Report{
		APIVersion: APIVersion,
		Kind:       Kind,
		Source:     source(in.Snapshot),
		Plan:       planOf(in),
		Matrix:     matrix(in.Plan, in.Snapshot),
		Results:    make([]Result, 0, len(in.Results)),
		brokenPlan: in.Broken.Source,
		tool:       in.Tool,
		drawing:    in.Plan,
	}
	r.Source.Problems = append(in.Broken.problems(), r.Source.Problems...)
	for _, result := range in.Results {
		r.Results = append(r.Results, resultOf(result, in))
	}
	r.suppose(in.Supposed, in)
	r.Summary = summarize(r.Results)
	return r
}

func (b BrokenPlan) problems() []Problem {
	problems := make([]Problem, 0, len(b.Problems))
	for _, p := range b.Problems {
		problems = append(problems, Problem{
			Source: fmt.Sprintf("%s:%d", b.Source, p.At.Line), Object: Object{Kind: plan.Kind}, Field: p.Field, Message: p.Message,
		})
	}
	return problems
}

func planOf(in Input) *Plan {
	if in.Plan == nil {
		return nil
	}
	return &Plan{Name: in.Plan.Name, Source: in.Plan.Source(), Families: slices.Clone(in.Plan.Families), Found: in.PlanFound}
}

func resultOf(result checks.Result, in Input) Result {
	c := result.Check
	r := Result{
		ID: c.ID, Name: c.Name, Severity: c.Severity, Status: result.Status, Reason: result.Reason,
		Findings: make([]Finding, 0, len(result.Findings)),
		claim:    oneLine(c.Doc.Claim), consequence: opening(c.Doc.Why),
	}
	for _, f := range result.Findings {
		r.Findings = append(r.Findings, Finding{
			Severity: f.Severity, Object: Object(f.Object), Source: position(f, in), Field: f.Field,
			Family: f.Family, Message: f.Message, Fix: f.Fix, Cause: causeOf(f), Suppressed: suppressedOf(f.Suppressed), Known: f.Known,
		})
	}
	return r
}

func suppressedOf(s *checks.Suppression) *Suppressed {
	if s == nil {
		return nil
	}
	until := ""
	if !s.Until.IsZero() {
		until = s.Until.Format(time.DateOnly)
	}
	return &Suppressed{Reason: s.Reason, Until: until, From: s.From}
}

func causeOf(f checks.Finding) *Cause {
	if f.Cause == nil {
		return nil
	}
	c := f.Cause.Finding
	return &Cause{Check: f.Cause.Check, Object: Object(c.Object), Field: c.Field, Family: c.Family, message: c.Message}
}

// position is where a finding stands in a file: in the plan's when it is about
// the plan, otherwise in that of its object.
func position(f checks.Finding, in Input) string {
	if f.PlanAt != "" && in.Plan != nil {
		return fmt.Sprintf("%s:%d", in.Plan.Source(), in.Plan.Position(f.PlanAt).Line)
	}
	return in.Snapshot.Position(f.Object, f.Field).String()
}

func source(snap *snapshot.Snapshot) Source {
	from := snap.Source
	s := Source{
		Type: "files", Name: from.Name, Server: from.Server, ReadAt: from.At, Depth: "quick", Reason: from.Reason,
		Versions: versions(snap), Gaps: []Gap{}, Problems: []Problem{}, Ignored: []Ignored{},
	}
	if from.Live {
		s.Type = "cluster"
	}
	if from.Deep {
		s.Depth = "deep"
	}
	for _, g := range snap.SortedGaps() {
		s.Gaps = append(s.Gaps, Gap{Kind: g.Kind, Reason: g.Reason, Detail: g.Detail, Partial: g.Partial})
	}
	for _, p := range snap.Problems {
		s.Problems = append(s.Problems, Problem{Source: p.Position.String(), Object: Object(p.Ref), Field: p.Field, Message: p.Message})
	}
	for kind, n := range snap.Ignored {
		s.Ignored = append(s.Ignored, Ignored{Kind: kind, Documents: n})
	}
	slices.SortFunc(s.Ignored, func(a, b Ignored) int { return cmp.Compare(a.Kind, b.Kind) })
	return s
}

// versions is the releases that the checks judge by, of what is there.
func versions(snap *snapshot.Snapshot) []Version {
	in := checks.NewInput(nil, snap)
	var vs []Version
	add := func(component string, v release.Version, known bool) {
		vs = append(vs, Version{Component: component, Version: v, Assumed: !known})
	}
	v, known := in.KubernetesVersion()
	add("Kubernetes", v, known)
	if snap.Cilium.Present() {
		v, known = in.CiliumVersion()
		add("Cilium", v, known)
	}
	if snap.MetalLB.Present() {
		v, known = in.MetalLBVersion()
		add("MetalLB", v, known)
	}
	return vs
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// enough is how long the beginning of a text is to be, in bytes, to say something.
const enough = 120

// opening is the first sentences of a text: one, or as many as it takes to say
// something.
func opening(text string) string {
	text = oneLine(text)
	for at := 0; ; {
		i := strings.Index(text[at:], ". ")
		if i < 0 {
			return text
		}
		if at += i + 1; at >= enough {
			return text[:at]
		}
	}
}
