package main

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"k8s.io/kubernetes/pkg/apis/networking"
	"k8s.io/kubernetes/pkg/apis/networking/validation"
)

// objects is whether the API takes a ServiceCIDR of the Service ranges, and for
// each of them an IPAddress of the address before its length.
func objects(p plan) string {
	cidr := &networking.ServiceCIDR{ObjectMeta: metav1.ObjectMeta{Name: "plan"}, Spec: networking.ServiceCIDRSpec{CIDRs: p.Services}}
	text := sign(len(validation.ValidateServiceCIDR(cidr)) == 0)
	for _, r := range p.Services {
		name, _, _ := strings.Cut(r, "/")
		address := &networking.IPAddress{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			Spec:       networking.IPAddressSpec{ParentRef: &networking.ParentReference{Resource: "services", Namespace: "default", Name: "web"}},
		}
		text += sign(len(validation.ValidateIPAddress(address)) == 0)
	}
	return text
}
