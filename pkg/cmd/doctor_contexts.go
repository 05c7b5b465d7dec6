package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/report"
)

func (o *doctorOptions) addContexts(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&o.contexts, "contexts", nil, "Contexts of the kubeconfig whose clusters are audited one after the other and printed side by side.")
	register(cmd, "contexts", func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		raw, err := o.config.ToRawKubeConfigLoader().RawConfig()
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		before := typed[:strings.LastIndexByte(typed, ',')+1]
		var names []string
		for name := range raw.Contexts {
			names = append(names, before+name)
		}
		slices.Sort(names)
		return names, cobra.ShellCompDirectiveNoFileComp
	})
}

func (o *doctorOptions) validateContexts() error {
	switch {
	case len(o.contexts) == 0:
		return nil
	case len(o.files) > 0:
		return errors.New("--contexts names clusters: leave out -f")
	case *o.config.Context != "" || *o.config.APIServer != "" || *o.config.ClusterName != "":
		return errors.New("--contexts names clusters: leave out --context, --cluster and --server")
	case o.watch.asked || o.migration.asked() || o.whatIf.supposed() || o.accept.baseline != "":
		return errors.New("--contexts audits clusters as they are: leave out --watch, --migrate-to, --if-applied, --against-version and --baseline")
	case !slices.Contains(report.ReportListFormats, o.format):
		_, err := report.ParseFormat(string(o.format), report.ReportListFormats...)
		return fmt.Errorf("--contexts with --output %w", err)
	}
	return nil
}

// inContext is the flags with another context. A ConfigFlags keeps what it has loaded, so
// that it is made anew.
func inContext(given *genericclioptions.ConfigFlags, name string) *genericclioptions.ConfigFlags {
	config := genericclioptions.NewConfigFlags(true)
	config.Namespace, config.CacheDir = nil, nil
	config.KubeConfig, config.Context = given.KubeConfig, &name
	config.AuthInfoName, config.Impersonate, config.ImpersonateUID, config.ImpersonateGroup = given.AuthInfoName, given.Impersonate, given.ImpersonateUID, given.ImpersonateGroup
	config.BearerToken, config.CertFile, config.KeyFile, config.CAFile = given.BearerToken, given.CertFile, given.KeyFile, given.CAFile
	config.Insecure, config.TLSServerName, config.Timeout, config.DisableCompression = given.Insecure, given.TLSServerName, given.Timeout, given.DisableCompression
	config.Username, config.Password = given.Username, given.Password
	return config
}

// runContexts audits each cluster. One that cannot be read ends the run, with the others
// not printed: a fleet that lacks one would look as if that one were in order.
func (o *doctorOptions) runContexts(ctx context.Context, named *plan.Plan) error {
	var reports []*report.Report
	var worst error
	for _, name := range o.contexts {
		one := *o
		one.config = inContext(o.config, name)
		r, outcome, err := one.audit(ctx, named)
		if err != nil {
			return fmt.Errorf("context %s: %w", name, err)
		}
		reports = append(reports, r)
		worst = cmp.Or(worst, outcome)
	}
	if err := report.NewFleet(reports).Write(o.Out, o.format, o.print); err != nil {
		return err
	}
	return worst
}
