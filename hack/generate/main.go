// Generate writes what is derived from the checks: a page for each, their index,
// what of the known failures they show, the rights that reading a cluster takes,
// and the blocks of the README. With
// -check it writes nothing and names what is stale.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("generate", flag.ContinueOnError)
	check := flags.Bool("check", false, "write nothing, fail when something is stale")
	root := flags.String("root", ".", "the folder of the source")
	if err := flags.Parse(args); err != nil {
		return err
	}
	changes, err := stale(*root)
	if err != nil {
		return err
	}
	for _, c := range changes {
		fmt.Fprintln(out, c)
		if !*check {
			if err := c.apply(*root); err != nil {
				return err
			}
		}
	}
	if *check && len(changes) > 0 {
		return errors.New("stale: make generate")
	}
	return nil
}

// file is one that is generated, wholly or in blocks.
type file struct {
	path string // from the root of the source
	text []byte
}

// change is a file as it is to be; its text is nil when it is to go.
type change file

func (c change) String() string {
	if c.text == nil {
		return c.path + ": belongs to no check"
	}
	return c.path
}

func (c change) apply(root string) error {
	name := filepath.Join(root, c.path)
	if c.text == nil {
		return os.Remove(name)
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, c.text, 0o644)
}

// stale is what differs between the files under root and what they are to be, in
// the order of their names.
func stale(root string) ([]change, error) {
	files, err := generated(root)
	if err != nil {
		return nil, err
	}
	changes, err := leftovers(root, files)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		old, err := os.ReadFile(filepath.Join(root, f.path))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if err != nil || !bytes.Equal(old, f.text) {
			changes = append(changes, change(f))
		}
	}
	slices.SortFunc(changes, func(a, b change) int { return bytes.Compare([]byte(a.path), []byte(b.path)) })
	return changes, nil
}

// leftovers is the pages of checks that are no more.
func leftovers(root string, files []file) ([]change, error) {
	pages, err := filepath.Glob(filepath.Join(root, checksDir, "*.md"))
	if err != nil {
		return nil, err
	}
	var changes []change
	for _, page := range pages {
		path := checksDir + "/" + filepath.Base(page)
		if !slices.ContainsFunc(files, func(f file) bool { return f.path == path }) {
			changes = append(changes, change{path: path})
		}
	}
	return changes, nil
}

// generated is every generated file.
func generated(root string) ([]file, error) {
	pages, err := checkPages(root)
	if err != nil {
		return nil, err
	}
	readme, err := readme(root)
	if err != nil {
		return nil, err
	}
	return append(pages, index(), coverage(), rbac(), readme), nil
}
