package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
	"k8s.io/kubectl/pkg/util/completion"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/report"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/trace"
)

// traceable is what trace takes: whatever has Pods.
var traceable = []string{"pod", "deployment", "statefulset", "daemonset", "service", "replicaset", "job"}

// defaultTiers is what --probe probes by when it is given no tiers: what runs already.
const defaultTiers = "agent,exec"

type traceOptions struct {
	genericiooptions.IOStreams
	style   *styleFlags
	config  *genericclioptions.ConfigFlags
	factory cmdutil.Factory

	to        string
	planFile  string
	probe     string
	image     string
	container string
	require   string
	diff      bool
	allNodes  bool
	output    string
	save      string
	replay    string
	timeout   time.Duration

	// Set by Complete.
	args      []string
	namespace string
	plan      *plan.Plan // may be nil
	planText  []byte     // for --save
	query     trace.Query
	tiers     []trace.Tier
	print     report.Style
}

func newTraceCommand(style *styleFlags, streams genericiooptions.IOStreams) *cobra.Command {
	o := &traceOptions{IOStreams: streams, style: style, config: genericclioptions.NewConfigFlags(true).WithDiscoveryBurst(300).WithDiscoveryQPS(50)}
	o.factory = cmdutil.NewFactory(cmdutil.NewMatchVersionFlags(o.config))
	cmd := &cobra.Command{
		Use:                   "trace (TYPE NAME | TYPE/NAME) [--to TARGET] [--probe[=TIERS]]",
		DisableFlagsInUseLine: true,
		Short:                 "Trace a Pod's paths over IPv4 and IPv6, side by side: predicted, observed, compared",
		Long: templates.LongDesc(`
			How does a packet of this Pod leave, once over IPv4 and once over IPv6: through what,
			with which source address, and does the answer come back? Of a workload one ready Pod
			is traced, and named.

			What is printed is predicted from the API alone, and each hop says how it is known:
			read, inferred by a rule, probed, or unknown. An address plan adds what is beyond the
			nodes. With --probe the target is tried over each family, and what was seen is laid
			beside the prediction; the first hop at which the two part is named.

			Tiers of --probe, each said before it is used: agent (exec in the network plugin's own
			Pod, to read), exec (in the Pod, with what its image has), ephemeral (an unprivileged
			ephemeral container, which stays listed in the Pod), sibling (a restricted Pod beside
			it), host (a Pod in the node's network). Nothing is installed in anybody's container,
			and what is created is labelled, ends by itself and is removed again.

			Exit status: 0 when the required families reach the target, 1 when one does not, 2
			when it cannot be told.`),
		Example: templates.Examples(`
			# The way to the internet of a Pod, by the API and an address plan
			kubectl dualstack trace pod/web -n shop --plan plan.yaml

			# The same, tried: by what already runs
			kubectl dualstack trace deploy/web --to ifconfig.example --probe

			# To a Service, and where the two families part
			kubectl dualstack trace pod/web --to svc/db:5432 --diff

			# Also from the node's network, to tell node, router and return path apart
			kubectl dualstack trace pod/web --to 192.0.2.10,2001:db8::10 --probe=agent,exec,host

			# One Pod of a DaemonSet on each node
			kubectl dualstack trace ds/agent --all-nodes --plan plan.yaml`),
		ValidArgsFunction: completion.SpecifiedResourceTypeAndNameCompletionFunc(o.factory, traceable),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.Complete(args); err != nil {
				return usageError(cmd, err)
			}
			if err := o.readPlan(cmd.Context()); err != nil {
				return err
			}
			if err := o.readTarget(); err != nil {
				return usageError(cmd, err)
			}
			if err := o.Validate(); err != nil {
				return usageError(cmd, err)
			}
			return o.Run(cmd.Context())
		},
	}
	o.addFlags(cmd)
	cmd.AddCommand(newTraceCleanupCommand(streams))
	return cmd
}

func (o *traceOptions) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&o.to, "to", "", "Target: internet, ADDRESS[:PORT] or one of each family with a comma between, svc/[NAMESPACE/]NAME[:PORT], pod/[NAMESPACE/]NAME[:PORT], HOST[:PORT]. The plan's echo service, or the internet, if unspecified. --probe tries port 80 of a host or an address that has none.")
	flags.StringVar(&o.planFile, "plan", "", planFlag+", which knows what is beyond the nodes.")
	flags.StringVar(&o.probe, "probe", "", "Try the target by these tiers: agent, exec, ephemeral, sibling, host, with commas between. "+defaultTiers+" when none is given.")
	flags.Lookup("probe").NoOptDefVal = defaultTiers
	flags.StringVar(&o.image, "image", "busybox:1.37", "Image of containers that a probe creates: with sh, and at best curl and traceroute.")
	flags.StringVarP(&o.container, "container", "c", "", "Container to exec in. The Pod's default one, if unspecified.")
	flags.StringVar(&o.require, "require", string(trace.RequireBoth), "Families that have to reach the target: 4, 6, both or any.")
	flags.BoolVar(&o.diff, "diff", false, "Print only where the two families part.")
	flags.BoolVar(&o.allNodes, "all-nodes", false, "One Pod of the workload on each node.")
	flags.StringVar(&o.save, "save", "", "File to write all of the evidence to, for --replay.")
	flags.StringVar(&o.replay, "replay", "", "Trace from a file that --save wrote, without a cluster.")
	flags.DurationVar(&o.timeout, "timeout", 30*time.Second, "How long all of it may take.")
	flags.StringVarP(&o.output, "output", "o", "", "Output format: "+strings.Join(report.TraceFormats()[1:], ", ")+". Columns for people, if unspecified.")
	complete(cmd, "output", report.TraceFormats()...)
	complete(cmd, "require", "4", "6", "both", "any")
	complete(cmd, "probe", "agent", "exec", "agent,exec", "agent,exec,host", "ephemeral", "sibling", "host")
	complete(cmd, "to", "internet", "svc/", "pod/")
	o.config.AddFlags(flags)
	markConnection(flags, o.config)
	completeKubeconfig(cmd, o.config)
	register(cmd, "namespace", completion.ResourceNameCompletionFunc(o.factory, "namespace"))
}

// Complete reads the flags into values.
func (o *traceOptions) Complete(args []string) (err error) {
	o.args = args
	if o.replay == "" {
		if o.namespace, _, err = o.factory.ToRawKubeConfigLoader().Namespace(); err != nil {
			return err
		}
	}
	if o.query.Require, err = trace.ParseRequirement(o.require); err != nil {
		return fmt.Errorf("--require %w", err)
	}
	if o.tiers, err = parseTiers(o.probe); err != nil {
		return fmt.Errorf("--probe: %w", err)
	}
	o.print, err = o.style.style(o.Out)
	return err
}

func (o *traceOptions) readPlan(ctx context.Context) (err error) {
	limited, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	if o.plan, o.planText, err = (&planSource{stdin: o.In, config: o.config}).flag(limited, o.planFile); err != nil {
		return o.inTime(limited, err)
	}
	return nil
}

// readTarget reads whereto to trace; the plan may say it.
func (o *traceOptions) readTarget() (err error) {
	if o.query.Target, err = o.target(); err != nil {
		return fmt.Errorf("--to %w", err)
	}
	return nil
}

// echoPort is where a service that answers with its caller's address listens.
const echoPort = 80

// target is where the packets go: to the plan's echo service, or some host of the
// internet, where nothing else is asked for.
func (o *traceOptions) target() (trace.Target, error) {
	to := o.to
	if to == "" {
		to = string(trace.ToInternet)
	}
	t, err := trace.ParseTarget(to, o.namespace)
	switch {
	case err != nil:
		return t, err
	case t.Kind == trace.ToInternet && o.plan != nil && o.plan.Echo != "":
		t.Name, t.Port = o.plan.Echo, echoPort
	case t.Port == 0 && len(o.tiers) > 0 && (t.Kind == trace.ToName || t.Kind == trace.ToAddress):
		t.Port = echoPort
	}
	return t, nil
}

// parseTiers reads --probe, into the order in which tiers are used.
func parseTiers(text string) ([]trace.Tier, error) {
	var asked []trace.Tier
	if text == "" || text == "none" {
		return nil, nil
	}
	for word := range strings.SplitSeq(text, ",") {
		t := trace.Tier(strings.TrimSpace(word))
		if !slices.Contains(trace.Tiers[:], t) {
			return nil, fmt.Errorf("%q: want agent, exec, ephemeral, sibling or host, with commas between", word)
		}
		asked = append(asked, t)
	}
	var tiers []trace.Tier
	for _, t := range trace.Tiers {
		if slices.Contains(asked, t) {
			tiers = append(tiers, t)
		}
	}
	return tiers, nil
}

func areTiers(text string) bool {
	tiers, err := parseTiers(text)
	return err == nil && len(tiers) > 0
}

// Validate refuses flags that contradict one another.
func (o *traceOptions) Validate() error {
	switch {
	case !slices.Contains(o.formats(), o.output):
		return fmt.Errorf("--output %q: want %s", o.output, strings.Join(o.formats()[1:], ", "))
	case o.replay != "" && (len(o.args) > 0 || o.to != "" || len(o.tiers) > 0 || o.save != "" || o.allNodes):
		return errors.New("--replay has all that it needs: leave out the Pod, --to, --probe, --save and --all-nodes")
	case o.probe == defaultTiers && len(o.args) > 1 && areTiers(o.args[len(o.args)-1]):
		return fmt.Errorf("--probe %[1]s: want --probe=%[1]s, with an equals sign", o.args[len(o.args)-1])
	case o.replay == "" && len(o.args) == 0:
		return errors.New("name a Pod, or a workload that has some: pod/NAME, deploy/NAME, svc/NAME")
	case o.allNodes && (len(o.tiers) > 0 || o.save != "" || o.diff):
		return errors.New("--all-nodes predicts: leave out --probe, --save and --diff")
	case o.diff && o.output != "":
		return errors.New("--diff is text: leave out --output")
	case len(o.tiers) > 0 && o.query.Target.Kind == trace.ToInternet && o.query.Target.Name == "":
		return errors.New("--probe needs a target that answers: --to HOST, --to ADDRESS, or a plan with spec.echo")
	case o.container != "" && !slices.Contains(o.tiers, trace.TierExec):
		return errors.New("--container is for --probe=exec")
	case o.timeout <= 0:
		return fmt.Errorf("--timeout %s: want a duration such as 30s", o.timeout)
	}
	return o.validateFamilies(o.query)
}

// formats is those of one trace, or of a fleet.
func (o *traceOptions) formats() []string {
	if o.allNodes {
		return report.FleetFormats()
	}
	return report.TraceFormats()
}

// validateFamilies refuses to ask for a family that the target, an address, is not of.
func (o *traceOptions) validateFamilies(q trace.Query) error {
	families := q.Target.Families()
	if families.Dual() {
		return nil
	}
	only := families.List()[0]
	switch required := map[trace.Requirement]ipfam.Family{trace.RequireV4: ipfam.V4, trace.RequireV6: ipfam.V6}[q.Require]; {
	case required == only.Other():
		return fmt.Errorf("--require %s: the target %s is %s", q.Require, q.Target.Text, only)
	case o.diff:
		return fmt.Errorf("--diff compares both families: the target %s is %s; name an address of each, with a comma between", q.Target.Text, only)
	}
	return nil
}

// errUnsure is not an error of the tool: it cannot be told whether the target is reached.
var errUnsure = errors.New("it cannot be told whether the target is reached")

// Run traces and prints. The outcome is settled before anything is printed.
func (o *traceOptions) Run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	if o.allNodes {
		return o.runFleet(ctx)
	}
	e, err := o.gather(ctx)
	if err != nil {
		return o.inTime(ctx, err)
	}
	if err := o.validateFamilies(e.Query); err != nil { // that of a file is known only now
		return err
	}
	t := e.trace()
	if o.diff {
		err = report.WriteTraceDiff(o.Out, t, o.print)
	} else {
		err = report.WriteTrace(o.Out, t, o.output, o.print)
	}
	if err == nil && o.save != "" { // the trace may not be had again: it is not lost with the file
		err = e.save(o.save)
	}
	if err != nil {
		return err
	}
	return traceOutcome(t.Outcome())
}

// inTime is an error in kubectl's words, but for one of a timeout or an interrupt, which
// the clients of the API server have each words of their own for.
func (o *traceOptions) inTime(ctx context.Context, err error) error {
	switch cause := ctx.Err(); {
	case errors.Is(cause, context.DeadlineExceeded):
		doing, _, _ := strings.Cut(err.Error(), ": no answer within ") // a limit of one request, which was not met
		return fmt.Errorf("not done within --timeout %s: %s", o.timeout, doing)
	case cause != nil:
		return cause
	}
	return troubled(err)
}

// troubled is an error in the words that kubectl has for it. Its exit status is never that of
// a family that fails.
func troubled(err error) error {
	var coded codedError
	if err = likeKubectl(err); errors.As(err, &coded) {
		coded.code = exitTrouble
		return coded
	}
	return err
}

// traceOutcome is the exit status of a verdict: what there is to say has been printed.
func traceOutcome(v trace.Verdict) error {
	switch v {
	case trace.Reaches:
		return nil
	case trace.Fails:
		return errFindings
	}
	return errUnsure
}
