package cmd

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/render"
)

// TestFolder: what stands in the way of one file leaves nothing half written, and no file
// beside those that are asked for.
func TestFolder(t *testing.T) {
	files := []render.File{{Name: "a", Content: []byte("new a")}, {Name: "b", Content: []byte("new b")}, {Name: "c", Content: []byte("new c")}}
	for _, test := range []struct {
		name  string
		there func(t *testing.T, dir string)
		force bool
		want  []string // the folder afterwards, NAME=CONTENT
		err   string   // empty for none
	}{
		{name: "none there", want: []string{"a=new a", "b=new b", "c=new c"}},
		{name: "two there", there: put("b", "c"), want: []string{"b=old", "c=old"}, err: "b is there already"},
		{name: "two there, by force", there: put("b", "c"), force: true, want: []string{"a=new a", "b=new b", "c=new c"}},
		{name: "a dangling link", there: func(t *testing.T, dir string) {
			if err := os.Symlink("nowhere", filepath.Join(dir, "b")); err != nil {
				t.Fatal(err)
			}
		}, want: []string{"b=->nowhere"}, err: "b is there already"},
		{name: "a folder of that name, by force", there: func(t *testing.T, dir string) {
			if err := os.Mkdir(filepath.Join(dir, "b"), 0o777); err != nil {
				t.Fatal(err)
			}
		}, force: true, want: []string{"a=new a", "b=/"}, err: "b"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			if test.there != nil {
				test.there(t, dir)
			}
			written, err := folder{path: dir, force: test.force}.write(files)
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("error %v, want %q", err, test.err)
			}
			got := listed(t, dir)
			if !slices.Equal(got, test.want) {
				t.Errorf("the folder has %v, want %v", got, test.want)
			}
			for _, path := range written {
				if !slices.Contains(got, filepath.Base(path)+"=new "+filepath.Base(path)) {
					t.Errorf("%s is said to be written", path)
				}
			}
		})
	}
}

func put(names ...string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		for _, name := range names {
			if err := os.WriteFile(filepath.Join(dir, name), []byte("old"), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// listed is what a folder has, hidden files too.
func listed(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch {
		case e.IsDir():
			list = append(list, e.Name()+"=/")
		case e.Type() == os.ModeSymlink:
			to, err := os.Readlink(path)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, e.Name()+"=->"+to)
		default:
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, e.Name()+"="+string(text))
		}
	}
	return list
}
