package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/report"
)

// The exit codes.
const (
	exitOK       = 0
	exitFindings = 1 // there are findings at or above --fail-on
	exitTrouble  = 2 // the tool could not do its work
)

// errFindings is not an error of the tool: what there is to say has been printed.
var errFindings = errors.New("there are findings at or above the threshold")

// exitCode maps the outcome of a command to the exit code, and prints errors. It
// is the only place that does either.
func exitCode(err error, stderr io.Writer) int {
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errFindings):
		return exitFindings
	case errors.Is(err, context.Canceled):
		err = errors.New("interrupted")
	}
	fmt.Fprintf(stderr, "error: %s\n", report.EscapeText(err.Error()))
	return exitTrouble
}

// usageError adds to an error of the command line where its help is.
func usageError(cmd *cobra.Command, err error) error {
	return fmt.Errorf("%w\nsee '%s --help'", err, cmd.CommandPath())
}

// exactlyOne and oneOrMore are what a command takes, by the name of its argument.
func exactlyOne(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usageError(cmd, fmt.Errorf("%d arguments: want one %s", len(args), what))
		}
		return nil
	}
}

func oneOrMore(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usageError(cmd, fmt.Errorf("no arguments: want one %s or more", what))
		}
		return nil
	}
}
