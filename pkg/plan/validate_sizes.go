package plan

import (
	"fmt"
	"net/netip"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
)

// sizes holds the ranges to what the programs take.
func (v *validation) sizes() {
	for _, f := range ipfam.All {
		if r := v.plan.Services.Of(f); r.IsValid() {
			v.serviceSize(f, r.Masked())
		}
		if r := v.plan.Pods.Prefixes.Of(f); r.IsValid() {
			v.podSize(f, r.Masked())
		}
	}
}

func (v *validation) serviceSize(f ipfam.Family, r netip.Prefix) {
	field := "spec.services." + key(f)
	limit, bad := ServiceRangeLimit(r, v.plan.kubernetes()), severity.Error
	if !v.plan.Versions.Kubernetes.Known() {
		bad = severity.Warning // another release may take it
	}
	if first := v.plan.Families; limit == "" && len(first) > 0 && first[0] == f {
		limit, bad = PrimaryServiceLimit(r), severity.Error
	}
	if limit != "" {
		v.add(ServiceSize, bad, field, limit, ServiceSizeFix(r, v.plan.kubernetes()))
		return
	}
	if limit := KubeadmServiceLimit(r); limit != "" {
		shortest, longest := KubeadmServiceBits(f)
		v.add(KubeadmSize, severity.Info, field, limit, lengthFix(r, shortest, longest))
	}
}

func (v *validation) podSize(f ipfam.Family, r netip.Prefix) {
	field, mask := "spec.pods.nodeMask."+key(f), v.plan.NodeMask(f)
	bad, how := severity.Error, ""
	if v.plan.Pods.NodeMask.Of(f) == 0 {
		bad, how = severity.Warning, "; without spec.pods.nodeMask, kube-controller-manager takes /"+fmt.Sprint(mask)
	}
	if limit := NodeMaskLimit(r, mask); limit != "" {
		v.add(NodeMaskSize, bad, field, limit+how, NodeMaskFix(r, mask))
		return
	}
	limit := KubeadmNodeMaskLimit(r, mask)
	if limit == "" {
		limit, field = KubeadmPodLimit(r), "spec.pods."+key(f)
	}
	if limit != "" {
		v.add(KubeadmSize, severity.Info, field, limit, kubeadmPodFix(r, mask))
	}
}
