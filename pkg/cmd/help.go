package cmd

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/report"
)

// connection is the annotation of flags that say how to reach an API server,
// which help lists by themselves: they are kubectl's own.
const connection = "connection"

func markConnection(flags *pflag.FlagSet, config *genericclioptions.ConfigFlags) {
	theirs := pflag.NewFlagSet(connection, pflag.ContinueOnError)
	config.AddFlags(theirs)
	theirs.VisitAll(func(f *pflag.Flag) {
		flags.Lookup(f.Name).Annotations = map[string][]string{connection: {"true"}}
	})
}

func isConnection(f *pflag.Flag) bool { return f.Annotations[connection] != nil }

// help prints the help of cmd, with the flags of the connection, which are kubectl's and
// known, in a list of their own. kubectl's template has one list of all.
func help(cmd *cobra.Command, w io.Writer) {
	width, _ := terminal(w)
	p := helpPrinter{w: w, width: lineWidth(width, os.LookupEnv)}
	for paragraph := range strings.SplitSeq(cmd.Long, "\n\n") {
		p.text(paragraph)
	}
	p.usage(cmd)
	p.section("Examples", cmd.Example)
	p.commands(cmd)
	ours, theirs := pflag.NewFlagSet("", 0), pflag.NewFlagSet("", 0)
	cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		if isConnection(f) {
			theirs.AddFlag(f)
		} else {
			ours.AddFlag(f)
		}
	})
	p.flags("Flags", ours)
	p.flags("Flags of every command", cmd.Root().PersistentFlags())
	p.flags("How to reach the cluster, as for kubectl", theirs)
}

type helpPrinter struct {
	w     io.Writer
	width int
}

func (p helpPrinter) text(paragraph string) {
	if paragraph = strings.TrimSpace(paragraph); paragraph == "" {
		return
	}
	for _, line := range report.Wrap(paragraph, p.width) {
		fmt.Fprintln(p.w, line)
	}
	fmt.Fprintln(p.w)
}

func (p helpPrinter) usage(cmd *cobra.Command) {
	fmt.Fprintln(p.w, "Usage:")
	if cmd.Runnable() {
		fmt.Fprintf(p.w, "  %s\n", cmd.UseLine())
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(p.w, "  %s COMMAND\n", cmd.CommandPath())
	}
}

func (p helpPrinter) section(title, text string) {
	if text == "" {
		return
	}
	fmt.Fprintf(p.w, "\n%s:\n", title)
	for line := range strings.Lines(text) {
		fmt.Fprintln(p.w, strings.TrimRight(line, " \n"))
	}
}

func (p helpPrinter) commands(cmd *cobra.Command) {
	var lines []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			lines = append(lines, fmt.Sprintf("  %-12s %s", c.Name(), c.Short))
		}
	}
	p.section("Commands", strings.Join(lines, "\n"))
}

func (p helpPrinter) flags(title string, flags *pflag.FlagSet) {
	if flags.HasAvailableFlags() {
		p.section(title, flags.FlagUsagesWrapped(p.width))
	}
}
