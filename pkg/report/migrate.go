package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/migrate"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// MigrationInput is the path of a cluster to two families.
type MigrationInput struct {
	Snapshot *snapshot.Snapshot
	Plan     *plan.Plan // nil without one
	Path     *migrate.Path
}

// MigrationReport is what doctor --migrate-to dual says. Its JSON is documented by
// docs/schema/migrationreport.schema.json.
type MigrationReport struct {
	APIVersion string           `json:"apiVersion"`
	Kind       string           `json:"kind"`
	Source     Source           `json:"source"`
	Plan       string           `json:"plan"`  // its file; empty without one
	Keeps      ipfam.Family     `json:"keeps"` // stays the first
	Adds       ipfam.Family     `json:"adds"`
	Notes      []string         `json:"notes"`
	Summary    MigrationSummary `json:"summary"`
	Steps      []MigrationStep  `json:"steps"`
}

// MigrationSummary is how many steps there are of each status.
type MigrationSummary struct {
	Done      int `json:"done"`
	ToDo      int `json:"toDo"`
	NotNeeded int `json:"notNeeded"`
	NotSeen   int `json:"notSeen"`
}

// MigrationStep is one thing on the way.
type MigrationStep struct {
	ID      string         `json:"id"`
	Title   string         `json:"title"`
	Status  migrate.Status `json:"status"`
	Seen    string         `json:"seen"`
	Left    []Object       `json:"left"`
	Do      []string       `json:"do"`
	Again   string         `json:"again"` // what is made anew; empty for nothing
	Restart string         `json:"restart"`
	Effect  string         `json:"effect"`
	Undo    string         `json:"undo"`
	Sources []string       `json:"sources"`
}

// BuildMigration is the report of in.
func BuildMigration(in MigrationInput) *MigrationReport {
	r := &MigrationReport{
		APIVersion: APIVersion, Kind: "MigrationReport", Source: source(in.Snapshot), Keeps: in.Path.Keeps, Adds: in.Path.Adds,
		Notes: append([]string{}, in.Path.Notes...), Steps: []MigrationStep{},
		Summary: MigrationSummary{
			Done: in.Path.Count(migrate.Done), ToDo: in.Path.Count(migrate.ToDo),
			NotNeeded: in.Path.Count(migrate.NotNeeded), NotSeen: in.Path.Count(migrate.Unseen),
		},
	}
	if in.Plan != nil {
		r.Plan = in.Plan.Source()
	}
	for _, s := range in.Path.Steps {
		r.Steps = append(r.Steps, MigrationStep{ID: s.ID, Title: s.Title, Status: s.Status, Seen: s.Seen, Left: objects(s.Left), Do: append([]string{}, s.Do...),
			Again: s.Again, Restart: s.Restart, Effect: s.Effect, Undo: s.Undo, Sources: append([]string{}, s.Sources...)})
	}
	return r
}

// Write prints r as text, JSON or YAML.
func (r *MigrationReport) Write(w io.Writer, f Format, s Style) error {
	switch f {
	case JSON:
		return WriteJSON(w, r)
	case YAML:
		return WriteYAML(w, r)
	}
	p := newPrinter(s)
	p.all = f == Wide
	p.migration(r)
	return p.flush(w)
}

func (p *printer) migration(r *MigrationReport) {
	name := Escape(r.Source.Name)
	if r.Source.Server != "" && r.Source.Server != r.Source.Name {
		name += " " + Escape(r.Source.Server)
	}
	p.wrapped(fmt.Sprintf("%-9s", r.Source.Type), name)
	p.wrapped("adds     ", fmt.Sprintf("%s to %s, which stays the first family", r.Adds, r.Keeps))
	if r.Plan != "" {
		p.wrapped("plan     ", Escape(r.Plan))
	}
	for _, note := range r.Notes {
		p.wrapped(p.mark(markWarning)+" ", Escape(note))
	}
	next := true
	for i, s := range r.Steps {
		p.migrationStep(i+1, s, next && s.Status == migrate.ToDo)
		next = next && s.Status != migrate.ToDo
	}
	p.line("")
	if r.Summary.ToDo == 0 {
		p.wrapped("", "Then, in both families: kubectl dualstack doctor")
	}
	p.line(joined([]count{
		{r.Summary.ToDo, markWarning, "step to do", "steps to do"},
		{r.Summary.Done, markOK, "done", "done"},
		{r.Summary.NotNeeded, markSkipped, "not needed", "not needed"},
		{r.Summary.NotSeen, markUnknown, "not seen", "not seen"},
	}, p.or(" · ", ", ")))
}

func statusMark(s migrate.Status) mark {
	switch s {
	case migrate.Done:
		return markOK
	case migrate.NotNeeded:
		return markSkipped
	case migrate.Unseen:
		return markUnknown
	}
	return markWarning
}

// migrationStep prints a step: one that is done in two lines, others with all that
// they say.
func (p *printer) migrationStep(n int, s MigrationStep, next bool) {
	p.line("")
	title := s.Title
	if next {
		title += p.or(" ← next", " <- next")
	}
	p.wrapped(fmt.Sprintf("%2d. %s", n, p.or(p.mark(statusMark(s.Status))+" ", "")), title) // the next line has it in words
	indent := p.or("      ", "    ")
	labelled := func(label, text string) {
		if text != "" {
			p.wrapped(indent+label+": ", Escape(text))
		}
	}
	p.wrapped(indent+string(s.Status)+": ", Escape(s.Seen))
	for _, do := range s.Do {
		if migrate.Command(do) {
			p.line(indent + "  " + Escape(do)) // it is not broken: it is pasted
			continue
		}
		p.wrapped(indent+"  ", Escape(do))
	}
	labelled("made anew", s.Again)
	labelled("restarts", s.Restart)
	labelled("effect", s.Effect)
	labelled("undo", s.Undo)
	if p.all {
		labelled("source", strings.Join(s.Sources, "; "))
	}
}
