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
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/render"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/report"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
)

// allTargets is the value of --for that stands for every target.
const allTargets = "all"

type renderOptions struct {
	genericiooptions.IOStreams
	source *planSource

	targets  []string
	versions []string
	nodes    []string
	balancer string
	cni      string
	folder   string
	force    bool

	// Set by Complete.
	file   string
	chosen []render.Target
	every  bool // whatever the plan is enough for
	given  render.Options
}

func newRenderCommand(streams genericiooptions.IOStreams) *cobra.Command {
	o := &renderOptions{IOStreams: streams, source: newPlanSource(streams.In)}
	cmd := &cobra.Command{
		Use:   "render FILE --for TARGET",
		Short: "Write what each component and the router are to be told",
		Long: templates.LongDesc(`
			Write, out of an address plan, what each component of the cluster and the router in
			front of it are to be told. Every value has a comment with the line of the plan that it
			comes from. What the plan does not tell is a placeholder such as ${NODE_IPV6}, and a note
			on standard error.

			One file goes to standard output, several into the folder of -d. A file that is there is
			not overwritten without --force, and each is written whole or not at all.

			Exit status: 0 when everything was written, 2 when not: the plan has errors, or lacks
			what a target needs.`),
		Example: templates.Examples(`
			# What kubeadm init is to be given
			kubectl dualstack plan render --for kubeadm plan.yaml

			# Everything for two nodes, into a folder
			kubectl dualstack plan render --for kubeadm,cilium,metallb plan.yaml -d cluster \
			  --node cp=192.168.16.20,2001:db8:7653:216::20 --node worker=192.168.16.21,2001:db8:7653:216::21

			# What the router is to be told, by the plan that the team keeps in the cluster
			kubectl dualstack plan render --for frr,radvd,nftables configmap/kube-system/dualstack-plan -d router

			# Values for an earlier Cilium, and pools for a MetalLB of before custom resources
			kubectl dualstack plan render --for cilium,metallb --version cilium=1.15,metallb=0.12 plan.yaml -d old`),
		Args: exactlyOne("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.Complete(cmd, args); err != nil {
				return err
			}
			return o.Run(cmd.Context())
		},
	}
	o.addFlags(cmd)
	o.source.addFlags(cmd)
	return cmd
}

func (o *renderOptions) addFlags(cmd *cobra.Command) {
	names := []string{allTargets}
	for _, t := range render.Targets {
		names = append(names, string(t))
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&o.targets, "for", nil, "What to write: "+strings.Join(names[1:], ", ")+", or all; may be repeated.")
	flags.StringSliceVar(&o.versions, "version", nil,
		"Release to write for, instead of the plan's or the latest: VERSION, or kubernetes=, cilium= or metallb=VERSION; v1beta3 or v1beta4 for kubeadm.")
	flags.StringArrayVar(&o.nodes, "node", nil, "A node, NAME=IPV4,IPV6; the first is the control plane. May be repeated.")
	flags.StringVar(&o.balancer, "load-balancer", "", "Who gives LoadBalancer Services their addresses: metallb or cilium. The default is metallb, or cilium with --for lb-ipam alone.")
	flags.StringVar(&o.cni, "cni", "cilium", "The network plug-in: cilium, in kube-proxy's place, or own, that of the distribution.")
	flags.StringVarP(&o.folder, "directory", "d", "", "Folder to write the files into.")
	flags.BoolVar(&o.force, "force", false, "Overwrite files that are there.")
	complete(cmd, "for", names...)
	complete(cmd, "load-balancer", string(render.ByMetalLB), string(render.ByCilium))
	complete(cmd, "cni", "cilium", "own")
}

// Complete reads the flags.
func (o *renderOptions) Complete(cmd *cobra.Command, args []string) error {
	o.file = args[0]
	if len(o.targets) == 0 {
		return usageError(cmd, fmt.Errorf("--for is missing: want %s, or all", targetNames()))
	}
	for _, name := range o.targets {
		if name == allTargets {
			o.chosen, o.every = slices.Clone(render.Targets), true
			break
		}
		t, err := render.ParseTarget(name)
		if err != nil {
			return fmt.Errorf("--for %w, or all", err)
		}
		if !slices.Contains(o.chosen, t) {
			o.chosen = append(o.chosen, t)
		}
	}
	var errs []error
	for _, text := range o.nodes {
		n, err := render.ParseNode(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("--node %w", err))
			continue
		}
		o.given.Nodes = append(o.given.Nodes, n)
	}
	for _, text := range o.versions {
		if err := o.version(text); err != nil {
			errs = append(errs, fmt.Errorf("--version %w", err))
		}
	}
	return errors.Join(append(errs, o.choices()...)...)
}

func targetNames() string {
	names := make([]string, len(render.Targets))
	for i, t := range render.Targets {
		names[i] = string(t)
	}
	return strings.Join(names, ", ")
}

// choices reads the flags that have few values.
func (o *renderOptions) choices() (errs []error) {
	switch b := render.Balancer(o.balancer); b {
	case "", render.ByMetalLB, render.ByCilium:
		o.given.Balancer = b
	default:
		errs = append(errs, fmt.Errorf("--load-balancer %q: want %s or %s", o.balancer, render.ByMetalLB, render.ByCilium))
	}
	switch o.cni {
	case "cilium", "own":
		o.given.OwnCNI = o.cni == "own"
	default:
		errs = append(errs, fmt.Errorf("--cni %q: want cilium or own", o.cni))
	}
	if o.balancer == "" && slices.Contains(o.chosen, render.LBIPAM) && !slices.Contains(o.chosen, render.MetalLB) {
		o.given.Balancer = render.ByCilium
	}
	return errs
}

// version reads one value of --version.
func (o *renderOptions) version(text string) error {
	name, number, named := strings.Cut(text, "=")
	if !named {
		number = text
	}
	if strings.HasPrefix(number, "v1beta") && (name == string(render.Kubeadm) || !named && slices.Contains(o.chosen, render.Kubeadm)) {
		o.given.KubeadmAPI = number
		return nil
	}
	component := render.Component(name)
	if c := render.Target(name).Component(); c != "" {
		component = c
	}
	if components := o.components(); !named && len(components) != 1 {
		return fmt.Errorf("%q: of what? write kubernetes=, cilium= or metallb= before it, such as cilium=1.20", text)
	} else if !named {
		component = components[0]
	}
	at := render.At(&o.given.Versions, component)
	if at == nil {
		return fmt.Errorf("%q: want kubernetes=, cilium= or metallb=", text)
	}
	v, err := release.Parse(number)
	if err != nil {
		return err
	}
	*at = v
	return nil
}

// components is what the targets have releases of.
func (o *renderOptions) components() []render.Component {
	var list []render.Component
	for _, t := range o.chosen {
		if c := t.Component(); c != "" && !slices.Contains(list, c) {
			list = append(list, c)
		}
	}
	return list
}

// Run renders everything before anything is written.
func (o *renderOptions) Run(ctx context.Context) error {
	p, _, err := o.source.plan(ctx, o.file)
	if err != nil {
		return err
	}
	if wrong := o.wrong(p); len(wrong) > 0 {
		return planErrors(p.Source(), wrong)
	}
	files, notes, err := o.render(p)
	if err != nil {
		return err
	}
	if err := o.write(files); err != nil {
		return err
	}
	for _, n := range notes {
		fmt.Fprintln(o.ErrOut, "note: "+report.Escape(n.String()))
	}
	return nil
}

// wrong is the errors of the plan, by the limits of the releases that it is rendered
// for.
func (o *renderOptions) wrong(p *plan.Plan) []plan.Problem {
	judged := *p
	for _, c := range render.Components {
		at := render.At(&judged.Versions, c)
		*at = render.At(&o.given.Versions, c).Or(*at)
	}
	return slices.DeleteFunc(judged.Validate(), func(problem plan.Problem) bool { return problem.Severity != severity.Error })
}

// render is the files of all targets, which have names of their own, and what is to be
// known about them. Of every target those are left out that the plan is not enough for.
func (o *renderOptions) render(p *plan.Plan) (files []render.File, notes []render.Note, err error) {
	if err := render.CheckNodes(p, o.given.Nodes); err != nil {
		return nil, nil, err
	}
	var errs []error
	for _, t := range o.chosen {
		f, n, err := render.Render(p, t, o.given)
		if err != nil && o.every {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				n = append(n, render.Note{Target: t, Message: "left out: " + strings.TrimPrefix(line, string(t)+": ")})
			}
		}
		files, notes, errs = append(files, f...), append(notes, n...), append(errs, err)
	}
	if o.every && len(files) > 0 {
		return files, notes, nil
	}
	return files, notes, errors.Join(errs...)
}

func (o *renderOptions) write(files []render.File) error {
	if o.folder == "" && len(files) == 1 {
		_, err := o.Out.Write(files[0].Content)
		return err
	}
	if o.folder == "" {
		names := make([]string, len(files))
		for i, f := range files {
			names[i] = f.Name
		}
		return fmt.Errorf("there are %d files: %s; name a folder for them with -d", len(files), strings.Join(names, ", "))
	}
	written, err := folder{path: o.folder, force: o.force}.write(files)
	for _, path := range written {
		fmt.Fprintln(o.Out, report.Escape(path))
	}
	return err
}
