// Newcheck writes the skeleton of a check and of its fixture, and puts the check
// into the list of its area. The skeleton compiles, and its tests fail until it
// is filled in.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks/catalog"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "new-check:", err)
		os.Exit(2)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("newcheck", flag.ContinueOnError)
	id := flags.String("id", "", "ID of the check: DS614")
	name := flags.String("name", "", "name of the check: service-external-ips")
	root := flags.String("root", ".", "the folder of the source")
	if err := flags.Parse(args); err != nil {
		return err
	}
	c, err := newCheck(*id, *name)
	if err != nil {
		return err
	}
	if err := c.free(catalog.All); err != nil {
		return err
	}
	files, err := c.files(*root)
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := f.write(*root); err != nil {
			return err
		}
		fmt.Fprintf(out, "%-50s %s\n", f.path, f.about)
	}
	fmt.Fprintf(out, "\nIt fails until it is filled in:\n  go test ./pkg/checks -run 'TestChecks/%[1]s|TestCatalog/%[1]s'\n", c.ID)
	return nil
}
