package cluster

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/network"
)

// kubeadm is a file of the example with the cluster's families in their order. In the
// example both stand everywhere, IPv4 first.
func (o Options) kubeadm(config string) (string, error) {
	if slices.Equal(o.Families, Families{IPv4, IPv6}) {
		return config, nil
	}
	pairs := [][2]string{
		{"10.244.0.0/16", "2001:db8:7653:299:cafe:0::/96"},
		{"10.96.0.0/16", "2001:db8:7653:299:cafe:1::/112"},
	}
	for _, n := range network.Nodes() {
		pairs = append(pairs, [2]string{n.Addresses.V4.String(), n.Addresses.V6.String()})
	}
	for _, pair := range pairs {
		config = strings.ReplaceAll(config, pair[0]+","+pair[1], strings.Join(o.Families.pick(pair[0], pair[1]), ","))
	}
	first := network.Controller.Addresses
	if o.Families[0] == IPv6 {
		config = strings.ReplaceAll(config, "advertiseAddress: "+first.V4.String(), "advertiseAddress: "+first.V6.String())
		config = strings.ReplaceAll(config, "apiServerEndpoint: "+first.V4.String()+":6443", fmt.Sprintf("apiServerEndpoint: '[%s]:6443'", first.V6))
	}
	if len(o.Families) > 1 || !strings.Contains(config, "node-cidr-mask-size") {
		return config, nil
	}
	return oneMask(config, o.Families[0])
}

// oneMask leaves out the size of the ranges of a family that the cluster has not got.
// Source: kubernetes v1.37.2, cmd/kube-controller-manager/app/core.go
// setNodeCIDRMaskSizes, which refuses it.
func oneMask(config, family string) (string, error) {
	drop, size := "ipv6", "112"
	if family == IPv6 {
		drop, size = "ipv4", "24"
	}
	return replaceOnce(config, fmt.Sprintf("    - name: node-cidr-mask-size-%s\n      value: %q\n", drop, size), "")
}

// metallb is the pool of the example and its advertisement, or a pool of each family.
func (o Options) metallb(objects string) (string, error) {
	addresses := []string{"  - 192.168.16.100-192.168.16.119\n", "  - 2001:db8:7653:216:ffff:fac:ade:100-2001:db8:7653:216:ffff:fac:ade:119\n"}
	both := strings.Join(addresses, "")
	if n := strings.Count(objects, both); n != 1 {
		return "", fmt.Errorf("the addresses of the pool stand in the example %d times, want once", n)
	}
	if !o.SeparatePools {
		return strings.Replace(objects, both, strings.Join(o.Families.pick(addresses[0], addresses[1]), ""), 1), nil
	}
	var pools []string
	for i, name := range []string{"ipv4", "ipv6"} {
		pools = append(pools, "apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {name: "+name+", namespace: metallb-system}\nspec:\n  addresses:\n"+addresses[i])
	}
	pools = append(pools, "apiVersion: metallb.io/v1beta1\nkind: L2Advertisement\nmetadata: {name: lan, namespace: metallb-system}\n")
	return strings.Join(pools, "---\n"), nil
}

// cilium is what the options change of the example's values, as arguments of helm.
func (o Options) cilium() []string {
	set := map[string]bool{
		"ipv4.enabled": o.Families.has(IPv4), "ipv6.enabled": o.Families.has(IPv6),
		"enableIPv4Masquerade": o.Masquerade.has(IPv4), "enableIPv6Masquerade": o.Masquerade.has(IPv6),
		"bpf.masquerade": o.BPF,
	}
	var args []string
	for name, value := range set {
		args = append(args, fmt.Sprintf("--set=%s=%t", name, value))
	}
	if o.NativeRouting {
		args = append(args, "--set=routingMode=native,autoDirectNodeRoutes=true,ipv4NativeRoutingCIDR=10.244.0.0/16", "--set-string=ipv6NativeRoutingCIDR=2001:db8:7653:299:cafe:0::/96")
	}
	if o.Families[0] == IPv6 {
		args = append(args, "--set-string=k8sServiceHost="+network.Controller.Addresses.V6.String())
	}
	slices.Sort(args)
	return args
}

// services is the Services of the example in a cluster of these families. Their addresses
// are asked for, the cluster's first family first.
func (o Options) services(objects string) string {
	if slices.Equal(o.Families, Families{IPv4, IPv6}) {
		return objects
	}
	for _, pair := range [][2]string{
		{"10.96.56.97", "2001:db8:7653:299:cafe:1:0:b09d"},
		{"10.96.146.219", "2001:db8:7653:299:cafe:1:0:4e7c"},
	} {
		picked := o.Families.pick(pair[0], pair[1])
		objects = strings.ReplaceAll(objects,
			fmt.Sprintf("  clusterIP: %s\n  clusterIPs:\n  - %s\n  - %s\n", pair[0], pair[0], pair[1]),
			fmt.Sprintf("  clusterIP: %s\n  clusterIPs:\n  - %s\n", picked[0], strings.Join(picked, "\n  - ")))
	}
	objects = strings.ReplaceAll(objects, "  - IPv4\n  - IPv6\n", "  - "+strings.Join(o.Families, "\n  - ")+"\n")
	if len(o.Families) == 1 {
		objects = strings.ReplaceAll(objects, "RequireDualStack", "SingleStack")
	}
	return objects
}

// oddities is what is unusual in a cluster, in one of these families. The API server
// refuses RequireDualStack where there is one, and a family that there is not.
func (o Options) oddities(objects string) string {
	if len(o.Families) > 1 {
		return objects
	}
	return strings.NewReplacer(
		"loadBalancerClass: example.org/elsewhere\n  ipFamilyPolicy: RequireDualStack\n", "loadBalancerClass: example.org/elsewhere\n  ipFamilyPolicy: SingleStack\n",
		"ipFamilies: [IPv6]", "ipFamilies: ["+o.Families[0]+"]",
	).Replace(objects)
}
