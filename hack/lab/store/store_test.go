package store

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestName(t *testing.T) {
	dir := t.TempDir()
	archive := filepath.Join(dir, "node.tar")
	if err := os.WriteFile(archive, []byte("images"), 0o600); err != nil {
		t.Fatal(err)
	}
	which, key, err := name([]string{archive})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(archive, time.Now(), time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	sameWhich, otherKey, err := name([]string{archive})
	if err != nil || sameWhich != which || otherKey == key {
		t.Errorf("packed again: %s/%s became %s/%s, %v", which, key, sameWhich, otherKey, err)
	}
	otherWhich, _, err := name([]string{archive, archive})
	if err != nil || otherWhich == which {
		t.Errorf("of other archives: %s, %v", otherWhich, err)
	}
	if _, _, err := name([]string{filepath.Join(dir, "gone.tar")}); err == nil {
		t.Error("an archive that is not there has a name")
	}
}

// TestLink holds a node's files to those of the store: the same ones, but for the
// databases.
func TestLink(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	for name, content := range map[string]string{"snapshots/1/fs/bin/pause": "program", "snapshots/1/fs/var/own.db": "of an image", "bolt/meta.db": "database"} {
		path := filepath.Join(from, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := Link(t.Context(), from, to); err != nil {
		t.Fatal(err)
	}
	for name, same := range map[string]bool{"snapshots/1/fs/bin/pause": true, "snapshots/1/fs/var/own.db": true, "bolt/meta.db": false} {
		there, err := os.Stat(filepath.Join(from, name))
		if err != nil {
			t.Fatal(err)
		}
		here, err := os.Stat(filepath.Join(to, name))
		if err != nil {
			t.Fatal(err)
		}
		if os.SameFile(there, here) != same {
			t.Errorf("%s: one file %t, want %t", name, !same, same)
		}
	}
}
