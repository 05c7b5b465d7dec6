package cmd

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/mend"
)

// TestWriteAll: all files or none are written, and what stands there keeps its mode and
// stays a link.
func TestWriteAll(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes and links are others there")
	}
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	for name, mode := range map[string]os.FileMode{"a.yaml": 0o640, "b.yaml": 0o600} {
		if err := os.WriteFile(in(name), []byte("was\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(in(name), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("b.yaml", in("link.yaml")); err != nil {
		t.Fatal(err)
	}
	file := func(name, was string) mend.File {
		return mend.File{Name: in(name), Was: []byte(was), Is: []byte("is\n")}
	}
	err := writeAll([]mend.File{file("a.yaml", "was\n"), file("link.yaml", "something else\n")})
	if err == nil || !strings.HasSuffix(err.Error(), "link.yaml: has been changed in the meantime") {
		t.Errorf("changed in the meantime: %v", err)
	}
	wantFiles(t, dir, "was\n", "was\n")
	if err := writeAll([]mend.File{file("a.yaml", "was\n"), file("link.yaml", "was\n")}); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, dir, "is\n", "is\n")
	if to, err := os.Readlink(in("link.yaml")); err != nil || to != "b.yaml" {
		t.Errorf("link.yaml leads to %q: %v", to, err)
	}
	if info, err := os.Stat(in("a.yaml")); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("a.yaml: %v, %v", info.Mode(), err)
	}
}

// wantFiles is what a.yaml and b.yaml hold, and that nothing else was left behind.
func wantFiles(t *testing.T, dir, a, b string) {
	t.Helper()
	for name, want := range map[string]string{"a.yaml": a, "b.yaml": b} {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
			t.Errorf("%s: %q, want %q: %v", name, got, want, err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if want := []string{"a.yaml", "b.yaml", "link.yaml"}; !slices.Equal(names, want) {
		t.Errorf("the folder has %q, want %q", names, want)
	}
}

// TestFixWriteAsksForFiles: what cannot be written to is named.
func TestFixWriteAsksForFiles(t *testing.T) {
	if _, err := readWhole(filepath.Join(t.TempDir(), "dump.tar!web.yaml")); err == nil || !strings.HasSuffix(err.Error(), "is no file of its own: unpack what it is a part of") {
		t.Errorf("in an archive: %v", err)
	}
	if _, err := readWhole(t.TempDir()); err == nil || !strings.HasSuffix(err.Error(), "is no file that can be overwritten") {
		t.Errorf("a folder: %v", err)
	}
}
