package cmd

import (
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks/catalog"
)

// complete gives the values of a flag to the shell. It never asks a server: a
// completion must be quick and quiet.
func complete(cmd *cobra.Command, flag string, values ...string) {
	register(cmd, flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

func register(cmd *cobra.Command, flag string, complete cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(flag, complete); err != nil {
		panic("completion of a flag that is not there: " + err.Error()) // a mistake of ours, which every test meets
	}
}

// completeChecks completes the ID of a check.
func completeChecks(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return checkWords(), cobra.ShellCompDirectiveNoFileComp
}

// completeCheckList completes the last of a list of checks that commas separate.
func completeCheckList(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	before := typed[:strings.LastIndexByte(typed, ',')+1]
	words := checkWords()
	for i := range words {
		words[i] = before + words[i]
	}
	for _, area := range catalog.Areas {
		words = append(words, before+area.Prefix+"\t"+area.Title)
	}
	return words, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

func checkWords() []string {
	var words []string
	for _, c := range catalog.All {
		words = append(words, c.ID+"\t"+c.Name)
	}
	return words
}

// completeKubeconfig completes the names that a kubeconfig has for the flags.
func completeKubeconfig(cmd *cobra.Command, config *genericclioptions.ConfigFlags) {
	names := func(pick func(clientcmdapi.Config) []string) cobra.CompletionFunc {
		return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			raw, err := config.ToRawKubeConfigLoader().RawConfig()
			if err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return pick(raw), cobra.ShellCompDirectiveNoFileComp
		}
	}
	register(cmd, "context", names(func(c clientcmdapi.Config) []string { return slices.Sorted(maps.Keys(c.Contexts)) }))
	register(cmd, "cluster", names(func(c clientcmdapi.Config) []string { return slices.Sorted(maps.Keys(c.Clusters)) }))
	register(cmd, "user", names(func(c clientcmdapi.Config) []string { return slices.Sorted(maps.Keys(c.AuthInfos)) }))
}
