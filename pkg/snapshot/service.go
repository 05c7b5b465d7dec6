package snapshot

import (
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
)

// Dual reports whether the Service is one of both families: it has a ClusterIP
// of each or, before it has any, cannot be made with fewer. A manifest that
// prefers both and names none gets what the cluster has, so it is not.
func (s Service) Dual() bool {
	if len(s.ClusterIPs) > 0 {
		return ipfam.SetOfAddrs(s.ClusterIPs).Dual()
	}
	return ipfam.SetOf(s.Families...).Dual() || !s.Live && s.Policy == "RequireDualStack"
}

// Has is the families that the Service has ClusterIPs of, or else names.
func (s Service) Has() ipfam.Set {
	if len(s.ClusterIPs) > 0 {
		return ipfam.SetOfAddrs(s.ClusterIPs)
	}
	return ipfam.SetOf(s.Families...)
}

// LoadBalancer reports whether the Service is of that type.
func (s Service) LoadBalancer() bool { return s.Type == "LoadBalancer" }

// Backend is what MetalLB compares where Services are to share an address: the text
// of the selector with externalTrafficPolicy Local, empty with Cluster.
// Source: metallb v0.16.2, internal/allocator/k8salloc/k8salloc.go BackendKey.
func (s Service) Backend() string {
	if !s.LocalTraffic {
		return ""
	}
	return labels.Set(s.Selector).String()
}
