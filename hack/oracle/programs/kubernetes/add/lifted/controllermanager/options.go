// Package controllermanager is how kube-controller-manager reads --cluster-cidr
// and the node masks: the functions of cmd/kube-controller-manager/app, whose own
// package would have every controller compiled.
package controllermanager

import (
	"net"

	nodeipamconfig "k8s.io/kubernetes/pkg/controller/nodeipam/config"
	netutils "k8s.io/utils/net"
)

// Options is the pod ranges of the flag's value and the node mask of each.
func Options(flag string, mask4, mask6 int) ([]*net.IPNet, []int, error) {
	ranges, err := validateCIDRs(flag)
	if err != nil {
		return nil, nil, err
	}
	masks, err := setNodeCIDRMaskSizes(nodeipamconfig.NodeIPAMControllerConfiguration{
		NodeCIDRMaskSizeIPv4: int32(mask4), NodeCIDRMaskSizeIPv6: int32(mask6),
	}, ranges)
	return ranges, masks, err
}

// ServiceRange is a Service range as the controller's start reads it; nil when it
// only logs that it is none.
func ServiceRange(text string) *net.IPNet {
	_, r, err := netutils.ParseCIDRSloppy(text)
	if err != nil {
		return nil
	}
	return r
}
