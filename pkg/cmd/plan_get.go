package cmd

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/report"
)

// defaultPlan is where a team keeps its plan, if it says nothing else: beside
// kubeadm-config and cilium-config, which say the same.
var defaultPlan = planRef{namespace: "kube-system", name: "dualstack-plan"}

type getOptions struct {
	genericiooptions.IOStreams
	source *planSource
}

func newGetCommand(streams genericiooptions.IOStreams) *cobra.Command {
	o := &getOptions{IOStreams: streams, source: newPlanSource(streams.In)}
	cmd := &cobra.Command{
		Use:   "get [configmap/NAMESPACE/NAME]",
		Short: "Print the address plan that is kept in the cluster",
		Long: templates.LongDesc(`
			Print the address plan that a ConfigMap of the cluster has under key plan.yaml, or under
			its only key, as it was written there, comments and all. Unless one is named it is
			` + defaultPlan.String() + `.

			Exit status: 0; 1 when what is printed is no plan that can be read, with all reasons on
			standard error; 2 when there is none.`),
		Example: templates.Examples(`
			# Have a look at it, or a copy
			kubectl dualstack plan get
			kubectl dualstack plan get configmap/network/homelab > plan.yaml`),
		Args: atMostOneRef,
		RunE: func(cmd *cobra.Command, args []string) error {
			ref, err := refArgument(args)
			if err != nil {
				return usageError(cmd, err)
			}
			return o.Run(cmd.Context(), ref)
		},
	}
	o.source.addFlags(cmd)
	return cmd
}

// Run prints the plan, also one that cannot be used: it may be wanted to be mended.
func (o *getOptions) Run(ctx context.Context, ref planRef) error {
	name, text, err := o.source.read(ctx, ref.String())
	if err != nil {
		return err
	}
	if _, tty := terminal(o.Out); tty {
		text = []byte(report.EscapeText(string(text)) + "\n")
	}
	if _, err := o.Out.Write(text); err != nil {
		return err
	}
	p, problems := plan.Parse(name, text)
	if p != nil {
		return nil
	}
	for _, problem := range problems {
		fmt.Fprintln(o.ErrOut, report.Escape(name+":"+problem.Error()))
	}
	return errFindings
}

// atMostOneRef is what plan get takes.
func atMostOneRef(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usageError(cmd, fmt.Errorf("%d arguments: want one configmap/NAMESPACE/NAME at most", len(args)))
	}
	return nil
}

// refArgument is the ConfigMap that arguments name, or the default one.
func refArgument(args []string) (planRef, error) {
	if len(args) == 0 {
		return defaultPlan, nil
	}
	ref, ok := parsePlanRef(args[0])
	if !ok {
		return ref, fmt.Errorf("%q: want configmap/NAMESPACE/NAME", args[0])
	}
	return ref, ref.validate()
}
