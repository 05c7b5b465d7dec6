package snapshot

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

var updateFiles = flag.Bool("update-files", false, "rewrite the want sections of testdata/files")

// TestFromFiles reads the files of each archive. Its section «want» is what is to
// be said of them: the problems, the gaps of what is there, what is ignored, and
// the objects of which there are facts, with their places.
func TestFromFiles(t *testing.T) {
	paths, err := filepath.Glob("testdata/files/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			want, dir := "", t.TempDir()
			for _, file := range archive.Files {
				if file.Name == "want" {
					want = string(file.Data)
				} else if err := os.WriteFile(filepath.Join(dir, file.Name), file.Data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			snap, err := FromFiles([]string{dir}, FileOptions{})
			if err != nil {
				t.Fatal(err)
			}
			got := strings.ReplaceAll(told(snap), dir+string(filepath.Separator), "")
			if *updateFiles {
				archive.Files = append(slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return f.Name == "want" }),
					txtar.File{Name: "want", Data: []byte(got)})
				if err := os.WriteFile(path, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func told(s *Snapshot) string {
	var b strings.Builder
	for _, p := range s.Problems {
		fmt.Fprintf(&b, "problem: %s\n", p)
	}
	for _, g := range s.SortedGaps() {
		if g.Reason != NotInFiles {
			fmt.Fprintf(&b, "gap: %s (partial: %t)\n", g, g.Partial)
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(s.Ignored)) {
		fmt.Fprintf(&b, "ignored: %s: %d\n", kind, s.Ignored[kind])
	}
	for _, ref := range slices.SortedFunc(maps.Keys(s.origins), compareRefs) {
		fmt.Fprintf(&b, "read: %s: %s\n", s.Position(ref, ""), ref)
	}
	return b.String()
}
