package cmd

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/migrate"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/report"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// dual is the value of --migrate-to.
const dual = "dual"

// migrationFormats is those that a path is printed in.
var migrationFormats = []report.Format{report.Table, report.Wide, report.JSON, report.YAML}

// migration is whether doctor is asked for the steps to two families.
type migration struct{ to string }

func (m *migration) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&m.to, "migrate-to", "",
		"Print the steps from one family to dual, and how far each is, instead of an audit; exit with 1 while there are steps to do, unless --fail-on is none.")
	complete(cmd, "migrate-to", dual)
}

func (m *migration) asked() bool { return m.to != "" }

// validate refuses what makes no sense together with the steps.
func (m *migration) validate(o *doctorOptions) error {
	switch {
	case !m.asked():
		return nil
	case m.to != dual:
		return fmt.Errorf("--migrate-to %q: want %s", m.to, dual)
	case len(o.only) > 0 || len(o.skip) > 0 || o.whatIf.supposed():
		return fmt.Errorf("--migrate-to prints steps and runs no checks: leave out --only, --skip, --if-applied and --against-version")
	case !slices.Contains(migrationFormats, o.format):
		_, err := report.ParseFormat(string(o.format), migrationFormats...)
		return fmt.Errorf("--migrate-to with --output %w", err)
	}
	return nil
}

// kinds is what is to be read: what the steps look at, or the chosen checks.
func (o *doctorOptions) kinds() []snapshot.Kind {
	if o.migration.asked() {
		return migrate.Kinds
	}
	return kinds(o.chosen)
}

// migrate prints the steps to two families.
func (o *doctorOptions) migrate(ctx context.Context, named *plan.Plan) error {
	snap, err := o.read(ctx)
	if err != nil {
		return err
	}
	judge, err := o.judge(named, snap)
	if err != nil {
		return err
	}
	o.notes(snap, judge)
	path, err := migrate.ToDual(judge.plan, snap)
	if err != nil {
		return fmt.Errorf("%s: %w", snap.Source.Name, err)
	}
	r := report.BuildMigration(report.MigrationInput{Snapshot: snap, Plan: judge.plan, Path: path})
	if err := r.Write(o.Out, o.format, o.print); err != nil {
		return err
	}
	if path.Left() > 0 && o.threshold != 0 {
		return errFindings
	}
	return nil
}
