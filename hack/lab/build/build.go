// Package build builds the programs that the lab runs, from Go modules at pinned
// versions. Nothing is fetched but Go modules.
package build

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Program is one program and what it is built from.
type Program struct {
	Name   string
	Module string   // folder of the module that pins its version, below Components
	Source string   // package, as go build takes it
	Tags   string   // of the build, comma separated
	Flags  []string // of the linker: the version that the program tells of itself
	Edits  []Edit
}

// Components is the folder of the modules, below the root of the repository.
const Components = "hack/lab/components"

// Root is the repository's folder: the nearest one around dir that has the
// modules of the components.
func Root(dir string) (string, error) {
	for at := dir; ; at = filepath.Dir(at) {
		if stat, err := os.Stat(filepath.Join(at, Components)); err == nil && stat.IsDir() {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("find the repository: no folder around %s has %s", dir, Components)
		}
	}
}

// All builds programs into bin, each unless it is there and nothing that it is
// built from has changed since.
func All(ctx context.Context, programs []Program, root, bin string, log io.Writer) error {
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return err
	}
	start := time.Now()
	for _, p := range programs {
		if err := p.build(ctx, root, bin, log); err != nil {
			return fmt.Errorf("build %s: %w", p.Name, err)
		}
	}
	_, err := fmt.Fprintf(log, "%d programs in %s\n", len(programs), time.Since(start).Round(time.Second))
	return err
}

func (p Program) build(ctx context.Context, root, bin string, log io.Writer) error {
	module := filepath.Join(root, Components, p.Module)
	key, err := p.key(module)
	if err != nil {
		return err
	}
	target, stamp := filepath.Join(bin, p.Name), filepath.Join(bin, "."+p.Name+".built-from")
	if _, err := os.Stat(target); err == nil {
		if built, err := os.ReadFile(stamp); err == nil && string(built) == key {
			_, err := fmt.Fprintf(log, "%s: up to date\n", p.Name)
			return err
		}
	}
	// A build that is cut off must not leave a stamp for a program of before.
	if err := os.Remove(stamp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	dir, err := os.MkdirTemp("", "lab-build-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	gomod, err := p.edited(ctx, root, dir)
	if err != nil {
		return err
	}
	start := time.Now()
	args := []string{
		"build", "-buildvcs=false", "-mod=readonly", "-modfile=" + gomod, "-tags", p.Tags,
		"-ldflags", p.linkerFlags(), "-o", target, p.Source,
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = module
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=")
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(log, "%s: built in %s\n", p.Name, time.Since(start).Round(time.Second)); err != nil {
		return err
	}
	return os.WriteFile(stamp, []byte(key), 0o644)
}

func (p Program) linkerFlags() string {
	return strings.Join(append([]string{"-s", "-w"}, p.Flags...), " ")
}

// key is a digest of all that the program is built from.
func (p Program) key(module string) (string, error) {
	h := sha256.New()
	_, _ = fmt.Fprintln(h, runtime.Version(), runtime.GOARCH, p.Source, p.Tags, p.linkerFlags()) // a hash takes all writes
	for _, e := range p.Edits {
		_, _ = fmt.Fprintf(h, "%q\n", e)
	}
	err := filepath.WalkDir(module, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(h, "%s %x\n", strings.TrimPrefix(path, module), sha256.Sum256(data))
		return err
	})
	return fmt.Sprintf("%x\n", h.Sum(nil)), err
}
