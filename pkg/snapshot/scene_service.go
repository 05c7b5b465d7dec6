package snapshot

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
)

var (
	policyList = query{GroupVersionResource: networkingv1.SchemeGroupVersion.WithResource("networkpolicies"),
		empty: func() runtime.Object { return &networkingv1.NetworkPolicyList{} }}
	addressList = query{GroupVersionResource: networkingv1.SchemeGroupVersion.WithResource("ipaddresses")}
)

// foundService is a Service that packets may be for, with its EndpointSlices.
type foundService struct {
	Ref
	service *corev1.Service
	slices  []*discoveryv1.EndpointSlice
}

// service reads a Service and its EndpointSlices. It is an error when the Service cannot
// be read.
func (r *sceneReader) service(ctx context.Context, ref Ref) error {
	var s corev1.Service
	if err := r.client.get(ctx, serviceList.in(ref.Namespace), ref.Name, &s); err != nil {
		return err
	}
	r.keepService(ctx, &s)
	return nil
}

// keepService keeps a Service and reads its EndpointSlices.
func (r *sceneReader) keepService(ctx context.Context, s *corev1.Service) {
	one := foundService{Ref: Ref{Kind: "Service", Namespace: s.Namespace, Name: s.Name}, service: s}
	q := endpointSliceList.in(s.Namespace).labelled(discoveryv1.LabelServiceName + "=" + s.Name)
	err := r.client.pages(ctx, q, func(p page) {
		for _, o := range p.objects {
			if slice, ok := o.(*discoveryv1.EndpointSlice); ok {
				one.slices = append(one.slices, slice)
			}
		}
	})
	if err != nil {
		r.lacks(EndpointSlices, q.String(), err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.b.add(object{value: s})
	for _, slice := range one.slices {
		r.b.add(object{value: slice})
	}
	r.found = append(r.found, one)
}

// settleServices keeps the endpoints at the port that is asked for, or at a Service's
// first one. Two literal addresses may be two Services': each has then the endpoints of
// its address's family.
func (r *sceneReader) settleServices() {
	slices.SortFunc(r.found, func(a, b foundService) int { return compareRefs(a.Ref, b.Ref) })
	for _, one := range r.found {
		for _, p := range one.service.Spec.Ports {
			r.scene.Ports = append(r.scene.Ports, uint16(p.Port))
		}
		policy := one.service.Spec.InternalTrafficPolicy
		r.scene.InternalLocal = r.scene.InternalLocal || policy != nil && *policy == corev1.ServiceInternalTrafficPolicyLocal
		for _, slice := range one.slices {
			for _, e := range sliceEndpoints(slice, portName(one.service, r.q.Port)) {
				if len(r.found) == 1 || r.isAt(one.Ref, e.Family) {
					r.scene.Endpoints = append(r.scene.Endpoints, e)
				}
			}
		}
	}
	slices.SortFunc(r.scene.Endpoints, func(a, b Endpoint) int { return a.Address.Compare(b.Address) })
}

// isAt reports whether the literal address of a family is the Service's.
func (r *sceneReader) isAt(service Ref, f ipfam.Family) bool {
	for a, at := range r.at {
		if at == service && ipfam.Of(a) == f {
			return true
		}
	}
	return false
}

// endpointPods is the Pods that endpoints are, at most maxPeers, those on the Pod's own
// node first: where they are, packets go there.
func (r *sceneReader) endpointPods() (pods []Ref) {
	for _, own := range []bool{true, false} {
		for _, e := range r.scene.Endpoints {
			if own == (e.Node == r.scene.Source.Node) && e.Pod != (Ref{}) && !slices.Contains(pods, e.Pod) && len(pods) < maxPeers {
				pods = append(pods, e.Pod)
			}
		}
	}
	return pods
}

// portName is the name that the Service's port of this number has in EndpointSlices; the
// first port's when there is no such number. A Service's only port may have no name.
func portName(s *corev1.Service, number uint16) string {
	for _, p := range s.Spec.Ports {
		if uint16(p.Port) == number {
			return p.Name
		}
	}
	if len(s.Spec.Ports) > 0 {
		return s.Spec.Ports[0].Name
	}
	return ""
}

// sliceEndpoints is the endpoints of a slice at the port of that name.
func sliceEndpoints(slice *discoveryv1.EndpointSlice, port string) (found []Endpoint) {
	family, err := ipfam.Parse(string(slice.AddressType))
	if err != nil {
		return nil
	}
	var number uint16
	for _, p := range slice.Ports {
		if p.Port != nil && (p.Name == nil && port == "" || p.Name != nil && *p.Name == port) {
			number = uint16(*p.Port)
		}
	}
	for _, e := range slice.Endpoints {
		for _, text := range e.Addresses {
			a, err := netip.ParseAddr(text)
			if err != nil {
				continue
			}
			one := Endpoint{Family: family, Address: a, Port: number, Ready: e.Conditions.Ready == nil || *e.Conditions.Ready}
			if e.NodeName != nil {
				one.Node = *e.NodeName
			}
			if e.TargetRef != nil && e.TargetRef.Kind == "Pod" {
				one.Pod = Ref{Kind: "Pod", Namespace: e.TargetRef.Namespace, Name: e.TargetRef.Name}
			}
			found = append(found, one)
		}
	}
	return found
}

// serviceAt looks whether a literal address is a Service's: its ClusterIP, or that of a
// load balancer, which is found among the Services of that type only.
func (r *sceneReader) serviceAt(a netip.Addr) step {
	return func(ctx context.Context) {
		if !r.clusterIP(ctx, a) {
			r.serviceWhere(ctx, a, "spec.type=LoadBalancer", balancesAt)
		}
	}
}

// clusterIP looks whether a is a ClusterIP. The IPAddress object of one has its name, from
// Kubernetes 1.33 on. Where there are none, or they may not be read, a Service can still
// be selected by the first of its ClusterIPs.
func (r *sceneReader) clusterIP(ctx context.Context, a netip.Addr) bool {
	var ip networkingv1.IPAddress
	err := r.client.get(ctx, addressList, a.String(), &ip)
	switch {
	case err == nil:
		parent := ip.Spec.ParentRef
		return parent != nil && parent.Resource == "services" && r.takeService(ctx, a, Ref{Kind: "Service", Namespace: parent.Namespace, Name: parent.Name})
	case apierrors.IsNotFound(err) && !unserved(err):
		return false
	}
	if r.serviceWhere(ctx, a, "spec.clusterIP="+a.String(), nil) {
		return true
	}
	g := gapOf("ipaddresses", fmt.Sprintf("get ipaddresses.networking.k8s.io/%s", a), err, NotInstalled)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.scene.Gaps = append(r.scene.Gaps, g)
	return false
}

// unserved reports whether a 404 is that of a resource, and not of an object: the API
// server says it in plain text then.
func unserved(err error) bool {
	return apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse)
}

// serviceWhere keeps the Services of a short list that has is true of.
func (r *sceneReader) serviceWhere(ctx context.Context, a netip.Addr, fields string, has func(*corev1.Service, netip.Addr) bool) (found bool) {
	q := serviceList.where(fields)
	err := r.client.pages(ctx, q, func(p page) {
		for _, o := range p.objects {
			s, ok := o.(*corev1.Service)
			if !ok || has != nil && !has(s, a) {
				continue
			}
			found = true
			if r.claimService(a, Ref{Kind: "Service", Namespace: s.Namespace, Name: s.Name}) {
				r.keepService(ctx, s)
			}
		}
	})
	if err != nil {
		r.lacks(Services, q.String()+" --field-selector "+q.fields, err)
	}
	return found
}

func balancesAt(s *corev1.Service, a netip.Addr) bool {
	return slices.ContainsFunc(s.Status.LoadBalancer.Ingress, func(i corev1.LoadBalancerIngress) bool {
		at, err := netip.ParseAddr(i.IP)
		return err == nil && at == a
	})
}

// claimService notes that a is the Service's, and reports whether it is to be read: both
// families' addresses may be the same one's.
func (r *sceneReader) claimService(a netip.Addr, service Ref) bool {
	r.mu.Lock()
	r.at[a] = service
	r.mu.Unlock()
	return r.claim(service.String())
}

// takeService reads the Service that has an address. It is gone, or another's by now,
// when it is not found.
func (r *sceneReader) takeService(ctx context.Context, a netip.Addr, service Ref) bool {
	if !r.claimService(a, service) {
		return true
	}
	err := r.service(ctx, service)
	if err != nil {
		r.lacks(Services, "get services/"+service.Name+inNamespace(service.Namespace), err)
	}
	return err == nil
}
