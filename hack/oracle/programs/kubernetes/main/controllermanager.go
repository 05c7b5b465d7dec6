package main

import (
	"context"
	"fmt"
	"math/big"
	"net"
	"strings"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientset "k8s.io/client-go/kubernetes"
	typedv1 "k8s.io/client-go/kubernetes/typed/core/v1"
	listersv1 "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"

	"k8s.io/kubernetes/lifted/controllermanager"
	"k8s.io/kubernetes/pkg/controller/nodeipam"
	"k8s.io/kubernetes/pkg/controller/nodeipam/ipam"
	"k8s.io/kubernetes/pkg/controller/nodeipam/ipam/cidrset"
)

// controllerManager is what kube-controller-manager makes of the pod ranges:
// "refused" when it does not start, or else for each range BLOCKS:LEFT:LAST. LEFT
// is the blocks without those that the Service ranges are in, and LAST how far the
// last block lies from the first, in powers of two: "F.8" is 15 times 256.
func controllerManager(p plan) string {
	ranges, masks, err := controllermanager.Options(strings.Join(p.Pods, ","), p.mask("ipv4"), p.mask("ipv6"))
	if err != nil {
		return "refused"
	}
	services := make([]*net.IPNet, 2)
	for i, text := range p.Services {
		services[i] = controllermanager.ServiceRange(text)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	c, err := nodeipam.NewNodeIpamController(ctx, noNodes{}, nil, noNodes{}, ranges, services[0], services[1], masks, ipam.RangeAllocatorType)
	if err != nil {
		return "refused"
	}
	allocator := nodeipam.OracleAllocator(c)
	defer ipam.OracleClose(allocator)
	var verdicts []string
	for i, set := range ipam.OracleSets(allocator) {
		verdicts = append(verdicts, blocks(set, ranges[i]))
	}
	return strings.Join(verdicts, " ")
}

func blocks(set *cidrset.CidrSet, r *net.IPNet) string {
	all, left := set.OracleCounts()
	last := set.OracleBlock(all - 1)
	if left > 0 {
		if _, err := set.AllocateNext(); err != nil {
			return "no-block"
		}
	}
	return fmt.Sprintf("%d:%d:%s", all, left, distance(r.IP, last.IP))
}

// distance is b - a, as a hexadecimal number and the zero bits after it.
func distance(a, b net.IP) string {
	d := new(big.Int).Sub(new(big.Int).SetBytes(b.To16()), new(big.Int).SetBytes(a.To16()))
	zeros := d.TrailingZeroBits()
	return fmt.Sprintf("%X.%d", d.Rsh(d, zeros), zeros)
}

// noNodes is a cluster without nodes, as client and as informer.
type noNodes struct {
	clientset.Interface
	cache.SharedIndexInformer
}

func (n noNodes) CoreV1() typedv1.CoreV1Interface     { return noNodesV1{} }
func (n noNodes) Informer() cache.SharedIndexInformer { return n }
func (n noNodes) Lister() listersv1.NodeLister        { return nil }
func (n noNodes) HasSynced() bool                     { return true }
func (n noNodes) AddEventHandler(cache.ResourceEventHandler) (cache.ResourceEventHandlerRegistration, error) {
	return nil, nil
}

type noNodesV1 struct{ typedv1.CoreV1Interface }

func (noNodesV1) Nodes() typedv1.NodeInterface { return noNodesList{} }

type noNodesList struct{ typedv1.NodeInterface }

func (noNodesList) List(context.Context, metav1.ListOptions) (*v1.NodeList, error) {
	return &v1.NodeList{}, nil
}
