package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/report"
)

type checkOptions struct {
	genericiooptions.IOStreams
	style    *styleFlags
	source   *planSource
	usage    usageFlags
	releases map[plan.Component]*[]string
	host     bool
	docker   bool
	defaults bool
	against  []string
	output   string

	// Set by Complete.
	versions map[plan.Component][]release.Version
	format   report.Format
	print    report.Style
}

// allReleases is the value of --kubernetes and the like for every release that
// there is.
const allReleases = "all"

func newCheckCommand(style *styleFlags, streams genericiooptions.IOStreams) *cobra.Command {
	o := &checkOptions{IOStreams: streams, style: style, source: newPlanSource(streams.In), releases: map[plan.Component]*[]string{}}
	cmd := &cobra.Command{
		Use:   "check FILE...",
		Short: "Check address plans against releases, the cluster, this host and other clusters",
		Long: templates.LongDesc(`
			Check address plans: all that plan validate says, and how long the plan lasts: of
			nodes, pods, Services and load balancers, how many more there can be in each family,
			and which runs out first. With -f or --live by what a cluster has taken; otherwise by
			what the plan expects.

			On request by the limits of other releases than the plan's (--kubernetes 1.29,1.37 or
			--kubernetes all), and against what else has a use for the same addresses: this host,
			Docker, the defaults of other clusters, a cluster to be joined.

			Exit status: 0 when no plan has an error, 1 when one has, or a release that was named
			does not take it (of all, when none does), 2 when something cannot be read.`),
		Example: templates.Examples(`
			# Does the plan hold, and how long does it last?
			kubectl dualstack plan check plan.yaml

			# How much is left of it in the cluster of the current context?
			kubectl dualstack plan check plan.yaml --live

			# Which releases of Kubernetes take it?
			kubectl dualstack plan check plan.yaml --kubernetes all

			# Before the cluster is made: is any of it in use here?
			kubectl dualstack plan check plan.yaml --host --docker

			# Can it be joined with another one?
			kubectl dualstack plan check plan.yaml --against other-plan.yaml --defaults`),
		Args: oneOrMore("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.Complete(args); err != nil {
				return usageError(cmd, err)
			}
			return o.Run(cmd.Context(), args)
		},
	}
	o.addFlags(cmd)
	return cmd
}

func (o *checkOptions) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	for _, c := range []struct {
		component plan.Component
		name      string
	}{{plan.Kubernetes, "Kubernetes"}, {plan.Cilium, "Cilium"}, {plan.MetalLB, "MetalLB"}} {
		o.releases[c.component] = flags.StringSlice(string(c.component), nil,
			fmt.Sprintf("Release of %s to judge by instead of the plan's; several, or all, to compare them.", c.name))
	}
	flags.BoolVar(&o.host, "host", false, "Compare with the addresses and routes of this host; the routes of Linux only.")
	flags.BoolVar(&o.docker, "docker", false, "Compare with what Docker gives to containers: its defaults, and "+daemonConfig+" where it is.")
	flags.BoolVar(&o.defaults, "defaults", false, "Compare with the ranges that other clusters have by default.")
	flags.StringArrayVar(&o.against, "against", nil, "Plan of a cluster to be joined with this one; may be repeated.")
	addOutput(cmd, &o.output, report.Table, report.JSON, report.YAML)
	o.usage.add(cmd)
	o.source.addFlags(cmd)
}

// Complete reads the flags.
func (o *checkOptions) Complete(files []string) (err error) {
	if err := o.usage.validate(slices.Concat(files, o.against)...); err != nil {
		return err
	}
	o.versions = map[plan.Component][]release.Version{}
	for _, c := range plan.Components {
		if o.versions[c], err = parseReleases(c, *o.releases[c]); err != nil {
			return err
		}
	}
	if o.print, err = o.style.style(o.Out); err != nil {
		return err
	}
	o.format, err = parseOutput(o.output, report.Table, report.JSON, report.YAML)
	return err
}

func parseReleases(c plan.Component, texts []string) ([]release.Version, error) {
	if slices.Equal(texts, []string{allReleases}) {
		return c.Releases(), nil
	}
	var versions []release.Version
	for _, text := range texts {
		v, err := release.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("--%s %q: want a release such as %s, several with commas, or %s", c, text, c.Releases()[0], allReleases)
		}
		versions = append(versions, v)
	}
	return versions, nil
}

// Run judges every plan, and prints all of it before it fails.
func (o *checkOptions) Run(ctx context.Context, files []string) error {
	neighbours, err := o.neighbours(ctx)
	if err != nil {
		return err
	}
	usage, cluster, err := o.usage.usage(ctx, o.source.config, o.IOStreams)
	if err != nil {
		return err
	}
	var errs []error
	var plans []report.PlanInput
	failed := false
	for _, file := range files {
		name, text, err := o.source.read(ctx, file)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		in := report.PlanInput{Source: name}
		if in.Plan, in.Problems = plan.Parse(name, text); in.Plan == nil {
			errs = append(errs, fmt.Errorf("%s: not a plan that can be read", name))
		} else {
			in.Check = &report.PlanCheck{Usage: usage, Cluster: cluster, Neighbours: neighbours}
			failed = o.judge(&in, neighbours) || failed
		}
		failed = failed || hasError(in.Problems)
		plans = append(plans, in)
	}
	if err := report.BuildPlans(plans).Write(o.Out, o.format, o.print); err != nil {
		return err
	}
	switch {
	case len(errs) > 0:
		return errors.Join(errs...)
	case failed:
		return errFindings
	}
	return nil
}

// judge finds what is wrong with a plan, and reports whether releases that were
// named do not take it.
func (o *checkOptions) judge(in *report.PlanInput, neighbours []plan.Neighbour) (refused bool) {
	for _, c := range plan.Components {
		if n := len(o.versions[c]); n > 0 {
			in.Plan = in.Plan.With(c, o.versions[c][n-1])
		}
	}
	p := in.Plan
	problems := p.Validate()
	for _, c := range plan.Components {
		if len(o.versions[c]) < 2 {
			continue
		}
		_, verdicts := p.Across(c, o.versions[c])
		in.Check.Verdicts = append(in.Check.Verdicts, verdicts...)
		refused = refused || o.refused(c, verdicts)
		for _, v := range verdicts {
			problems = slices.DeleteFunc(problems, func(p plan.Problem) bool { return slices.Contains(v.Problems, p) })
		}
	}
	in.Problems = slices.Concat(in.Problems, problems, p.Collisions(slices.Concat(neighbours, p.NAT64())), p.Strain(in.Check.Usage))
	slices.SortStableFunc(in.Problems, func(a, b plan.Problem) int { return a.At.Line - b.At.Line })
	return refused
}

// refused reports whether a release that was named does not take the plan; where
// all are asked about, whether none does.
func (o *checkOptions) refused(c plan.Component, verdicts []plan.Verdict) bool {
	takes := func(v plan.Verdict) bool { return v.Takes() }
	if strings.Join(*o.releases[c], ",") == allReleases {
		return !slices.ContainsFunc(verdicts, takes)
	}
	return slices.ContainsFunc(verdicts, func(v plan.Verdict) bool { return !takes(v) })
}

// neighbours is what else has a use for addresses, as far as it was asked for.
func (o *checkOptions) neighbours(ctx context.Context) ([]plan.Neighbour, error) {
	var list []plan.Neighbour
	if o.host {
		host, err := readHost()
		if err != nil {
			return nil, fmt.Errorf("--host: %w", err)
		}
		list = append(list, host.Neighbours()...)
	}
	if o.docker {
		docker, err := readDocker()
		if err != nil {
			return nil, fmt.Errorf("--docker: %w", err)
		}
		list = append(list, docker...)
	}
	if o.defaults {
		list = append(list, plan.Defaults()...)
	}
	for _, file := range o.against {
		other, _, err := o.source.plan(ctx, file)
		if err != nil {
			return nil, fmt.Errorf("--against: %w", err)
		}
		list = append(list, other.Peer()...)
	}
	return list, nil
}
