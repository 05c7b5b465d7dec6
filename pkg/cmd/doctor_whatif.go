package cmd

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/report"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// whatIf is what doctor is asked to suppose: files that are applied, and releases
// that run.
type whatIf struct {
	files   []string
	against []string
	onNew   bool

	// Set by complete.
	releases plan.Versions
	stdin    []byte
}

func (w *whatIf) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&w.files, "if-applied", nil,
		"File, folder, or - for standard input, to lay over what is audited, as kubectl apply would; may be repeated. Findings are then marked as new, gone or as before.")
	flags.StringSliceVar(&w.against, "against-version", nil,
		"Releases to judge by instead of those that run, such as kubernetes=1.37,cilium=1.20,metallb=0.16. Findings are marked as with --if-applied.")
	flags.BoolVar(&w.onNew, "fail-on-new", false, "With --if-applied or --against-version: count for the exit status only what is new.")
	register(cmd, "against-version", completeReleases)
}

// supposed reports whether there is anything to suppose.
func (w *whatIf) supposed() bool { return len(w.files) > 0 || w.releases != plan.Versions{} }

func (w *whatIf) complete() (err error) {
	if w.releases, err = parseAgainst(w.against); err != nil {
		return err
	}
	if w.onNew && !w.supposed() {
		return fmt.Errorf("--fail-on-new is for --if-applied and --against-version: without them nothing is new")
	}
	return nil
}

// parseAgainst reads COMPONENT=RELEASE, each component once.
func parseAgainst(texts []string) (versions plan.Versions, err error) {
	fields := map[plan.Component]*release.Version{
		plan.Kubernetes: &versions.Kubernetes, plan.Cilium: &versions.Cilium, plan.MetalLB: &versions.MetalLB,
	}
	for _, text := range texts {
		name, number, _ := strings.Cut(text, "=")
		to := fields[plan.Component(name)]
		v, err := release.Parse(number)
		if to == nil || err != nil {
			return plan.Versions{}, fmt.Errorf("--against-version %q: want kubernetes, cilium or metallb with a release, such as cilium=1.20", text)
		}
		if to.Known() {
			return plan.Versions{}, fmt.Errorf("--against-version names %s twice: ask for one release after the other", name)
		}
		*to = newestPatch(plan.Component(name), v, number)
	}
	return versions, nil
}

// newestPatches is the last patch of the minor releases within which a rule
// changed: whoever names the minor release upgrades to that, not to its first.
var newestPatches = map[plan.Component][]release.Version{
	plan.Cilium:  {release.V(1, 15, 19), release.V(1, 20, 2)},
	plan.MetalLB: {release.V(0, 13, 12), release.V(0, 14, 9), release.V(0, 15, 3), release.V(0, 16, 2)},
}

func newestPatch(c plan.Component, v release.Version, text string) release.Version {
	if strings.Count(text, ".") == 1 {
		for _, patch := range newestPatches[c] {
			if patch.Major == v.Major && patch.Minor == v.Minor {
				return patch
			}
		}
	}
	return v
}

func completeReleases(_ *cobra.Command, _ []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	before := toComplete[:strings.LastIndexByte(toComplete, ',')+1]
	var values []string
	for _, c := range plan.Components {
		for _, v := range slices.Backward(c.Releases()) {
			values = append(values, fmt.Sprintf("%s%s=%s", before, c, v))
		}
	}
	return values, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

// overlay is the files of --if-applied, or nil.
func (o *doctorOptions) overlay(now time.Time) (*snapshot.Overlay, error) {
	if len(o.whatIf.files) == 0 {
		return nil, nil
	}
	namespace := ""
	if len(o.files) == 0 {
		var err error
		if namespace, _, err = o.config.ToRawKubeConfigLoader().Namespace(); err != nil {
			return nil, fmt.Errorf("kubeconfig: %w", err)
		}
	}
	if slices.Contains(o.whatIf.files, "-") {
		text, err := io.ReadAll(o.In)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", standardInput, err)
		}
		o.whatIf.stdin, o.input.text = text, text
	}
	return snapshot.ReadOverlay(o.whatIf.files, namespace, snapshot.FileOptions{Stdin: bytes.NewReader(o.whatIf.stdin), Now: now})
}

// suppose is the snapshot as it would be, and what a report says of the change.
func (w *whatIf) suppose(snap *snapshot.Snapshot) (*snapshot.Snapshot, *report.Supposition) {
	if !w.supposed() {
		return snap, nil
	}
	s := &report.Supposition{Before: snap}
	after := snap
	if applied, did := snap.Applied(); applied != nil {
		after, s.Applied = applied, did
	}
	s.Against = against(after, w.releases)
	return after.At(w.releases), s
}

// against is what the releases stand in the place of.
func against(snap *snapshot.Snapshot, to plan.Versions) (list []report.Against) {
	for _, a := range []report.Against{
		{Component: "Kubernetes", From: snap.Kubernetes, To: to.Kubernetes},
		{Component: "Cilium", From: snap.Cilium.Version, To: to.Cilium},
		{Component: "MetalLB", From: snap.MetalLB.Version, To: to.MetalLB},
	} {
		if a.To.Known() {
			list = append(list, a)
		}
	}
	return list
}

// counted is the results that the exit status goes by.
func (w *whatIf) counted(results []checks.Result, s *report.Supposition) []checks.Result {
	if s == nil || !w.onNew {
		return results
	}
	return s.Comparison.OnlyNew(results)
}
