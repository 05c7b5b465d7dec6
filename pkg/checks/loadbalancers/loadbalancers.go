// Package loadbalancers is the checks of MetalLB and Cilium's LB IPAM.
package loadbalancers

import "github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"

// Checks is the checks of this area, in the order of their IDs.
var Checks = []*checks.Check{
	poolHoldsBothFamilies,
	poolOnLAN,
	poolParses,
	poolHostBits,
	poolAdvertised,
	leftoverConfig,
	twoClaimants,
	poolCapacity,
	poolFirstAddress,
	loadBalancerIPField,
	requestedAddresses,
	poolNamespace,
	singleFamilyService,
	annotatedPool,
	sharedAddress,
	announcingNodes,
	lbIPAMFamilies,
	bgpSessions,
	aggregationLength,
	nodeAddresses,
	privateAddresses,
	strictARP,
}
