package cmd

import (
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks/catalog"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/report"
)

type explainOptions struct {
	genericiooptions.IOStreams
	style *styleFlags
	check *checks.Check
}

func newExplainCommand(style *styleFlags, streams genericiooptions.IOStreams) *cobra.Command {
	o := &explainOptions{IOStreams: streams, style: style}
	return &cobra.Command{
		Use:   "explain ID|NAME",
		Short: "Explain a check: its claim, why it matters, and how to mend what it finds",
		Long: templates.LongDesc(`
			Explain a check: the claim that it holds a cluster to, what happens to whom where the
			claim does not hold, how that is mended, for which releases the rule holds and where
			it comes from, and which rights reading takes. No cluster is asked.`),
		Example: templates.Examples(`
			# What does DS501 mean?
			kubectl dualstack doctor explain DS501`),
		Args:              exactlyOne("ID or NAME"),
		ValidArgsFunction: completeChecks,
		RunE: func(_ *cobra.Command, args []string) error {
			if err := o.Complete(args); err != nil {
				return err
			}
			return o.Run()
		},
	}
}

// Complete finds the check.
func (o *explainOptions) Complete(args []string) error {
	check, ok := catalog.Find(args[0])
	if !ok {
		return fmt.Errorf("%q: no check has this ID or name; see: kubectl dualstack doctor list", args[0])
	}
	o.check = check
	return nil
}

// Run prints what the check has to say for itself.
func (o *explainOptions) Run() error {
	style, err := o.style.style(o.Out)
	if err != nil {
		return err
	}
	return report.Explain(o.Out, o.check, style)
}
