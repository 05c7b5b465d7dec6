package plan

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite the want sections of the fixtures")

// list is problems as the fixtures have them.
func list(problems []Problem) string {
	var b strings.Builder
	for _, p := range problems {
		fmt.Fprintf(&b, "%s %s %v\n", p.Severity, p.Rule, p)
		if p.Fix != "" {
			fmt.Fprintf(&b, "  fix: %s\n", p.Fix)
		}
	}
	return b.String()
}

// Each file of testdata/validate is a story, a plan, and what Validate says of it.
func TestValidate(t *testing.T) {
	paths, err := filepath.Glob("testdata/validate/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			files := map[string]string{}
			for _, f := range archive.Files {
				files[f.Name] = string(f.Data)
			}
			got := list(readPlan(t, files["plan.yaml"]).Validate())
			if *update {
				archive.Files = append(archive.Files[:1], txtar.File{Name: "want", Data: []byte(got)})
				if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(files["want"], got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestValidateHomelab(t *testing.T) {
	want := "info documentation 7:11: spec.delegated.ipv6: is out of 2001:db8::/32, documentation (RFC 3849), as 5 other ranges are\n" +
		"  fix: take a prefix that was assigned to the site\n"
	if diff := cmp.Diff(want, list(readPlan(t, homelab(t)).Validate())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
