package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/mend"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/report"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// fixMode is what --fix does with the steps.
type fixMode string

const (
	fixPrint fixMode = "print"
	fixApply fixMode = "apply"
	fixDiff  fixMode = "diff"
	fixWrite fixMode = "write"
)

var fixModes = []fixMode{fixPrint, fixApply, fixDiff, fixWrite}

// fixFormats is how steps are printed.
var fixFormats = []report.Format{report.Table, report.Wide, report.JSON, report.YAML}

// fixing is the flags of --fix.
type fixing struct {
	mode string
	yes  bool

	// Set by the audit: what was read, and what came of it.
	snap    *snapshot.Snapshot
	results []checks.Result
}

func (f *fixing) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.mode, "fix", "", "Mend what is found: print the steps, apply those to the cluster that can be taken back, or show what would be written into files (diff), or write it.")
	cmd.Flags().BoolVar(&f.yes, "yes", false, "With --fix=apply, ask nothing.")
	complete(cmd, "fix", string(fixPrint), string(fixApply), string(fixDiff), string(fixWrite))
}

// validate refuses what contradicts the input.
func (f *fixing) validate(files []string, format report.Format) error {
	mode := fixMode(f.mode)
	switch {
	case f.mode != "" && !slices.Contains(fixModes, mode):
		return fmt.Errorf("--fix %q: want print, apply, diff or write", f.mode)
	case f.yes && mode != fixApply:
		return errors.New("--yes answers what --fix=apply asks, and nothing else asks")
	case mode == fixApply && len(files) > 0:
		return errors.New("--fix=apply changes a cluster, and -f reads files: use --fix=write for them")
	case (mode == fixWrite || mode == fixDiff) && len(files) == 0:
		return fmt.Errorf("--fix=%s writes files: name them with -f; a cluster takes --fix=apply", mode)
	case (mode == fixWrite || mode == fixDiff) && slices.Contains(files, "-"):
		return fmt.Errorf("--fix=%s: standard input cannot be written to: name the files with -f", mode)
	case mode == fixPrint && !slices.Contains(fixFormats, format):
		return fmt.Errorf("--fix=print prints table, wide, json or yaml; not %s", format)
	case mode == fixDiff && format != report.Table:
		return fmt.Errorf("--fix=diff prints a diff: leave out --output %s", format)
	}
	return nil
}

// mend does what --fix says with what was found.
func (o *doctorOptions) mend(ctx context.Context, r *report.Report, outcome error) error {
	steps := mend.Plan(o.fix.results, o.fix.snap)
	switch fixMode(o.fix.mode) {
	case fixApply:
		return o.applySteps(ctx, r, steps, outcome)
	case fixDiff, fixWrite:
		return o.writeSteps(ctx, steps, outcome)
	}
	var trials []mend.Trial
	if o.fix.snap.Source.Live {
		tries, err := o.tryAll(ctx, steps)
		if err != nil {
			return err
		}
		trials = outcomes(tries)
	}
	if err := report.BuildMend(r, steps, trials).Write(o.Out, o.format, o.print); err != nil {
		return err
	}
	return outcome
}
