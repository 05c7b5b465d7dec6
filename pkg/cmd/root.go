// Package cmd is the command line: flags, kubeconfig, streams and exit codes.
// Each command is one file, and each fills an options struct in Complete, checks
// it in Validate and works in Run.
package cmd

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"
)

// completer is the name under which kubectl calls a plugin for completion.
const completer = "kubectl_complete-dualstack"

// Streams is where the commands read and write.
type Streams = genericiooptions.IOStreams

// Main runs the command line args, whose first word is the name of the program,
// and gives the code to exit with.
func Main(ctx context.Context, args []string, streams Streams) int {
	name, words := programName(args)
	root := newRootCommand(name, streams)
	root.SetArgs(words)
	return exitCode(root.ExecuteContext(ctx), streams.ErrOut)
}

// programName is how the program is called in its own help, and its arguments. A
// file kubectl-dualstack is called as the plugin that it is. A link named
// kubectl_complete-dualstack is what kubectl runs to complete a command line.
func programName(args []string) (string, []string) {
	if len(args) == 0 {
		return "kubectl dualstack", nil
	}
	name := strings.TrimSuffix(filepath.Base(args[0]), ".exe")
	if name == completer {
		return "kubectl dualstack", append([]string{cobra.ShellCompRequestCmd}, args[1:]...)
	}
	if verb, ok := strings.CutPrefix(name, "kubectl-"); ok {
		name = "kubectl " + verb
	}
	return name, args[1:]
}

func newRootCommand(name string, streams genericiooptions.IOStreams) *cobra.Command {
	root := &cobra.Command{
		Use:   "kubectl-dualstack",
		Short: "Audit a cluster of IPv4 and IPv6, and expose workloads in both",
		Long: templates.LongDesc(`
			Audit a cluster that runs IPv4 and IPv6 at once: what kubeadm, the control plane,
			the CNI and the load balancer say about the address ranges, whether they agree with
			one another and with the address plan, and what fails for whom where they do not.

			Expose workloads by Services that have an address of each family.`),
		Annotations:       map[string]string{cobra.CommandDisplayNameAnnotation: name},
		SilenceErrors:     true,
		SilenceUsage:      true,
		DisableAutoGenTag: true,
	}
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.ErrOut)
	style := &styleFlags{}
	style.add(root)
	root.AddCommand(
		newDoctorCommand(style, streams),
		newExposeCommand(style, streams),
		newTraceCommand(style, streams),
		newPlanCommand(style, streams),
		newVersionCommand(streams),
	)
	root.SetFlagErrorFunc(usageError)
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { help(cmd, streams.Out) })
	return root
}
