package snapshot

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The structs below have just the fields that are read of custom resources and
// of kubeadm's documents, under the names that their types have there.

// ciliumNode is cilium.io/v2 CiliumNode (cilium v1.20.2, pkg/k8s/apis/cilium.io/v2/types.go).
type ciliumNode struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Addresses []struct {
			Type string `json:"type"`
			IP   string `json:"ip"`
		} `json:"addresses"`
		IPAM struct {
			PodCIDRs []string `json:"podCIDRs"`
			Pools    struct {
				Allocated []struct {
					CIDRs []string `json:"cidrs"`
				} `json:"allocated"`
			} `json:"pools"`
		} `json:"ipam"`
	} `json:"spec"`
	Status struct {
		IPAM struct {
			OperatorStatus struct {
				Error string `json:"error"`
			} `json:"operator-status"`
		} `json:"ipam"`
	} `json:"status"`
}

// ciliumNodeConfig is cilium.io CiliumNodeConfig (cilium v1.20.2, pkg/k8s/apis/cilium.io/v2/cnc_types.go).
type ciliumNodeConfig struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		NodeSelector *metav1.LabelSelector `json:"nodeSelector"`
		Defaults     map[string]string     `json:"defaults"`
	} `json:"spec"`
}

// ciliumLoadBalancerIPPool is cilium.io CiliumLoadBalancerIPPool: cidrs up to
// 1.15, blocks from 1.15 on.
type ciliumLoadBalancerIPPool struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Disabled        bool                  `json:"disabled"`
		ServiceSelector *metav1.LabelSelector `json:"serviceSelector"`
		CIDRs           []block               `json:"cidrs"`
		Blocks          []block               `json:"blocks"`
	} `json:"spec"`
}

type block struct {
	CIDR  string `json:"cidr"`
	Start string `json:"start"`
	Stop  string `json:"stop"`
}

// ipAddressPool is metallb.io/v1beta1 IPAddressPool (metallb v0.16.2, api/v1beta1/ipaddresspool_types.go).
type ipAddressPool struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Addresses         []string `json:"addresses"`
		AutoAssign        *bool    `json:"autoAssign"`
		AvoidBuggyIPs     bool     `json:"avoidBuggyIPs"`
		ServiceAllocation *struct {
			Priority           int                    `json:"priority"`
			Namespaces         []string               `json:"namespaces"`
			NamespaceSelectors []metav1.LabelSelector `json:"namespaceSelectors"`
			ServiceSelectors   []metav1.LabelSelector `json:"serviceSelectors"`
		} `json:"serviceAllocation"`
	} `json:"spec"`
}

// addressPool is metallb.io AddressPool, v1alpha1 and v1beta1: the pool of MetalLB
// 0.13 that says itself how it is announced (metallb v0.13.12, api/v1beta1/addresspool_types.go).
type addressPool struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Protocol   string   `json:"protocol"`
		Addresses  []string `json:"addresses"`
		AutoAssign *bool    `json:"autoAssign"`
	} `json:"spec"`
}

// advertisement is metallb.io/v1beta1 L2Advertisement.
type advertisement struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		IPAddressPools         []string               `json:"ipAddressPools"`
		IPAddressPoolSelectors []metav1.LabelSelector `json:"ipAddressPoolSelectors"`
		NodeSelectors          []metav1.LabelSelector `json:"nodeSelectors"`
		ServiceSelectors       []metav1.LabelSelector `json:"serviceSelectors"`
	} `json:"spec"`
}

// bgpAdvertisement is an advertisement with what only a BGPAdvertisement has.
type bgpAdvertisement struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		IPAddressPools         []string               `json:"ipAddressPools"`
		IPAddressPoolSelectors []metav1.LabelSelector `json:"ipAddressPoolSelectors"`
		NodeSelectors          []metav1.LabelSelector `json:"nodeSelectors"`
		ServiceSelectors       []metav1.LabelSelector `json:"serviceSelectors"`
		AggregationLength      *int                   `json:"aggregationLength"`
		AggregationLengthV6    *int                   `json:"aggregationLengthV6"`
		Peers                  []string               `json:"peers"`
	} `json:"spec"`
}

// bgpPeer is metallb.io BGPPeer, v1beta1 and v1beta2 (metallb v0.16.2, api/v1beta2/bgppeer_types.go).
type bgpPeer struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		PeerAddress            string `json:"peerAddress"`
		Interface              string `json:"interface"`
		DualStackAddressFamily bool   `json:"dualStackAddressFamily"`
	} `json:"spec"`
}

// metallbConfig is the configuration of MetalLB before 0.13: the ConfigMap's
// key "config", or the chart's value configInline.
type metallbConfig struct {
	AddressPools []struct {
		Name          string   `json:"name"`
		Protocol      string   `json:"protocol"`
		Addresses     []string `json:"addresses"`
		AutoAssign    *bool    `json:"auto-assign"`
		AvoidBuggyIPs bool     `json:"avoid-buggy-ips"`
	} `json:"address-pools"`
}

// clusterConfiguration is kubeadm.k8s.io ClusterConfiguration, v1beta3 and
// v1beta4 (kubernetes v1.37.2, cmd/kubeadm/app/apis/kubeadm/v1beta4/types.go).
type clusterConfiguration struct {
	APIVersion           string `json:"apiVersion"`
	KubernetesVersion    string `json:"kubernetesVersion"`
	ControlPlaneEndpoint string `json:"controlPlaneEndpoint"`
	Networking           struct {
		PodSubnet     string `json:"podSubnet"`
		ServiceSubnet string `json:"serviceSubnet"`
	} `json:"networking"`
	APIServer struct {
		ExtraArgs extraArgs `json:"extraArgs"`
		CertSANs  []string  `json:"certSANs"`
	} `json:"apiServer"`
	Etcd struct {
		Local struct {
			ExtraArgs extraArgs `json:"extraArgs"`
		} `json:"local"`
		External struct {
			Endpoints []string `json:"endpoints"`
		} `json:"external"`
	} `json:"etcd"`
	ControllerManager struct {
		ExtraArgs extraArgs `json:"extraArgs"`
	} `json:"controllerManager"`
	Proxy struct {
		Disabled bool `json:"disabled"`
	} `json:"proxy"`
}

// initConfiguration is kubeadm.k8s.io InitConfiguration.
type initConfiguration struct {
	LocalAPIEndpoint struct {
		AdvertiseAddress string `json:"advertiseAddress"`
	} `json:"localAPIEndpoint"`
	NodeRegistration nodeRegistration `json:"nodeRegistration"`
}

// webhookConfiguration is admissionregistration.k8s.io/v1 MutatingWebhookConfiguration
// or ValidatingWebhookConfiguration.
type webhookConfiguration struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Webhooks          []struct {
		ClientConfig struct {
			Service *serviceReference `json:"service"`
		} `json:"clientConfig"`
	} `json:"webhooks"`
}

// apiService is apiregistration.k8s.io/v1 APIService. One that the API server
// itself serves has no Service.
type apiService struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Service *serviceReference `json:"service"`
	} `json:"spec"`
}

type serviceReference struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// customResourceDefinition is apiextensions.k8s.io/v1 CustomResourceDefinition.
type customResourceDefinition struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Group string `json:"group"`
	} `json:"spec"`
}

// serverVersion is what the API server answers under /version.
type serverVersion struct {
	GitVersion string `json:"gitVersion"`
}
