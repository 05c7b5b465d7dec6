package fault

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// command is what a step can be.
type command struct {
	least   int  // words after it
	mayFail bool // with a ! before it
	check   func(*Script, []string) error
	do      func(*run, context.Context, Step) (shown string, err error)
}

// commands is described in test/e2e/faults/README.md.
var commands = map[string]command{
	"kubectl": {least: 1, mayFail: true, do: (*run).program},
	"exec":    {least: 2, mayFail: true, do: (*run).program},
	"put":     {least: 1, check: checkPut, do: (*run).put},
	"restore": {least: 1, check: checkRestore, do: (*run).restore},
	"restart": {least: 1, do: (*run).restart},
	"probe":   {least: 2, mayFail: true, check: checkProbe, do: (*run).probe},
	"found":   {least: 1, check: checkFound}, // it is for whoever looks for the fault
}

const (
	// stepTimeout is for what hangs, such as a webhook that nobody answers for.
	stepTimeout = 5 * time.Minute
	// patience is for what controllers do in their own time.
	patience = time.Minute
)

// run is the planting of a fault, or its healing.
type run struct {
	Lab
	name      string
	dir       string
	variables map[string]string
}

func (l Lab) run(name string) *run {
	return &run{Lab: l, name: name, dir: filepath.Join(l.Dir, faultsFolder, name), variables: map[string]string{}}
}

func (r *run) script() string          { return filepath.Join(r.dir, r.name+extension) }
func (r *run) file(name string) string { return filepath.Join(r.dir, "files", name) }

// prepare lays down the script and its files, and what it is going to restore. The
// script comes last: from then on the fault counts as planted.
func (r *run) prepare(ctx context.Context, s Script) error {
	for _, folder := range []string{r.file(""), filepath.Dir(r.aside(reference{}, ""))} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
	}
	for name, content := range s.Files {
		if err := os.WriteFile(r.file(name), []byte(content), 0o600); err != nil {
			return err
		}
	}
	for _, step := range s.Heal {
		if step.command != "restore" || !step.In(r.Profile) {
			continue
		}
		for _, name := range step.args {
			ref, err := parseReference(name)
			if err == nil {
				err = r.save(ctx, ref)
			}
			if err != nil {
				return fmt.Errorf("put %s aside: %w", name, err)
			}
		}
	}
	return os.WriteFile(r.script(), []byte(s.text), 0o600)
}

// step does a step and tells about it.
func (r *run) step(ctx context.Context, s Step) error {
	do := commands[s.command].do
	if do == nil || !s.In(r.Profile) {
		return nil
	}
	if err := s.split(r.variables); err != nil {
		return fmt.Errorf("%s: %w", s.Text, err)
	}
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	r.say("  %s", s.Text)
	start := time.Now()
	shown, err := do(r, ctx, s)
	r.say(" (%.1f s)\n", time.Since(start).Seconds())
	if err != nil {
		return fmt.Errorf("%s: %w", s.Text, err)
	}
	if shown = readable(shown); shown != "" {
		r.say("    %s\n", strings.ReplaceAll(shown, "\n", "\n    "))
	}
	return nil
}

// most is how much of what a program printed a person wants to read.
const most = 400

// readable is the beginning of what a program printed, for a person.
func readable(s string) string {
	s = strings.TrimSpace(strings.ReplaceAll(s, "\x00", " ")) // as in /proc/PID/cmdline
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return s
}

// around is the part of s that a match is in.
func around(s string, match []int) string {
	if match == nil || match[0] < most/2 {
		return s
	}
	return "…" + strings.ToValidUTF8(s[match[0]-most/4:], "")
}

// command is a program that a script names, where it is to run.
func (r *run) command(ctx context.Context, program string, args []string) (*exec.Cmd, error) {
	switch program {
	case "kubectl":
		cmd := r.kubectl(ctx, args...)
		cmd.Dir = r.file("")
		return cmd, nil
	case "exec":
		if len(args) < 2 {
			return nil, errors.New("exec: want a host and a command")
		}
		if r.Exec == nil {
			return nil, fmt.Errorf("a lab of the profile %s has no hosts", r.Profile)
		}
		return r.Exec(ctx, args[0], args[1:]...)
	}
	return exec.CommandContext(ctx, program, args...), nil
}

// program is «kubectl ARG...» and «exec HOST COMMAND...». With a ! it has to fail.
func (r *run) program(ctx context.Context, s Step) (string, error) {
	cmd, err := r.command(ctx, s.command, s.args)
	if err != nil {
		return "", err
	}
	out, err := output(cmd)
	switch {
	case err != nil:
		return "", err
	case s.not && out.code == 0:
		return "", fmt.Errorf("it did not fail: %s", readable(out.both()))
	case !s.not && out.code != 0:
		return "", fmt.Errorf("exit status %d: %s", out.code, readable(out.both()))
	}
	return out.both(), nil
}

// restart is «restart PROGRAM [FLAG...]». Afterwards $PID is its process.
func (r *run) restart(ctx context.Context, s Step) (string, error) {
	pid, err := r.Restart(ctx, s.args[0], s.args[1:]...)
	r.variables[pidVariable] = strconv.Itoa(pid)
	return "", err
}

// probe is «probe REGEXP COMMAND...»: before long, what the command prints, be it a
// refusal, matches. With a ! it does not.
func (r *run) probe(ctx context.Context, s Step) (string, error) {
	want, err := regexp.Compile(s.args[0])
	if err != nil {
		return "", err
	}
	for deadline := time.Now().Add(patience); ; {
		cmd, err := r.command(ctx, s.args[1], s.args[2:])
		if err != nil {
			return "", err
		}
		out, err := output(cmd)
		if err != nil {
			return "", err
		}
		shown := strings.TrimRight(out.both(), "\n")
		if at := want.FindStringIndex(shown); (at != nil) != s.not {
			return around(shown, at), nil
		}
		if time.Now().After(deadline) {
			return "", fmt.Errorf("it shows something else: %s", readable(shown))
		}
		select {
		case <-ctx.Done():
			return "", context.Cause(ctx)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
