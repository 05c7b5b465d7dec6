// Package cni is the checks of Cilium and kube-proxy.
package cni

import "github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"

// Checks is the checks of this area, in the order of their IDs.
var Checks = []*checks.Check{
	families,
	pools,
	poolMask,
	masquerade,
	masqueradeOptions,
	nativeCIDR,
	nativeCIDRWide,
	nativeCIDRNarrow,
	ndpOptions,
	handMade,
	serviceRange,
	optionsRead,
	oneServiceProxy,
	configRuns,
	nodeBlocks,
	proxyClusterCIDR,
	proxyNodePorts,
	proxyMode,
	hostFirewall,
	egressGateway,
	tunnelUnderlay,
	agentReachesAPI,
	optionsAgree,
	l2Announcements,
	podsOnLink,
	bpfICMP,
	blocksUnique,
	valuesApplied,
	inventedAddresses,
	kubernetesBlocks,
	mtu,
	multicastDevice,
	nativeRoutes,
	flannelFamilies,
}
