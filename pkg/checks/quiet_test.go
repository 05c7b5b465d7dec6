package checks_test

import (
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks/catalog"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
)

// TestQuiet is what looks like a fault of one family and is none: an archive of
// testdata/quiet is a cluster of which no check says more than that something is
// worth knowing.
func TestQuiet(t *testing.T) {
	paths, err := filepath.Glob("testdata/quiet/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			p, snap := fixture{path: path, share: archive.Files}.load(t, "", same)
			ran := 0
			for _, r := range checks.Run(catalog.All, p, snap) {
				if r.Status == checks.Passed || r.Status == checks.Failing {
					ran++
				}
				for _, f := range r.Findings {
					if f.Severity > severity.Info {
						t.Errorf("%s: %s %s %s: %s", r.Check.ID, f.Severity, f.Object, f.Field, f.Message)
					}
				}
			}
			if ran == 0 {
				t.Error("no check ran: that proves nothing")
			}
		})
	}
}
