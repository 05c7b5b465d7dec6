package cmd

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/report"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// usageFlags is where a plan's verb reads what a cluster has given out: nowhere,
// unless it is told.
type usageFlags struct {
	files []string
	live  bool
	depth string
}

func (f *usageFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVarP(&f.files, "filename", "f", nil, "File, archive, folder, or - for standard input, with objects of a cluster, whose addresses are counted; may be repeated.")
	flags.BoolVar(&f.live, "live", false, "Count the addresses of the cluster that kubeconfig and flags name.")
	flags.StringVar(&f.depth, "depth", string(snapshot.Auto), fmt.Sprintf("How deep to read a cluster: quick leaves out Pods, deep reads them, auto reads up to %d.", snapshot.MaxAutoPods))
	complete(cmd, "depth", string(snapshot.Auto), string(snapshot.Quick), string(snapshot.Deep))
}

// validate refuses flags that contradict one another; plans is the files of plans.
func (f *usageFlags) validate(plans ...string) error {
	stdin := 0
	for _, file := range slices.Concat(f.files, plans) {
		if file == "-" {
			stdin++
		}
	}
	switch {
	case f.live && len(f.files) > 0:
		return fmt.Errorf("-f reads files and --live a cluster: leave out one of them")
	case stdin > 1:
		return fmt.Errorf("- is standard input, which can be read once")
	}
	if _, err := snapshot.ParseDepth(f.depth); err != nil {
		return fmt.Errorf("--depth %w", err)
	}
	return nil
}

// usage is what is taken, and in what; nil when nothing is to be read. What the
// files have that is not understood is said on standard error.
func (f *usageFlags) usage(ctx context.Context, config *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) (*plan.Usage, string, error) {
	var snap *snapshot.Snapshot
	var err error
	switch {
	case f.live:
		snap, err = f.readCluster(ctx, config, streams.ErrOut)
	case len(f.files) > 0:
		in := input{files: f.files, stdin: streams.In}
		snap, err = in.read(time.Now())
	default:
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	for _, problem := range snap.Problems {
		fmt.Fprintln(streams.ErrOut, report.Escape(problem.String()))
	}
	usage := snap.Usage()
	if !usage.NodesKnown && !usage.PodsKnown && len(usage.Taken) == 0 && len(usage.Unknown) > 0 {
		return nil, "", fmt.Errorf("%s: nothing to count: %s", snap.Source.Name, unknownText(usage))
	}
	return usage, snap.Source.Name, nil
}

func unknownText(u *plan.Usage) string {
	var reasons []string
	for _, use := range []plan.Use{plan.Pods, plan.Services, plan.LoadBalancers} {
		if reason := u.Unknown[use]; reason != "" && !slices.Contains(reasons, reason) {
			reasons = append(reasons, reason)
		}
	}
	return strings.Join(reasons, ", ")
}

func (f *usageFlags) readCluster(ctx context.Context, flags *genericclioptions.ConfigFlags, stderr io.Writer) (*snapshot.Snapshot, error) {
	config, name, err := connect(flags)
	if err != nil {
		return nil, err
	}
	depth, err := snapshot.ParseDepth(f.depth)
	if err != nil {
		return nil, fmt.Errorf("--depth %w", err)
	}
	watch := newProgress(stderr)
	defer watch.clear()
	return snapshot.FromCluster(ctx, config, snapshot.ClusterOptions{
		Kinds: append([]snapshot.Kind{snapshot.Versions}, snapshot.UsageKinds...), Depth: depth, Context: name, Now: time.Now(), Progress: watch.say,
	})
}
