package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/report"
)

// watching is whether doctor goes on after the first report, and how often it looks.
type watching struct {
	asked bool
	every time.Duration
}

// shortestWatch is how often a cluster may be read: an audit lists everything anew.
const shortestWatch = time.Second

// watchFormats is those that a change is printed in.
var watchFormats = []report.Format{report.Table, report.Short}

func (w *watching) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVarP(&w.asked, "watch", "w", false, "After the report, audit again and again, and print what is new and what is gone, until interrupted.")
	flags.DurationVar(&w.every, "interval", 30*time.Second, "With --watch: how long to wait between two audits.")
}

func (w *watching) validate(o *doctorOptions) error {
	switch {
	case !w.asked:
		return nil
	case w.every < shortestWatch:
		return fmt.Errorf("--interval %s: want %s at least", w.every, shortestWatch)
	case slices.Contains(o.files, "-"):
		return errors.New("--watch reads again and again: standard input can be read once")
	case o.whatIf.supposed() || o.migration.asked():
		return errors.New("--watch audits what is now: leave out --if-applied, --against-version and --migrate-to")
	case !slices.Contains(watchFormats, o.format):
		_, err := report.ParseFormat(string(o.format), watchFormats...)
		return fmt.Errorf("--watch with --output %w", err)
	}
	return nil
}

// runWatch prints the report, and then what changes. Being interrupted is its ordinary
// end, and the exit status that of the last audit. An audit that fails later is told on
// stderr and tried again: what is watched may be what takes the API server away.
func (o *doctorOptions) runWatch(ctx context.Context, named *plan.Plan) error {
	r, outcome, err := o.audit(ctx, named)
	if err != nil {
		return err
	}
	if err := r.Write(o.Out, o.format, o.print); err != nil {
		return err
	}
	quiet := *o
	quiet.ErrOut = io.Discard // what was passed over has been said
	tick := time.NewTicker(o.watch.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return outcome
		case <-tick.C:
		}
		next, result, err := quiet.audit(ctx, named)
		if ctx.Err() != nil {
			return outcome
		}
		if err != nil {
			fmt.Fprintln(o.ErrOut, report.Escape(err.Error()))
			continue
		}
		if err := report.WriteWatched(o.Out, r, next, o.print); err != nil {
			return err
		}
		r, outcome = next, result
	}
}
