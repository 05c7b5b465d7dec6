package cmd

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/kubernetes"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
	"k8s.io/kubectl/pkg/scheme"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/report"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
)

// maxConfigMap is how many bytes the values of a ConfigMap have at most.
// Source: kubernetes v1.37.2, pkg/apis/core/validation/validation.go
// ValidateConfigMap, pkg/apis/core/types.go MaxSecretSize.
const maxConfigMap = 1 << 20

type putOptions struct {
	genericiooptions.IOStreams
	source  *planSource
	printer *genericclioptions.PrintFlags
	force   bool
	manager string

	// Set by Complete.
	file   string
	ref    planRef
	dryRun cmdutil.DryRunStrategy
}

func newPutCommand(streams genericiooptions.IOStreams) *cobra.Command {
	o := &putOptions{IOStreams: streams, source: newPlanSource(streams.In), printer: genericclioptions.NewPrintFlags("").WithTypeSetter(scheme.Scheme)}
	cmd := &cobra.Command{
		Use:   "put FILE [configmap/NAMESPACE/NAME]",
		Short: "Keep an address plan in the cluster, for all who work on it",
		Long: templates.LongDesc(`
			Write an address plan to key plan.yaml of a ConfigMap, as the file has it, comments and
			all. Unless one is named it is ` + defaultPlan.String() + `. What else the
			ConfigMap has stays, and what somebody changes at the same time is not lost.

			The plan is checked before anything is written. One whose form is wrong is refused; one
			whose arithmetic is wrong, by the limits of the releases that it names, and a ConfigMap
			that holds something else than a plan, take --force.

			With --dry-run=client and -o yaml or json the ConfigMap is printed for other tools, and
			no cluster is asked.

			Exit status: 0 when the plan is there, 1 when it has errors and was not written, 2 when
			it could not be written.`),
		Example: templates.Examples(`
			# Keep the plan in the cluster, and judge by it from anywhere
			kubectl dualstack plan put plan.yaml
			kubectl dualstack doctor --plan ` + defaultPlan.String() + `

			# Would the API server take it?
			kubectl dualstack plan put plan.yaml configmap/network/homelab --dry-run=server

			# As a manifest
			kubectl dualstack plan put plan.yaml --dry-run=client -o yaml > plan-configmap.yaml`),
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 1 || len(args) > 2 {
				return usageError(cmd, fmt.Errorf("%d arguments: want FILE, and configmap/NAMESPACE/NAME if the plan is to be there", len(args)))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.Complete(cmd, args); err != nil {
				return usageError(cmd, err)
			}
			return o.Run(cmd.Context())
		},
	}
	cmd.Flags().BoolVar(&o.force, "force", false, "Write a plan that has errors, or into a ConfigMap that holds something else.")
	cmdutil.AddDryRunFlag(cmd)
	cmdutil.AddFieldManagerFlagVar(cmd, &o.manager, ourName)
	o.printer.AddFlags(cmd)
	complete(cmd, "dry-run", "none", "client", "server")
	o.source.addFlags(cmd)
	return cmd
}

// Complete reads the flags into values.
func (o *putOptions) Complete(cmd *cobra.Command, args []string) (err error) {
	o.file = args[0]
	if o.ref, err = refArgument(args[1:]); err != nil {
		return err
	}
	if o.dryRun, err = cmdutil.GetDryRunStrategy(cmd); err != nil {
		return err
	}
	_, err = o.printer.ToPrinter()
	return err
}

// Run checks the plan and writes it.
func (o *putOptions) Run(ctx context.Context) error {
	text, err := o.text(ctx)
	if err != nil {
		return err
	}
	if o.dryRun == cmdutil.DryRunClient && o.printer.OutputFlagSpecified() && *o.printer.OutputFormat != "name" {
		return o.print(o.ref.with(text), "created")
	}
	client, _, err := o.source.client()
	if err != nil {
		return err
	}
	m, did, err := o.write(ctx, client, text)
	if err != nil {
		return fmt.Errorf("%s: %w", o.ref, err)
	}
	return o.print(m, did)
}

// text is the plan, which can be used; with --force also one with errors.
func (o *putOptions) text(ctx context.Context) (string, error) {
	name, text, err := o.source.read(ctx, o.file)
	switch {
	case err != nil:
		return "", err
	case len(text) > maxConfigMap:
		return "", fmt.Errorf("%s has %d bytes: a ConfigMap holds at most %d", name, len(text), maxConfigMap)
	}
	p, problems := plan.Parse(name, text)
	if p == nil {
		return "", planErrors(name, problems)
	}
	found := 0
	for _, problem := range p.Validate() {
		if problem.Severity == severity.Error {
			found++
			fmt.Fprintln(o.ErrOut, report.Escape(name+":"+problem.Error()))
		}
	}
	if found > 0 && !o.force {
		fmt.Fprintln(o.ErrOut, report.Escape(fmt.Sprintf("not written: %s has %s; mend the plan, or write it all the same with --force", name, numberOf(found, "error"))))
		return "", errFindings
	}
	return string(text), nil
}

func numberOf(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// with is a ConfigMap that has the plan and nothing else.
func (r planRef) with(text string) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: r.namespace, Name: r.name,
			Labels: map[string]string{managedBy: ourName, component: "plan"},
		},
		Data: map[string]string{planKey: text},
	}
}

// write makes the ConfigMap or changes the one that is there, and says what it did.
func (o *putOptions) write(ctx context.Context, client kubernetes.Interface, text string) (*corev1.ConfigMap, string, error) {
	maps := client.CoreV1().ConfigMaps(o.ref.namespace)
	there, err := maps.Get(ctx, o.ref.name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		made := o.ref.with(text)
		if o.dryRun != cmdutil.DryRunClient {
			made, err = maps.Create(ctx, made, metav1.CreateOptions{FieldManager: o.manager, DryRun: o.dryRuns()})
			return made, "created", o.refused(err, "create")
		}
		return made, "created", nil
	}
	if err != nil {
		return nil, "", refusal(err, "get", "configmaps", o.ref.namespace)
	}
	key, err := o.key(there)
	switch {
	case err != nil:
		return nil, "", err
	case there.Data[key] == text:
		return there, "unchanged", nil
	}
	changed := there.DeepCopy() // its resourceVersion keeps what somebody else writes now
	if changed.Data == nil {
		changed.Data = map[string]string{}
	}
	changed.Data[key] = text
	delete(changed.BinaryData, key)
	if o.dryRun != cmdutil.DryRunClient {
		changed, err = maps.Update(ctx, changed, metav1.UpdateOptions{FieldManager: o.manager, DryRun: o.dryRuns()})
		return changed, "configured", o.refused(err, "update")
	}
	return changed, "configured", nil
}

// key is where the plan is in the ConfigMap, or is to be.
func (o *putOptions) key(m *corev1.ConfigMap) (string, error) {
	if _, ok := m.Data[planKey]; ok || len(m.Data)+len(m.BinaryData) == 0 {
		return planKey, nil
	}
	for key, text := range m.Data {
		// What is wrong with a text that is no plan does not matter here.
		if p, _ := plan.Parse("", []byte(text)); p != nil && len(m.Data)+len(m.BinaryData) == 1 {
			return key, nil
		}
	}
	if o.force {
		return planKey, nil
	}
	return "", fmt.Errorf("has no key %s, and holds something else: name another, or add the key with --force", planKey)
}

func (o *putOptions) dryRuns() []string {
	if o.dryRun == cmdutil.DryRunServer {
		return []string{metav1.DryRunAll}
	}
	return nil
}

// refused is an error of writing in other words, where there are better ones.
func (o *putOptions) refused(err error, verb string) error {
	switch {
	case err == nil:
		return nil
	case apierrors.IsConflict(err), apierrors.IsAlreadyExists(err):
		return errors.New("somebody else has changed it in the meantime, and nothing was written: look at it with «kubectl dualstack plan get», and try again")
	}
	return refusal(err, verb, "configmaps", o.ref.namespace)
}

// print says what was done, in the way of kubectl.
func (o *putOptions) print(m *corev1.ConfigMap, did string) error {
	o.printer.NamePrintFlags.Operation = did
	cmdutil.PrintFlagsWithDryRunStrategy(o.printer, o.dryRun)
	printer, err := o.printer.ToPrinter()
	if err != nil {
		return err
	}
	return printer.PrintObj(m, o.Out)
}
