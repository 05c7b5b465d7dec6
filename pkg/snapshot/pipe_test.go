//go:build unix

package snapshot

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestPipe: a pipe that nobody writes to is refused and not waited for.
func TestPipe(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe.yaml")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "node.yaml"), goodNode)
	s, err := FromFiles([]string{dir, pipe}, FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Nodes) != 1 || len(s.Problems) != 1 || !strings.Contains(s.Problems[0].String(), "not a regular file") {
		t.Errorf("nodes %v, problems %v", s.Nodes, s.Problems)
	}
}
