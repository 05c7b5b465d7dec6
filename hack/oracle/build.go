package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/hack/oracle/record"
)

// ask builds the program inside of a copy of the module at version, which makes
// the module's internal packages importable, and has it judge the cases.
func (c component) ask(ctx context.Context, version string, input []byte, log io.Writer) ([]record.Verdicts, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	root := filepath.Join(cache, "kubectl-dualstack", "oracle", filepath.Base(c.module)+"-"+version)
	defer func() { _ = os.RemoveAll(root) }() // a hundred megabytes, of which the program is kept
	if err := c.copyModule(ctx, version, root); err != nil {
		return nil, err
	}
	tags, err := c.tags(version)
	if err != nil {
		return nil, err
	}
	program := root + ".program"
	args := []string{"build", "-p", "1", "-mod=mod", "-tags", tags, "-ldflags", "-s -w", "-o", program, "./oracle"}
	if err := command(ctx, root, log, args...); err != nil {
		return nil, err
	}
	if _, err := fmt.Fprintf(log, "%s %s: built, and judges\n", c.module, version); err != nil {
		return nil, err
	}
	lines, err := judge(ctx, program, input)
	if err != nil {
		return nil, err
	}
	return c.split(version, lines)
}

// command runs the go command in the copy.
func command(ctx context.Context, dir string, log io.Writer, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=", "GOTOOLCHAIN=local")
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("go %s: %w", args[0], err)
	}
	return nil
}

// copyModule makes root a copy of the module with the program in it.
func (c component) copyModule(ctx context.Context, version, root string) error {
	dir, err := download(ctx, c.module+"@"+version)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(root); err != nil {
		return err
	}
	if err := os.CopyFS(root, os.DirFS(dir)); err != nil {
		return err
	}
	if err := c.editModule(ctx, version, root); err != nil {
		return err
	}
	for _, l := range c.lifts {
		if err := l.do(root); err != nil {
			return err
		}
	}
	program := filepath.Join("hack/oracle/programs", c.folder)
	if err := os.CopyFS(filepath.Join(root, "oracle"), os.DirFS(filepath.Join(program, "main"))); err != nil {
		return err
	}
	return os.CopyFS(root, os.DirFS(filepath.Join(program, "add")))
}

// download is the folder of a module in the module cache.
func download(ctx context.Context, module string) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "mod", "download", "-json", module).Output()
	if err != nil {
		return "", fmt.Errorf("go mod download %s: %w", module, err)
	}
	var found struct{ Dir string }
	if err := json.Unmarshal(out, &found); err != nil || found.Dir == "" {
		return "", errors.Join(err, fmt.Errorf("go mod download %s names no folder", module))
	}
	return found.Dir, nil
}

// editModule has the module's go.mod take from the module proxy what it looks for
// elsewhere.
func (c component) editModule(ctx context.Context, version, root string) error {
	if c.edits == nil {
		return nil
	}
	edits, err := c.edits(version, root, func(module string) bool {
		return exec.CommandContext(ctx, "go", "list", "-mod=mod", "-m", "-f", "{{.GoMod}}", module).Run() == nil
	})
	if err != nil || len(edits) == 0 {
		return err
	}
	return command(ctx, root, io.Discard, append([]string{"mod", "edit"}, edits...)...)
}

// judge has the program judge the cases.
func judge(ctx context.Context, program string, input []byte) ([]string, error) {
	cmd := exec.CommandContext(ctx, program)
	var out, problems bytes.Buffer
	cmd.Env = append(os.Environ(), "GOGC=400")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), &out, &problems
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w: %s", filepath.Base(program), err, problems.String())
	}
	var lines []string
	scanner := bufio.NewScanner(&out)
	for scanner.Scan() {
		lines = append(lines, scanner.Text())
	}
	return lines, scanner.Err()
}

// split is the verdicts of each of the program's columns.
func (c component) split(version string, lines []string) ([]record.Verdicts, error) {
	verdicts := make([]record.Verdicts, len(c.columns))
	for i, column := range c.columns {
		verdicts[i] = record.Verdicts{Component: column, Module: c.module, Version: version}
	}
	for n, line := range lines {
		columns := strings.Split(line, "\t")
		if len(columns) != len(verdicts) {
			return nil, fmt.Errorf("line %d has %d columns; want %d", n+1, len(columns), len(verdicts))
		}
		for i, text := range columns {
			verdicts[i].Lines = append(verdicts[i].Lines, text)
		}
	}
	return verdicts, nil
}
