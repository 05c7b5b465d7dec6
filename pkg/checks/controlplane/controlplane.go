// Package controlplane is the checks of kubeadm, kube-apiserver, kube-controller-manager and ServiceCIDRs.
package controlplane

import "github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"

// Checks is the checks of this area, in the order of their IDs.
var Checks = []*checks.Check{
	serviceRangesAgree,
	podRangesAgree,
	servicesAndPodsFamilies,
	familyOrder,
	nodeMaskFlags,
	rangeFlagsParse,
	blocksSpareServices,
	advertiseAddress,
	kubeadmVersion,
	clusterCIDRInUse,
	serviceCIDRFamilies,
	serviceCIDRReady,
	urlBrackets,
	certificateNames,
	webhookFamilies,
}
