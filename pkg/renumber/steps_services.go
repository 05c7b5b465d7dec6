package renumber

import (
	"fmt"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
)

// services is the steps to new ClusterIPs, which hang on the release: from
// plan.ServiceCIDRsFrom on, addresses come out of ServiceCIDR objects and not out of
// kube-apiserver's flag.
func (c *Change) services(s Setup) []Step {
	v := s.Versions.Kubernetes.Or(plan.LatestKubernetes)
	var steps []Step
	if v.Before(plan.ServiceCIDRsFrom) {
		steps = append(steps, c.serviceFlags(s))
	} else {
		steps = append(steps, c.serviceCIDR(s), c.serviceFlags(s), c.dropDefault(s))
	}
	steps = append(steps, c.clusterIPStep(s))
	if c.primary6() {
		steps = append(steps, c.firstAddresses())
	}
	if !v.Before(plan.ServiceCIDRsFrom) {
		steps = append(steps, Step{Title: "Delete the ServiceCIDR renumbered, once kubernetes has the new range",
			Do:      []string{"kubectl get servicecidr kubernetes # " + c.pair(c.New.Services), "kubectl delete servicecidr renumbered"},
			Effect:  "it goes at once: every address of it is in the other too",
			Undo:    "make it again",
			Sources: []string{"kubernetes v1.37.2, pkg/controller/servicecidrs/servicecidrs_controller.go canDeleteCIDR"},
		})
	}
	return steps
}

// serviceCIDR makes the new range known. It has the IPv4 range too, so that IPv4
// addresses do not keep the old object from going; ServiceCIDRs may overlap.
// Source: kubernetes v1.37.2, pkg/controller/servicecidrs/servicecidrs_controller.go canDeleteCIDR.
func (c *Change) serviceCIDR(s Setup) Step {
	cidrs := strings.Split(c.pair(c.New.Services), ",")
	manifest := fmt.Sprintf(`{"apiVersion":"networking.k8s.io/v1","kind":"ServiceCIDR","metadata":{"name":"renumbered"},"spec":{"cidrs":["%s"]}}`, strings.Join(cidrs, `","`))
	step := Step{Title: "Make a ServiceCIDR with the new Service range",
		Do: []string{"kubectl apply -f - <<< '" + manifest + "'", "kubectl get servicecidr renumbered"},
	}.costs("ServiceCIDR", ".spec.cidrs", plan.Add, s.Versions)
	return step
}

// serviceFlags is kube-apiserver's flag. From ServiceCIDRs on it decides about the
// object kubernetes alone, and about that only when it is made.
func (c *Change) serviceFlags(s Setup) Step {
	flag := "--service-cluster-ip-range=" + c.pair(c.New.Services)
	step := Step{Title: "Start kube-apiserver and kube-controller-manager with the new Service range",
		Do: []string{
			"in /etc/kubernetes/manifests/kube-apiserver.yaml, on each control-plane node: " + flag,
			"in /etc/kubernetes/manifests/kube-controller-manager.yaml: " + flag,
			"kubectl -n kube-system edit configmap kubeadm-config # networking.serviceSubnet: " + c.pair(c.New.Services),
		}}.costs("kube-apiserver", "--service-cluster-ip-range", plan.Replace, s.Versions)
	step.Restart = "each kube-apiserver and each kube-controller-manager, one after the other"
	if !s.Versions.Kubernetes.Or(plan.LatestKubernetes).Before(plan.ServiceCIDRsFrom) {
		step.Undo = "the old flag, and a restart"
	}
	return step
}

// dropDefault has no address more come out of the old range. kube-apiserver makes
// the object kubernetes again, of its flag, once it is gone.
// Source: kubernetes v1.37.2, pkg/controlplane/controller/defaultservicecidr/default_servicecidr_controller.go.
func (c *Change) dropDefault(s Setup) Step {
	return Step{Title: "Delete the ServiceCIDR kubernetes: no address more comes out of the old range",
		Do: []string{
			"kubectl delete servicecidr kubernetes --wait=false",
			"kubectl get servicecidr kubernetes -o jsonpath='{.status.conditions}' # Terminating, until no Service has an address that is in it alone; then it is made again with the new range",
		}}.costs("ServiceCIDR", ".spec.cidrs", plan.Replace, s.Versions)
}

// clusterIPStep is how a Service comes to an address of the new range. The second
// address is given back when the Service becomes SingleStack; the first never changes.
// Source: kubernetes v1.37.2, pkg/registry/core/service/storage/alloc.go.
func (c *Change) clusterIPStep(s Setup) Step {
	step := Step{
		Title:   "Service by service: give its old IPv6 address back, and take one of the new range",
		Restart: "Pods that have the old address in their environment",
		Effect:  "connections to the old address end, and clients find the new one by DNS",
		Sources: []string{"kubernetes v1.37.2, pkg/registry/core/service/storage/alloc.go"},
	}
	if s.MetalLB || !s.LBIPAM {
		step.Effect += "; MetalLB takes the addresses of a LoadBalancer Service away meanwhile, and may give others"
		step.Sources = append(step.Sources, "metallb v0.16.2, controller/service.go serviceFamilyChanged")
	}
	if c.primary6() {
		step.Do = []string{
			"the first address of a Service never changes: kubectl get service NAME -o yaml, without .spec.clusterIP, .spec.clusterIPs and .metadata.uid, then",
			"kubectl replace --force -f FILE",
		}
		return step
	}
	step.Do = []string{
		`kubectl -n NAMESPACE patch service NAME --type merge -p '{"spec":{"ipFamilyPolicy":"SingleStack"}}'`,
		`kubectl -n NAMESPACE patch service NAME --type merge -p '{"spec":{"ipFamilyPolicy":"PreferDualStack"}}' # or what it was`,
		"a Service of IPv6 alone, or IPv6 first, is deleted and made again: kubectl replace --force",
	}
	return step
}

// firstAddresses is the two Services whose addresses are known by number.
// Source: kubernetes v1.37.2, pkg/controlplane/controller/kubernetesservice/controller.go;
// cmd/kubeadm/app/constants/constants.go GetDNSIP.
func (c *Change) firstAddresses() Step {
	services := c.New.Services.V6.Masked()
	first := services.Addr().Next()
	dns := services.Addr()
	for range 10 {
		dns = dns.Next()
	}
	return Step{
		Title: "Make the Services kubernetes and kube-dns again, whose addresses are known by number",
		Do: []string{
			fmt.Sprintf("certSANs with %s, the address of kubernetes.default, in apiserver.crt, as above", first),
			"kubectl delete service kubernetes # kube-apiserver makes it again",
			fmt.Sprintf("kube-dns: clusterIP %s, and clusterDNS in the ConfigMap kubelet-config and in /var/lib/kubelet/config.yaml of each node; then restart kubelets", dns),
		},
		Restart: "each kubelet, and every Pod that asks the old address for names",
		Effect:  "Pods that are older ask the old address for names, and get no answer",
		Sources: []string{"kubernetes v1.37.2, pkg/controlplane/controller/kubernetesservice/controller.go, cmd/kubeadm/app/constants/constants.go GetDNSIP"},
	}
}
