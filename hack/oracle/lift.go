package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// lift takes declarations out of a package of the module into one that imports
// less, as they stand.
type lift struct {
	from, to string            // folders of the module
	names    []string          // of functions, variables and constants
	imports  map[string]string // imports that are replaced by others of the same use
}

// do writes the package below root.
func (l lift) do(root string) error {
	fset := token.NewFileSet()
	files, err := parsed(fset, filepath.Join(root, l.from))
	if err != nil {
		return err
	}
	found := map[string]bool{}
	for _, file := range slices.Sorted(maps.Keys(files)) {
		decls := l.take(files[file], found)
		if len(decls) == 0 {
			continue
		}
		text, err := l.source(fset, files[file], decls)
		if err != nil {
			return err
		}
		target := filepath.Join(root, l.to, "lifted_"+filepath.Base(file))
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(target, text, 0o644); err != nil {
			return err
		}
	}
	for _, name := range l.names {
		if !found[name] {
			return fmt.Errorf("lift %s: %s declares it no more", name, l.from)
		}
	}
	return nil
}

func parsed(fset *token.FileSet, dir string) (map[string]*ast.File, error) {
	names, err := fs.Glob(os.DirFS(dir), "*.go")
	if err != nil {
		return nil, err
	}
	files := map[string]*ast.File{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, filepath.Join(dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files[name] = file
	}
	return files, nil
}

// take is the declarations of file that are to be lifted.
func (l lift) take(file *ast.File, found map[string]bool) []ast.Decl {
	var decls []ast.Decl
	wanted := func(id *ast.Ident) bool {
		ok := slices.Contains(l.names, id.Name)
		found[id.Name] = found[id.Name] || ok
		return ok
	}
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil && wanted(d.Name) {
				decls = append(decls, d)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if v, ok := spec.(*ast.ValueSpec); ok && wanted(v.Names[0]) {
					decls = append(decls, &ast.GenDecl{Tok: d.Tok, Specs: []ast.Spec{v}})
				}
			}
		}
	}
	return decls
}

var major = regexp.MustCompile(`^v\d+$`)

// source is a file of decls with those imports of file that they use.
func (l lift) source(fset *token.FileSet, file *ast.File, decls []ast.Decl) ([]byte, error) {
	used := map[string]bool{}
	for _, d := range decls {
		ast.Inspect(d, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				if id, ok := s.X.(*ast.Ident); ok {
					used[id.Name] = true
				}
			}
			return true
		})
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "package %s\n\n", path.Base(l.to))
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		name := path.Base(imported)
		if major.MatchString(name) {
			name = path.Base(path.Dir(imported))
		}
		if spec.Name != nil {
			name = spec.Name.Name
		}
		if other, ok := l.imports[imported]; ok {
			imported = other
		}
		if used[name] {
			fmt.Fprintf(&b, "import %s %q\n", name, imported)
		}
	}
	for _, d := range decls {
		b.WriteString("\n")
		if err := printer.Fprint(&b, fset, d); err != nil {
			return nil, err
		}
		b.WriteString("\n")
	}
	return b.Bytes(), nil
}
