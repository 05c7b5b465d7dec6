//go:build e2e

// Package e2e holds the tool to a real kube-apiserver and its controllers. The
// programs are built by «cd hack/lab && go run . build», or are those in the folder
// that KUBEBUILDER_ASSETS names.
package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// programs is what the tests run, built once.
var programs struct {
	plugin, lab string
	bin         string // folder of etcd, kube-apiserver, kubectl
}

func TestMain(m *testing.M) {
	code, err := runTests(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code) //nolint:forbidigo // a TestMain is a main
}

func runTests(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "dualstack-e2e-")
	if err != nil {
		return 1, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	programs.plugin, programs.lab = filepath.Join(dir, "kubectl-dualstack"), filepath.Join(dir, "lab")
	programs.bin = os.Getenv("KUBEBUILDER_ASSETS")
	if programs.bin == "" {
		programs.bin = repository("bin", "lab")
	}
	if err := choose(); err != nil {
		return 1, err
	}
	for target, in := range map[string][]string{
		programs.plugin: {repository(), "./cmd/kubectl-dualstack"},
		programs.lab:    {repository("hack", "lab"), "."},
	} {
		if out, err := exec.Command("go", "build", "-C", in[0], "-o", target, in[1]).CombinedOutput(); err != nil {
			return 1, fmt.Errorf("build %s: %w\n%s", filepath.Base(target), err, out)
		}
	}
	return m.Run(), nil
}

// choose leaves either the tests of the lab out or those of the user's own cluster.
func choose() error {
	flag.Parse()
	if yours() != "" {
		return flag.Set("test.run", "^TestYours$")
	}
	for _, name := range []string{"etcd", "kube-apiserver", "kubectl"} {
		if _, err := os.Stat(filepath.Join(programs.bin, name)); err != nil {
			return fmt.Errorf("%w: build it with «make lab-build», or name a folder that has it in KUBEBUILDER_ASSETS", err)
		}
	}
	return flag.Set("test.skip", "^TestYours$")
}

// repository is a path below the repository's root.
func repository(elements ...string) string {
	path, err := filepath.Abs(filepath.Join(append([]string{"..", ".."}, elements...)...))
	if err != nil {
		panic(err) // only without a working directory
	}
	return path
}

// cluster is a control plane of its own for one test.
type cluster struct {
	t           *testing.T
	kubeconfig  string
	config      *rest.Config
	client      dynamic.Interface
	controllers bool   // whether kube-controller-manager runs
	dir         string // of the lab
	ends        bool   // with the test, so that nothing has to be put back at its end
}

// startCluster starts a control plane that ends with the test, and also when the
// test's process is killed: the lab then finds its standard input closed.
func startCluster(t *testing.T) *cluster {
	t.Helper()
	return startLab(t, "--metallb=false")
}

// startMetalLB is startCluster with MetalLB's controller.
func startMetalLB(t *testing.T) *cluster {
	t.Helper()
	for _, name := range []string{"kube-controller-manager", "metallb-controller"} {
		if _, err := os.Stat(filepath.Join(programs.bin, name)); err != nil {
			t.Fatalf("%v: this test is about what it does; «cd hack/lab && go run . build» builds it", err)
		}
	}
	return startLab(t, "--metallb")
}

func startLab(t *testing.T, flags ...string) *cluster {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "lab")
	args := []string{"run", "--until-eof", "--dir", dir, "--bin", programs.bin}
	cmd := exec.Command(programs.lab, append(args, flags...)...)
	cmd.Dir = repository("hack", "lab")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("lab: %v\n%s", err, stderr.String())
		}
	})
	kubeconfig, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("lab: no kubeconfig: %v\n%s", err, stderr.String())
	}
	c := connect(t, dir, strings.TrimSpace(kubeconfig))
	c.ends = true
	return c
}

// connect is the cluster of a lab that runs.
func connect(t *testing.T, dir, kubeconfig string) *cluster {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(config.Host, "https://127.0.0.1:") {
		t.Fatalf("the lab's server is %s: the tests write, and only to the loopback", config.Host)
	}
	config.QPS, config.Burst = 200, 400
	config.WarningHandler = rest.NoWarnings{}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	_, err = os.Stat(filepath.Join(programs.bin, "kube-controller-manager"))
	return &cluster{t: t, dir: dir, kubeconfig: kubeconfig, config: config, client: client, controllers: err == nil}
}

// in is the cluster for a part of the test.
func (c *cluster) in(t *testing.T) *cluster {
	part := *c
	part.t = t
	return &part
}

// output is what a program left behind.
type output struct {
	stdout, stderr string
	code           int
}

// run runs program with the cluster's kubeconfig and no other.
func (c *cluster) run(program string, args ...string) output {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	env := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "KUBECONFIG=") })
	cmd.Env = append(env, "KUBECONFIG="+c.kubeconfig)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		c.t.Fatal(err)
	}
	return output{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// kubectl runs kubectl, which must succeed.
func (c *cluster) kubectl(args ...string) string {
	c.t.Helper()
	out := c.run(kubectl(), args...)
	if out.code != 0 {
		c.t.Fatalf("kubectl %s: exit status %d\n%s", strings.Join(args, " "), out.code, out.stderr)
	}
	return out.stdout
}

// finding is a finding of the JSON report, without where it stands in a file.
type finding struct {
	ID       string
	Severity string `json:"severity"`
	Object   struct {
		Kind      string `json:"kind"`
		Namespace string `json:"namespace"`
		Name      string `json:"name"`
	} `json:"object"`
	Field   string `json:"field"`
	Family  string `json:"family"`
	Message string `json:"message"`
}

type result struct {
	ID       string    `json:"id"`
	Status   string    `json:"status"`
	Reason   string    `json:"reason"`
	Findings []finding `json:"findings"`
}

type doctorReport struct {
	Summary map[string]int `json:"summary"`
	Results []result       `json:"results"`
}

func (r doctorReport) findings() []finding {
	var all []finding
	for _, result := range r.Results {
		for _, f := range result.Findings {
			f.ID = result.ID
			all = append(all, f)
		}
	}
	return all
}

// doctor runs the plugin's doctor -o json; its exit status must be want.
func (c *cluster) doctor(want int, args ...string) doctorReport {
	c.t.Helper()
	out := c.run(programs.plugin, append([]string{"doctor", "-o", "json"}, args...)...)
	if out.code != want {
		c.t.Fatalf("doctor %s: exit status %d, want %d\n%s%s", strings.Join(args, " "), out.code, want, out.stderr, out.stdout)
	}
	var report doctorReport
	if err := json.NewDecoder(strings.NewReader(out.stdout)).Decode(&report); err != nil && err != io.EOF {
		c.t.Fatalf("doctor %s: %v", strings.Join(args, " "), err)
	}
	return report
}

// eventually waits until holds, which is asked again and again, at first soon, for what
// controllers do in their own time.
func (c *cluster) eventually(what string, holds func() bool) {
	c.t.Helper()
	deadline, pause := time.Now().Add(30*time.Second), 5*time.Millisecond
	for !holds() {
		if time.Now().After(deadline) {
			c.t.Fatalf("gave up waiting for %s", what)
		}
		time.Sleep(pause)
		pause = min(2*pause, 50*time.Millisecond)
	}
}
