package main

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	kubeadmapi "k8s.io/kubernetes/cmd/kubeadm/app/apis/kubeadm"
	"k8s.io/kubernetes/cmd/kubeadm/app/apis/kubeadm/validation"
)

// kubeadm is whether kubeadm takes the Service subnet, and the pod subnet:
// cmd/kubeadm/app/apis/kubeadm/validation ValidateNetworking.
func kubeadm(p plan) string {
	config := &kubeadmapi.ClusterConfiguration{Networking: kubeadmapi.Networking{
		ServiceSubnet: strings.Join(p.Services, ","),
		PodSubnet:     strings.Join(p.Pods, ","),
		DNSDomain:     "cluster.local",
	}}
	for _, family := range []string{"ipv4", "ipv6"} {
		if mask := p.mask(family); mask != 0 {
			arguments := &config.ControllerManager.ExtraArgs
			*arguments = append(*arguments, kubeadmapi.Arg{Name: "node-cidr-mask-size-" + family, Value: fmt.Sprint(mask)})
		}
	}
	services, pods := true, true
	for _, err := range validation.ValidateNetworking(config, field.NewPath("networking")) {
		switch err.Field {
		case "networking.serviceSubnet":
			services = false
		case "networking.podSubnet":
			pods = false
		default:
			return "unexpected error of " + err.Field
		}
	}
	return sign(services) + sign(pods)
}
