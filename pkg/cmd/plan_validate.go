package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/report"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
)

type validateOptions struct {
	genericiooptions.IOStreams
	style  *styleFlags
	source *planSource
	output string

	// Set by Complete.
	files  []string
	format report.Format
	print  report.Style
}

func newValidateCommand(style *styleFlags, streams genericiooptions.IOStreams) *cobra.Command {
	o := &validateOptions{IOStreams: streams, style: style, source: newPlanSource(streams.In)}
	cmd := &cobra.Command{
		Use:   "validate FILE...",
		Short: "Check the arithmetic of address plans, and show what they have room for",
		Long: templates.LongDesc(`
			Check address plans: every problem of form and of arithmetic at once, each with its
			line and a fix, by the limits of the releases that the plan names. Then show how much
			of everything each plan has room for, by family. A cluster is asked for a plan that
			is in it, and for nothing else.

			Exit status: 0 when no plan has an error, 1 when one has, 2 when a file cannot be read
			or is no address plan.`),
		Example: templates.Examples(`
			# Does the plan hold, and for how many nodes?
			kubectl dualstack plan validate plan.yaml

			# The plan that the team keeps in the cluster
			kubectl dualstack plan validate configmap/kube-system/dualstack-plan`),
		Args: oneOrMore("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.Complete(args); err != nil {
				return err
			}
			return o.Run(cmd.Context())
		},
	}
	addOutput(cmd, &o.output, report.Table, report.JSON, report.YAML)
	o.source.addFlags(cmd)
	return cmd
}

// Complete reads the flags.
func (o *validateOptions) Complete(args []string) (err error) {
	o.files = args
	if o.print, err = o.style.style(o.Out); err != nil {
		return err
	}
	o.format, err = parseOutput(o.output, report.Table, report.JSON, report.YAML)
	return err
}

// Run judges every file, and prints all of it before it fails.
func (o *validateOptions) Run(ctx context.Context) error {
	var errs []error
	var plans []report.PlanInput
	failed := false
	for _, file := range o.files {
		name, text, err := o.source.read(ctx, file)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		p, problems := plan.Parse(name, text)
		if p == nil {
			errs = append(errs, fmt.Errorf("%s: not a plan that can be read", name))
		} else {
			problems = append(problems, p.Validate()...)
		}
		failed = failed || hasError(problems)
		plans = append(plans, report.PlanInput{Source: name, Plan: p, Problems: problems})
	}
	if err := report.BuildPlans(plans).Write(o.Out, o.format, o.print); err != nil {
		return err
	}
	switch {
	case len(errs) > 0:
		return errors.Join(errs...)
	case failed:
		return errFindings
	}
	return nil
}

func hasError(problems []plan.Problem) bool {
	return slices.ContainsFunc(problems, func(p plan.Problem) bool { return p.Severity == severity.Error })
}
