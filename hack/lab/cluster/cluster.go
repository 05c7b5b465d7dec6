// Package cluster makes a cluster of real nodes with kubeadm: the one of
// examples/homelab-today, in the home network of package network.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/host"
	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/network"
	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/process"
)

// Profile is what connects the pods.
type Profile string

// The profiles with nodes.
const (
	Plain  Profile = "plain"  // the bridge plugin, static routes, kube-proxy
	Cilium Profile = "cilium" // Cilium from its chart, without kube-proxy
)

// Config is what to make.
type Config struct {
	Profile Profile
	Options Options
	Program string  // the lab's own one
	Bin     string  // folder of the programs
	Dir     string  // folder of all that the lab writes
	Root    string  // folder of the repository, for its examples
	Modules Modules // folders of the modules whose manifests are installed
	Store   string  // folder that package store made of the images
	// Compiled is a folder for what Cilium's agents compile. It may outlive the lab.
	Compiled string
	Log      io.Writer
}

// Modules is where modules of the components are.
type Modules struct{ MetalLB, Cilium string }

// Cluster is a cluster that runs.
type Cluster struct {
	Kubeconfig string // its server is on the loopback
	config     Config
	started    time.Time
	hosts      map[string]*host.Host
	served     []*process.Process
}

// readyTimeout is for each step. A step that takes longer has failed.
const readyTimeout = 5 * time.Minute

// Start makes a cluster and comes back when everything in it is ready. What it made is
// ended when it fails.
func Start(ctx context.Context, c Config) (_ *Cluster, err error) {
	if err := c.Options.validate(c.Profile); err != nil {
		return nil, err
	}
	cl := &Cluster{config: c, started: time.Now(), hosts: map[string]*host.Host{}, Kubeconfig: filepath.Join(c.Dir, "admin.kubeconfig")}
	defer func() {
		if err != nil {
			cl.Stop()
		}
	}()
	steps := []struct {
		name string
		do   func(context.Context) error
	}{
		{"hosts", cl.startHosts},
		{"network", cl.network},
		{"container runtimes", cl.runtimes},
		{"control plane", cl.controlPlane},
		{"nodes and pod network", cl.nodes},
		{"workloads", cl.workloads},
		{"pools of MetalLB", cl.addPools},
		{"everything answers", cl.answers},
	}
	for _, step := range steps {
		if err := cl.step(ctx, step.name, step.do); err != nil {
			return nil, fmt.Errorf("%s: %w", step.name, err)
		}
	}
	return cl, nil
}

// step does one step and says how long it took.
func (cl *Cluster) step(ctx context.Context, name string, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, readyTimeout, fmt.Errorf("not done after %s; the logs are in %s", readyTimeout, filepath.Join(cl.config.Dir, "log")))
	defer cancel()
	start := time.Now()
	err := do(ctx)
	_, _ = fmt.Fprintf(cl.config.Log, "%6.1f s  %s (%.1f s)\n", time.Since(cl.started).Seconds(), name, time.Since(start).Seconds())
	return err
}

// Stop ends all hosts and what runs in them.
func (cl *Cluster) Stop() {
	_ = each(cl.hosts, func(_ string, h *host.Host) error { h.Stop(); return nil }) // has none
	if err := host.RemoveCgroups(cl.config.Dir); err != nil {
		_, _ = fmt.Fprintln(cl.config.Log, err)
	}
}

// Wait waits until ctx is done, which is no failure, or something of the lab's has ended
// by itself.
func (cl *Cluster) Wait(ctx context.Context) error {
	ended := make(chan error, len(cl.hosts)+len(cl.served))
	for _, h := range cl.hosts {
		go func() { <-h.Done(); ended <- h.Failure() }()
	}
	for _, p := range cl.served {
		go func() { <-p.Done(); ended <- p.Failure() }()
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-ended:
		return err
	}
}

// each does something for every entry at the same time.
func each[T any](all map[string]T, do func(name string, value T) error) error {
	errs := make(chan error, len(all))
	for name, value := range all {
		go func() { errs <- do(name, value) }()
	}
	var err error
	for range all {
		err = errors.Join(err, <-errs)
	}
	return err
}

func (cl *Cluster) startHosts(ctx context.Context) error {
	specs := map[string]host.Spec{}
	for _, s := range network.Hosts() {
		specs[s.Name] = s
	}
	for _, n := range network.Nodes() {
		spec := network.NodeSpec(n)
		if cl.config.Profile == Cilium {
			spec.Shared = map[string]string{compiled: cl.config.Compiled}
		}
		specs[n.Name] = spec
	}
	type started struct {
		name string
		host *host.Host
	}
	all := make(chan started, len(specs))
	err := each(specs, func(name string, s host.Spec) error {
		h, err := host.Start(ctx, cl.config.Program, cl.config.Bin, cl.config.Dir, s)
		if err == nil {
			all <- started{name, h}
		}
		return err
	})
	close(all)
	for s := range all {
		cl.hosts[s.name] = s.host
	}
	return err
}

// network connects the hosts, and starts what answers on the internet.
func (cl *Cluster) network(ctx context.Context) error {
	if err := network.Up(ctx, cl.hosts, cl.config.Options.PodsIPv6); err != nil {
		return err
	}
	internet := cl.hosts[network.Internet]
	if err := internet.Write(ctx, "/etc/Corefile", corefile()); err != nil {
		return err
	}
	var listen []string
	for _, a := range network.Echo.All() {
		listen = append(listen, net.JoinHostPort(a.String(), "80"))
	}
	for _, one := range []struct {
		host *host.Host
		name string
		args []string
	}{
		{internet, "echo", append([]string{"lab", "echo"}, listen...)},
		{internet, "dns", []string{"coredns", "-conf", "/etc/Corefile"}},
		{cl.hosts[network.Laptop], "echo", []string{"lab", "echo", "[::]:80"}},
	} {
		if err := cl.serve(one.host, one.name, nil, one.args...); err != nil {
			return err
		}
	}
	return nil
}

// serve starts a program that is to run as long as the lab.
func (cl *Cluster) serve(h *host.Host, name string, files []*os.File, args ...string) error {
	p, err := h.Serve(name, files, args...)
	if err == nil {
		cl.served = append(cl.served, p)
	}
	return err
}

// corefile is the internet's DNS: one name, with an address of each family.
func corefile() string {
	var own, hosts []string
	for _, a := range network.Echo.All() {
		own = append(own, a.String())
		hosts = append(hosts, "    "+a.String()+" "+network.EchoName)
	}
	return ". {\n  bind " + strings.Join(own, " ") + "\n  hosts {\n" + strings.Join(hosts, "\n") + "\n  }\n}\n"
}

// eventually asks until holds says so or ctx is done, and then says why not.
func eventually(ctx context.Context, holds func() error) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := holds()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		case <-tick.C:
		}
	}
}
