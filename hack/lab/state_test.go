package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestClaim(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "lab")
	if err := claim(dir); err != nil {
		t.Fatal(err)
	}
	if err := claim(dir); err == nil || !strings.Contains(err.Error(), "runs in "+dir) {
		t.Errorf("a second lab in the same folder: %v", err)
	}
	if _, ok := ready(dir); ok {
		t.Error("ready before it was said")
	}
	if err := announce(dir, "/some/kubeconfig"); err != nil {
		t.Fatal(err)
	}
	if kubeconfig, ok := ready(dir); !ok || kubeconfig != "/some/kubeconfig" {
		t.Errorf("ready: %q, %t", kubeconfig, ok)
	}
	release(dir)
	if _, ok := ready(dir); ok {
		t.Error("ready after its end")
	}
}

// TestClaimAfterACrash: the id of a dead lab may be another process's by now.
func TestClaimAfterACrash(t *testing.T) {
	dir := t.TempDir()
	for _, owner := range []string{"1 12345678901234\n", "999999999 1\n"} {
		if err := os.WriteFile(filepath.Join(dir, ownerFile), []byte(owner), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := claim(dir); err != nil {
			t.Errorf("left by %q: %v", owner, err)
		}
	}
}

func TestNobodyElsesFolder(t *testing.T) {
	dir := t.TempDir()
	precious := filepath.Join(dir, "precious")
	if err := os.WriteFile(precious, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := claim(dir); err == nil {
		t.Error("a folder with somebody's files is taken")
	}
	if err := (options{dir: dir}).down(t.Context()); err == nil {
		t.Error("a folder with somebody's files is removed")
	}
	if _, err := os.Stat(precious); err != nil {
		t.Error(err)
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{nil, {"fly"}, {"status", "--dir", t.TempDir()}, {"kubeconfig", "--dir", t.TempDir()}} {
		var out bytes.Buffer
		if err := run(t.Context(), args, strings.NewReader(""), &out, &out); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
	if got := binaries("/repository", ""); got != "/repository/bin/lab" {
		t.Errorf("binaries in %s", got)
	}
	if got := binaries("/repository", "/assets"); got != "/assets" {
		t.Errorf("binaries in %s", got)
	}
}
