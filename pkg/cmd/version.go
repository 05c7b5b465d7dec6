package cmd

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/report"
)

// version is set by the linker for a release.
var version string

// build is what version prints.
type build struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Date     string `json:"date,omitempty"`
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
	Rules    rules  `json:"rules"`
}

// rules is the newest releases whose rules the checks know.
type rules struct {
	Kubernetes string `json:"kubernetes"`
	Cilium     string `json:"cilium"`
	MetalLB    string `json:"metallb"`
}

type versionOptions struct {
	genericiooptions.IOStreams
	output string
	format report.Format
}

func newVersionCommand(streams genericiooptions.IOStreams) *cobra.Command {
	o := &versionOptions{IOStreams: streams}
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version, and the releases whose rules it knows",
		Example: templates.Examples(`
			# Which rules does this plugin judge by?
			kubectl dualstack version -o json`),
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := o.Complete(); err != nil {
				return err
			}
			return o.Run()
		},
	}
	addOutput(cmd, &o.output, report.Table, report.JSON, report.YAML)
	return cmd
}

// Complete reads the flags.
func (o *versionOptions) Complete() (err error) {
	o.format, err = parseOutput(o.output, report.Table, report.JSON, report.YAML)
	return err
}

// Run prints the version.
func (o *versionOptions) Run() error {
	b := thisBuild()
	switch o.format {
	case report.JSON:
		return report.WriteJSON(o.Out, b)
	case report.YAML:
		return report.WriteYAML(o.Out, b)
	}
	return b.write(o.Out)
}

func (b build) write(w io.Writer) error {
	commit := ""
	if b.Commit != "" {
		commit = ", commit " + b.Commit
	}
	_, err := fmt.Fprintf(w, "kubectl-dualstack %s (%s, %s%s)\nknows the rules of Kubernetes %s, Cilium %s and MetalLB %s\n",
		b.Version, b.Go, b.Platform, commit, b.Rules.Kubernetes, b.Rules.Cilium, b.Rules.MetalLB)
	return err
}

func thisBuild() build {
	b := build{
		Version:  version,
		Go:       runtime.Version(),
		Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Rules:    rules{plan.LatestKubernetes.String(), cilium.Latest.String(), metallb.Latest.String()},
	}
	built, ok := debug.ReadBuildInfo()
	if ok && b.Version == "" {
		b.Version = built.Main.Version
	}
	if b.Version == "" {
		b.Version = "unknown"
	}
	if !ok {
		return b
	}
	for _, s := range built.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.time":
			b.Date = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}
