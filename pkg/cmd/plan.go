package cmd

import (
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"
)

func newPlanCommand(style *styleFlags, streams genericiooptions.IOStreams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Work with the address plan of a cluster",
		Long: templates.LongDesc(`
			Work with the address plan of a cluster: the ranges that it draws addresses from, of
			both families, and what each is for.`),
	}
	cmd.AddCommand(
		newInitCommand(streams),
		newValidateCommand(style, streams),
		newImportCommand(streams),
		newDiffCommand(style, streams),
		newShowCommand(style, streams),
		newGetCommand(streams),
		newPutCommand(streams),
		newRenderCommand(streams),
		newCheckCommand(style, streams),
		newRenumberCommand(style, streams),
	)
	return cmd
}
