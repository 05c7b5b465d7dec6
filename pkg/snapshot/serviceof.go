package snapshot

import (
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

// ServiceOf is the facts of one Service, as a snapshot has them.
func ServiceOf(s *corev1.Service) Service {
	b := newBuilder(Source{})
	b.service(s)
	if len(b.snap.Services) == 0 { // an address that is none: only in a manifest
		return Service{Ref: Ref{Kind: "Service", Namespace: s.Namespace, Name: s.Name}, Type: string(s.Spec.Type)}
	}
	return b.snap.Services[0]
}

// EndpointSlicesOf is the facts of EndpointSlices, as a snapshot has them.
func EndpointSlicesOf(list []discoveryv1.EndpointSlice) []EndpointSlice {
	b := newBuilder(Source{})
	for i := range list {
		b.endpointSlice(&list[i])
	}
	return b.snap.EndpointSlices
}

// NodeOf is the facts of one Node, as a snapshot has them.
func NodeOf(n *corev1.Node) Node {
	b := newBuilder(Source{})
	b.node(n)
	return b.snap.Nodes[0]
}
