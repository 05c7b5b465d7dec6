package clang

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestFolder(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	now := time.Now()
	folder, err := Folder(t.TempDir(), now)
	if err != nil {
		t.Fatal(err)
	}
	for name, age := range map[string]time.Duration{"new.o": time.Hour, "old.o": 2 * kept} {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	if again, err := Folder(t.TempDir(), now); err != nil || again != folder {
		t.Errorf("%s, %v, want %s", again, err, folder)
	}
	if left, _ := filepath.Glob(filepath.Join(folder, "*")); len(left) != 1 || filepath.Base(left[0]) != "new.o" {
		t.Errorf("left %q, want what was used of late", left)
	}
}

// TestFolderWithoutCache is a user who has no folder for caches.
func TestFolderWithoutCache(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("HOME", "")
	bin := t.TempDir()
	folder, err := Folder(bin, time.Now())
	if err != nil || filepath.Dir(filepath.Dir(folder)) != bin {
		t.Errorf("%s, %v, want a folder of %s", folder, err, bin)
	}
}
