package report

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

// TestMatrix reads testdata/matrix/*.txtar: a story, the files of a cluster, with
// or without a plan, and the rows that are wanted.
func TestMatrix(t *testing.T) {
	paths, err := filepath.Glob("testdata/matrix/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			path, err := filepath.Abs(path)
			if err != nil {
				t.Fatal(err)
			}
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			want := ""
			files := &txtar.Archive{}
			for _, f := range archive.Files {
				if f.Name == "want" {
					want = string(f.Data)
					continue
				}
				files.Files = append(files.Files, f)
			}
			p, snap := unpack(t, files)
			var got strings.Builder
			for _, row := range matrix(p, snap) {
				fmt.Fprintf(&got, "%s %s (%d) | %s | %s\n", row.Use, row.Source, row.Objects, said(row.V4), said(row.V6))
			}
			if *update {
				archive.Files = append(files.Files, txtar.File{Name: "want", Data: []byte(got.String())})
				if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(want, got.String()); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
		})
	}
}

func said(c Cell) string { return string(c.Verdict) + " " + (&printer{}).cellText(c) }
