package main

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"go/format"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"
)

//go:embed templates
var templates embed.FS

// file is one that newcheck writes.
type file struct {
	path  string // from the root of the source, with slashes
	about string
	data  []byte
	old   bool // whether it was there before
}

// files is what c takes, computed before anything is written.
func (c check) files(root string) ([]file, error) {
	changes, err := os.ReadFile(filepath.Join(root, "CHANGELOG.md"))
	if err != nil {
		return nil, err
	}
	if strings.Contains(string(changes), c.ID) {
		return nil, fmt.Errorf("ID=%s stands in CHANGELOG.md: an ID is permanent and never used again", c.ID)
	}
	if c.Since, err = unreleased(string(changes)); err != nil {
		return nil, err
	}
	source, err := c.source()
	if err != nil {
		return nil, err
	}
	fixture, err := templates.ReadFile("templates/" + c.Area.Folder + ".txtar")
	if err != nil {
		return nil, err
	}
	folder := path.Join("pkg/checks", c.Area.Folder)
	list, err := c.list(root, folder)
	if err != nil {
		return nil, err
	}
	return []file{
		{path: path.Join(folder, c.file()), about: "the check: Doc, Needs, Run", data: source},
		{path: "pkg/checks/testdata/" + c.ID + ".txtar", about: "its fixture: a story on top, a broken and a healthy cluster", data: fixture},
		list,
	}, nil
}

var unreleasedForm = regexp.MustCompile(`(?m)^## Unreleased \(([0-9]+\.[0-9]+)\)$`)

// unreleased is the release that the changelog is being written for.
func unreleased(changelog string) (string, error) {
	m := unreleasedForm.FindStringSubmatch(changelog)
	if m == nil {
		return "", errors.New("CHANGELOG.md has no heading «## Unreleased (MAJOR.MINOR)»")
	}
	return m[1], nil
}

// starter is what the skeleton of an area begins with: the facts to loop over.
type starter struct {
	Needs, Uses string // Go source
	Loop        string
	Ref         string
	Plan        bool // whether package plan is imported
}

var starters = map[string]starter{
	"ranges":        {Uses: "snapshot.ClaimKinds[plan.Pods]", Loop: "_, c := range in.Claims(plan.Pods)", Ref: "c.Ref", Plan: true},
	"controlplane":  {Needs: "[]snapshot.Kind{snapshot.ControlPlane}", Loop: "_, c := range in.ControlPlane(snapshot.ControllerManager)", Ref: "c.Ref"},
	"nodes":         {Needs: "[]snapshot.Kind{snapshot.Nodes}", Loop: "_, n := range in.Nodes()", Ref: "n.Ref"},
	"cni":           {Needs: "[]snapshot.Kind{snapshot.CiliumNodes}", Loop: "_, n := range in.CiliumNodes()", Ref: "n.Ref"},
	"loadbalancers": {Needs: "[]snapshot.Kind{snapshot.MetalLBPools}", Loop: "_, p := range in.MetalLBPools()", Ref: "p.Ref"},
	"services":      {Needs: "[]snapshot.Kind{snapshot.Services}", Loop: "_, s := range in.Services()", Ref: "s.Ref"},
	"dns":           {Needs: "[]snapshot.Kind{snapshot.CoreDNSConfig}", Loop: "_, c := range []snapshot.CoreDNS{in.CoreDNS()}", Ref: "c.ConfigMap"},
	"policy":        {Uses: "checks.PolicyKinds", Loop: "_, p := range in.Policies()", Ref: "p.Ref"},
	"workloads":     {Needs: "[]snapshot.Kind{snapshot.Workloads}", Loop: "_, t := range in.Templates()", Ref: "t.Ref"},
}

func (c check) source() ([]byte, error) {
	s, ok := starters[c.Area.Folder]
	if !ok {
		return nil, fmt.Errorf("the area %s has no skeleton in hack/newcheck", c.Area.Folder)
	}
	t, err := template.ParseFS(templates, "templates/check.go.tmpl")
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, struct {
		check
		Starter starter
	}{c, s}); err != nil {
		return nil, err
	}
	return format.Source(b.Bytes())
}

// write makes a new file, and never over one that is there; an old one it replaces.
func (f file) write(root string) error {
	name := filepath.Join(root, filepath.FromSlash(f.path))
	if f.old {
		return os.WriteFile(name, f.data, 0o644)
	}
	w, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already", f.path)
	}
	if err != nil {
		return err
	}
	_, err = w.Write(f.data)
	return errors.Join(err, w.Close())
}
