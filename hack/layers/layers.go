// Package layers holds the imports of the source to the architecture: arrows
// point down, and what touches the world is in few places. It reads the files
// itself and asks no go command, so that the test cache sees what it saw.
package layers

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Module is the path of the plugin's module.
const Module = "github.com/kubectl-dualstack/kubectl-dualstack"

// Order is the layers from the top. A package imports from layers below its own
// only, so packages of one layer do not know each other. A pattern is that of
// path.Match.
var Order = [][]string{
	{"cmd/kubectl-dualstack"},
	{"pkg/cmd"},
	{"pkg/report"},
	{"pkg/probe"},
	{"pkg/expose", "pkg/mend", "pkg/migrate", "pkg/renumber", "pkg/survey", "pkg/trace"},
	{"pkg/checks/catalog"},
	{"pkg/checks/*"},
	{"pkg/checks"},
	{"pkg/snapshot"},
	{"pkg/render"},
	{"pkg/cilium", "pkg/draft", "pkg/metallb"},
	{"pkg/plan"},
	{"pkg/ipfam", "pkg/release", "pkg/severity"},
}

// A reservation is imports that only some packages may have.
type reservation struct {
	imports []string // a path, and what is below it
	except  []string // below one of imports, and free for all
	only    []string // patterns of packages
}

var reservations = []reservation{
	{imports: []string{"os", "io/fs", "io/ioutil", "path/filepath", "syscall", "log"},
		only: []string{"cmd/kubectl-dualstack", "pkg/cmd", "pkg/snapshot"}},
	{imports: []string{"net"}, except: []string{"net/netip"},
		only: []string{"cmd/kubectl-dualstack", "pkg/cmd", "pkg/probe", "pkg/snapshot"}},
	{imports: []string{"time"},
		only: []string{"cmd/kubectl-dualstack", "pkg/cmd", "pkg/report", "pkg/probe", "pkg/trace", "pkg/checks", "pkg/checks/*", "pkg/snapshot"}},
	{imports: []string{"k8s.io"}, only: []string{"pkg/cmd", "pkg/snapshot"}},
	{imports: []string{"k8s.io/cli-runtime", "k8s.io/kubectl", "github.com/spf13", "golang.org/x/term"}, only: []string{"pkg/cmd"}},
	{imports: []string{"github.com/olekukonko/tablewriter"}, only: []string{"pkg/report"}},
}

// Violations is what the source under root has against the architecture, in the
// order of the files: "pkg/plan/plan.go: imports os; …". Test files may import
// what they like.
func Violations(root fs.FS) ([]string, error) {
	var found []string
	err := walk(root, func(file string, src *ast.File) {
		found = append(found, exits(file, src)...)
		dir := path.Dir(file)
		if !inPlugin(dir) {
			return
		}
		if layer(dir) < 0 {
			found = append(found, fmt.Sprintf("%s: package %s is in no layer", file, dir))
		}
		for _, spec := range src.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				continue // the parser has already refused it
			}
			for _, fault := range []string{arrow(dir, imported), reserved(dir, imported)} {
				if fault != "" {
					found = append(found, file+": "+fault)
				}
			}
		}
	})
	return found, err
}

// Packages is the folders with Go files of the plugin and of hack, sorted.
func Packages(root fs.FS) ([]string, error) {
	var dirs []string
	err := walk(root, func(file string, _ *ast.File) { dirs = append(dirs, path.Dir(file)) })
	slices.Sort(dirs)
	return slices.Compact(dirs), err
}

// Compare orders packages by their layers, the top first and those of none last.
func Compare(a, b string) int { return cmp.Compare(rank(a), rank(b)) }

func rank(dir string) int {
	if i := layer(dir); i >= 0 {
		return i
	}
	return len(Order)
}

// walk parses every file of the module's own packages that is no test.
func walk(root fs.FS, visit func(file string, src *ast.File)) error {
	fset := token.NewFileSet()
	return fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			return enter(root, name)
		case !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		src, err := parser.ParseFile(fset, name, text, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		visit(name, src)
		return nil
	})
}

// enter leaves out what the go command leaves out of ./...: hidden folders,
// testdata, and modules in the module.
func enter(root fs.FS, dir string) error {
	base := path.Base(dir)
	if dir == "." {
		return nil
	}
	if strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "testdata" {
		return fs.SkipDir
	}
	if _, err := fs.Stat(root, path.Join(dir, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

func inPlugin(dir string) bool {
	return strings.HasPrefix(dir, "cmd/") || strings.HasPrefix(dir, "pkg/")
}

// layer is the index of dir's layer, counted from the top; -1 for none. The more
// exact pattern wins: pkg/checks/catalog is no area.
func layer(dir string) int {
	for i, patterns := range Order {
		if matches(patterns, dir) {
			return i
		}
	}
	return -1
}

func matches(patterns []string, dir string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		ok, err := path.Match(pattern, dir)
		return err == nil && ok
	})
}

// arrow is what is wrong with the direction of an import within the module.
func arrow(dir, imported string) string {
	to, ours := strings.CutPrefix(imported, Module+"/")
	if !ours || layer(dir) < 0 {
		return ""
	}
	switch below := layer(to); {
	case below < 0:
		return fmt.Sprintf("imports %s, which is in no layer", to)
	case below <= layer(dir):
		return fmt.Sprintf("imports %s, which is not below it", to)
	}
	return ""
}

// reserved is what is wrong with importing a path from outside of the module.
func reserved(dir, imported string) string {
	for _, r := range reservations {
		if under(r.imports, imported) && !under(r.except, imported) && !matches(r.only, dir) {
			return fmt.Sprintf("imports %s, which is for %s only", imported, strings.Join(r.only, ", "))
		}
	}
	return ""
}

func under(trees []string, imported string) bool {
	return slices.ContainsFunc(trees, func(tree string) bool {
		return imported == tree || strings.HasPrefix(imported, tree+"/")
	})
}

// enders is the functions that end the process, by their package.
var enders = map[string][]string{
	"os":      {"Exit"},
	"syscall": {"Exit"},
	"log":     {"Fatal", "Fatalf", "Fatalln"},
}

// exits is the calls that end the process outside of a main.go.
func exits(file string, src *ast.File) []string {
	if path.Base(file) == "main.go" {
		return nil
	}
	var found []string
	ast.Inspect(src, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && slices.Contains(enders[x.Name], sel.Sel.Name) {
				found = append(found, fmt.Sprintf("%s: %s.%s, which is for main.go only", file, x.Name, sel.Sel.Name))
			}
		}
		return true
	})
	return found
}
