// Package clang stands before the compiler in the image of Cilium's agent. Each agent of
// the lab compiles the same few programs, some of them twice, and the nodes share few
// cores: what one has compiled, the others take.
package clang

import (
	"bytes"
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
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/lock"
)

// Compiler is the real one, where Debian's package has it.
const Compiler = "/usr/lib/llvm-19/bin/clang"

// Shared is the folder of what is compiled, in an agent and on its node. Without it
// nothing is kept.
const Shared = "/var/run/cilium/clang-cache"

// Run does what clang does when it is called with args.
func Run(args []string) error {
	if _, err := os.Stat(Shared); err != nil || !compiles(args) {
		return syscall.Exec(Compiler, append([]string{"clang"}, args...), os.Environ())
	}
	return cache{compiler: Compiler, folder: Shared}.compile(args, os.Stdout, os.Stderr)
}

// compiles tells whether a call makes an object and writes it to standard output, as
// those of an agent do. Source: cilium v1.20.2, pkg/datapath/loader/compile.go compile.
func compiles(args []string) bool {
	output := slices.Index(args, "-o")
	return slices.Contains(args, "-c") && !slices.Contains(args, "-E") && output >= 0 && slices.Equal(args[output+1:], []string{"-"})
}

// cache is objects by what they are compiled from.
type cache struct {
	compiler, folder string
}

// compile writes the object to out. Of two that want the same at the same time, the
// second waits for the first.
func (c cache) compile(args []string, out, diagnostics io.Writer) error {
	key, err := c.key(args)
	if err != nil {
		// What does not pass the preprocessor does not compile either, and then says why.
		return c.clang(args, out, diagnostics)
	}
	object := filepath.Join(c.folder, key+".o")
	unlock, err := lock.Take(context.Background(), object+".lock") // a compiler that is killed gives it back
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := os.Stat(object); errors.Is(err, fs.ErrNotExist) {
		if err := c.create(object, args, diagnostics); err != nil {
			return err
		}
	}
	compiled, err := os.Open(object)
	if err != nil {
		return err
	}
	now := time.Now()
	_ = os.Chtimes(object, now, now) // it is of use still; at worst it is compiled once more, some day
	defer func() { _ = compiled.Close() }()
	_, err = io.Copy(out, compiled)
	return err
}

// key is a digest of the preprocessed source and of the arguments. The folders of the
// includes are not in it: an agent has one for each kind of endpoint, and what is read
// from there is in the source.
func (c cache) key(args []string) (string, error) {
	h := sha256.New()
	preprocess := []string{"-E", "-P"}
	for _, arg := range args {
		switch {
		case arg == "-c":
		case strings.HasPrefix(arg, "-I"):
			preprocess = append(preprocess, arg)
		default:
			preprocess = append(preprocess, arg)
			_, _ = fmt.Fprintln(h, arg) // a hash takes all writes
		}
	}
	var diagnostics bytes.Buffer
	if err := c.clang(preprocess, h, &diagnostics); err != nil {
		return "", fmt.Errorf("%w: %s", err, diagnostics.Bytes())
	}
	return fmt.Sprintf("%x", h.Sum(nil)), nil
}

// create compiles an object, whole or not at all.
func (c cache) create(object string, args []string, diagnostics io.Writer) error {
	unfinished, err := os.Create(object + ".unfinished")
	if err != nil {
		return err
	}
	err = c.clang(args, unfinished, diagnostics)
	if err := errors.Join(err, unfinished.Close()); err != nil {
		return err
	}
	return os.Rename(unfinished.Name(), object)
}

// clang runs the real one. An agent that no longer wants the result kills this process,
// and the other is to end with it: the kernel kills it when the thread that started it
// ends.
func (c cache) clang(args []string, out, diagnostics io.Writer) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.Command(c.compiler, args...)
	cmd.Stdout, cmd.Stderr = out, diagnostics
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd.Run()
}
