// Package services is the checks of Services, EndpointSlices and Pods.
package services

import "github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"

// Checks is the checks of this area, in the order of their IDs.
var Checks = []*checks.Check{
	serviceClusterIPs,
	lostFamily,
	loadBalancerAddresses,
	addressesFromTwoPools,
	endpointsOfEachFamily,
	handMadeSlices,
	podAddresses,
	hostNetworkPods,
	sourceRanges,
	refusedFamilies,
	refusedFields,
	singleStackServices,
	foreignAddresses,
	manifestPrefixes,
}
