package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/controlplane"
)

func TestOrders(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("a-long-name/", 12))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := restart(t.Context(), dir, "etcd"); err == nil || !strings.Contains(err.Error(), "takes orders") {
		t.Errorf("nobody listens: %v", err)
	}
	orders, err := listen(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, socketFile))
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); mode != 0o600 {
		t.Errorf("others may write to the socket: %o", mode)
	}
	go func() { (<-orders)(new(controlplane.ControlPlane)) }()
	if _, err := restart(t.Context(), dir, "etcd", "--flag"); err == nil || !strings.Contains(err.Error(), "no etcd runs") {
		t.Errorf("what does not run is restarted: %v", err)
	}
}
