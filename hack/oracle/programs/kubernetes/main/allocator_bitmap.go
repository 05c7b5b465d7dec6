//go:build before_1_33

package main

import (
	"net"

	utilfeature "k8s.io/apiserver/pkg/util/feature"

	"k8s.io/kubernetes/pkg/features"
	"k8s.io/kubernetes/pkg/registry/core/service/ipallocator"
)

// newAllocator is the allocator with which kube-apiserver runs by default before
// 1.33: pkg/registry/core/rest/storage_core.go.
func newAllocator(r *net.IPNet) (allocating, error) {
	if utilfeature.DefaultFeatureGate.Enabled(features.MultiCIDRServiceAllocator) {
		panic("by default this release does not allocate from a bitmap")
	}
	return ipallocator.NewInMemory(r)
}
