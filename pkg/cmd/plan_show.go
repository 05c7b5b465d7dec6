package cmd

import (
	"context"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/report"
)

type showOptions struct {
	genericiooptions.IOStreams
	style  *styleFlags
	source *planSource
	usage  usageFlags
	output string

	// Set by Complete.
	print report.Style
}

func newShowCommand(style *styleFlags, streams genericiooptions.IOStreams) *cobra.Command {
	o := &showOptions{IOStreams: streams, style: style, source: newPlanSource(streams.In)}
	cmd := &cobra.Command{
		Use:   "show FILE",
		Short: "Draw an address plan as the tree of its prefixes",
		Long: templates.LongDesc(`
			Draw the ranges of an address plan as they nest, of both families: what each is for,
			how much it has room for and how much of that the plan expects, and what is free. With
			-f or --live, how much a cluster has taken: blocks of nodes, ClusterIPs, addresses of
			load balancers. What of it could not be read is said.

			Exit status: 0 when the plan was drawn, 2 when it could not be read. What is wrong
			with it is drawn too; plan check tells the whole of it.`),
		Example: templates.Examples(`
			# The tree on the terminal
			kubectl dualstack plan show plan.yaml

			# With what the cluster of the current context has taken of each range
			kubectl dualstack plan show plan.yaml --live

			# A drawing for the documentation, light and dark
			kubectl dualstack plan show plan.yaml -o svg > plan.svg`),
		Args: exactlyOne("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.Complete(args[0]); err != nil {
				return usageError(cmd, err)
			}
			return o.Run(cmd.Context(), args[0])
		},
	}
	cmd.Flags().StringVarP(&o.output, "output", "o", "", "Output format: "+strings.Join(report.TreeFormats()[1:], ", ")+"; without it the tree is drawn as text.")
	complete(cmd, "output", report.TreeFormats()[1:]...)
	o.usage.add(cmd)
	o.source.addFlags(cmd)
	return cmd
}

// Complete reads the flags.
func (o *showOptions) Complete(file string) (err error) {
	if err := o.usage.validate(file); err != nil {
		return err
	}
	if err := report.CheckTreeFormat(o.output); err != nil {
		return err
	}
	o.print, err = o.style.style(o.Out)
	return err
}

// Run draws the plan of a file.
func (o *showOptions) Run(ctx context.Context, file string) error {
	p, _, err := o.source.plan(ctx, file)
	if err != nil {
		return err
	}
	usage, cluster, err := o.usage.usage(ctx, o.source.config, o.IOStreams)
	if err != nil {
		return err
	}
	t := report.PlanTree{Source: p.Source(), Plan: p, Usage: usage, Cluster: cluster}
	return t.Write(o.Out, o.output, o.print)
}
