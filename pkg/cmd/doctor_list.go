package cmd

import (
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks/catalog"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/report"
)

type listOptions struct {
	genericiooptions.IOStreams
	output string
	format report.Format
}

func newListCommand(streams genericiooptions.IOStreams) *cobra.Command {
	o := &listOptions{IOStreams: streams}
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the checks of doctor",
		Long: templates.LongDesc(`
			List the checks of doctor: each has an ID that stays, a name, and the claim that it
			holds a cluster to. No cluster is asked.`),
		Example: templates.Examples(`
			# All checks
			kubectl dualstack doctor list

			# The names of the checks that need an address plan
			kubectl dualstack doctor list -o json | jq -r '.checks[] | select(.plan) | .name'`),
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := o.Complete(); err != nil {
				return err
			}
			return o.Run()
		},
	}
	addOutput(cmd, &o.output, report.Table, report.JSON, report.YAML)
	return cmd
}

// Complete reads the flags.
func (o *listOptions) Complete() (err error) {
	o.format, err = parseOutput(o.output, report.Table, report.JSON, report.YAML)
	return err
}

// Run prints the checks.
func (o *listOptions) Run() error {
	return report.WriteCatalog(o.Out, catalog.All, o.format)
}
