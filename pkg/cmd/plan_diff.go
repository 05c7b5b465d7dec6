package cmd

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/report"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/survey"
)

type diffOptions struct {
	genericiooptions.IOStreams
	style  *styleFlags
	source *planSource
	survey surveyFlags
	output string

	// Set by Complete.
	plans  []string
	format report.Format
	print  report.Style
}

func newDiffCommand(style *styleFlags, streams genericiooptions.IOStreams) *cobra.Command {
	o := &diffOptions{IOStreams: streams, style: style, source: newPlanSource(streams.In)}
	cmd := &cobra.Command{
		Use:   "diff FILE [FILE]",
		Short: "Compare an address plan with the cluster, or with another plan",
		Long: templates.LongDesc(`
			What has to change for the cluster to become what the plan says: each setting of each
			component that differs, by family, and what the change costs: what is restarted, what is
			made anew, what cannot be changed at all. -f reads files instead of the cluster. With
			two plans: what has to change where the first is in force for the second to be.

			What could not be looked at, or no component tells, is unknown, and never the same.

			Exit status: 0 when all is the same, 1 when something differs or is unknown, 2 when
			nothing could be compared.`),
		Example: templates.Examples(`
			# What does the cluster have otherwise, and what would it take?
			kubectl dualstack plan diff plan.yaml

			# The same of files
			kubectl dualstack plan diff plan.yaml -f ./cluster

			# What does a change of the plan that is in force cost?
			kubectl dualstack plan diff configmap/kube-system/dualstack-plan plan.yaml`),
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 1 || len(args) > 2 {
				return usageError(cmd, fmt.Errorf("%d arguments: want one FILE, to compare with the cluster, or two", len(args)))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.Complete(cmd, args); err != nil {
				return usageError(cmd, err)
			}
			return o.Run(cmd.Context())
		},
	}
	o.survey.add(cmd, "to compare with instead of a cluster")
	addOutput(cmd, &o.output, report.DiffFormats...)
	o.source.addFlags(cmd)
	return cmd
}

// Complete reads the flags, and refuses those that contradict one another.
func (o *diffOptions) Complete(cmd *cobra.Command, args []string) (err error) {
	o.plans = args
	if o.format, err = parseOutput(o.output, report.DiffFormats...); err != nil {
		return err
	}
	if o.print, err = o.style.style(o.Out); err != nil {
		return err
	}
	stdin := 0
	for _, name := range slices.Concat(args, o.survey.files) {
		if name == "-" {
			stdin++
		}
	}
	switch {
	case stdin > 1:
		return fmt.Errorf("- is standard input, which can be read once")
	case len(args) == 2 && len(o.survey.files) > 0:
		return fmt.Errorf("-f is a cluster's files, and two plans are compared with each other: leave out one of them")
	}
	return o.survey.validate(cmd, slices.ContainsFunc(args, inCluster))
}

// Run compares, and prints. The outcome is settled before anything is printed.
func (o *diffOptions) Run(ctx context.Context) error {
	var plans []*plan.Plan
	for _, name := range o.plans {
		p, _, err := o.source.plan(ctx, name)
		if err != nil {
			return err
		}
		plans = append(plans, p)
	}
	want := plans[len(plans)-1]
	var d survey.Diff
	var now report.DiffSide
	if len(plans) == 2 {
		d, now = survey.Between(plans[0], want), planSide(plans[0])
	} else {
		snap, err := o.survey.read(ctx, o.source, o.IOStreams)
		if err != nil {
			return err
		}
		d, now = survey.Against(want, snap), clusterSide(snap)
	}
	if len(d.Differences) == 0 && d.Same == 0 {
		return fmt.Errorf("%s and %s: nothing in them can be compared", now.Name, want.Source())
	}
	if err := report.BuildDiff(d, now, planSide(want)).Write(o.Out, o.format, o.print); err != nil {
		return err
	}
	if len(d.Differences) > 0 || len(d.Unknown) > 0 {
		return errFindings
	}
	return nil
}

func planSide(p *plan.Plan) report.DiffSide {
	return report.DiffSide{Type: "plan", Name: p.Name, Source: p.Source()}
}

func clusterSide(snap *snapshot.Snapshot) report.DiffSide {
	if snap.Source.Live {
		return report.DiffSide{Type: "cluster", Name: snap.Source.Name, Source: snap.Source.Server}
	}
	return report.DiffSide{Type: "files", Name: snap.Source.Name}
}
