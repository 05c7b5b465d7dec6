package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"

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
	var coded codedError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errFindings):
		return exitFindings
	case errors.Is(err, errUnsure):
		return exitTrouble
	case errors.As(err, &coded):
		fmt.Fprintln(stderr, report.EscapeText(strings.TrimSpace(coded.words)))
		return coded.code
	case errors.Is(err, context.Canceled):
		err = errors.New("interrupted")
	}
	fmt.Fprintf(stderr, "error: %s\n", report.EscapeText(err.Error()))
	return exitTrouble
}

// The exit codes of expose, whose first is that of kubectl expose.
const (
	exitLikeKubectl = 1 // the Service could not be made
	exitRefused     = 2 // a failure was foretold: nothing was made
	exitIncomplete  = 3 // the Service was made, and something of it is missing
)

// codedError is an error with words and a code of its own.
type codedError struct {
	error
	words string // with «error: », or whatever kubectl begins them with
	code  int
}

func (e codedError) Unwrap() error { return e.error }

func withCode(code int, err error) error {
	return codedError{error: err, words: "error: " + err.Error(), code: code}
}

// likeKubectl is an error in the words and with the code that kubectl has for it.
func likeKubectl(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	var words string
	cmdutil.BehaviorOnFatal(func(message string, _ int) { words = message })
	defer cmdutil.DefaultBehaviorOnFatal()
	cmdutil.CheckErr(err)
	return codedError{error: err, words: words, code: exitLikeKubectl}
}

// inWords is the errors of a command that goes on after one, as one: each in its own
// words, with the highest of their codes.
func inWords(err error) error {
	list := []error{err}
	if several, ok := errors.AsType[utilerrors.Aggregate](err); ok {
		list = utilerrors.Flatten(several).Errors()
	}
	var all codedError
	for _, one := range list {
		var coded codedError
		if !errors.As(one, &coded) && !errors.As(likeKubectl(one), &coded) {
			return one // none, or interrupted
		}
		all.words += strings.TrimSpace(coded.words) + "\n"
		all.code = max(all.code, coded.code)
	}
	all.error = err
	return all
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
