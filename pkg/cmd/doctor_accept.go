package cmd

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks/catalog"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/report"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// acceptance is what of the findings is to count, and how much.
type acceptance struct {
	suppress   []string
	files      []string
	baseline   string
	severities []string
	namespaces []string

	// Set by complete.
	list      []checks.Suppression
	known     *report.Baseline
	overrides map[string]severity.Severity // by the ID of the check
}

func (a *acceptance) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&a.suppress, "suppress", nil, "A finding that is not to count, and why: 'CHECK [OBJECT] [IPv4|IPv6] [until YYYY-MM-DD]: REASON'. May be repeated.")
	flags.StringArrayVar(&a.files, "suppress-file", nil, "A file with such lines; may be repeated.")
	flags.StringVar(&a.baseline, "baseline", "", "A report that -o json printed earlier: what is in it does not fail the run.")
	flags.StringSliceVar(&a.severities, "severity", nil, "Another severity for a check: DS112=warning.")
	flags.StringSliceVarP(&a.namespaces, "namespace", "n", nil, "Report only what concerns objects of these namespaces.")
	register(cmd, "severity", func(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
		ids, directive := completeChecks(cmd, nil, toComplete)
		return ids, directive | cobra.ShellCompDirectiveNoSpace
	})
}

// complete reads the values of the flags, and the files that they name.
func (a *acceptance) complete() error {
	for _, text := range a.suppress {
		s, err := checks.ParseSuppression(text, "--suppress")
		if err != nil {
			return fmt.Errorf("--suppress %w", err)
		}
		a.list = append(a.list, s)
	}
	for _, name := range a.files {
		data, err := os.ReadFile(name)
		if err != nil {
			return fmt.Errorf("--suppress-file: %w", err)
		}
		list, err := checks.ParseSuppressions(string(data), name)
		if err != nil {
			return fmt.Errorf("--suppress-file: %w", err)
		}
		a.list = append(a.list, list...)
	}
	for _, s := range a.list {
		if _, ok := catalog.Find(s.Check); !ok {
			return fmt.Errorf("%s: no check is %q; see: kubectl dualstack doctor list", s.From, s.Check)
		}
	}
	return errors.Join(a.completeBaseline(), a.completeSeverities())
}

func (a *acceptance) completeBaseline() error {
	if a.baseline == "" {
		return nil
	}
	data, err := os.ReadFile(a.baseline)
	if err != nil {
		return fmt.Errorf("--baseline: %w", err)
	}
	b, err := report.ParseBaseline(data)
	if err != nil {
		return fmt.Errorf("--baseline %s: %w", a.baseline, err)
	}
	a.known = &b
	return nil
}

func (a *acceptance) completeSeverities() error {
	a.overrides = map[string]severity.Severity{}
	for _, text := range a.severities {
		word, value, _ := strings.Cut(text, "=")
		c, ok := catalog.Find(word)
		if !ok {
			return fmt.Errorf("--severity %q: want CHECK=SEVERITY, such as DS112=warning; no check is %q", text, word)
		}
		level, err := severity.Parse(value)
		if err != nil {
			return fmt.Errorf("--severity %q: %w", text, err)
		}
		a.overrides[c.ID] = level
	}
	return nil
}

// apply settles what of the results counts: severities first, then what is suppressed,
// what follows from what, and what is in the namespaces. It says on stderr what of its
// rules came too late or was not needed.
func (a *acceptance) apply(results []checks.Result, snap *snapshot.Snapshot, stderr io.Writer) {
	note := func(format string, args ...any) {
		fmt.Fprintln(stderr, report.Escape(fmt.Sprintf(format, args...)))
	}
	for _, r := range results {
		if level, ok := a.overrides[r.Check.ID]; ok {
			for i := range r.Findings {
				r.Findings[i].Severity = level
			}
		}
	}
	annotated, err := checks.Annotated(snap)
	if err != nil {
		note("%s", err)
	}
	over, idle := checks.Suppress(results, slices.Concat(a.list, annotated), snap.Source.At)
	for _, s := range over {
		note("%s: suppresses nothing any more: it ended on %s: %s", s.From, s.Until.Format(time.DateOnly), s)
	}
	for _, s := range idle {
		note("%s: suppresses nothing: %s", s.From, s)
	}
	checks.Follow(results, catalog.Causes)
	if len(a.namespaces) > 0 {
		if n := checks.Within(results, a.namespaces); n > 0 {
			note("left out: %d findings that concern nothing in namespace %s", n, strings.Join(a.namespaces, ", "))
		}
	}
	if a.known != nil {
		if gone := a.known.Mark(results); gone > 0 {
			note("%s: %d of its findings are gone", a.baseline, gone)
		}
	}
}
