// Lab builds and runs clusters for tests, from Go modules: a control plane on the
// loopback, or one with nodes in namespaces of this machine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/build"
	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/cluster"
	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/controlplane"
	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/process"
)

const usage = `lab COMMAND [--dir DIR] [--bin DIR] [--profile PROFILE]

  packages    name the Debian packages that a profile needs and the machine has not; --install installs them
  build       build the programs and images of a profile
  run         run the lab until interrupted
  up          run the lab in the background
  down        end it, and remove its folder
  status      whether it runs; exit status 1 when it does not
  kubeconfig  print the path of its kubeconfig
  exec HOST COMMAND...
              run a command in a host: k8s-controller-0, k8s-node-0, k8s-node-1, router, laptop, internet
  fault NAME  plant a fault into what runs; without a name, list the faults
  heal        heal it`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	if status, ok := errors.AsType[exitStatus](err); ok {
		os.Exit(int(status))
	}
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "lab:", err)
		os.Exit(1)
	}
}

// options is the flags of every command.
type options struct {
	root string
	bin  string // of the programs
	dir  string // of the running control plane
	// untilEOF ends run when standard input is closed, as it is when the process
	// that started it dies.
	untilEOF bool
	metallb  bool
	profile  build.Profile
	nodes    cluster.Options // of the profiles with nodes
	variant  []string        // the flags of nodes that were given
	flags    []string        // as they were given
	args     []string        // what is left beside them
	json     bool
	install  bool
	started  time.Time // when run did
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		return errors.New("want a command\n\n" + usage)
	}
	if do, ok := inside[args[0]]; ok {
		signal.Reset() // these have no context, and a container's first process is to end when it is told to
		return do(args[1:])
	}
	o, err := parse(arguments(args), stderr)
	if err != nil {
		return err
	}
	switch args[0] {
	case "build":
		return o.build(ctx, stderr)
	case "packages":
		return o.packages(ctx, stderr)
	case "run":
		return o.run(ctx, stdin, stdout, stderr)
	case "up":
		return o.up(ctx, stdout, stderr)
	case "down":
		return o.down(ctx)
	case "status":
		return o.status(stdout)
	case "kubeconfig":
		return o.kubeconfig(stdout)
	case "exec":
		return o.exec(ctx, stdin, stdout, stderr)
	case "fault":
		return o.fault(ctx, stdout)
	case "heal":
		return o.heal(ctx, stdout)
	}
	return fmt.Errorf("%q is no command\n\n%s", args[0], usage)
}

func parse(args []string, stderr io.Writer) (options, error) {
	here, err := os.Getwd()
	if err != nil {
		return options{}, err
	}
	root, err := build.Root(here)
	if err != nil {
		return options{}, err
	}
	o := options{root: root, flags: args}
	flags := flag.NewFlagSet("lab", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.bin, "bin", binaries(root, os.Getenv("KUBEBUILDER_ASSETS")), "folder of the programs")
	flags.StringVar(&o.dir, "dir", filepath.Join(os.TempDir(), "dualstack-lab"), "folder of the running control plane")
	flags.BoolVar(&o.untilEOF, "until-eof", false, "with run: end when standard input is closed")
	flags.BoolVar(&o.metallb, "metallb", true, "with run and up: run MetalLB's controller too, where it is built")
	flags.StringVar((*string)(&o.profile), "profile", string(build.ControlPlane), "control-plane, plain or cilium")
	flags.BoolVar(&o.json, "json", false, "with fault and no name: print JSON")
	flags.BoolVar(&o.install, "install", false, "with packages: install them, as root")
	nodes := nodeFlags(flags)
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.args = flags.Args()
	if o.dir, err = filepath.Abs(o.dir); err != nil {
		return o, err
	}
	if o.bin, err = filepath.Abs(o.bin); err != nil {
		return o, err
	}
	if _, err := build.Programs(o.profile); err != nil {
		return o, err
	}
	if o.variant, err = variant(flags, o.profile); err != nil {
		return o, err
	}
	o.nodes, err = nodes(cluster.Profile(o.profile))
	return o, err
}

// binaries is where the programs are: in the folder that envtest's convention
// names, or where build puts them.
func binaries(root, assets string) string {
	if assets != "" {
		return assets
	}
	return filepath.Join(root, "bin", "lab")
}

// run runs the lab in the foreground. It prints the path of the kubeconfig when
// everything is ready.
func (o options) run(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if o.untilEOF {
		go func() { defer cancel(); _, _ = io.Copy(io.Discard, stdin) }()
	}
	if err := o.require(); err != nil {
		return err
	}
	o.started = time.Now()
	if err := claim(o.dir); err != nil {
		return err
	}
	defer release(o.dir)
	if err := describe(o.dir, description{string(o.profile), o.variant, o.started}); err != nil {
		return err
	}
	if o.profile != build.ControlPlane {
		return o.runNodes(ctx, stdout, stderr)
	}
	return o.runControlPlane(ctx, stdout, stderr)
}

// runControlPlane runs a control plane without nodes.
func (o options) runControlPlane(ctx context.Context, stdout, stderr io.Writer) error {
	config, err := o.config(ctx, stderr)
	if err != nil {
		return err
	}
	orders, err := listen(ctx, o.dir)
	if err != nil {
		return err
	}
	cp, err := controlplane.Start(ctx, config)
	if err != nil {
		return err
	}
	defer cp.Stop()
	if err := o.isReady(stdout, stderr, cp.Kubeconfig); err != nil {
		return err
	}
	return cp.Wait(ctx, orders)
}

// isReady tells those who wait for the lab.
func (o options) isReady(stdout, stderr io.Writer, kubeconfig string) error {
	used, err := process.Memory(process.Descendants(os.Getpid()))
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(stderr, "ready after %.1f s, with %s in memory\n", time.Since(o.started).Seconds(), gibibytes(used)); err != nil {
		return err
	}
	if err := announce(o.dir, kubeconfig); err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, kubeconfig)
	return err
}

// config is what is to run. MetalLB's controller is left out where its program is not
// there, such as in envtest's folder.
func (o options) config(ctx context.Context, stderr io.Writer) (controlplane.Config, error) {
	config := controlplane.Homelab(o.bin, o.dir)
	if !o.metallb {
		return config, nil
	}
	program := build.MetalLB[0].Name
	if _, err := os.Stat(filepath.Join(o.bin, program)); errors.Is(err, fs.ErrNotExist) {
		_, err := fmt.Fprintf(stderr, "lab: MetalLB does not run: no %s in %s\n", program, o.bin)
		return config, err
	}
	var err error
	config.MetalLB, err = build.ModuleDir(ctx, o.root, build.MetalLB[0].Module, "go.universe.tf/metallb")
	return config, err
}
