package layers_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/kubectl-dualstack/kubectl-dualstack/hack/layers"
)

// folder is a folder of the source as the page writes it.
var folder = regexp.MustCompile("`((?:cmd|pkg|hack|test)/[a-z0-9/-]+)`")

// row is the first cell of a table's row.
var row = regexp.MustCompile(`(?m)^\| (.+?) \|`)

func TestArchitecturePage(t *testing.T) {
	page, err := os.ReadFile("../../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	packages, err := layers.Packages(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, r := range row.FindAllSubmatch(page, -1) {
		listed = append(listed, folders(r[1])...)
	}
	for _, p := range packages {
		if !slices.Contains(listed, p) {
			t.Errorf("docs/architecture.md: no row has %s", p)
		}
	}
	if !slices.IsSortedFunc(listed, layers.Compare) {
		t.Errorf("docs/architecture.md: the rows are not in the order of the layers: %v", listed)
	}
	for _, name := range folders(page) {
		if info, err := os.Stat(filepath.Join("../..", name)); err != nil || !info.IsDir() {
			t.Errorf("docs/architecture.md: there is no folder %s", name)
		}
	}
}

func folders(text []byte) []string {
	var names []string
	for _, m := range folder.FindAllSubmatch(text, -1) {
		names = append(names, string(m[1]))
	}
	return names
}
