package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/host"
	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/process"
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
	Profile string    `json:"profile"`
	Options []string  `json:"options,omitempty"` // that were given, of those with nodes
	Started time.Time `json:"started"`
}

// owner is the process that runs the lab in a folder.
type owner struct {
	pid     int
	started string // ticks since the machine started
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
	return o, o.started == process.Started(o.pid)
}

// unowned is an error where a lab runs in dir.
func unowned(dir string) error {
	if o, lives := ownerOf(dir); lives {
		return fmt.Errorf("a lab runs in %s already: process %d; «lab down» ends it, --dir names another folder", dir, o.pid)
	}
	return nil
}

// claim makes this process the owner of dir. What a lab left there that did not end
// in order is removed; a folder that is not a lab's is not touched.
func claim(dir string) error {
	if err := unowned(dir); err != nil {
		return err
	}
	if err := clean(context.Background(), dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	pid := os.Getpid()
	return os.WriteFile(filepath.Join(dir, ownerFile), fmt.Appendf(nil, "%d %s\n", pid, process.Started(pid)), 0o600)
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

// cleanTimeout is for what a lab left that did not end in order.
const cleanTimeout = 10 * time.Second

// clean ends what is left of a lab in dir whose owner has ended, and removes its folder.
func clean(ctx context.Context, dir string) error {
	ctx, cancel := context.WithTimeout(ctx, cleanTimeout)
	defer cancel()
	if err := host.EndAll(ctx, dir); err != nil {
		return err
	}
	for {
		err := host.RemoveCgroups(dir)
		if err == nil { // else the folder says which there are
			err = wipe(dir)
		}
		if !errors.Is(err, syscall.EBUSY) && !errors.Is(err, syscall.ENOTEMPTY) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(50 * time.Millisecond): // the last of its programs are ending
		}
	}
}

// wipe removes the folder of a lab, last of all what shows that it is one.
func wipe(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		return os.Remove(dir)
	}
	if _, err := os.Stat(filepath.Join(dir, ownerFile)); err != nil {
		return fmt.Errorf("%s is not empty and not a lab's", dir)
	}
	for _, entry := range entries {
		if entry.Name() == ownerFile {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dir, entry.Name())); err != nil {
			return err
		}
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
	if err := unowned(o.dir); err != nil {
		return err
	}
	if err := o.require(); err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	log := o.dir + ".log"
	if err := os.MkdirAll(filepath.Dir(log), 0o755); err != nil {
		return err
	}
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
	cmd.Stderr = out
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

// stopTimeout is how long a lab may take to end in order.
const stopTimeout = 8 * time.Second

// down ends the lab and removes its folder, and all else that a lab left that was killed.
// Nothing to end is no failure.
func (o options) down(ctx context.Context) error {
	if owner, lives := ownerOf(o.dir); lives {
		if err := owner.end(ctx); err != nil {
			return fmt.Errorf("end process %d: %w", owner.pid, err)
		}
	}
	if err := clean(ctx, o.dir); err != nil {
		return err
	}
	if err := os.Remove(o.dir + ".log"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// end asks the process to end, and makes it when it does not.
func (o owner) end(ctx context.Context) error {
	if err := syscall.Kill(o.pid, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	late := time.After(stopTimeout)
	for process.Started(o.pid) == o.started {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-late:
			if err := syscall.Kill(o.pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
				return err
			}
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

// status tells what runs, what it uses, and how to use it.
func (o options) status(stdout io.Writer) error {
	owner, lives := ownerOf(o.dir)
	if !lives {
		return fmt.Errorf("no lab runs in %s", o.dir)
	}
	d, err := described(o.dir)
	if err != nil {
		return err
	}
	used, err := process.Memory(process.Descendants(owner.pid))
	if err != nil {
		return err
	}
	kubeconfig, ok := ready(o.dir)
	hosts := host.Names(o.dir)
	_, err = fmt.Fprintf(stdout, "%s in %s, process %d, for %s\n%s in memory\n",
		strings.Join(append([]string{d.Profile}, d.Options...), " "), o.dir, owner.pid, time.Since(d.Started).Round(time.Second), gibibytes(used))
	if err == nil && len(hosts) > 0 {
		_, err = fmt.Fprintf(stdout, "hosts: %s\n", strings.Join(hosts, " "))
	}
	switch {
	case err != nil:
	case !ok:
		_, err = fmt.Fprintln(stdout, "not ready yet")
	case len(hosts) == 0:
		_, err = fmt.Fprintf(stdout, "\nexport KUBECONFIG=%s\n", kubeconfig)
	default:
		_, err = fmt.Fprintf(stdout, "\nexport KUBECONFIG=%s\nlab exec --dir %s laptop ip route\n", kubeconfig, o.dir)
	}
	return err
}

func gibibytes(n int64) string { return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30)) }

func (o options) kubeconfig(stdout io.Writer) error {
	kubeconfig, ok := ready(o.dir)
	if !ok {
		return fmt.Errorf("no lab runs in %s", o.dir)
	}
	_, err := fmt.Fprintln(stdout, kubeconfig)
	return err
}
