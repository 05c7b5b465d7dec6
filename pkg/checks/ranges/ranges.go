// Package ranges is the checks of the ranges of a cluster and of its address plan.
package ranges

import "github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"

// Checks is the checks of this area, in the order of their IDs.
var Checks = []*checks.Check{
	canonical,
	planArithmetic,
	disjoint,
	matchPlan,
	serviceSize,
	nodeMask,
	kubeadmLimits,
	nodeCapacity,
	serviceCapacity,
	podsRouted,
	privatePodsMasqueraded,
	documentation,
	specialPurpose,
	inDelegated,
	nodesOnLAN,
}
