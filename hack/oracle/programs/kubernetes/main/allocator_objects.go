//go:build !before_1_33

package main

import (
	"context"
	"net"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	networkingv1client "k8s.io/client-go/kubernetes/typed/networking/v1"
	networkingv1listers "k8s.io/client-go/listers/networking/v1"
	"k8s.io/client-go/tools/cache"

	"k8s.io/kubernetes/pkg/features"
	"k8s.io/kubernetes/pkg/registry/core/service/ipallocator"
)

// newAllocator is the allocator with which kube-apiserver runs by default from
// 1.33 on: pkg/registry/core/rest/storage_core.go. It has a store of its own.
func newAllocator(r *net.IPNet) (allocating, error) {
	if !utilfeature.DefaultFeatureGate.Enabled(features.MultiCIDRServiceAllocator) {
		panic("by default this release allocates from a bitmap")
	}
	s := store{indexer: cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{})}
	return ipallocator.NewIPAllocator(r, s, s)
}

// store is the IPAddress objects, as client and as informer.
type store struct {
	networkingv1client.NetworkingV1Interface
	cache.SharedIndexInformer
	indexer cache.Indexer
}

func (s store) HasSynced() bool                     { return true }
func (s store) Informer() cache.SharedIndexInformer { return s }
func (s store) Lister() networkingv1listers.IPAddressLister {
	return networkingv1listers.NewIPAddressLister(s.indexer)
}
func (s store) IPAddresses() networkingv1client.IPAddressInterface { return writer{indexer: s.indexer} }

type writer struct {
	networkingv1client.IPAddressInterface
	indexer cache.Indexer
}

func (w writer) Create(_ context.Context, a *networkingv1.IPAddress, _ metav1.CreateOptions) (*networkingv1.IPAddress, error) {
	return a, w.indexer.Add(a)
}
