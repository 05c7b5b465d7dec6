package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/report"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/survey"
)

type importOptions struct {
	genericiooptions.IOStreams
	source  *planSource
	survey  surveyFlags
	name    string
	prefers []string
}

func newImportCommand(streams genericiooptions.IOStreams) *cobra.Command {
	o := &importOptions{IOStreams: streams, source: newPlanSource(streams.In)}
	cmd := &cobra.Command{
		Use:   "import",
		Short: "Write the address plan that a cluster is run by",
		Long: templates.LongDesc(`
			Write the address plan that the components of a cluster tell of, from its API server or
			from files: each range with a comment that says who says so. What no component knows,
			such as the prefix that the provider delegates, is left out, with a comment that says
			what to write.

			Where sources do not agree nothing is chosen: the field is left out, its candidates
			stand in a comment and on standard error. --prefer believes one source; it may be
			repeated, and the first one counts most.

			Exit status: 0 when all sources agree, 1 when some do not or could not be read, 2 when
			the plan could not be made.`),
		Example: templates.Examples(`
			# From the cluster of the current context
			kubectl dualstack plan import > plan.yaml

			# From files: manifests, kubeadm configuration, Helm values
			kubectl dualstack plan import -f ./cluster > plan.yaml

			# Cilium gives the pods their addresses, whatever kubeadm was told
			kubectl dualstack plan import --prefer cilium > plan.yaml`),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.survey.validate(cmd, false); err != nil {
				return usageError(cmd, err)
			}
			return o.Run(cmd.Context())
		},
	}
	flags := cmd.Flags()
	o.survey.add(cmd, "to import from instead of a cluster")
	flags.StringVar(&o.name, "name", "", "Name of the plan. That of the context, or imported, if unspecified.")
	flags.StringSliceVar(&o.prefers, "prefer", nil, "Source to believe where sources do not agree, as the comments name it: kubeadm-config, kube-controller-manager, cilium, pod/NAMESPACE/NAME, …")
	complete(cmd, "prefer", "kubeadm-config", "kube-apiserver", "kube-controller-manager", "ServiceCIDR", "kube-proxy", "cilium")
	o.source.addFlags(cmd)
	return cmd
}

// Run imports, prints the plan, and then says what it lacks.
func (o *importOptions) Run(ctx context.Context) error {
	snap, err := o.survey.read(ctx, o.source, o.IOStreams)
	if err != nil {
		return err
	}
	name := o.name
	if name == "" {
		name = "imported"
		if snap.Source.Live {
			name = snap.Source.Name
		}
	}
	got := survey.FromSnapshot(snap, survey.Options{Name: name, Prefer: o.prefers})
	for _, source := range o.prefers {
		if !slices.Contains(got.Sources, source) {
			return fmt.Errorf("--prefer %q: no source has this name; there are %s", source, strings.Join(names(got.Sources), ", "))
		}
	}
	for field, note := range got.Notes {
		got.Notes[field] = report.EscapeText(note) // of the cluster
	}
	if _, err := o.Out.Write(got.Text()); err != nil {
		return err
	}
	writeConflicts(o.ErrOut, got)
	if len(got.Conflicts) > 0 || len(got.Gaps) > 0 || len(snap.Problems) > 0 {
		return errFindings
	}
	return nil
}

// names is the sources that are no objects.
func names(sources []string) []string {
	return slices.DeleteFunc(slices.Clone(sources), func(s string) bool { return s == "" || strings.Contains(s, "/") })
}

// writeConflicts says what the sources do not agree on, and how to settle it.
func writeConflicts(w io.Writer, got survey.Import) {
	for _, c := range got.Conflicts {
		fmt.Fprintf(w, "conflict: %s\n", report.Escape(c.Field))
		for _, one := range c.Statements {
			fmt.Fprintf(w, "  %s: %s\n", report.Escape(one.Value), report.Escape(one.Source.String()))
		}
		for _, line := range c.Beside {
			fmt.Fprintf(w, "  %s\n", report.Escape(line))
		}
	}
	if len(got.Conflicts) > 0 {
		fmt.Fprintln(w, "write the fields of the conflicts into the plan, or import with --prefer SOURCE")
	}
}

// surveyFlags is from where a command reads a cluster: its API server or files.
type surveyFlags struct {
	files   []string
	timeout time.Duration
}

func (s *surveyFlags) add(cmd *cobra.Command, purpose string) {
	cmd.Flags().StringArrayVarP(&s.files, "filename", "f", nil, "File, archive, folder, or - for standard input, "+purpose+"; may be repeated.")
	cmd.Flags().DurationVar(&s.timeout, "timeout", 0, "How long reading may take, such as 30s; 0 leaves it to the size of the cluster.")
}

// validate refuses flags that contradict one another.
func (s *surveyFlags) validate(cmd *cobra.Command, planInCluster bool) error {
	live := clusterFlags(cmd.Flags(), planInCluster)
	switch {
	case len(s.files) > 0 && len(live) > 0:
		return fmt.Errorf("-f reads files and no cluster: leave out %s", strings.Join(live, ", "))
	case s.timeout < 0:
		return fmt.Errorf("--timeout %s: want a duration such as 30s", s.timeout)
	}
	return nil
}

// read is the snapshot of the files, or of the cluster that source reaches. What could
// not be read or understood is named on standard error.
func (s *surveyFlags) read(ctx context.Context, source *planSource, streams genericiooptions.IOStreams) (*snapshot.Snapshot, error) {
	if s.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.timeout)
		defer cancel()
	}
	snap, err := s.snapshot(ctx, source, streams)
	if err != nil {
		return nil, err
	}
	for _, p := range snap.Problems {
		fmt.Fprintln(streams.ErrOut, report.Escape(p.String()))
	}
	known := false
	for _, k := range survey.Kinds {
		g, gap := snap.Gap(k)
		known = known || k != snapshot.Versions && (!gap || g.Partial || g.Reason == snapshot.Unfilled)
		if gap && !g.Absent() && g.Reason != snapshot.Malformed { // what is malformed has its problems above
			fmt.Fprintln(streams.ErrOut, report.Escape("not read: "+g.String()))
		}
	}
	if !known {
		return nil, fmt.Errorf("%s: nothing that tells of addresses could be read", snap.Source.Name)
	}
	return snap, nil
}

func (s *surveyFlags) snapshot(ctx context.Context, source *planSource, streams genericiooptions.IOStreams) (*snapshot.Snapshot, error) {
	now := time.Now()
	if len(s.files) > 0 {
		in := input{files: s.files, stdin: streams.In}
		return in.read(now)
	}
	config, name, err := connect(source.config)
	if err != nil {
		return nil, err
	}
	watch := newProgress(streams.ErrOut)
	snap, err := snapshot.FromCluster(ctx, config, snapshot.ClusterOptions{
		Kinds: survey.Kinds, Depth: snapshot.Quick, Context: name, Now: now, Progress: watch.say,
	})
	watch.clear()
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return nil, fmt.Errorf("read %s: not done within --timeout %s", config.Host, s.timeout)
	}
	return snap, err
}
