package process

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// script is an executable that runs the lines of a shell.
func script(t *testing.T, lines string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+lines), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func alive(p *Process) bool { return !errors.Is(syscall.Kill(p.PID(), 0), syscall.ESRCH) }

func TestStop(t *testing.T) {
	for name, lines := range map[string]string{
		"that ends when asked": "exec sleep 60",
		"that does not listen": "trap '' TERM; echo ready; while :; do sleep 0.1; done",
	} {
		t.Run(name, func(t *testing.T) {
			p, err := Start(script(t, lines), t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			if !alive(p) {
				t.Fatal("does not run")
			}
			p.Stop(200 * time.Millisecond)
			if alive(p) {
				t.Errorf("process %d lives", p.PID())
			}
			p.Stop(time.Minute) // once more is no harm
		})
	}
}

func TestFailureHasTheLastWords(t *testing.T) {
	p, err := Start(script(t, "echo the port is taken >&2; exit 3"), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if err := p.Failure(); !strings.Contains(err.Error(), "exit status 3") || !strings.HasSuffix(err.Error(), "the port is taken") {
		t.Errorf("failure: %v", err)
	}
}

func TestNoProgram(t *testing.T) {
	if _, err := Start(filepath.Join(t.TempDir(), "etcd"), t.TempDir()); err == nil || !strings.HasPrefix(err.Error(), "start etcd: ") {
		t.Errorf("error %v", err)
	}
}
