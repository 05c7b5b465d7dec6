package checks

import "github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"

// Looked is the kinds that in was asked for, and whether for the plan.
func (in *Input) Looked() (map[snapshot.Kind]bool, bool) { return in.read, in.readPlan }
