package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks/catalog"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/report"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// noPlan is the value of --plan that keeps doctor from taking one that it finds.
const noPlan = "none"

type doctorOptions struct {
	genericiooptions.IOStreams
	style  *styleFlags
	config *genericclioptions.ConfigFlags

	files     []string
	plan      string
	only      []string
	skip      []string
	failOn    string
	strict    bool
	depth     string
	timeout   time.Duration
	output    string
	rbac      bool
	whatIf    whatIf
	migration migration
	accept    acceptance
	fix       fixing
	contexts  []string
	watch     watching

	// Set by Complete.
	chosen    []*checks.Check
	threshold severity.Severity // zero: no finding fails the run
	level     snapshot.Depth
	format    report.Format
	print     report.Style
	input     input
	live      []string // flags that are about a cluster and were given
}

func newDoctorCommand(style *styleFlags, streams genericiooptions.IOStreams) *cobra.Command {
	o := &doctorOptions{IOStreams: streams, style: style, config: genericclioptions.NewConfigFlags(true)}
	// What is read is the whole cluster, whatever is reported, and asks for no discovery
	// that could be cached.
	o.config.Namespace, o.config.CacheDir = nil, nil
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Audit the address ranges of a cluster, of both families",
		Long: templates.LongDesc(`
			Audit a cluster, from its API server or from files: whether all that it is made of
			agrees about the address ranges of both families, with the address plan if there is
			one, and what fails for whom where it does not. Without --fix nothing is ever written.

			--fix=print prints the steps that mend what was found instead of the report, each with
			what it touches, what restarts and whether it can be undone; a cluster is asked in a dry
			run whether it takes them. --fix=apply shows them, asks, and takes those that can be
			undone. --fix=write writes them into the files of -f.

			The audit is of the whole cluster; what may not be read is named, and the checks that
			need it are skipped or unknown, never passed.

			With --if-applied it is the audit of what would be there if files were applied, and
			with --against-version that of the same under other releases; what is new is told
			apart. With --migrate-to dual the steps to two families are printed instead.

			Exit status: 0 when nothing was found at or above --fail-on, 1 when something was
			(with --strict also when a check was skipped or is unknown), 2 when the audit could
			not be done.`),
		Example: templates.Examples(`
			# Audit the cluster of the current context
			kubectl dualstack doctor

			# Judge it by an address plan, and fail on warnings too
			kubectl dualstack doctor --plan plan.yaml --fail-on warning

			# Audit files: manifests, kubeadm configuration, Helm values of Cilium and MetalLB
			kubectl dualstack doctor -f ./cluster -f plan.yaml

			# What kubectl says now, through a pipe
			kubectl get nodes,services,endpointslices -A -o yaml | kubectl dualstack doctor -f -

			# What would be wrong if these files were applied?
			kubectl dualstack doctor --if-applied new.yaml

			# What breaks with the next releases?
			kubectl dualstack doctor --against-version kubernetes=1.37,cilium=1.20

			# The steps from one family to two, and how far each is
			kubectl dualstack doctor --migrate-to dual --plan plan.yaml

			# The load balancers alone, for a script
			kubectl dualstack doctor --only DS5 -o json

			# The steps that mend it; those of them that can be undone, taken
			kubectl dualstack doctor --fix=print
			kubectl dualstack doctor --fix=apply

			# The same for the manifests in a folder: first to look at
			kubectl dualstack doctor -f ./cluster --fix=diff`),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.Complete(cmd.Flags()); err != nil {
				return usageError(cmd, err)
			}
			if err := o.Validate(); err != nil {
				return usageError(cmd, err)
			}
			return o.Run(cmd.Context())
		},
	}
	o.addFlags(cmd)
	cmd.AddCommand(newListCommand(streams), newExplainCommand(style, streams))
	return cmd
}

func (o *doctorOptions) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVarP(&o.files, "filename", "f", nil, "File, archive, folder, or - for standard input, to audit instead of a cluster; may be repeated.")
	flags.StringVar(&o.plan, "plan", "", planFlag+" to judge by, or none. Without it an AddressPlan among the files is taken.")
	flags.StringSliceVar(&o.only, "only", nil, "Checks to run: IDs, names, or the beginning of an ID (DS5 is all of that area).")
	flags.StringSliceVar(&o.skip, "skip", nil, "Checks to leave out, named as for --only.")
	flags.StringVar(&o.failOn, "fail-on", "error", "Exit with 1 when there is a finding of this severity or worse: error, warning, info or none.")
	flags.BoolVar(&o.strict, "strict", false, "Exit with 1 also when a check was skipped or is unknown.")
	flags.StringVar(&o.depth, "depth", string(snapshot.Auto), fmt.Sprintf("How deep to read a cluster: quick leaves out Pods, deep reads them, auto reads up to %d.", snapshot.MaxAutoPods))
	flags.DurationVar(&o.timeout, "timeout", 0, "How long the whole audit may take, such as 30s; 0 leaves it to the size of the cluster.")
	o.accept.addFlags(cmd)
	o.fix.addFlags(cmd)
	o.addContexts(cmd)
	o.watch.addFlags(cmd)
	o.whatIf.addFlags(cmd)
	o.migration.addFlags(cmd)
	flags.BoolVar(&o.rbac, "print-rbac", false, "Print the roles with which the chosen checks can read a cluster, and no more, instead of an audit.")
	addOutput(cmd, &o.output, report.Formats...)
	complete(cmd, "fail-on", "error", "warning", "info", "none")
	complete(cmd, "depth", string(snapshot.Auto), string(snapshot.Quick), string(snapshot.Deep))
	register(cmd, "only", completeCheckList)
	register(cmd, "skip", completeCheckList)
	o.config.AddFlags(flags)
	markConnection(flags, o.config)
	completeKubeconfig(cmd, o.config)
}

// Complete reads the flags into values.
func (o *doctorOptions) Complete(flags *pflag.FlagSet) (err error) {
	if o.chosen, err = catalog.Select(o.only, o.skip); err != nil {
		return err
	}
	if o.threshold, err = parseThreshold(o.failOn); err != nil {
		return err
	}
	if o.level, err = snapshot.ParseDepth(o.depth); err != nil {
		return fmt.Errorf("--depth %w", err)
	}
	if o.format, err = parseOutput(o.output, report.Formats...); err != nil {
		return err
	}
	if o.print, err = o.style.style(o.Out); err != nil {
		return err
	}
	if err = o.accept.complete(); err != nil {
		return err
	}
	if err = o.whatIf.complete(); err != nil {
		return err
	}
	o.live = clusterFlags(flags, inCluster(o.plan))
	o.input = input{files: o.files, stdin: o.In}
	return nil
}

// parseThreshold reads --fail-on; none is the zero Severity.
func parseThreshold(s string) (severity.Severity, error) {
	if s == "none" {
		return 0, nil
	}
	threshold, err := severity.Parse(s)
	if err != nil {
		return 0, fmt.Errorf("--fail-on %q: want error, warning, info or none", s)
	}
	return threshold, nil
}

// clusterFlags is the flags that only an audit of a cluster has a use for and that were
// given. Those of the connection have another where the plan is in the cluster.
func clusterFlags(flags *pflag.FlagSet, planInCluster bool) []string {
	var given []string
	flags.Visit(func(f *pflag.Flag) {
		if isConnection(f) && !planInCluster || f.Name == "depth" {
			given = append(given, "--"+f.Name)
		}
	})
	return given
}

// Validate refuses flags that contradict one another.
func (o *doctorOptions) Validate() error {
	stdin := 0
	for _, f := range slices.Concat(o.files, o.whatIf.files, []string{o.plan}) {
		if f == "-" {
			stdin++
		}
	}
	switch {
	case len(o.files) > 0 && len(o.live) > 0:
		return fmt.Errorf("-f reads files and no cluster: leave out %s, or lay the files over the cluster with --if-applied", strings.Join(o.live, ", "))
	case stdin > 1:
		return fmt.Errorf("- is standard input, which can be read once")
	case len(o.chosen) == 0:
		return fmt.Errorf("--only and --skip leave no check to run")
	case o.timeout < 0:
		return fmt.Errorf("--timeout %s: want a duration such as 30s", o.timeout)
	case o.fix.mode != "" && (o.whatIf.supposed() || o.watch.asked || len(o.contexts) > 0 || o.migration.asked()):
		return errors.New("--fix mends what is there: leave out --if-applied, --against-version, --watch, --contexts and --migrate-to")
	}
	return cmp.Or(o.validateContexts(), o.watch.validate(o), o.migration.validate(o), o.fix.validate(o.files, o.format))
}

// Run audits and prints. The outcome is settled before anything is printed.
func (o *doctorOptions) Run(ctx context.Context) error {
	if o.rbac {
		return report.WriteRBAC(o.Out, o.chosen)
	}
	if o.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.timeout)
		defer cancel()
	}
	named, _, err := (&planSource{stdin: o.In, config: o.config}).flag(ctx, o.plan)
	if err != nil {
		return err
	}
	switch {
	case o.migration.asked():
		return o.migrate(ctx, named)
	case len(o.contexts) > 0:
		return o.runContexts(ctx, named)
	case o.watch.asked:
		return o.runWatch(ctx, named)
	}
	r, outcome, err := o.audit(ctx, named)
	if err != nil {
		return err
	}
	if o.fix.mode != "" {
		return o.mend(ctx, r, outcome)
	}
	if err := r.Write(o.Out, o.format, o.print); err != nil {
		return err
	}
	return outcome
}

// audit is the report, and whether what it says fails the run.
func (o *doctorOptions) audit(ctx context.Context, named *plan.Plan) (r *report.Report, outcome, err error) {
	found, err := o.read(ctx)
	if err != nil {
		return nil, nil, err
	}
	snap, supposed := o.whatIf.suppose(found)
	judge, err := o.judge(named, snap)
	if err != nil {
		return nil, nil, err
	}
	results := judge.run(o.chosen, snap)
	o.accept.apply(results, snap, o.ErrOut)
	if supposed != nil {
		before := judge.run(o.chosen, found)
		o.accept.apply(before, found, io.Discard) // its words are those about the results
		supposed.Comparison = checks.Compare(before, results)
	}
	outcome = verdict(o.whatIf.counted(results, supposed), o.threshold, o.strict)
	o.notes(snap, judge)
	if !anyKnown(snap, judge.plan) && (snap.Source.Live || !anyAudited(results)) {
		return nil, nil, nothingAudited(snap)
	}
	r = report.Build(report.Input{Plan: judge.plan, PlanFound: judge.found, Broken: judge.broken, Snapshot: snap, Results: results, Supposed: supposed, Tool: thisBuild().Version})
	o.fix.snap, o.fix.results = snap, results
	return r, outcome, nil
}

// read is the snapshot of the files, or of the cluster, with the files of
// --if-applied to be laid over it.
func (o *doctorOptions) read(ctx context.Context) (*snapshot.Snapshot, error) {
	now := time.Now()
	over, err := inTime(ctx, o, o.whatIf.files, func() (*snapshot.Overlay, error) { return o.overlay(now) })
	if err != nil {
		return nil, err
	}
	if len(o.files) == 0 {
		return o.readCluster(ctx, now, over)
	}
	o.input.over = over
	return inTime(ctx, o, o.files, func() (*snapshot.Snapshot, error) { return o.input.read(now) })
}

// inTime is what read answers of the files. It comes back at once when ctx ends, even
// where reading does not heed it, as with standard input.
func inTime[T any](ctx context.Context, o *doctorOptions, files []string, read func() (T, error)) (none T, err error) {
	type answer struct {
		of  T
		err error
	}
	done := make(chan answer, 1)
	go func() {
		of, err := read()
		done <- answer{of, err}
	}()
	select {
	case a := <-done:
		return a.of, a.err
	case <-ctx.Done():
		if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
			return none, fmt.Errorf("read %s: not done within --timeout %s", strings.Join(files, " "), o.timeout)
		}
		return none, ctx.Err()
	}
}

// kinds is what the chosen checks look at.
func kinds(chosen []*checks.Check) []snapshot.Kind {
	wanted := map[snapshot.Kind]bool{snapshot.Versions: true}
	for _, c := range chosen {
		for _, k := range slices.Concat(c.Needs, c.Uses) {
			wanted[k] = true
		}
	}
	var list []snapshot.Kind
	for _, k := range snapshot.AllKinds {
		if wanted[k] {
			list = append(list, k)
		}
	}
	return list
}

// verdict is whether the results fail the run.
func verdict(results []checks.Result, threshold severity.Severity, strict bool) error {
	if threshold != 0 && checks.Worst(results) >= threshold {
		return errFindings
	}
	if strict && slices.ContainsFunc(results, unchecked) {
		return errFindings
	}
	return nil
}

func unchecked(r checks.Result) bool { return r.Status == checks.Skipped || r.Status == checks.Unknown }

func anyAudited(results []checks.Result) bool {
	return slices.ContainsFunc(results, func(r checks.Result) bool { return !unchecked(r) })
}

// anyKnown reports whether there is any fact beside the server's version, or a plan
// among files: a report without one would read like that of a cluster without a
// fault.
func anyKnown(snap *snapshot.Snapshot, p *plan.Plan) bool {
	if !snap.Source.Live && p != nil {
		return true
	}
	return slices.ContainsFunc(snapshot.AllKinds, func(k snapshot.Kind) bool {
		g, gap := snap.Gap(k)
		return k != snapshot.Versions && (!gap || g.Partial && snap.Source.Live)
	})
}

func nothingAudited(snap *snapshot.Snapshot) error {
	if snap.Source.Live {
		return fmt.Errorf("%s: nothing to audit: nothing that was asked for could be read", snap.Source.Name)
	}
	return fmt.Errorf("%s: nothing to audit: no document in it is one that doctor knows", snap.Source.Name)
}
