package report

import (
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/mend"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// MendReport is the steps that mend what doctor found. Its JSON is documented by
// docs/schema/mendreport.schema.json.
type MendReport struct {
	APIVersion string     `json:"apiVersion"`
	Kind       string     `json:"kind"`
	Source     MendSource `json:"source"`
	Steps      []MendStep `json:"steps"`
	Summary    Summary    `json:"summary"` // of the report that the steps are made of
}

// MendSource is what was audited.
type MendSource struct {
	Type   string `json:"type"` // "cluster" or "files"
	Name   string `json:"name"`
	Server string `json:"server,omitempty"`
}

// MendStep is one thing to do.
type MendStep struct {
	Mends    []Mended          `json:"mends"`
	Severity severity.Severity `json:"severity"`
	Follow   int               `json:"following"` // findings that follow from those it mends
	When     string            `json:"when"`      // the case that it is for; empty for the cluster as it is
	Text     string            `json:"text"`
	Command  bool              `json:"command"` // the text is for a shell
	Touches  []Object          `json:"touches"`
	Restarts []string          `json:"restarts"`
	// Interrupts is what stops working, be it for a moment. What a step by hand does
	// stands in its text only: then Unknown is true.
	Interrupts []string `json:"interrupts"`
	Unknown    bool     `json:"unknown"`
	Reversible bool     `json:"reversible"`
	Reason     string   `json:"reason"` // why it is not reversible
	Blanks     []string `json:"blanks"`
	Against    int      `json:"against"` // the number of a step that sets the same otherwise; 0 for none
	DryRun     Trial    `json:"dryRun"`
}

// Mended is a finding that a step mends.
type Mended struct {
	Check  string       `json:"check"`
	Object Object       `json:"object"`
	Field  string       `json:"field"`
	Family ipfam.Family `json:"family"`

	message string
}

// Trial is what the API server says of a step.
type Trial struct {
	Outcome mend.Outcome `json:"outcome"`
	Detail  string       `json:"detail"`
	Undo    []string     `json:"undo"`
}

// BuildMend is the report of the steps; trials has as many, or none when there is no
// API server to ask.
func BuildMend(r *Report, steps []mend.Step, trials []mend.Trial) *MendReport {
	m := &MendReport{APIVersion: APIVersion, Kind: "MendReport", Summary: r.Summary, Steps: []MendStep{},
		Source: MendSource{Type: r.Source.Type, Name: r.Source.Name, Server: r.Source.Server}}
	for i, s := range steps {
		trial := mend.Trial{Outcome: mend.NotTried, Detail: "files have no API server that could be asked"}
		if len(trials) > 0 {
			trial = trials[i]
		}
		m.Steps = append(m.Steps, mendStep(s, trial))
	}
	return m
}

func mendStep(s mend.Step, t mend.Trial) MendStep {
	step := MendStep{
		Mends: []Mended{}, Severity: s.Severity, Follow: s.Follow, When: s.When, Text: s.Text, Command: s.Command(), Touches: []Object{},
		Restarts: listed(s.Restarts), Interrupts: listed(s.Interrupts), Unknown: s.Unknown,
		Reversible: s.Reversible(), Reason: s.Keeps, Blanks: listed(s.Blanks), Against: s.Against,
		DryRun: Trial{Outcome: t.Outcome, Detail: t.Detail, Undo: listed(t.Undo)},
	}
	for _, m := range s.Mends {
		step.Mends = append(step.Mends, Mended{m.Check, Object(m.Finding.Object), m.Finding.Field, m.Finding.Family, m.Finding.Message})
	}
	for _, ref := range s.Touches {
		step.Touches = append(step.Touches, Object(ref))
	}
	return step
}

// listed is list, which JSON has as [] when it is empty.
func listed(list []string) []string { return append([]string{}, list...) }

// Write prints m as text, JSON or YAML.
func (m *MendReport) Write(w io.Writer, f Format, s Style) error {
	switch f {
	case JSON:
		return WriteJSON(w, m)
	case YAML:
		return WriteYAML(w, m)
	case Wide:
		s.Width = 0
	}
	p := newPrinter(s)
	p.all = f == Wide
	p.mend(m)
	return p.flush(w)
}

// mend prints the steps: every command from the margin and on lines of its own, to be
// pasted.
func (p *printer) mend(m *MendReport) {
	name := Escape(m.Source.Name)
	if m.Source.Server != "" && m.Source.Server != m.Source.Name {
		name += " " + Escape(m.Source.Server)
	}
	p.wrapped(fmt.Sprintf("%-9s", m.Source.Type), name)
	p.wrapped(fmt.Sprintf("%-9s", "steps"), m.words())
	if m.Source.Type == "files" && len(m.Steps) > 0 {
		p.wrapped(fmt.Sprintf("%-9s", "dry run"), "none: files have no API server that could be asked")
	}
	for n := 0; n < len(m.Steps); {
		alike := m.alike(n)
		p.line("")
		p.mendSteps(n+1, alike, m.Source.Type == "files")
		n += len(alike)
	}
	p.line("")
	p.line(m.Summary.words(p.or(" · ", ", ")))
}

// words is how many steps there are of which kind.
func (m *MendReport) words() string {
	if len(m.Steps) == 0 {
		return "none: nothing was found that counts"
	}
	counts := map[string]int{}
	for _, s := range m.Steps {
		counts[s.way()]++
	}
	var parts []string
	for _, way := range []string{wayApply, wayRefused, wayRun, wayLook, wayHand} {
		if n := counts[way]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, way))
		}
	}
	return strings.Join(parts, ", ")
}

// The ways to take a step.
const (
	wayApply   = "reversible"
	wayRefused = "refused by the API server"
	wayRun     = "to be run by you"
	wayLook    = "to look first"
	wayHand    = "by hand"
)

func (s MendStep) way() string {
	switch {
	case s.DryRun.Outcome == mend.Refused:
		return wayRefused
	case s.Reversible:
		return wayApply
	case !s.Command || len(s.Blanks) > 0:
		return wayHand
	case len(s.Touches)+len(s.Restarts) == 0:
		return wayLook
	}
	return wayRun
}

const mendIndent = "    "

// alike is the steps from n on that differ in their objects only.
func (m *MendReport) alike(n int) []MendStep {
	end := n + 1
	for end < len(m.Steps) && m.Steps[n].like(m.Steps[end]) {
		end++
	}
	return m.Steps[n:end]
}

func (s MendStep) like(other MendStep) bool {
	if len(s.Mends) != 1 || len(other.Mends) != 1 || !s.Command || strings.Contains(s.Text+other.Text, "\n") {
		return false
	}
	plain := func(s MendStep) MendStep {
		s.Mends = []Mended{{Check: s.Mends[0].Check, Field: s.Mends[0].Field, Family: s.Mends[0].Family}}
		s.Text, s.Touches, s.DryRun.Undo, s.Follow = "", nil, nil, 0
		return s
	}
	return reflect.DeepEqual(plain(s), plain(other))
}

// mendSteps prints steps that are alike, or one: the numbers, what they mend, the
// commands, and what becomes of things.
func (p *printer) mendSteps(n int, alike []MendStep, files bool) {
	s := alike[0]
	first := s.Mends[0]
	number := fmt.Sprintf("%2d. ", n)
	if last := n + len(alike) - 1; last > n {
		number = fmt.Sprintf("%2d-%d. ", n, last)
	}
	p.wrapped(number+p.mark(markOf(s.Severity))+" ", first.words())
	p.wrapped(mendIndent, Escape(first.message))
	for _, other := range alike[1:] {
		s.Mends = append(slices.Clone(s.Mends), other.Mends...)
		s.Touches = append(slices.Clone(s.Touches), other.Touches...)
		s.Follow += other.Follow
	}
	p.alsoMends(s)
	if s.Follow > 0 {
		p.wrapped(mendIndent+"mends also: ", numberOf(s.Follow, "finding")+" that this explains")
	}
	if s.When != "" {
		p.wrapped(mendIndent+"only: ", Escape(s.When))
	}
	for _, one := range alike {
		p.mendText(one)
	}
	p.effects(s)
	for _, one := range alike {
		p.undo(one)
		if len(one.DryRun.Undo) == 0 {
			break
		}
	}
	if s.Command && !files {
		text := string(s.DryRun.Outcome)
		if s.DryRun.Detail != "" {
			text += ": " + s.DryRun.Detail
		}
		p.wrapped(mendIndent+"dry run: ", Escape(text))
	}
}

// effects prints what becomes of things. Of a step by hand its words tell.
func (p *printer) effects(s MendStep) {
	labelled := func(label, text string) { p.wrapped(mendIndent+label+": ", Escape(text)) }
	if s.Against > 0 {
		labelled("choose", fmt.Sprintf("this or step %d", s.Against))
	}
	if len(s.Touches) > 0 {
		labelled("touches", p.objectList(s.Touches))
	}
	for _, effect := range []struct {
		label string
		list  []string
	}{{"restarts", s.Restarts}, {"interrupts", s.Interrupts}} {
		switch {
		case len(effect.list) > 0:
			labelled(effect.label, strings.Join(effect.list, "; "))
		case !s.Unknown && s.way() != wayLook:
			labelled(effect.label, "nothing")
		}
	}
}

func (p *printer) undo(s MendStep) {
	switch {
	case len(s.DryRun.Undo) > 0:
		for _, command := range s.DryRun.Undo {
			p.line(mendIndent + "undo: " + Escape(command))
		}
	case s.Reversible:
		p.wrapped(mendIndent+"undo: ", "possible; a dry run in a cluster names the command")
	case s.Command && s.way() != wayLook:
		p.wrapped(mendIndent+"undo: ", "not by this tool: "+Escape(s.Reason))
	}
}

// mendText prints what is to be done.
func (p *printer) mendText(s MendStep) {
	lines := escapeLines(s.Text)
	if !s.Command && len(lines) == 1 {
		p.wrapped(mendIndent+"by hand: ", lines[0])
		return
	}
	if !s.Command {
		p.line(mendIndent + "by hand:")
	}
	for _, line := range lines {
		p.line(line)
	}
}

func (m Mended) words() string {
	text := m.Check + " " + Escape(m.Object.String())
	if m.Field != "" {
		text += " " + Escape(m.Field)
	}
	if m.Family.Valid() {
		text += " (" + m.Family.String() + ")"
	}
	return text
}

// alsoMends prints what else the step mends: the objects of each check.
func (p *printer) alsoMends(s MendStep) {
	var ids []string
	of := map[string][]string{}
	for _, m := range s.Mends[1:] {
		if len(of[m.Check]) == 0 {
			ids = append(ids, m.Check)
		}
		name := Escape(m.Object.String())
		if m.Object == s.Mends[0].Object && m.Field != "" {
			name = Escape(m.Field)
		}
		if !slices.Contains(of[m.Check], name) {
			of[m.Check] = append(of[m.Check], name)
		}
	}
	for _, id := range ids {
		names := checks.Some(of[id])
		if p.all {
			names = strings.Join(of[id], ", ")
		}
		p.wrapped(mendIndent+"mends also: ", id+" "+names)
	}
}

func (p *printer) objectList(objects []Object) string {
	var names []string
	for _, o := range objects {
		names = append(names, snapshot.Ref(o).String())
	}
	if p.all {
		return strings.Join(names, ", ")
	}
	return checks.Some(names)
}

func numberOf(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
