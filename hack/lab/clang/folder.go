package clang

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// kept is how long an object outlives its last use.
const kept = 30 * 24 * time.Hour

// Folder is where what agents compile outlives the lab: in the user's cache, as what Go
// compiles is, so that a fresh checkout has it too, or in bin for a user who has none. It
// is one for each compiler. What nobody has used for long is removed.
func Folder(bin string, now time.Time) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = bin
	}
	folder := filepath.Join(cache, "kubectl-dualstack-lab", "compiled-"+identity())
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	objects, err := os.ReadDir(folder)
	if err != nil {
		return "", err
	}
	for _, o := range objects {
		info, err := o.Info()
		if err == nil && now.Sub(info.ModTime()) > kept {
			if err := os.Remove(filepath.Join(folder, o.Name())); err != nil {
				return "", err
			}
		}
	}
	return folder, nil
}

// identity tells one compiler from another that has its name; without one there is
// nothing to compile with.
func identity() string {
	info, err := os.Stat(Compiler)
	if err != nil {
		return "none"
	}
	return fmt.Sprintf("%x-%x", info.Size(), info.ModTime().Unix())
}
