// Crds writes the fields of the custom resources that the plugin reads, as they are
// in releases of Cilium and MetalLB, into the table that the test of pkg/snapshot
// holds its structs to. It takes them from the modules of those releases. With
// -check it writes nothing and fails when the table is stale.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// table is where the fields are written, from the root of the source.
const table = "pkg/snapshot/testdata/crds.txt"

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "crds:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("crds", flag.ContinueOnError)
	check := flags.Bool("check", false, "write nothing, fail when the table is stale")
	root := flags.String("root", ".", "the folder of the source")
	if err := flags.Parse(args); err != nil {
		return err
	}
	modules, err := download(projects)
	if err != nil {
		return err
	}
	text, err := render(projects, modules)
	if err != nil {
		return err
	}
	name := filepath.Join(*root, table)
	old, err := os.ReadFile(name)
	switch {
	case err != nil && (*check || !errors.Is(err, os.ErrNotExist)):
		return err
	case bytes.Equal(old, text):
		return nil
	case *check:
		return fmt.Errorf("%s is stale: make crds", table)
	}
	fmt.Fprintln(out, table)
	return os.WriteFile(name, text, 0o644)
}
