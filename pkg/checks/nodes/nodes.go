// Package nodes is the checks of Nodes.
package nodes

import "github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"

// Checks is the checks of this area, in the order of their IDs.
var Checks = []*checks.Check{
	internalIPs,
	blockFamilies,
	blocksFitClusterCIDR,
	blocksUnique,
	blockAvailable,
	primaryFamily,
	blocksInPlan,
	blockSize,
	kubeletAddresses,
	addressesUnique,
	sysctls,
	pluginAddresses,
}
