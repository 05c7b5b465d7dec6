package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/survey"
)

// DiffFormats is the formats of a PlanDiff, the default first.
var DiffFormats = []Format{Table, Wide, JSON, YAML}

// PlanDiff is how what is there differs from what a plan says, and what it costs to
// change it.
type PlanDiff struct {
	APIVersion  string           `json:"apiVersion"`
	Kind        string           `json:"kind"`
	Now         DiffSide         `json:"now"`
	Plan        DiffSide         `json:"plan"`
	Differences []PlanDifference `json:"differences"`
	Unknown     []DiffUnknown    `json:"unknown"`
	// Uncompared is the fields of the plan that no component of a cluster knows.
	Uncompared []string    `json:"uncompared"`
	Summary    DiffSummary `json:"summary"`
}

// DiffSide is one of the two that are compared.
type DiffSide struct {
	Type   string `json:"type"`   // "cluster", "files" or "plan"
	Name   string `json:"name"`   // of the context, the paths as given, or the plan
	Source string `json:"source"` // the server's URL, or the plan's file
}

// PlanDifference is one setting that is not what the plan says.
type PlanDifference struct {
	Component string   `json:"component"` // empty of a field that no component has
	Setting   string   `json:"setting"`   // the component's own word
	Object    Object   `json:"object"`    // the first one, where several have the setting so
	Objects   int      `json:"objects"`
	Source    string   `json:"source"` // FILE:LINE
	Field     string   `json:"field"`  // of the plan
	Family    string   `json:"family"` // empty where it is about both
	Change    string   `json:"change"`
	Now       []string `json:"now"`
	Plan      []string `json:"plan"`
	Cost      *Cost    `json:"cost"` // nil when no rule is known
}

// Cost is what it takes to change a setting in a running cluster.
type Cost struct {
	Effort  string `json:"effort"`
	Restart string `json:"restart"` // what is started anew or re-created
	Effect  string `json:"effect"`
	Undo    string `json:"undo"`
	Source  string `json:"source"`
}

// DiffUnknown is something that could not be compared.
type DiffUnknown struct {
	Field  string `json:"field"` // empty when it is about several
	Reason string `json:"reason"`
}

// DiffSummary counts settings.
type DiffSummary struct {
	Different int `json:"different"`
	Same      int `json:"same"`
	Unknown   int `json:"unknown"`
}

// BuildDiff is the report of a comparison.
func BuildDiff(d survey.Diff, now, want DiffSide) *PlanDiff {
	r := &PlanDiff{
		APIVersion: APIVersion, Kind: "PlanDiff", Now: now, Plan: want,
		Differences: []PlanDifference{}, Unknown: []DiffUnknown{}, Uncompared: append([]string{}, d.Unknowable...),
		Summary: DiffSummary{Different: len(d.Differences), Same: d.Same, Unknown: len(d.Unknown)},
	}
	for _, one := range d.Differences {
		r.Differences = append(r.Differences, difference(one))
	}
	for _, u := range d.Unknown {
		r.Unknown = append(r.Unknown, DiffUnknown(u))
	}
	return r
}

func difference(one survey.Difference) PlanDifference {
	row := PlanDifference{
		Component: one.Component, Setting: one.Setting, Object: Object(one.Source.Ref), Objects: one.Objects, Source: one.Source.At.String(),
		Field: one.Field, Change: string(one.Change), Now: append([]string{}, one.Now...), Plan: append([]string{}, one.Plan...),
	}
	if one.Family.Valid() {
		row.Family = one.Family.String()
	}
	if c := one.Cost; c != nil {
		row.Cost = &Cost{Effort: c.Effort.String(), Restart: c.Restart, Effect: c.Effect, Undo: c.Undo, Source: c.Source}
	}
	return row
}

// Write prints r.
func (r *PlanDiff) Write(w io.Writer, f Format, s Style) error {
	switch f {
	case JSON:
		return WriteJSON(w, r)
	case YAML:
		return WriteYAML(w, r)
	}
	p := newPrinter(s)
	p.all = f == Wide
	p.planDiff(r)
	return p.flush(w)
}

func (p *printer) planDiff(r *PlanDiff) {
	p.labelled("now", p.side(r.Now))
	p.labelled("plan", p.side(r.Plan))
	if len(r.Differences) > 0 {
		p.line("")
		p.wrapped("", r.direction())
		p.line("")
		p.differencesOf(r.Differences)
		p.costs(r.Differences)
	}
	if len(r.Unknown) > 0 {
		p.line("")
		p.line("UNKNOWN")
		for _, u := range r.Unknown {
			text := p.safe(u.Reason)
			if u.Field != "" {
				text = u.Field + ": " + text
			}
			p.wrapped(p.mark(markUnknown)+" ", text)
		}
	}
	p.line("")
	if len(r.Uncompared) > 0 {
		p.wrapped("", "not compared, since no component knows it: "+strings.Join(r.Uncompared, ", "))
	}
	p.line(r.Summary.text())
}

func (p *printer) side(s DiffSide) string {
	text := s.Type + " " + p.safe(s.Name)
	if s.Source != "" && s.Source != s.Name {
		text += " " + p.safe(s.Source)
	}
	return text
}

// direction says which of the two is to become the other.
func (r *PlanDiff) direction() string {
	switch r.Now.Type {
	case "cluster":
		return "To make the cluster what the plan says, change:"
	case "files":
		return "To make the cluster of these files what the plan says, change:"
	}
	return "To make a cluster of the plan of now what the other plan says, change:"
}

func (s DiffSummary) text() string {
	differ := "settings differ"
	if s.Different == 1 {
		differ = "setting differs"
	}
	return fmt.Sprintf("%d %s · %d the same · %d unknown", s.Different, differ, s.Same, s.Unknown)
}

// differencesOf prints the differences side by side, or one below the other where they
// do not fit: an address is never cut.
func (p *printer) differencesOf(list []PlanDifference) {
	g := &grid{header: []string{"COMPONENT", "FAMILY", "NOW", "PLAN", "COST"}}
	for i, d := range list {
		first, same := sameField(list, i)
		if first {
			g.add(d.Field, "", "", "", "")
		}
		now, want := d.Now, d.Plan
		if same {
			now, want = nil, nil
		}
		for j := range max(len(now), len(want), 1) {
			cells := []string{"", "", p.nth(now, j), p.nth(want, j), ""}
			if same {
				cells[2], cells[3] = "", ""
			}
			if j == 0 {
				cells[0], cells[1], cells[4] = "  "+p.place(d), d.Family, p.effort(d)
			}
			g.add(cells...)
		}
	}
	text, err := g.text()
	if err == nil && (p.Width == 0 || p.all || widest(text) <= p.Width) {
		p.grid(g)
		return
	}
	for i, d := range list {
		first, same := sameField(list, i)
		if first {
			p.line(d.Field)
		}
		if !same {
			p.wrapped("  now   ", p.ranges(d.Now))
			p.wrapped("  plan  ", p.ranges(d.Plan))
		}
		p.wrapped("    "+p.effortMark(d)+" ", strings.Join(nonEmpty(p.place(d), d.Family), " ")+": "+p.effortText(d))
	}
}

// sameField is whether the i-th difference is the first one of its field, and whether
// the one before it is of the same field with the same ranges.
func sameField(list []PlanDifference, i int) (first, same bool) {
	if i == 0 || list[i-1].Field != list[i].Field {
		return true, false
	}
	before := list[i-1]
	return false, slices.Equal(before.Now, list[i].Now) && slices.Equal(before.Plan, list[i].Plan)
}

func nonEmpty(words ...string) []string {
	return slices.DeleteFunc(words, func(w string) bool { return w == "" })
}

func (p *printer) ranges(list []string) string {
	if len(list) == 0 {
		return p.dash()
	}
	return p.safe(strings.Join(list, ", "))
}

// nth is the i-th text of a list, or a dash for a list that has none.
func (p *printer) nth(list []string, i int) string {
	switch {
	case i < len(list):
		return p.safe(list[i])
	case i == 0:
		return p.dash()
	}
	return ""
}

// place is the component with its setting, and the object where it is one of a kind.
func (p *printer) place(d PlanDifference) string {
	if d.Component == "" {
		return "no component"
	}
	text := d.Component + " " + d.Setting
	switch {
	case d.Objects > 1:
		text += fmt.Sprintf(" (%d)", d.Objects)
	case d.Object.Name != "" && slices.Contains([]string{"metallb", "lb-ipam", "nodes", "ciliumnodes"}, d.Component):
		text += " " + d.Object.Name
	}
	return p.safe(text)
}

// effort is the cost in a word or two, with its mark.
func (p *printer) effort(d PlanDifference) string {
	return p.gutter(effortOf(d)) + p.effortText(d)
}

func (p *printer) effortMark(d PlanDifference) string {
	return strings.TrimRight(p.gutter(effortOf(d)), " ")
}

func (p *printer) effortText(d PlanDifference) string {
	switch {
	case d.Component == "":
		return "none"
	case d.Cost == nil:
		return "not known"
	}
	return d.Cost.Effort
}

func effortOf(d PlanDifference) mark {
	switch {
	case d.Component == "":
		return markOK
	case d.Cost == nil:
		return markUnknown
	}
	return markOfEffort(d.Cost.Effort)
}

func markOfEffort(effort string) mark {
	switch effort {
	case plan.Impossible.String():
		return markError
	case plan.Recreates.String():
		return markWarning
	case plan.Restarts.String():
		return markInfo
	}
	return markOK
}

// costs tells what each change takes, once for both families.
func (p *printer) costs(list []PlanDifference) {
	var told []string
	for _, d := range list {
		if d.Cost == nil || d.Cost.Effect == "" {
			continue
		}
		c := *d.Cost
		title := fmt.Sprintf("%s %s, %s: %s", d.Component, settingWithoutFamily(d.Setting), d.Change, c.Effort)
		if c.Restart != "" {
			title += ": " + c.Restart
		}
		if slices.Contains(told, title) {
			continue
		}
		if len(told) == 0 {
			p.line("")
			p.line("COSTS")
		}
		told = append(told, title)
		p.wrapped(p.mark(markOfEffort(c.Effort))+" ", p.safe(title))
		p.wrapped("    ", p.safe(c.Effect))
		if c.Undo != "" {
			p.wrapped("    back: ", p.safe(c.Undo))
		}
		if p.all {
			p.wrapped("    source: ", p.safe(c.Source))
		}
	}
}

// settingWithoutFamily is the setting of both families.
func settingWithoutFamily(setting string) string {
	for _, f := range ipfam.All {
		setting = strings.ReplaceAll(setting, strings.ToLower(f.String()), "ip*")
	}
	return setting
}
