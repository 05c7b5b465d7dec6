package metallb

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// The prefixes of MetalLB's annotations. The old one is read by every release;
// where both are given the new one counts.
const (
	annotationPrefix    = "metallb.io/"
	oldAnnotationPrefix = "metallb.universe.tf/"
)

// The annotations, without their prefix.
const (
	AddressesAnnotation = "loadBalancerIPs"
	PoolAnnotation      = "address-pool"
	SharingAnnotation   = "allow-shared-ip"
	OriginAnnotation    = "ip-allocated-from-pool" // written by MetalLB
)

// Annotation is the value of one of MetalLB's annotations as version v reads it,
// and the whole name under which it stands; both are empty when it does not.
func Annotation(annotations map[string]string, name string, v release.Version) (key, value string) {
	v = v.Or(Latest)
	if name == AddressesAnnotation && v.Before(listAnnotation) {
		return "", ""
	}
	if value, ok := annotations[annotationPrefix+name]; ok && !v.Before(PreferOne) {
		return annotationPrefix + name, value
	}
	if value, ok := annotations[oldAnnotationPrefix+name]; ok {
		return oldAnnotationPrefix + name, value
	}
	return "", ""
}

// Unread is the annotations that version v does not know although they are
// MetalLB's: those with the prefix of a later release.
func Unread(annotations map[string]string, v release.Version) []string {
	if !v.Before(PreferOne) {
		return nil
	}
	var keys []string
	for _, name := range []string{AddressesAnnotation, PoolAnnotation, SharingAnnotation} {
		_, given := annotations[annotationPrefix+name]
		_, old := annotations[oldAnnotationPrefix+name]
		if given && !old {
			keys = append(keys, annotationPrefix+name)
		}
	}
	return keys
}

// Requested is the addresses that a Service asks for, by annotation or by
// .spec.loadBalancerIP, and the name of the one that asks. The error is in the
// words of MetalLB's Events. With it a Service gets no address, and one keeps those
// that it has as long as they fit.
// Source: metallb v0.16.2, controller/service.go getDesiredLbIPs, convergeBalancer.
func Requested(annotations map[string]string, field string, v release.Version) (as []netip.Addr, by string, err error) {
	key, value := Annotation(annotations, AddressesAnnotation, v)
	called := annotationPrefix + AddressesAnnotation // also when the old annotation is meant
	if v.Or(Latest).Before(PreferOne) {
		called = oldAnnotationPrefix + AddressesAnnotation
	}
	switch {
	case value == "" && field == "":
		return nil, "", nil
	case value == "":
		a, err := netip.ParseAddr(field)
		if err != nil || a.Zone() != "" {
			return nil, ".spec.loadBalancerIP", fmt.Errorf("invalid spec.loadBalancerIP %q", field)
		}
		return []netip.Addr{a.Unmap()}, ".spec.loadBalancerIP", nil
	case field != "":
		return nil, key, fmt.Errorf("service can not have both %s and svc.Spec.LoadBalancerIP", called)
	}
	for text := range strings.SplitSeq(value, ",") {
		a, err := netip.ParseAddr(strings.TrimSpace(text))
		if err != nil || a.Zone() != "" {
			return nil, key, fmt.Errorf("invalid %s: %q", called, value)
		}
		as = append(as, a.Unmap())
	}
	switch {
	case len(as) > 2:
		return nil, key, fmt.Errorf("IPFamilyForAddresses: invalid ips length %d %s", len(as), quoted(as))
	case len(as) == 2 && !ipfam.SetOfAddrs(as).Dual():
		return nil, key, fmt.Errorf("IPFamilyForAddresses: same address family %s", quoted(as))
	}
	return as, key, nil
}

// Key is the whole name of one of the annotations, as version v reads it.
func Key(name string, v release.Version) string {
	if v.Or(Latest).Before(PreferOne) {
		return oldAnnotationPrefix + name
	}
	return annotationPrefix + name
}
