package cmd

import (
	"context"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/mend"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/report"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

func (o *doctorOptions) writeSteps(ctx context.Context, r *report.Report, snap *snapshot.Snapshot, steps []mend.Step, outcome error) error {
	return outcome
}
