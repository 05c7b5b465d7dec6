package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/host"
)

// A folder belongs to one lab at a time: to the process whose id and start time
// stand in the file "owner". An id alone may long be another process's.
const (
	ownerFile = "owner"
	readyFile = "ready"    // holds the path of the kubeconfig
	labFile   = "lab.json" // holds a description
)

// description is what there is to know of the lab in a folder.
type description struct {
	Profile string `json:"profile"`
}

// owner is the process that runs the lab in a folder.
type owner struct {
	pid     int
	started string // ticks since the machine started
}

// startOf is when process pid started, or empty when there is none, or one that is
// dead and only waits to be collected by its parent.
// Source: proc_pid_stat(5): field 22; the state is field 3; the name of the program,
// field 2, is in parentheses and may hold spaces.
func startOf(pid int) string {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return ""
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	const starttime = 22 - 3 // counted from field 3, which comes after the name
	if len(fields) <= starttime || fields[0] == "Z" {
		return ""
	}
	return fields[starttime]
}

// ownerOf is the living owner of dir, if it has one.
func ownerOf(dir string) (owner, bool) {
	data, err := os.ReadFile(filepath.Join(dir, ownerFile))
	if err != nil {
		return owner{}, false
	}
	var o owner
	if _, err := fmt.Sscan(string(data), &o.pid, &o.started); err != nil {
		return owner{}, false
	}
	return o, o.started == startOf(o.pid)
}

// claim makes this process the owner of dir. What a lab left there that did not end
// in order is removed; a folder that is not a lab's is not touched.
func claim(dir string) error {
	if o, lives := ownerOf(dir); lives {
		return fmt.Errorf("a lab runs in %s already: process %d", dir, o.pid)
	}
	if err := wipe(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	pid := os.Getpid()
	return os.WriteFile(filepath.Join(dir, ownerFile), fmt.Appendf(nil, "%d %s\n", pid, startOf(pid)), 0o600)
}

// describe writes down what there is to know of the lab in dir.
func describe(dir string, d description) error {
	data, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, labFile), append(data, '\n'), 0o600)
}

// described is what there is to know of the lab in dir.
func described(dir string) (d description, err error) {
	data, err := os.ReadFile(filepath.Join(dir, labFile))
	if err != nil {
		return d, err
	}
	return d, json.Unmarshal(data, &d)
}

// wipe removes the folder of a lab.
func wipe(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, ownerFile)); err != nil {
		return fmt.Errorf("%s is not empty and not a lab's", dir)
	}
	return os.RemoveAll(dir)
}

// release ends the claim. The folder stays, for its logs.
func release(dir string) {
	_ = os.Remove(filepath.Join(dir, readyFile))
}

func announce(dir, kubeconfig string) error {
	return os.WriteFile(filepath.Join(dir, readyFile), []byte(kubeconfig+"\n"), 0o600)
}

// ready is the kubeconfig of the lab that runs in dir.
func ready(dir string) (kubeconfig string, ok bool) {
	if _, lives := ownerOf(dir); !lives {
		return "", false
	}
	data, err := os.ReadFile(filepath.Join(dir, readyFile))
	return strings.TrimSpace(string(data)), err == nil
}

// up starts «lab run» in the background and waits until it is ready. What that says
// goes to stderr meanwhile.
func (o options) up(ctx context.Context, stdout, stderr io.Writer) error {
	if owner, lives := ownerOf(o.dir); lives {
		return fmt.Errorf("a lab runs in %s already: process %d", o.dir, owner.pid)
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	log := o.dir + ".log"
	out, err := os.Create(log)
	if err != nil {
		return err
	}
	defer out.Close()
	said, err := os.Open(log)
	if err != nil {
		return err
	}
	defer said.Close()
	cmd := exec.Command(program, append([]string{"run"}, o.flags...)...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			_ = cmd.Process.Signal(syscall.SIGTERM)
			<-ended //nolint:errcheck // it ended because it was told to
			return context.Cause(ctx)
		case err := <-ended:
			_, _ = io.Copy(stderr, said)
			return fmt.Errorf("lab run ended: %v", err) //nolint:errorlint // nil when it ended by itself
		case <-tick.C:
			kubeconfig, ok := ready(o.dir)
			if _, err := io.Copy(stderr, said); err != nil {
				return err
			}
			if ok {
				_, err := fmt.Fprintln(stdout, kubeconfig)
				return err
			}
		}
	}
}

// down ends the lab and removes its folder. Nothing to end is no failure.
func (o options) down(ctx context.Context) error {
	if owner, lives := ownerOf(o.dir); lives {
		if err := syscall.Kill(owner.pid, syscall.SIGTERM); err != nil {
			return fmt.Errorf("end process %d: %w", owner.pid, err)
		}
		for startOf(owner.pid) == owner.started {
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
	if err := os.Remove(o.dir + ".log"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	// A lab that was killed could not do it.
	if err := host.RemoveCgroups(o.dir); err != nil {
		return err
	}
	return wipe(o.dir)
}

func (o options) status(stdout io.Writer) error {
	kubeconfig, ok := ready(o.dir)
	if !ok {
		return fmt.Errorf("no lab runs in %s", o.dir)
	}
	_, err := fmt.Fprintf(stdout, "runs in %s\nexport KUBECONFIG=%s\n", o.dir, kubeconfig)
	return err
}

func (o options) kubeconfig(stdout io.Writer) error {
	kubeconfig, ok := ready(o.dir)
	if !ok {
		return fmt.Errorf("no lab runs in %s", o.dir)
	}
	_, err := fmt.Fprintln(stdout, kubeconfig)
	return err
}
