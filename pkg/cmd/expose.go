package cmd

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/cli-runtime/pkg/printers"
	"k8s.io/client-go/rest"
	kubectl "k8s.io/kubectl/pkg/cmd/expose"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
	"k8s.io/kubectl/pkg/util/completion"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/expose"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/report"
)

// exposable is what expose takes: kubectl's kinds, and those that it refuses.
var exposable = []string{"pod", "service", "replicationcontroller", "deployment", "replicaset", "statefulset", "daemonset"}

type exposeOptions struct {
	genericiooptions.IOStreams
	style   *styleFlags
	config  *genericclioptions.ConfigFlags
	factory cmdutil.Factory
	kubectl *kubectl.ExposeServiceFlags
	flags   exposeFlags

	// Set by Complete.
	plan       *plan.Plan                    // may be nil
	service    *kubectl.ExposeServiceOptions // kubectl's own, which builds the Service
	dryRun     cmdutil.DryRunStrategy
	piped      bool // whether what is printed is for a program: -o was given
	print      func(runtime.Object) error
	converting bool // Services that are there, instead of making one
	look       report.Style
	tty        bool // whether a person looks at standard output
	request    expose.Request
	// published is the families to publish the Service in, by --print-router.
	published ipfam.Set
	ports     []expose.Port
	manager   string // of fields
	save      bool   // --save-config
}

func newExposeCommand(style *styleFlags, streams genericiooptions.IOStreams) *cobra.Command {
	o := &exposeOptions{
		IOStreams: streams, style: style, kubectl: kubectl.NewExposeFlags(streams),
		config: genericclioptions.NewConfigFlags(true).WithDiscoveryBurst(300).WithDiscoveryQPS(50),
	}
	o.factory = cmdutil.NewFactory(cmdutil.NewMatchVersionFlags(o.config))
	cmd := &cobra.Command{
		Use:                   "expose (-f FILENAME | TYPE NAME | TYPE/NAME) [--port=[NAME=]PORT[:TARGET][/PROTOCOL]] [--lb]",
		DisableFlagsInUseLine: true,
		Short:                 "Give a workload one Service with an address of each family",
		Long: templates.LongDesc(`
			Give a workload one Service that has an address of each family, and with --lb a load
			balancer's address of each. All of kubectl expose's arguments and flags do what they do
			there; the Service differs by its families alone, which are RequireDualStack unless
			--family-policy says otherwise. StatefulSets, DaemonSets and custom resources with a
			scale can be exposed too.

			Before anything is written the API server is asked whether it would take the Service,
			and what becomes of it is foretold: whether Nodes and Pods have both addresses, who
			serves it, and for MetalLB which addresses it gets, or why it gets none. A failure that
			is foretold ends the command, unless --force is given; nothing has been made then.

			With --wait, the default for --lb on a terminal, the command comes back when the Service
			has both ClusterIPs, an address of each family and a ready endpoint in each family.

			Exit status: 0 when that is so; 1 when the Service could not be made, as of kubectl; 2
			when a failure was foretold, and nothing was made; 3 when the Service was made and
			something of it is missing still. It stays then, unless --rollback is given.`),
		Example: templates.Examples(`
			# An address of each family on the LAN for a Deployment
			kubectl dualstack expose deploy/nginx --port 80 --lb

			# Two ports by name, in the cluster alone, IPv6 first
			kubectl dualstack expose sts/db --port sql=5432:postgres --port metrics=9187 --families IPv6,IPv4

			# Addresses that are to be these
			kubectl dualstack expose deploy/web --port 443:8443 --lb --addresses 192.0.2.10,2001:db8::10

			# What would be made, and what would become of it
			kubectl dualstack expose deploy/web --port 80 --lb --dry-run=server -o yaml

			# A second family for a Service that is there, which keeps its address
			kubectl dualstack expose --upgrade svc/web --keep-addresses`),
		ValidArgsFunction: completion.SpecifiedResourceTypeAndNameCompletionFunc(o.factory, exposable),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.Complete(cmd, args); err != nil {
				return likeKubectl(err)
			}
			if err := o.Validate(cmd.Flags()); err != nil {
				return withCode(exitLikeKubectl, usageError(cmd, err))
			}
			return o.Run(cmd.Context(), cmd, args)
		},
	}
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return withCode(exitLikeKubectl, usageError(cmd, err)) })
	// What cobra says of deprecated flags goes where kubectl has it, and not into the result.
	cmd.SetOut(streams.ErrOut)
	o.addFlags(cmd)
	return cmd
}

// Complete reads the flags into values, those of kubectl by kubectl.
func (o *exposeOptions) Complete(cmd *cobra.Command, args []string) (err error) {
	// As kubectl does: what the API server warns of is said once, however often it is asked.
	rest.SetDefaultWarningHandler(rest.NewWarningWriter(o.ErrOut, rest.WarningWriterOptions{Deduplicate: true, Color: printers.AllowsColorOutput(o.ErrOut)}))
	if err := o.shorthands(); err != nil {
		return err
	}
	var plain bool
	if o.ports, plain, err = expose.ParsePorts(o.flags.ports); err != nil {
		return fmt.Errorf("--port %w", err)
	}
	o.kubectl.Port = numbers(o.ports)
	if plain && len(o.flags.ports) == 1 {
		o.kubectl.Port = o.flags.ports[0]
	}
	if err := o.readRequest(cmd.Context()); err != nil {
		return err
	}
	if o.flags.upgrade || o.flags.downgrade {
		o.kubectl.PrintFlags.NamePrintFlags.Operation = map[bool]string{true: "upgraded", false: "downgraded"}[o.flags.upgrade]
	}
	if o.service, err = o.kubectl.ToOptions(cmd, args); err != nil {
		return err
	}
	if err := o.service.Complete(o.factory); err != nil {
		return err
	}
	o.dryRun = o.service.DryRunStrategy
	o.piped = o.kubectl.PrintFlags.OutputFlagSpecified()
	printer := o.service.PrintObj
	o.print = func(obj runtime.Object) error { return printer(obj, o.Out) }
	o.manager = cmdutil.GetFlagString(cmd, "field-manager")
	o.save = cmdutil.GetFlagBool(cmd, cmdutil.ApplyAnnotationsFlag)
	if o.look, err = o.style.style(o.Out); err != nil {
		return err
	}
	_, o.tty = terminal(o.Out)
	return nil
}

// Validate refuses flags that contradict one another.
func (o *exposeOptions) Validate(flags *pflag.FlagSet) (err error) {
	if o.converting, err = o.converts(flags); err != nil {
		return err
	}
	if err := o.request.Validate(); err != nil {
		return err
	}
	if o.flags.traffic != "" && o.kubectl.Type != string(corev1.ServiceTypeLoadBalancer) && o.kubectl.Type != string(corev1.ServiceTypeNodePort) {
		return errors.New("--external-traffic-policy is for Services of type LoadBalancer or NodePort: give --lb or --node-port")
	}
	wait, err := o.waitFor()
	switch {
	case err != nil:
		return err
	case wait == 0 && o.dryRun == cmdutil.DryRunNone && (o.flags.probe || o.flags.rollback || o.flags.router != ""):
		return errors.New("--probe, --rollback and --print-router are about what is waited for: give --wait too")
	case o.flags.router != "":
		_, err := expose.Publish(o.flags.router, 0, expose.Published{})
		return prefixed("--print-router", err)
	}
	return nil
}

// prefixed is an error with the flag that it is about.
func prefixed(flag string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %w", flag, err)
}

// Run has kubectl build each Service, and makes it.
func (o *exposeOptions) Run(ctx context.Context, cmd *cobra.Command, args []string) error {
	m := &maker{exposeOptions: o, ctx: ctx}
	if o.converting {
		return inWords(m.convert(args))
	}
	m.hook()
	err := o.service.RunExpose(cmd, args)
	if runtime.IsNotRegisteredError(err) {
		err = m.exposeScaled(cmd, args)
	}
	return inWords(err)
}
