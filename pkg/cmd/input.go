package cmd

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/report"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// standardInput is what a snapshot calls the file "-".
const standardInput = "standard input"

// input is files to read. Standard input is kept, since a plan in it is read
// again by the plan's own parser.
type input struct {
	files []string
	stdin io.Reader
	text  []byte
	over  *snapshot.Overlay // laid over the files; may be nil
}

func (in *input) read(now time.Time) (*snapshot.Snapshot, error) {
	if slices.Contains(in.files, "-") {
		text, err := io.ReadAll(in.stdin)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", standardInput, err)
		}
		in.text = text
	}
	return snapshot.FromFiles(in.files, snapshot.FileOptions{Stdin: bytes.NewReader(in.text), Now: now, Overlay: in.over})
}

// content is the text of a file that a snapshot names.
func (in *input) content(name string) ([]byte, error) {
	if name == standardInput {
		return in.text, nil
	}
	return os.ReadFile(name)
}

// judge is the plan that a cluster is judged by, if there is one.
type judge struct {
	plan   *plan.Plan
	found  bool // among the files
	broken report.BrokenPlan
}

// judge settles which plan the snapshot is judged by: the named one, none, or the
// one that was among the files.
func (o *doctorOptions) judge(named *plan.Plan, snap *snapshot.Snapshot) (judge, error) {
	plans := slices.Compact(slices.Sorted(slices.Values(snap.Plans())))
	switch {
	case named != nil || o.plan == noPlan || len(plans) == 0:
		return judge{plan: named}, nil
	case len(plans) > 1:
		return judge{}, fmt.Errorf("there are %d address plans among the files: %s; choose with --plan FILE, or --plan none",
			len(plans), strings.Join(plans, ", "))
	}
	text, ok := snap.PlanText(plans[0])
	if !ok {
		var err error
		if text, err = o.input.content(plans[0]); err != nil {
			return judge{}, err
		}
	}
	p, problems := plan.Parse(plans[0], text)
	if p == nil {
		return judge{broken: report.BrokenPlan{Source: plans[0], Problems: problems}}, nil
	}
	return judge{plan: p, found: true}, nil
}

// run runs the checks. Those that need a plan which is there and was not
// understood are unknown, not skipped.
func (j judge) run(chosen []*checks.Check, snap *snapshot.Snapshot) []checks.Result {
	results := checks.Run(chosen, j.plan, snap)
	if j.broken.Source == "" {
		return results
	}
	for i, r := range results {
		if r.Check.Plan {
			results[i] = checks.Result{Check: r.Check, Status: checks.Unknown,
				Reason: "address plan: not understood: " + j.broken.Source}
		}
	}
	return results
}
