package fault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/build"
)

// Lab is a running lab.
type Lab struct {
	Dir        string
	Profile    build.Profile
	Kubectl    string // the program
	Kubeconfig string
	// Exec is a command in a host of the lab.
	Exec func(ctx context.Context, host string, args ...string) (*exec.Cmd, error)
	// Restart runs a program of the control plane with other flags, and without any as
	// it was at first. It comes back with the id of its process when it is ready.
	Restart func(ctx context.Context, program string, flags ...string) (pid int, err error)
	Out     io.Writer // is told each step
}

// A planted fault is a folder in the lab's:
//
//	faults/NAME/NAME.txtar  the script as it was planted; not there before the first step
//	faults/NAME/files       what it carries
//	faults/NAME/before      what it is going to restore
const faultsFolder = "faults"

// Planted is the name of the fault that is planted in the lab in dir, or empty.
func Planted(dir string) (string, error) {
	entries, err := os.ReadDir(filepath.Join(dir, faultsFolder))
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return entries[0].Name(), nil
}

// Plant plants a fault and shows it, where none is planted. What it is going to restore
// is put aside first, so that another process can heal it. After a step that fails the
// fault counts as planted all the same: what came before it is done.
func (l Lab) Plant(ctx context.Context, s Script) error {
	if !slices.Contains(s.Profiles, l.Profile) {
		return fmt.Errorf("%s is for the profiles %v, and this lab is %s", s.Name, s.Profiles, l.Profile)
	}
	if planted, err := Planted(l.Dir); err != nil {
		return err
	} else if planted != "" {
		return fmt.Errorf("%s is planted: «lab heal» heals it", planted)
	}
	r, start := l.run(s.Name), time.Now()
	l.say("%s: %s\n", s.Name, s.Says)
	if err := r.prepare(ctx, s); err != nil {
		return errors.Join(err, os.RemoveAll(r.dir))
	}
	for _, step := range s.Plant {
		if err := r.step(ctx, step); err != nil {
			return fmt.Errorf("%w; «lab heal» heals what is planted of it", err)
		}
	}
	by := "a probe alone shows it"
	if found := s.Found(l.Profile); len(found) > 0 {
		by = "doctor finds it by " + strings.Join(found, " ")
	}
	l.say("planted in %.1f s; %s\n", time.Since(start).Seconds(), by)
	return nil
}

// Heal heals the fault that is planted. A step that fails does not keep the others from
// being tried, and the fault counts as planted until all go well.
func (l Lab) Heal(ctx context.Context) error {
	name, err := Planted(l.Dir)
	if err != nil {
		return err
	}
	if name == "" {
		return fmt.Errorf("no fault is planted in %s", l.Dir)
	}
	r, start := l.run(name), time.Now()
	s, err := read(r.script())
	if errors.Is(err, fs.ErrNotExist) { // nothing was planted yet when it was interrupted
		return os.RemoveAll(r.dir)
	}
	if err != nil {
		return err
	}
	for _, step := range s.Heal {
		err = errors.Join(err, r.step(ctx, step))
	}
	if err != nil {
		return fmt.Errorf("heal %s: %w", name, err)
	}
	if err := os.RemoveAll(r.dir); err != nil {
		return err
	}
	l.say("healed %s in %.1f s\n", name, time.Since(start).Seconds())
	return nil
}

// say tells a person: when nobody listens any more there is nothing to be done.
func (l Lab) say(format string, args ...any) { _, _ = fmt.Fprintf(l.Out, format, args...) }

// kubectl is kubectl with the lab's kubeconfig and no other, and none of the caller's
// preferences.
func (l Lab) kubectl(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, l.Kubectl, args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+l.Kubeconfig, "HOME="+l.Dir)
	cmd.Dir = l.Dir
	return cmd
}

// result is what a program left behind.
type result struct {
	stdout, stderr string
	code           int
}

func (r result) both() string { return r.stdout + r.stderr }

// output runs a command. That it ends with another status than 0 is no error.
func output(cmd *exec.Cmd) (result, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	r := result{stdout: stdout.String(), stderr: stderr.String()}
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		r.code, err = exit.ExitCode(), nil
	}
	return r, err
}

// must is output of a command that has to succeed: what it printed.
func must(cmd *exec.Cmd) (string, error) {
	r, err := output(cmd)
	if err == nil && r.code != 0 {
		err = fmt.Errorf("exit status %d", r.code)
	}
	if err != nil {
		return r.stdout, fmt.Errorf("%w: %s", err, strings.TrimSpace(r.stderr))
	}
	return r.stdout, nil
}
