package lock

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"
)

func TestTake(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := Take(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	taken := make(chan func())
	go func() {
		second, err := Take(t.Context(), path)
		if err != nil {
			t.Error(err)
		}
		taken <- second
	}()
	select {
	case <-taken:
		t.Error("two have it")
	case <-time.After(50 * time.Millisecond):
	}
	stopped, stop := context.WithCancelCause(t.Context())
	why := errors.New("interrupted")
	stop(why)
	if _, err := Take(stopped, path); !errors.Is(err, why) {
		t.Errorf("while another has it, and nobody waits any more: %v", err)
	}
	unlock()
	(<-taken)()
}
