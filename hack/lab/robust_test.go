//go:build e2e

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/host"
	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/process"
)

// trial is a lab to be ended at a bad moment.
type trial struct {
	t            *testing.T
	program, bin string
	dir          string
	seen         map[int]string // its processes, by when they started
}

// newTrial is a lab in a folder of its own, whose name is not one of the easy ones.
func newTrial(t *testing.T) *trial {
	t.Helper()
	args := []string{"--profile", "plain", "--dir", filepath.Join(t.TempDir(), "lab,of one=test")}
	if bin := os.Getenv("LAB_BIN"); bin != "" {
		args = append(args, "--bin", bin)
	}
	o, err := parse(args, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.require(); err != nil {
		t.Fatal(err)
	}
	tr := &trial{t: t, program: filepath.Join(o.bin, "lab"), bin: o.bin, dir: o.dir, seen: map[int]string{}}
	t.Cleanup(func() { _ = exec.Command(tr.program, "down", "--dir", tr.dir).Run() }) // after a failure
	return tr
}

// up starts the lab; what it says goes into the answer.
func (tr *trial) up(args ...string) (*exec.Cmd, *bytes.Buffer) {
	tr.t.Helper()
	cmd := exec.Command(tr.program, append([]string{"up", "--dir", tr.dir, "--bin", tr.bin}, args...)...)
	said := new(bytes.Buffer)
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		tr.t.Fatal(err)
	}
	return cmd, said
}

// run runs a command of the lab, which must succeed.
func (tr *trial) run(args ...string) string {
	tr.t.Helper()
	out, err := exec.Command(tr.program, append([]string{args[0], "--dir", tr.dir, "--bin", tr.bin}, args[1:]...)...).CombinedOutput()
	if err != nil {
		tr.t.Fatalf("lab %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// look notes which processes the lab has.
func (tr *trial) look() {
	owner, lives := ownerOf(tr.dir)
	if !lives {
		return
	}
	for _, pid := range process.Descendants(owner.pid) {
		if started := process.Started(pid); started != "" {
			tr.seen[pid] = started
		}
	}
}

// kill kills the lab's supervisor, if it has one yet.
func (tr *trial) kill() {
	tr.t.Helper()
	tr.look()
	if owner, lives := ownerOf(tr.dir); lives {
		if err := syscall.Kill(owner.pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			tr.t.Fatal(err)
		}
	}
}

// down ends the lab twice, the first time in less than ten seconds, and looks for what it
// left.
func (tr *trial) down() {
	tr.t.Helper()
	start := time.Now()
	tr.run("down")
	if took := time.Since(start); took > 10*time.Second {
		tr.t.Errorf("lab down: %s", took)
	}
	tr.run("down")
	for pid, started := range tr.seen {
		// A killed process may take a moment to give back its memory.
		for dying := time.Now().Add(5 * time.Second); process.Started(pid) == started && time.Now().Before(dying); {
			time.Sleep(50 * time.Millisecond)
		}
		if process.Started(pid) == started {
			tr.t.Errorf("process %d is left: %q", pid, process.Arguments(pid))
		}
	}
	for _, pid := range process.All() {
		if args := process.Arguments(pid); pid != os.Getpid() && strings.Contains(strings.Join(args, "\x00"), tr.dir) {
			tr.t.Errorf("process %d is left: %q", pid, args)
		}
	}
	if _, err := os.Lstat(tr.dir); !errors.Is(err, fs.ErrNotExist) {
		tr.t.Errorf("%s is left: %v", tr.dir, err)
	}
	if mounts := read(tr.t, "/proc/self/mountinfo"); strings.Contains(mounts, filepath.Dir(tr.dir)) {
		tr.t.Errorf("a mount is left:\n%s", mounts)
	}
	for _, group := range cgroups(tr.t, tr.dir) {
		tr.t.Errorf("a cgroup is left: %s", group)
	}
}

// cgroups is those of the lab in dir.
func cgroups(t *testing.T, dir string) (all []string) {
	t.Helper()
	err := filepath.WalkDir("/sys/fs/cgroup", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // it ended meanwhile
			return nil
		case err == nil && strings.HasPrefix(entry.Name(), host.CgroupPrefix(dir)):
			all = append(all, path)
			return fs.SkipDir
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// volatile is settings of the machine that change by themselves, or only when read.
var volatile = []string{"/random/", "/ns_last_pid", "/pty/nr", "/nf_conntrack_count", "/stat_refresh", "/sched_domain/", "/timer_migration_debug"}

// machine is what a lab has to leave as it is: the machine's own network and settings.
func machine(t *testing.T) map[string]string {
	t.Helper()
	m := map[string]string{}
	for _, args := range [][]string{
		{"ip", "-br", "link"}, {"ip", "-br", "addr"}, {"ip", "rule"}, {"ip", "-6", "rule"}, {"ip", "route", "show", "table", "all"},
		{"ip", "-6", "route", "show", "table", "all"}, {"nft", "list", "ruleset"},
	} {
		out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
		if err != nil {
			t.Fatalf("%q: %v\n%s", args, err, out)
		}
		m[strings.Join(args, " ")] = string(out)
	}
	for _, folder := range []string{"vm", "kernel", "net"} {
		_ = filepath.WalkDir(filepath.Join("/proc/sys", folder), func(path string, entry fs.DirEntry, err error) error { // never fails
			if err != nil || entry.IsDir() || slices.ContainsFunc(volatile, func(s string) bool { return strings.Contains(path, s) }) {
				return nil
			}
			if data, err := os.ReadFile(path); err == nil {
				m[path] = string(data)
			}
			return nil
		})
	}
	return m
}

func sameMachine(t *testing.T, before map[string]string) {
	t.Helper()
	after := machine(t)
	for what, was := range before {
		if is := after[what]; is != was {
			t.Errorf("%s was\n%sand is\n%s", what, was, is)
		}
	}
}

// TestInterrupted ends a lab while it starts, in order and not, and then looks for what
// is left.
func TestInterrupted(t *testing.T) {
	before := machine(t)
	tr := newTrial(t)
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("LAB_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("LAB_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for i, most := range []time.Duration{0, 100, 300, 600, 1000, 1500, 2500, 4000, 7000, 12000} {
		moment := (most/2 + time.Duration(random.Int64N(int64(most)+1))/2) * time.Millisecond
		ways := []string{"interrupted"}
		if i%2 == 1 {
			ways = append(ways, "killed")
		}
		for _, how := range ways {
			t.Run(fmt.Sprintf("%s after %s", how, moment), func(t *testing.T) {
				one := *tr
				one.t, one.seen = t, map[int]string{}
				one.endAfter(moment, how == "killed")
			})
		}
	}
	sameMachine(t, before)
}

// TestInterruptedImport interrupts a lab that makes its store first, as the first one after
// a build does.
func TestInterruptedImport(t *testing.T) {
	before := machine(t)
	tr := newTrial(t)
	tr.bin = withoutStore(t, tr.bin)
	for _, moment := range []time.Duration{200 * time.Millisecond, 2 * time.Second} {
		t.Run("after "+moment.String(), func(t *testing.T) {
			one := *tr
			one.t, one.seen = t, map[int]string{}
			one.endAfter(moment, false)
		})
	}
	if halves, _ := filepath.Glob(filepath.Join(tr.bin, "store", "*", "making-*")); len(halves) > 0 { // the pattern is right
		t.Errorf("halves of stores are left: %q", halves)
	}
	sameMachine(t, before)
}

// withoutStore is a folder of the same programs and images, without what was made of them.
func withoutStore(t *testing.T, bin string) string {
	t.Helper()
	entries, err := os.ReadDir(bin)
	if err != nil {
		t.Fatal(err)
	}
	other := t.TempDir()
	for _, entry := range entries {
		if name := entry.Name(); name != "store" {
			if err := os.Symlink(filepath.Join(bin, name), filepath.Join(other, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return other
}

// endAfter starts the lab and ends it after a while: the command up by an interrupt, or
// its supervisor by force.
func (tr *trial) endAfter(moment time.Duration, kill bool) {
	tr.t.Helper()
	cmd, said := tr.up("--profile", "plain")
	time.Sleep(moment)
	tr.look()
	if kill {
		tr.kill()
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		tr.t.Fatal(err)
	}
	start := time.Now()
	if err := cmd.Wait(); err == nil {
		tr.t.Errorf("lab up was content:\n%s", said)
	}
	if took := time.Since(start); took > 10*time.Second {
		tr.t.Errorf("lab up ended %s later", took)
	}
	tr.down()
}

// TestBeside runs a lab with nodes beside a control plane, kills the one and has the other
// go on.
func TestBeside(t *testing.T) {
	before := machine(t)
	plain, other := newTrial(t), newTrial(t)
	cmd, said := plain.up("--profile", "plain")
	other.run("up", "--profile", "control-plane", "--metallb=false")
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	t.Logf("%s", said)
	plain.look()
	status := plain.run("status")
	t.Logf("%s", status)
	for _, want := range []string{"plain in " + plain.dir, "GiB in memory", "k8s-node-1", "export KUBECONFIG="} {
		if !strings.Contains(status, want) {
			t.Errorf("status does not say %q", want)
		}
	}
	if out, err := exec.Command(plain.program, "up", "--profile", "plain", "--dir", plain.dir, "--bin", plain.bin).CombinedOutput(); err == nil || !strings.Contains(string(out), "runs in") {
		t.Errorf("a second lab in the same folder: %v %s", err, out)
	}
	var exit *exec.ExitError
	if err := exec.Command(plain.program, "exec", "--dir", plain.dir, "router", "sh", "-c", "exit 7").Run(); !errors.As(err, &exit) || exit.ExitCode() != 7 {
		t.Errorf("a command that ends with status 7: %v", err)
	}
	plain.onlyLoopback()
	other.kill()
	other.down()
	plain.run("exec", "laptop", "curl", "-sS", "-m", "5", "-o", "/dev/null", "http://192.168.16.100")
	plain.kill()
	plain.down()
	sameMachine(t, before)
}

// onlyLoopback looks for kubeconfigs on the machine's file system whose server is not on
// the loopback. etcd has such in its data, for those who join.
func (tr *trial) onlyLoopback() {
	tr.t.Helper()
	folders := []string{tr.dir, "/etc/kubernetes", "/root/.kube", "/var/lib/kubelet"}
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			switch {
			case errors.Is(err, fs.ErrNotExist):
				return nil
			case err != nil:
				return err
			case entry.IsDir() && (strings.HasSuffix(path, "/var/lib/etcd") || strings.HasSuffix(path, "io.containerd.content.v1.content")):
				return fs.SkipDir
			case !entry.Type().IsRegular():
				return nil
			}
			if info, err := entry.Info(); err != nil || info.Size() > 1<<20 {
				return nil // gone, or no kubeconfig
			}
			data, err := os.ReadFile(path)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			for _, server := range []string{"server: https://192.168.16.", "server: https://[2001:db8", "server: https://10.96."} {
				if bytes.Contains(data, []byte(server)) {
					tr.t.Errorf("%s has %s", path, server)
				}
			}
			return nil
		})
		if err != nil {
			tr.t.Fatal(err)
		}
	}
}
