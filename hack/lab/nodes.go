package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/build"
	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/clang"
	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/cluster"
	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/host"
	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/image"
	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/network"
	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/store"
)

// nodeFlags adds the flags of what the founding cluster leaves open. What it returns
// reads them when they are parsed.
func nodeFlags(flags *flag.FlagSet) func(cluster.Profile) (cluster.Options, error) {
	families := flags.String("families", "IPv4,IPv6", "of a cluster with nodes, the first one first")
	masquerade := flags.String("masquerade", "IPv4", "families that pods leave with a node's address over, or none")
	datapath := flags.String("datapath", "bpf", "bpf or iptables: what Cilium masquerades with")
	routing := flags.String("routing", "tunnel", "tunnel or native: how Cilium connects the nodes")
	pods := flags.String("pods-ipv6", "", "on-link or routed: how the router finds the pods; on-link with Cilium")
	pools := flags.String("pools", "one", "one of both families, or separate as at first")
	files := flags.String("files", "", "folder of what plan render wrote for kubeadm, cilium and metallb, in the place of the example's")
	return func(p cluster.Profile) (cluster.Options, error) {
		o := cluster.Homelab(p)
		var err error
		if *files != "" {
			if o.Files, err = filepath.Abs(*files); err != nil {
				return o, err
			}
		}
		if o.Families, err = cluster.ParseFamilies(*families); err != nil {
			return o, fmt.Errorf("--families: %w", err)
		}
		if o.Masquerade, err = cluster.ParseFamilies(*masquerade); err != nil {
			return o, fmt.Errorf("--masquerade: %w", err)
		}
		if *pods != "" {
			o.PodsIPv6 = network.PodsIPv6(*pods)
		}
		for _, either := range []struct {
			flag, value, no, yes string
			set                  *bool
		}{
			{"datapath", *datapath, "iptables", "bpf", &o.BPF},
			{"routing", *routing, "tunnel", "native", &o.NativeRouting},
			{"pools", *pools, "one", "separate", &o.SeparatePools},
		} {
			if either.value != either.no && either.value != either.yes {
				return o, fmt.Errorf("--%s is %q; want %s or %s", either.flag, either.value, either.yes, either.no)
			}
			*either.set = either.value == either.yes
		}
		return o, nil
	}
}

// variant is the flags of nodeFlags that were given, as they could be given again. A flag
// that changes nothing in a profile is refused rather than ignored.
func variant(flags *flag.FlagSet, p build.Profile) (given []string, err error) {
	of := map[string][]build.Profile{
		"families": {build.Plain, build.Cilium}, "masquerade": {build.Plain, build.Cilium}, "pools": {build.Plain, build.Cilium},
		"datapath": {build.Cilium}, "routing": {build.Cilium}, "pods-ipv6": {build.Cilium}, "files": {build.Cilium},
	}
	flags.Visit(func(f *flag.Flag) {
		profiles, ok := of[f.Name]
		switch {
		case f.Name == "metallb" && p != build.ControlPlane:
			err = fmt.Errorf("--metallb is for the profile %s: %s always has it", build.ControlPlane, p)
		case ok && !slices.Contains(profiles, p):
			err = fmt.Errorf("--%s changes nothing in the profile %s; it is for %s", f.Name, p, strings.Trim(fmt.Sprint(profiles), "[]"))
		case ok:
			given = append(given, "--"+f.Name+"="+f.Value.String())
		}
	})
	return given, err
}

// runNodes runs a cluster with real nodes in the foreground.
func (o options) runNodes(ctx context.Context, stdout, stderr io.Writer) error {
	config, err := o.clusterConfig(ctx, stderr)
	if err != nil {
		return err
	}
	cl, err := cluster.Start(ctx, config)
	if err != nil {
		return err
	}
	defer cl.Stop()
	if err := o.isReady(stdout, stderr, cl.Kubeconfig); err != nil {
		return err
	}
	return cl.Wait(ctx)
}

// clusterConfig is what is to run on nodes.
func (o options) clusterConfig(ctx context.Context, log io.Writer) (cluster.Config, error) {
	c := cluster.Config{
		Profile: cluster.Profile(o.profile), Options: o.nodes, Program: filepath.Join(o.bin, "lab"),
		Bin: o.bin, Dir: o.dir, Root: o.root, Log: log,
	}
	var err error
	if c.Compiled, err = clang.Folder(o.bin, time.Now()); err != nil {
		return c, err
	}
	if c.Store, err = store.Make(ctx, o.bin, image.Archives(o.bin, o.profile), log); err != nil {
		return c, err
	}
	if c.Modules.MetalLB, err = build.ModuleDir(ctx, o.root, "metallb", "go.universe.tf/metallb"); err != nil {
		return c, err
	}
	c.Modules.Cilium, err = build.ModuleDir(ctx, o.root, "cilium", "github.com/cilium/cilium")
	return c, err
}

// exitStatus is how a command ended that was run for somebody, who has its words already.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// exec runs a command in a host, and ends as it does.
func (o options) exec(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) error {
	if len(o.args) < 2 {
		return errors.New("exec: want a host and a command, such as laptop ip route")
	}
	cmd, err := host.Command(ctx, o.dir, o.args[0], o.args[1:]...)
	if err != nil {
		return err
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, stdout, stderr
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		return exitStatus(exit.ExitCode())
	}
	return err
}
