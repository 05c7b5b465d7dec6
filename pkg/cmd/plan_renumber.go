package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/renumber"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/report"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

type renumberOptions struct {
	genericiooptions.IOStreams
	style  *styleFlags
	source *planSource

	delegated string
	files     []string
	live      bool
	folder    string
	inPlace   bool
	force     bool
	output    string

	// Set by Complete.
	to     netip.Prefix
	format report.Format
}

// toFiles reports whether files are written, so that standard output is free for
// the report.
func (o *renumberOptions) toFiles() bool { return o.folder != "" || o.inPlace }

func newRenumberCommand(style *styleFlags, streams genericiooptions.IOStreams) *cobra.Command {
	o := &renumberOptions{IOStreams: streams, style: style, source: newPlanSource(streams.In)}
	cmd := &cobra.Command{
		Use:   "renumber FILE --delegated PREFIX",
		Short: "Carry an address plan, files and a cluster over to another prefix of the provider",
		Long: templates.LongDesc(`
			Carry an address plan over to another prefix of the provider. Every IPv6 address and
			prefix in the old one goes to the same place in the new one; comments, order and
			spelling stay. With -f, so it goes in other files of the site: manifests, values,
			frr.conf, zones. Then say what changed, which addresses of Services do, and what is to
			be done in a running cluster, in which order, with what restarts and whether it can be
			undone.

			The new plan goes to standard output and the rest to standard error, unless files are
			written: to a folder with -d, or where they are with --in-place.

			A longer prefix has not room for everything. Then nothing is written, and each range
			without room is named.

			Exit status: 0 when the plan has moved, 1 when a range has no room, 2 when something
			cannot be read or written.`),
		Example: templates.Examples(`
			# The new plan, and what is to be done
			kubectl dualstack plan renumber plan.yaml --delegated 2001:db8:beef:4400::/56

			# With the files of the site, into a folder
			kubectl dualstack plan renumber plan.yaml --delegated 2001:db8:beef:4400::/56 -f site/ -d moved/

			# Which addresses of Services of this cluster change?
			kubectl dualstack plan renumber plan.yaml --delegated 2001:db8:beef:4400::/56 --live >/dev/null`),
		Args: exactlyOne("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.Complete(args[0]); err != nil {
				return usageError(cmd, err)
			}
			return o.Run(cmd.Context(), args[0])
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.delegated, "delegated", "", "IPv6 prefix that the provider routes to the site from now on.")
	flags.StringArrayVarP(&o.files, "filename", "f", nil, "File or folder of the site to carry over too; may be repeated. Objects of a cluster in it tell which addresses change.")
	flags.BoolVar(&o.live, "live", false, "Read Services from the cluster that kubeconfig and flags name.")
	flags.StringVarP(&o.folder, "directory", "d", "", "Folder to write the plan and the files that change to.")
	flags.BoolVar(&o.inPlace, "in-place", false, "Rewrite the plan and the files where they are.")
	flags.BoolVar(&o.force, "force", false, "Overwrite what the folder of -d has.")
	addOutput(cmd, &o.output, report.Table, report.JSON, report.YAML)
	o.source.addFlags(cmd)
	return cmd
}

// Complete reads the flags.
func (o *renumberOptions) Complete(file string) (err error) {
	var errs []error
	if o.delegated == "" {
		errs = append(errs, errors.New("--delegated is missing: the prefix that the provider routes to the site from now on"))
	}
	errs = append(errs, prefixWord("--delegated", o.delegated, ipfam.V6, &o.to))
	if o.inPlace && o.folder != "" {
		errs = append(errs, errors.New("-d writes to a folder and --in-place where files are: leave out one of them"))
	}
	if o.force && o.folder == "" {
		errs = append(errs, errors.New("--force is for what the folder of -d has"))
	}
	if o.inPlace && (file == "-" || inCluster(file)) {
		errs = append(errs, fmt.Errorf("--in-place: %s is no file; plan put keeps a plan in a cluster", file))
	}
	if slices.Contains(o.files, "-") {
		errs = append(errs, errors.New("-f -: want files or folders, which have names"))
	}
	if o.format, err = parseOutput(o.output, report.Table, report.JSON, report.YAML); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Run moves everything first, and writes only when all of it has moved.
func (o *renumberOptions) Run(ctx context.Context, file string) error {
	p, text, err := o.source.plan(ctx, file)
	if err != nil {
		return err
	}
	change, problems := renumber.Plan(p, text, o.to)
	if change == nil {
		return o.refused(p, problems)
	}
	site, err := siteFiles(o.files)
	if err != nil {
		return err
	}
	in, err := o.cluster(ctx, change)
	if err != nil {
		return err
	}
	in.Files = o.moved(change, site, file, text)
	if err := o.write(in.Files, site, file); err != nil {
		return err
	}
	return o.print(in)
}

func (o *renumberOptions) refused(p *plan.Plan, problems []plan.Problem) error {
	for _, problem := range problems {
		text := fmt.Sprintf("%s:%s", p.Source(), problem.Error())
		if problem.Fix != "" {
			text += "\n    fix: " + problem.Fix
		}
		fmt.Fprintln(o.ErrOut, report.EscapeText(text))
	}
	return errFindings
}

// cluster is the Services that are known, and the steps for the cluster they are in.
func (o *renumberOptions) cluster(ctx context.Context, change *renumber.Change) (report.RenumberInput, error) {
	in := report.RenumberInput{Change: change}
	setup := renumber.Setup{Versions: change.New.Versions}
	snap, err := o.snapshot(ctx)
	if err != nil {
		return in, err
	}
	if snap != nil {
		setup = renumber.SetupOf(snap, change.New)
		if g, gap := snap.Gap(snapshot.Services); !gap {
			in.Cluster = snap.Source.Name
			in.Addresses = change.Addresses(snap)
		} else if o.live {
			fmt.Fprintf(o.ErrOut, "Services were not read: %s\n", report.Escape(g.String()))
		}
	}
	in.Steps = change.Steps(setup)
	return in, nil
}

// snapshot is of the cluster, or of what is in the files; nil for neither.
func (o *renumberOptions) snapshot(ctx context.Context) (*snapshot.Snapshot, error) {
	switch {
	case o.live:
		config, name, err := connect(o.source.config)
		if err != nil {
			return nil, err
		}
		watch := newProgress(o.ErrOut)
		defer watch.clear()
		return snapshot.FromCluster(ctx, config, snapshot.ClusterOptions{
			Kinds: renumber.Kinds, Depth: snapshot.Quick, Context: name, Now: time.Now(), Progress: watch.say,
		})
	case len(o.files) > 0:
		// What is no object of a cluster is a file of the site all the same, and no problem here.
		return snapshot.FromFiles(o.files, snapshot.FileOptions{Stdin: bytes.NewReader(nil), Now: time.Now()})
	}
	return nil, nil
}

// moved is the plan and the files of the site, each moved.
func (o *renumberOptions) moved(change *renumber.Change, site []siteFile, file string, text []byte) []renumber.File {
	files := []renumber.File{{Path: file, Was: string(text), Moving: change.Text}}
	for _, f := range site {
		if !sameFile(f.path, file) {
			files = append(files, renumber.File{Path: f.path, Was: f.text, Moving: plan.Move(f.text, change.From, change.To)})
		}
	}
	return files
}

func (o *renumberOptions) print(in report.RenumberInput) error {
	r := report.BuildRenumber(in)
	if o.toFiles() || o.format != report.Table {
		style, err := o.style.style(o.Out)
		if err != nil {
			return err
		}
		return r.Write(o.Out, o.format, style)
	}
	style, err := o.style.style(o.ErrOut)
	if err != nil {
		return err
	}
	if _, err := o.Out.Write([]byte(in.Change.Text.Text)); err != nil {
		return err
	}
	return r.Write(o.ErrOut, o.format, style)
}
