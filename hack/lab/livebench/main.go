// Livebench times the plugin beside kubectl, in turns, and prints the medians and
// their ratio: what starts without a cluster beside kubectl version --client, and
// doctor on a live cluster beside kubectl get of the same kinds. It fills the
// cluster of the current context, which must be on the loopback, with Services and
// EndpointSlices first. Then it adds thousands of Nodes, CiliumNodes and Pods, and times
// trace beside kubectl get of what it is about. make bench is all of it.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/build"
)

// kinds is what doctor lists in every cluster.
const kinds = "nodes,pods,services,endpointslices,servicecidrs,daemonsets,deployments,events"

type options struct {
	kubectl, plugin string
	services, runs  int
	nodes, pods     int
	skipDoctor      bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "livebench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	here, err := os.Getwd()
	if err != nil {
		return err
	}
	root, err := build.Root(here)
	if err != nil {
		return err
	}
	var o options
	flags := flag.NewFlagSet("livebench", flag.ContinueOnError)
	flags.StringVar(&o.kubectl, "kubectl", filepath.Join(root, "bin", "lab", "kubectl"), "kubectl")
	flags.StringVar(&o.plugin, "plugin", filepath.Join(root, "bin", "kubectl-dualstack"), "the plugin")
	flags.IntVar(&o.services, "services", 1000, "how many Services to make, each with a slice of each family")
	flags.IntVar(&o.runs, "runs", 11, "how many runs of each")
	flags.IntVar(&o.nodes, "nodes", 5000, "how many Nodes to make for trace, each with a CiliumNode and an agent; 0 leaves trace out")
	flags.IntVar(&o.pods, "pods", 20000, "how many Pods to make for trace, agents and those of a DaemonSet among them")
	flags.BoolVar(&o.skipDoctor, "trace-only", false, "time trace only")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if err := o.onLoopback(ctx); err != nil {
		return err
	}
	if !o.skipDoctor {
		if err := o.doctor(ctx, out); err != nil {
			return err
		}
	}
	if o.nodes == 0 {
		return nil
	}
	return o.trace(ctx, out)
}

// doctor times it on a cluster without Nodes, unless the lab has been filled before.
func (o options) doctor(ctx context.Context, out io.Writer) error {
	if err := o.fill(ctx); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "%d Services, %d EndpointSlices; medians of %d runs of each, in turns\n", o.services, 2*o.services, o.runs)
	for _, p := range pairs {
		if err == nil {
			err = o.print(ctx, out, p)
		}
	}
	return err
}

// pair is two commands that are compared.
type pair struct{ plugin, kubectl []string }

var pairs = []pair{
	{[]string{"version"}, []string{"version", "--client"}},
	{[]string{"doctor", "list"}, []string{"version", "--client"}},
	{[]string{"doctor", "--fail-on", "none"}, []string{"get", kinds, "-A"}},
	{[]string{"doctor", "--fail-on", "none"}, []string{"get", kinds, "-A", "-o", "json"}},
}

func (o options) print(ctx context.Context, out io.Writer, p pair) error {
	ours, theirs, err := o.measure(ctx, p)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%-24s %8s   kubectl %-90s %8s   ratio %.2f\n", strings.Join(p.plugin, " "), ours.Round(time.Millisecond),
		strings.Join(p.kubectl, " "), theirs.Round(time.Millisecond), float64(ours)/float64(theirs))
	return err
}

// onLoopback keeps the objects out of anybody's real cluster.
func (o options) onLoopback(ctx context.Context) error {
	server, err := exec.CommandContext(ctx, o.kubectl, "config", "view", "--minify", "-o", "jsonpath={.clusters[0].cluster.server}").Output()
	if err != nil {
		return fmt.Errorf("read the kubeconfig: %w", err)
	}
	if !strings.HasPrefix(string(server), "https://127.0.0.1:") {
		return fmt.Errorf("the server is %s: objects are put into a lab on the loopback only", server)
	}
	return nil
}

// fill makes the objects, unless they are there.
func (o options) fill(ctx context.Context) error {
	last := fmt.Sprintf("bench-%05d", o.services-1)
	if exec.CommandContext(ctx, o.kubectl, "get", "service", "-n", "bench", last).Run() == nil {
		return nil
	}
	var manifests bytes.Buffer
	manifests.WriteString("{apiVersion: v1, kind: Namespace, metadata: {name: bench}}\n")
	for i := range o.services {
		fmt.Fprintf(&manifests, `---
apiVersion: v1
kind: Service
metadata: {name: bench-%05[1]d, namespace: bench, labels: {app: bench-%05[1]d, team: shop}}
spec: {ipFamilyPolicy: RequireDualStack, ports: [{name: http, port: 80}, {name: metrics, port: 9090}]}
`, i)
		for family, address := range map[string]string{"IPv4": fmt.Sprintf("10.244.%d.%d", i/250, i%250+1), "IPv6": fmt.Sprintf("2001:db8:7653:299:cafe::%x", i+1)} {
			fmt.Fprintf(&manifests, `---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: bench-%05[1]d-%[2]s, namespace: bench, labels: {kubernetes.io/service-name: bench-%05[1]d, endpointslice.kubernetes.io/managed-by: livebench}}
addressType: %[3]s
endpoints: [{addresses: ["%[4]s"], conditions: {ready: true}}]
ports: [{name: http, port: 80}, {name: metrics, port: 9090}]
`, i, strings.ToLower(family), family, address)
		}
	}
	return o.kubectlCreate(ctx, manifests.String())
}

// measure runs both in turns, so that whatever else the machine does befalls both.
func (o options) measure(ctx context.Context, p pair) (ours, theirs time.Duration, err error) {
	var plugin, kubectl []time.Duration
	for range o.runs {
		d, err := timed(ctx, o.plugin, p.plugin...)
		if err != nil {
			return 0, 0, err
		}
		plugin = append(plugin, d)
		if d, err = timed(ctx, o.kubectl, p.kubectl...); err != nil {
			return 0, 0, err
		}
		kubectl = append(kubectl, d)
	}
	return median(plugin), median(kubectl), nil
}

func timed(ctx context.Context, program string, args ...string) (time.Duration, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	start := time.Now()
	err := cmd.Run()
	took := time.Since(start)
	if err != nil {
		return 0, fmt.Errorf("%s: %w\n%s", program, err, stderr.String())
	}
	return took, nil
}

func median(ds []time.Duration) time.Duration {
	slices.Sort(ds)
	return ds[len(ds)/2]
}
