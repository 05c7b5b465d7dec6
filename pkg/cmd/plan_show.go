package cmd

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/report"
)

type showOptions struct {
	genericiooptions.IOStreams
	style  *styleFlags
	output string

	// Set by Complete.
	print report.Style
}

func newShowCommand(style *styleFlags, streams genericiooptions.IOStreams) *cobra.Command {
	o := &showOptions{IOStreams: streams, style: style}
	cmd := &cobra.Command{
		Use:   "show FILE",
		Short: "Draw an address plan as the tree of its prefixes",
		Long: templates.LongDesc(`
			Draw the ranges of an address plan as they nest, of both families: what each is for,
			how much it has room for and how much of that the plan expects, and what is free.

			Exit status: 0 when the plan was drawn, 2 when it could not be read. What is wrong
			with it is drawn too; plan check tells the whole of it.`),
		Example: templates.Examples(`
			# The tree on the terminal
			kubectl dualstack plan show plan.yaml`),
		Args: exactlyOne("FILE"),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := o.Complete(); err != nil {
				return err
			}
			return o.Run(args[0])
		},
	}
	cmd.Flags().StringVarP(&o.output, "output", "o", "", "Output format: wide; the default has no name.")
	complete(cmd, "output", report.TreeFormats()[1:]...)
	return cmd
}

// Complete reads the flags.
func (o *showOptions) Complete() (err error) {
	o.print, err = o.style.style(o.Out)
	return err
}

// Run draws the plan of a file.
func (o *showOptions) Run(file string) error {
	name, text, err := readNamed(file, o.In)
	if err != nil {
		return err
	}
	p, problems := plan.Parse(name, text)
	if p == nil {
		return errors.Join(planErrors(name, problems), fmt.Errorf("%s: not a plan that can be read", name))
	}
	return report.PlanTree{Source: name, Plan: p}.Write(o.Out, o.output, o.print)
}
