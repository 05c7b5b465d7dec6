package trace

import (
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
)

// Row is the hops of both families at one step. A family without the step has nil.
type Row struct {
	Step Step
	Hops ipfam.Pair[*Hop]
}

// Rows is the hops of both paths, lined up by their steps. Each path keeps its own order;
// a step that a path takes twice has two rows.
func (t Trace) Rows() []Row {
	var rows []Row
	v4, v6 := t.Paths.V4.Hops, t.Paths.V6.Hops
	for len(v4) > 0 || len(v6) > 0 {
		var row Row
		first := order(v4) - order(v6)
		if first <= 0 {
			row.Step, row.Hops.V4, v4 = v4[0].Step, &v4[0], v4[1:]
		}
		// Steps that are in no list have one order, and need not be the same.
		if first > 0 || first == 0 && v6[0].Step == row.Step {
			row.Step, row.Hops.V6, v6 = v6[0].Step, &v6[0], v6[1:]
		}
		rows = append(rows, row)
	}
	return rows
}

// order is the place of the first hop's step among Steps: behind all of them where it is
// none of them, and behind that where there is no hop.
func order(hops []Hop) int {
	if len(hops) == 0 {
		return len(Steps) + 1
	}
	if i := slices.Index(Steps[:], hops[0].Step); i >= 0 {
		return i
	}
	return len(Steps)
}
