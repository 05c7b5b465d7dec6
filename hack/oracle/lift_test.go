package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const large = `package options

import (
	"fmt"
	"net"

	cp "example.org/large"
	"example.org/klog/v2"
)

type Extra struct{ Range net.IPNet }

var Default, other = 1, 2

// read is lifted without its comment.
func read(text string) (int, error) {
	n, err := cp.Parse(text)
	klog.Info(n)
	return n, err
}

func (e Extra) read() {}

func unwanted() { fmt.Println() }
`

// What is lifted has the imports that it uses and no others.
func TestLift(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "options"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "options", "a.go"), []byte(large), 0o644); err != nil {
		t.Fatal(err)
	}
	l := lift{from: "options", to: "lifted/small", names: []string{"read", "Default"}, imports: map[string]string{"example.org/large": "example.org/small"}}
	if err := l.do(root); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(root, "lifted", "small", "lifted_a.go"))
	if err != nil {
		t.Fatal(err)
	}
	want := `package small

import cp "example.org/small"
import klog "example.org/klog/v2"

var Default, other = 1, 2

func read(text string) (int, error) {
	n, err := cp.Parse(text)
	klog.Info(n)
	return n, err
}
`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	l.names = append(l.names, "gone")
	if err := l.do(root); err == nil || !strings.Contains(err.Error(), "lift gone: options declares it no more") {
		t.Errorf("%v; want the name in it", err)
	}
}

func TestTags(t *testing.T) {
	for version, want := range map[string]string{
		"v1.30.4": "providerless,before_1_31,before_1_33", "v1.32.13": "providerless,before_1_33", "v1.37.2": "providerless",
	} {
		if got, err := components[0].tags(version); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", version, got, err, want)
		}
	}
}

// Kubernetes' parts come from the module proxy, as far as it has them.
func TestKubernetesEdits(t *testing.T) {
	root := t.TempDir()
	text := "module k8s.io/kubernetes\n\nreplace (\n"
	for _, part := range []string{"api", "kms", "sample-apiserver"} {
		text += "\tk8s.io/" + part + " => ./staging/src/k8s.io/" + part + "\n"
	}
	if err := os.WriteFile(filepath.Join(root, "go.mod"), []byte(text+")\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := kubernetesEdits("v1.29.6", root, func(module string) bool {
		return module == "k8s.io/api@v0.29.6" || module == "k8s.io/kms@v0.29.4"
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"-replace", "k8s.io/api=k8s.io/api@v0.29.6", "-replace", "k8s.io/kms=k8s.io/kms@v0.29.4",
		"-dropreplace", "k8s.io/sample-apiserver", "-droprequire", "k8s.io/sample-apiserver",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
