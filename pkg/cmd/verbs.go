package cmd

import (
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// Verb is a command that does something, for documents that list them.
type Verb struct {
	Line  string // "kubectl dualstack plan validate FILE"
	Short string
}

// Verbs is every command that does something of its own, in the order of the help.
func Verbs() []Verb {
	return verbs(newRootCommand("kubectl dualstack", genericiooptions.IOStreams{}))
}

func verbs(c *cobra.Command) (list []Verb) {
	if c.Hidden {
		return nil
	}
	if c.Runnable() && c.HasParent() {
		_, args, _ := strings.Cut(c.Use, " ")
		list = append(list, Verb{Line: strings.TrimSpace(c.CommandPath() + " " + args), Short: c.Short})
	}
	for _, sub := range c.Commands() {
		list = append(list, verbs(sub)...)
	}
	return list
}
