package cmd

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/report"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// notes prints to stderr what could not be read or understood: everything, each
// with its place, whatever the format of the report.
func (o *doctorOptions) notes(snap *snapshot.Snapshot, j judge) {
	note := func(format string, args ...any) {
		fmt.Fprintln(o.ErrOut, report.Escape(fmt.Sprintf(format, args...)))
	}
	for _, p := range j.broken.Problems {
		note("%s:%s", j.broken.Source, p.Error())
	}
	for _, p := range snap.Problems {
		note("%s", p)
	}
	for _, g := range snap.SortedGaps() {
		if !g.Absent() && g.Reason != snapshot.Malformed { // what is malformed has its problems above
			note("not read: %s", g)
		}
	}
	if len(snap.Ignored) == 0 {
		return
	}
	var kinds []string
	for _, kind := range slices.Sorted(maps.Keys(snap.Ignored)) {
		kinds = append(kinds, fmt.Sprintf("%d %s", snap.Ignored[kind], kind))
	}
	note("passed over, no check looks at it: %s", strings.Join(kinds, ", "))
}
