package cmd

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/renumber"
)

// siteFile is a text file of a site.
type siteFile struct {
	path string
	name string // below the folder that it was found in, or its own
	text string
}

// siteFiles is the text files at paths and in folders at paths, in the order of
// their names. Hidden folders, such as that of git, links, and files with a zero byte,
// which are no text, are passed over.
func siteFiles(paths []string) ([]siteFile, error) {
	var files []siteFile
	var errs []error
	for _, root := range paths {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				errs = append(errs, err)
				return nil
			case entry.IsDir() && path != root && strings.HasPrefix(entry.Name(), "."):
				return fs.SkipDir
			case entry.IsDir() || path != root && !entry.Type().IsRegular():
				return nil
			}
			text, err := os.ReadFile(path)
			if err != nil {
				errs = append(errs, err)
				return nil
			}
			if bytes.IndexByte(text, 0) < 0 {
				files = append(files, siteFile{path: path, name: below(root, path), text: string(text)})
			}
			return nil
		})
		errs = append(errs, err)
	}
	return files, errors.Join(errs...)
}

// below is path as it is to stand in another folder.
func below(root, path string) string {
	rel, err := filepath.Rel(root, path)
	if err != nil || rel == "." {
		return filepath.Base(path)
	}
	return rel
}

// sameFile reports whether two paths name one file.
func sameFile(a, b string) bool {
	x, err1 := os.Stat(a)
	y, err2 := os.Stat(b)
	return err1 == nil && err2 == nil && os.SameFile(x, y)
}

// target is a file to be written.
type target struct {
	path string
	text string
}

// write writes the plan and the files that have changed: none of them unless all
// may be written.
func (o *renumberOptions) write(files []renumber.File, site []siteFile, planFile string) error {
	if !o.toFiles() {
		return nil
	}
	targets, err := o.targets(files, site, planFile)
	if err != nil {
		return err
	}
	for _, t := range targets {
		if !o.inPlace {
			if err := os.MkdirAll(filepath.Dir(t.path), 0o777); err != nil {
				return err
			}
		}
		if err := writeWhole(t.path, []byte(t.text), o.inPlace || o.force); err != nil {
			return err
		}
	}
	return nil
}

// targets is where the files go. The plan is one of them even if nothing in it has
// changed; two files that would go to one place keep all from being written.
func (o *renumberOptions) targets(files []renumber.File, site []siteFile, planFile string) ([]target, error) {
	names := map[string]string{planFile: planName(planFile)}
	for _, f := range site {
		if !sameFile(f.path, planFile) {
			names[f.path] = f.name
		}
	}
	var targets []target
	var errs []error
	taken := map[string]string{}
	for i, f := range files {
		if i > 0 && !f.Changed() {
			continue
		}
		path := f.Path
		if !o.inPlace {
			path = filepath.Join(o.folder, names[f.Path])
		}
		if other, ok := taken[path]; ok {
			errs = append(errs, fmt.Errorf("%s and %s would both be %s: carry them over one after the other", other, f.Path, path))
			continue
		}
		taken[path] = f.Path
		if !o.inPlace && !o.force {
			errs = append(errs, mayWrite(path))
		}
		targets = append(targets, target{path, f.Moving.Text})
	}
	return targets, errors.Join(errs...)
}

// planName is the name of the plan's file in another folder.
func planName(file string) string {
	if file == "-" || inCluster(file) {
		return planKey
	}
	return filepath.Base(file)
}
