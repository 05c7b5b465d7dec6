package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
)

// githubCommands is the workflow commands that make an annotation.
var githubCommands = map[severity.Severity]string{severity.Error: "error", severity.Warning: "warning", severity.Info: "notice"}

// writeGitHub prints an annotation for each finding, and one for the counts and for
// what was not checked: as commands to the runner of a workflow of GitHub Actions,
// which shows the first ten of each kind of a step, and all of them in its log.
//
// Every line is a command: the runner also obeys a command of its older form
// anywhere in a line that is none. Source: actions/runner,
// src/Runner.Common/ActionCommand.cs.
func (r *Report) writeGitHub(w io.Writer) error {
	var out bytes.Buffer
	for _, g := range r.unfolded() {
		for _, f := range g.findings {
			properties := []string{}
			if at := placeOf(f.Source); at.file != "" {
				properties = append(properties, "file="+githubProperty(at.file))
				if at.line > 0 {
					properties = append(properties, fmt.Sprintf("line=%d", at.line))
				}
			}
			properties = append(properties, "title="+githubProperty(g.result.ID+" "+g.result.Name))
			text := f.subject() + ": " + Escape(f.Message)
			if origin := g.origin(); origin != "" {
				text += "\n" + origin
			}
			if f.Fix != "" {
				text += "\nfix: " + EscapeText(f.Fix)
			}
			fmt.Fprintf(&out, "::%s %s::%s\n", githubCommands[f.Severity], strings.Join(properties, ","), githubData(text))
		}
	}
	lines := []string{r.Summary.words(", ")}
	for _, u := range r.uncheckedReasons() {
		lines = append(lines, fmt.Sprintf("%s: %s: %s", u.status, Escape(u.reason), strings.Join(u.ids(), ", ")))
	}
	fmt.Fprintf(&out, "::notice title=kubectl dualstack doctor::%s\n", githubData(strings.Join(lines, "\n")))
	_, err := w.Write(out.Bytes())
	return err
}

// githubData is the text of a command, and githubProperty the value of a property
// of one, as actions/toolkit escapes them (packages/core/src/command.ts).
func githubData(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

func githubProperty(s string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(githubData(Escape(s)))
}

// uncheckedReason is why checks were skipped or are unknown: all of one reason.
type uncheckedReason struct {
	status  checks.Status
	reason  string
	results []Result
}

func (u uncheckedReason) ids() []string {
	var ids []string
	for _, result := range u.results {
		ids = append(ids, result.ID)
	}
	return ids
}

// uncheckedReasons is the reasons of r in the order of the checks, those of skipped
// ones first.
func (r *Report) uncheckedReasons() []uncheckedReason {
	var list []uncheckedReason
	for _, status := range []checks.Status{checks.Skipped, checks.Unknown} {
		at := map[string]int{}
		for _, result := range r.Results {
			if result.Status != status {
				continue
			}
			i, ok := at[result.Reason]
			if !ok {
				i = len(list)
				at[result.Reason] = i
				list = append(list, uncheckedReason{status: status, reason: result.Reason})
			}
			list[i].results = append(list[i].results, result)
		}
	}
	return list
}
