package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// list is the file with the area's slice of checks, with c in it.
func (c check) list(root, folder string) (file, error) {
	p, err := parsePackage(filepath.Join(root, filepath.FromSlash(folder)))
	if err != nil {
		return file{}, err
	}
	if p.declares[c.Var] {
		return file{}, fmt.Errorf("NAME=%s: package %s has a %s already; choose another name", c.Name, c.Area.Folder, c.Var)
	}
	if p.checks == nil {
		return file{}, fmt.Errorf("%s: found no «var Checks = []*checks.Check{…}»", folder)
	}
	data, err := p.insert(c)
	if err != nil {
		return file{}, err
	}
	return file{path: path.Join(folder, p.listFile), about: "has it in the list", data: data, old: true}, nil
}

// areaPackage is what the source of an area says about its checks.
type areaPackage struct {
	fset     *token.FileSet
	declares map[string]bool   // every name at the top of a file
	ids      map[string]string // the ID of a check by its variable
	checks   *ast.CompositeLit // the value of Checks
	listFile string            // the file that has Checks
	text     []byte            // its text
}

func parsePackage(dir string) (*areaPackage, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	p := &areaPackage{fset: token.NewFileSet(), declares: map[string]bool{}, ids: map[string]string{}}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		src, err := parser.ParseFile(p.fset, filepath.Join(dir, e.Name()), text, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		p.add(e.Name(), text, src)
	}
	return p, nil
}

func (p *areaPackage) add(name string, text []byte, src *ast.File) {
	for _, decl := range src.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				p.declares[d.Name.Name] = true
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				p.addSpec(name, text, spec)
			}
		}
	}
}

func (p *areaPackage) addSpec(name string, text []byte, spec ast.Spec) {
	switch s := spec.(type) {
	case *ast.TypeSpec:
		p.declares[s.Name.Name] = true
	case *ast.ValueSpec:
		for i, ident := range s.Names {
			p.declares[ident.Name] = true
			if i >= len(s.Values) {
				continue
			}
			if ident.Name == "Checks" {
				p.checks, _ = s.Values[i].(*ast.CompositeLit)
				p.listFile, p.text = name, text
			}
			if id := idOf(s.Values[i]); id != "" {
				p.ids[ident.Name] = id
			}
		}
	}
}

// idOf is the ID in &checks.Check{ID: "DS301", …}, or empty.
func idOf(value ast.Expr) (id string) {
	ref, ok := value.(*ast.UnaryExpr)
	if !ok {
		return ""
	}
	lit, ok := ref.X.(*ast.CompositeLit)
	if !ok {
		return ""
	}
	for _, elt := range lit.Elts {
		field, ok := elt.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		key, isName := field.Key.(*ast.Ident)
		text, isText := field.Value.(*ast.BasicLit)
		if isName && isText && key.Name == "ID" {
			id, _ = strconv.Unquote(text.Value)
		}
	}
	return id
}

// insert is the list's file with c before the first check of a higher ID, or at
// the end.
func (p *areaPackage) insert(c check) ([]byte, error) {
	at := p.offset(p.checks.Rbrace)
	for _, elt := range p.checks.Elts {
		if name, ok := elt.(*ast.Ident); ok && p.ids[name.Name] > c.ID {
			at = p.offset(elt.Pos())
			break
		}
	}
	before := slices.Clone(p.text[:at])
	if n := len(p.checks.Elts); n > 0 {
		// A list on one line has no comma after its last entry.
		if end := p.offset(p.checks.Elts[n-1].End()); end <= at && p.text[end] != ',' {
			before = slices.Insert(before, end, ',')
		}
	}
	before = bytes.TrimRight(before, " \t\n")
	return format.Source(slices.Concat(before, []byte("\n"+c.Var+",\n"), p.text[at:]))
}

func (p *areaPackage) offset(pos token.Pos) int { return p.fset.Position(pos).Offset }
