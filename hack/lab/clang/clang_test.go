package clang

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// fake is a compiler whose preprocessor writes the source without its remarks, and whose
// object tells the source's name. It notes each object that it compiles, and takes its
// time.
const fake = `#!/bin/sh
for arg; do
	case $arg in
	-E) preprocess=1 ;;
	*.c) source=$arg ;;
	esac
done
grep -q '#error' "$source" && { echo "$source: error" >&2; exit 1; }
if [ "$preprocess" ]; then exec grep -v '^//' "$source"; fi
echo "$source" >>"$COMPILED"
sleep 0.2
echo "object of $source"
`

func newCache(t *testing.T) (c cache, dir string, compiled func() int) {
	t.Helper()
	dir = t.TempDir()
	c = cache{compiler: filepath.Join(dir, "clang"), folder: filepath.Join(dir, "cache")}
	if err := os.Mkdir(c.folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.compiler, []byte(fake), 0o755); err != nil {
		t.Fatal(err)
	}
	notes := filepath.Join(dir, "compiled")
	t.Setenv("COMPILED", notes)
	return c, dir, func() int {
		data, err := os.ReadFile(notes)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return bytes.Count(data, []byte("\n"))
	}
}

// source writes a source and is the arguments that compile it.
func source(t *testing.T, dir, name, text string) []string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{"-I" + filepath.Join(dir, name), "-O2", "-c", path, "-o", "-"}
}

func TestCompilesOnce(t *testing.T) {
	c, dir, compiled := newCache(t)
	object := func(args []string) string {
		var out, diagnostics bytes.Buffer
		if err := c.compile(args, &out, &diagnostics); err != nil {
			t.Fatalf("%v: %s", err, diagnostics.String())
		}
		return out.String()
	}
	lxc := source(t, dir, "bpf_lxc.c", "// of node 1\nint lxc;\n")
	first := object(lxc)
	if want := "object of " + filepath.Join(dir, "bpf_lxc.c") + "\n"; first != want {
		t.Fatalf("compiled %q, want %q", first, want)
	}
	lxc = source(t, dir, "bpf_lxc.c", "// of node 2\nint lxc;\n")
	if again := object(lxc); again != first || compiled() != 1 {
		t.Errorf("the same text: %q, compiled %d times", again, compiled())
	}
	lxc = source(t, dir, "bpf_lxc.c", "int other;\n")
	if object(lxc); compiled() != 2 {
		t.Errorf("another text: compiled %d times", compiled())
	}
	lxc[1] = "-O0"
	if object(lxc); compiled() != 3 {
		t.Errorf("another flag: compiled %d times", compiled())
	}
}

func TestTwoAtOnce(t *testing.T) {
	c, dir, compiled := newCache(t)
	args := source(t, dir, "bpf_host.c", "int host;\n")
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			var out bytes.Buffer
			if err := c.compile(args, &out, os.Stderr); err != nil || !strings.HasPrefix(out.String(), "object of ") {
				t.Errorf("%q, %v", out.String(), err)
			}
		})
	}
	both.Wait()
	if compiled() != 1 {
		t.Errorf("compiled %d times", compiled())
	}
}

func TestFailureIsToldAndNotKept(t *testing.T) {
	c, dir, compiled := newCache(t)
	args := source(t, dir, "bpf_xdp.c", "#error\n")
	var out, diagnostics bytes.Buffer
	if err := c.compile(args, &out, &diagnostics); err == nil || !strings.Contains(diagnostics.String(), "bpf_xdp.c: error") {
		t.Errorf("%v: %q", err, diagnostics.String())
	}
	source(t, dir, "bpf_xdp.c", "int xdp;\n")
	if err := c.compile(args, &out, &diagnostics); err != nil || compiled() != 1 {
		t.Errorf("mended: %v, compiled %d times", err, compiled())
	}
}

func TestCompiles(t *testing.T) {
	for args, want := range map[string]bool{
		"-O2 -g -c bpf_lxc.c -o -":      true,
		"-E -O2 -c bpf_lxc.c -o -":      false,
		"-O2 -g -c bpf_lxc.c -o object": false,
		"--version":                     false,
	} {
		if got := compiles(strings.Fields(args)); got != want {
			t.Errorf("%s: %t", args, got)
		}
	}
}
