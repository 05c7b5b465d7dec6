// Command oracle asks the real components about the generated plans, and compares
// what they say with the record that the tests of pkg/plan are held to.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"

	"github.com/kubectl-dualstack/kubectl-dualstack/hack/oracle/cases"
	"github.com/kubectl-dualstack/kubectl-dualstack/hack/oracle/record"
)

func main() {
	update := flag.Bool("update", false, "write the record, rather than compare with it")
	only := flag.String("only", "", "ask only the releases whose MODULE@VERSION this regular expression is found in; the record keeps the others")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	same, err := run(ctx, *update, *only, os.Stderr)
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "oracle:", err)
		os.Exit(2)
	case !same:
		os.Exit(1)
	}
}

// run reports whether the components say what is recorded.
func run(ctx context.Context, update bool, only string, log io.Writer) (bool, error) {
	chosen, err := regexp.Compile(only)
	if err != nil {
		return false, err
	}
	if _, err := os.Stat("hack/oracle/programs"); err != nil {
		return false, fmt.Errorf("begin at the root of the repository: %w", err)
	}
	input, err := cases.Lines(cases.All())
	if err != nil {
		return false, err
	}
	asked := map[string][]record.Verdicts{}
	for _, c := range components {
		for _, version := range c.pinned {
			if !chosen.MatchString(c.module + "@" + version) {
				continue
			}
			if asked[c.module+version], err = c.ask(ctx, version, input, log); err != nil {
				return false, fmt.Errorf("ask %s %s: %w", c.module, version, err)
			}
		}
	}
	// Read now and not before: asking takes long, and another run may have written.
	was, err := record.Read(os.DirFS(record.Dir))
	if err != nil && (!update || !errors.Is(err, fs.ErrNotExist)) {
		return false, err
	}
	now := record.Record{Digest: cases.Digest(input)}
	for _, c := range components {
		for _, version := range c.pinned {
			verdicts, ok := asked[c.module+version]
			if !ok {
				verdicts = c.recorded(was, version)
			}
			now.Verdicts = append(now.Verdicts, verdicts...)
		}
	}
	if update {
		return true, now.Write(filepath.FromSlash(record.Dir))
	}
	differences := was.Differences(now)
	for _, d := range differences {
		if _, err := fmt.Fprintln(log, d); err != nil {
			return false, err
		}
	}
	return len(differences) == 0, nil
}

// recorded is what the record has of a release that is not asked.
func (c component) recorded(was record.Record, version string) []record.Verdicts {
	var verdicts []record.Verdicts
	for _, column := range c.columns {
		if v, ok := was.Of(column, version); ok {
			verdicts = append(verdicts, v)
		}
	}
	return verdicts
}
