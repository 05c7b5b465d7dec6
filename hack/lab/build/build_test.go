package build

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// program is a module of one line in a repository of its own.
func program(t *testing.T) (root string, p Program) {
	t.Helper()
	root = t.TempDir()
	for name, content := range map[string]string{
		"go.mod":  "module example.org/hello\n\ngo 1.26.0\n",
		"main.go": "package main\n\nfunc main() {}\n",
	} {
		path := filepath.Join(root, Components, "hello", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root, Program{Name: "hello", Module: "hello", Source: "."}
}

func TestBuildsWhatChanged(t *testing.T) {
	root, p := program(t)
	bin := filepath.Join(root, "bin")
	build := func() string {
		var log bytes.Buffer
		if err := All(t.Context(), []Program{p}, root, bin, &log); err != nil {
			t.Fatalf("%v\n%s", err, log.String())
		}
		return log.String()
	}
	const upToDate = "hello: up to date\n1 programs in 0s\n"
	if got := build(); got == upToDate {
		t.Error("the first time nothing is built")
	}
	if got := build(); got != upToDate {
		t.Errorf("the second time: %s", got)
	}
	if err := os.WriteFile(filepath.Join(root, Components, "hello", "main.go"), []byte("package main\n\nfunc main() { println() }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := build(); got == upToDate {
		t.Error("a change of the source is not built")
	}
	if err := os.Remove(filepath.Join(bin, "hello")); err != nil {
		t.Fatal(err)
	}
	if got := build(); got == upToDate {
		t.Error("a program that is gone is not built")
	}
}

func TestRoot(t *testing.T) {
	root, _ := program(t)
	deep := filepath.Join(root, Components, "hello")
	if got, err := Root(deep); err != nil || got != root {
		t.Errorf("from %s: %s, %v", deep, got, err)
	}
	if got, err := Root(t.TempDir()); err == nil {
		t.Errorf("from elsewhere: %s", got)
	}
}

func TestEdit(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "main.go")
	e := Edit{Module: "example.org/hello", File: "main.go", Old: `":80"`, New: `"127.0.0.1:80"`}
	for source, want := range map[string]string{
		`listen(":80")`:                "listen(\"127.0.0.1:80\")",
		`listen(":81")`:                "",
		`listen(":80"); listen(":80")`: "",
	} {
		if err := os.WriteFile(path, []byte(source), 0o644); err != nil {
			t.Fatal(err)
		}
		err := e.apply(dir)
		got, readErr := os.ReadFile(path)
		switch {
		case readErr != nil:
			t.Fatal(readErr)
		case want == "" && (err == nil || string(got) != source):
			t.Errorf("%s: became %s, error %v; want it refused", source, got, err)
		case want != "" && (err != nil || string(got) != want):
			t.Errorf("%s: became %s, error %v; want %s", source, got, err, want)
		}
	}
}
