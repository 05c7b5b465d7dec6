package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/build"
	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/fault"
	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/host"
)

// arguments is what follows a command. Those of fault and heal may have the fault's
// name before the flags.
func arguments(args []string) []string {
	command, rest := args[0], args[1:]
	flags := slices.IndexFunc(rest, func(arg string) bool { return strings.HasPrefix(arg, "-") })
	if flags < 0 || command != "fault" && command != "heal" {
		return rest
	}
	return slices.Concat(rest[flags:], rest[:flags])
}

// fault plants a fault into the lab that runs, or lists the faults.
func (o options) fault(ctx context.Context, stdout io.Writer) error {
	scripts, err := fault.Read(filepath.Join(o.root, "test", "e2e", "faults"))
	if err != nil {
		return err
	}
	switch len(o.args) {
	case 0:
		return o.listFaults(scripts, stdout)
	case 1:
	default:
		return fmt.Errorf("fault %s: want one name", strings.Join(o.args, " "))
	}
	i := slices.IndexFunc(scripts, func(s fault.Script) bool { return s.Name == o.args[0] })
	if i < 0 {
		return fmt.Errorf("no fault %s: «lab fault» lists them", o.args[0])
	}
	lab, err := o.lab(stdout)
	if err != nil {
		return err
	}
	return lab.Plant(ctx, scripts[i])
}

// heal heals the fault that is planted, which has this name when one is given.
func (o options) heal(ctx context.Context, stdout io.Writer) error {
	lab, err := o.lab(stdout)
	if err != nil {
		return err
	}
	planted, err := fault.Planted(o.dir)
	if err != nil {
		return err
	}
	if len(o.args) > 0 && planted != "" && !slices.Equal(o.args, []string{planted}) {
		return fmt.Errorf("heal %s: it is %s that is planted", strings.Join(o.args, " "), planted)
	}
	return lab.Heal(ctx)
}

// lab is the lab that runs.
func (o options) lab(out io.Writer) (fault.Lab, error) {
	kubeconfig, ok := ready(o.dir)
	if !ok {
		return fault.Lab{}, fmt.Errorf("no lab runs in %s", o.dir)
	}
	d, err := described(o.dir)
	if err != nil {
		return fault.Lab{}, err
	}
	lab := fault.Lab{
		Dir: o.dir, Profile: build.Profile(d.Profile), Out: out,
		Kubectl: filepath.Join(o.bin, "kubectl"), Kubeconfig: kubeconfig,
		Exec: func(ctx context.Context, name string, args ...string) (*exec.Cmd, error) {
			return host.Command(ctx, o.dir, name, args...)
		},
	}
	if lab.Restart = lab.RestartStaticPod; lab.Profile == build.ControlPlane {
		lab.Restart = func(ctx context.Context, program string, flags ...string) (int, error) {
			return restart(ctx, o.dir, program, flags...)
		}
	}
	return lab, nil
}

// listed is a fault in the list.
type listed struct {
	Name      string          `json:"name"`
	Says      string          `json:"says"`
	Profiles  []build.Profile `json:"profiles"`
	Found     []string        `json:"found"`  // by these checks, in a lab of this profile
	Probes    []string        `json:"probes"` // that show it there
	ProbeOnly bool            `json:"probeOnly"`
	Trace     []string        `json:"trace,omitempty"` // where trace finds it: family, step, arguments
	Planted   bool            `json:"planted"`
}

// listFaults prints all faults; as JSON, those for the profile of the lab that runs, or
// of the one that would.
func (o options) listFaults(scripts []fault.Script, stdout io.Writer) error {
	planted, err := fault.Planted(o.dir)
	if err != nil {
		return err
	}
	if o.json {
		profile := o.profile
		if d, err := described(o.dir); err == nil {
			profile = build.Profile(d.Profile)
		}
		all := []listed{}
		for _, s := range scripts {
			if slices.Contains(s.Profiles, profile) {
				all = append(all, listed{s.Name, s.Says, s.Profiles, s.Found(profile), s.Probes(profile), s.ProbeOnly, s.Trace, s.Name == planted})
			}
		}
		return json.NewEncoder(stdout).Encode(all)
	}
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	for _, s := range scripts {
		mark := " "
		if s.Name == planted {
			mark = "*"
		}
		if _, err := fmt.Fprintf(w, "%s %s\t%s\t%s\n", mark, s.Name, strings.Trim(fmt.Sprint(s.Profiles), "[]"), s.Says); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if planted == "" {
		return nil
	}
	_, err = fmt.Fprintf(stdout, "\n* is planted in %s: «lab heal» heals it\n", o.dir)
	return err
}
