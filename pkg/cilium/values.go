package cilium

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// option is one Helm value of the chart and the configuration key that it
// becomes. Default is what the chart renders when the value is not given; empty
// renders nothing.
type option struct {
	value, key, def string
}

// options is the values that have to do with addresses and routing, from the
// chart of cilium v1.20.2 (install/kubernetes/cilium/templates/cilium-configmap.yaml
// and values.yaml); tunnel is read of charts before 1.15.
var options = []option{
	{"ipv4.enabled", "enable-ipv4", "true"},
	{"ipv6.enabled", "enable-ipv6", "false"},
	{"enableIPv4Masquerade", "enable-ipv4-masquerade", "true"},
	{"enableIPv6Masquerade", "enable-ipv6-masquerade", "true"},
	{"bpf.masquerade", "enable-bpf-masquerade", ""},
	{"ipMasqAgent.enabled", "enable-ip-masq-agent", ""},
	{"egressMasqueradeInterfaces", "egress-masquerade-interfaces", ""},
	{"enableMasqueradeRouteSource", "enable-masquerade-to-route-source", ""},
	{"ipv4NativeRoutingCIDR", "ipv4-native-routing-cidr", ""},
	{"ipv6NativeRoutingCIDR", "ipv6-native-routing-cidr", ""},
	{"ipam.mode", "ipam", "cluster-pool"},
	{"ipam.operator.clusterPoolIPv4MaskSize", "cluster-pool-ipv4-mask-size", "24"},
	{"ipam.operator.clusterPoolIPv6MaskSize", "cluster-pool-ipv6-mask-size", "120"},
	{"k8s.requireIPv4PodCIDR", "k8s-require-ipv4-pod-cidr", ""},
	{"k8s.requireIPv6PodCIDR", "k8s-require-ipv6-pod-cidr", ""},
	{"tunnel", "tunnel", ""},
	{"routingMode", "routing-mode", ""},
	{"tunnelProtocol", "tunnel-protocol", ""},
	{"underlayProtocol", "underlay-protocol", ""},
	{"autoDirectNodeRoutes", "auto-direct-node-routes", "false"},
	{"devices", "devices", ""},
	{"bgpControlPlane.enabled", "enable-bgp-control-plane", ""},
	{"kubeProxyReplacement", "kube-proxy-replacement", "false"},
	{"nodePort.enabled", "enable-node-port", ""},
	{"hostPort.enabled", "enable-host-port", ""},
	{"externalIPs.enabled", "enable-external-ips", ""},
	{"socketLB.enabled", "bpf-lb-sock", ""},
	{"loadBalancer.mode", "bpf-lb-mode", ""},
	{"installIptablesRules", "install-iptables-rules", ""},
	{"l2announcements.enabled", "enable-l2-announcements", ""},
	{"enableLBIPAM", "enable-lb-ipam", "true"},
	{"defaultLBServiceIPAM", "default-lb-service-ipam", ""},
	{"egressGateway.enabled", "enable-egress-gateway", ""},
	{"hostFirewall.enabled", "enable-host-firewall", ""},
	{"nat46x64Gateway.enabled", "enable-nat46x64-gateway", ""},
	{"bpf.lbExternalClusterIP", "bpf-lb-external-clusterip", "false"},
}

// poolValues is the chart's list of cluster-pool ranges by family and its
// default, which is not the operator's.
var poolValues = []struct{ family, list, single, key, def string }{
	{"ipv4", "ipam.operator.clusterPoolIPv4PodCIDRList", "ipam.operator.clusterPoolIPv4PodCIDR", "cluster-pool-ipv4-cidr", "10.0.0.0/8"},
	{"ipv6", "ipam.operator.clusterPoolIPv6PodCIDRList", "ipam.operator.clusterPoolIPv6PodCIDR", "cluster-pool-ipv6-cidr", "fd00::/104"},
}

// fromPoolValue takes the cluster-pool range for the native routing CIDR, from
// the chart of 1.20 on.
const fromPoolValue = "nativeRoutingCIDRFromClusterPool"

// unvalued is options that the chart renders from no value: they get into the
// ConfigMap through extraConfig, or by hand, and then only until the next upgrade.
// Source: install/kubernetes/cilium/templates/cilium-configmap.yaml of cilium
// v1.15.19 and v1.20.2.
var unvalued = []string{
	"derive-masq-ip-addr-from-device", "enable-ipv6-ndp", "enable-remote-node-masquerade",
	"ipv4-node", "ipv4-range", "ipv4-service-range",
	"ipv6-cluster-alloc-cidr", "ipv6-mcast-device", "ipv6-node", "ipv6-range", "ipv6-service-range",
	"only-masquerade-default-pool",
}

// HasValue reports whether the chart has a value that renders key.
func HasValue(key string) bool { return !slices.Contains(unvalued, key) }

// Value is the Helm value that key is rendered from: "ipv6.enabled" of
// "enable-ipv6", and below extraConfig what has no value of its own.
func Value(key string) string {
	for _, o := range options {
		if o.key == key {
			return o.value
		}
	}
	for _, p := range poolValues {
		if p.key == key {
			return p.list
		}
	}
	return extraConfig + "." + key
}

const extraConfig = "extraConfig"

// Given is the part of what Render makes of values that they name, and that is
// not the chart's default.
func Given(values map[string]any) Config {
	config, fields := Render(values)
	maps.DeleteFunc(config, func(key, _ string) bool {
		_, given := lookup(values, strings.TrimPrefix(fields[key], "."))
		return !given
	})
	return config
}

// Render is the configuration that the chart makes of values, as far as it has
// to do with addresses and routing, and for each key the value that it comes
// from. extraConfig is taken over as it is and wins.
func Render(values map[string]any) (Config, map[string]string) {
	config, fields := Config{}, map[string]string{}
	set := func(key, text, field string) {
		config[key] = text
		fields[key] = "." + field
	}
	for _, o := range options {
		if text, ok := lookup(values, o.value); ok {
			set(o.key, text, o.value)
		} else if o.def != "" {
			set(o.key, o.def, o.value)
		}
	}
	given, _ := lookup(values, fromPoolValue)
	fromPool, _ := strconv.ParseBool(given)
	for _, p := range poolValues {
		if config["enable-"+p.family] != "true" || config["ipam"] != "cluster-pool" {
			continue
		}
		text, value := p.def, p.list
		for _, name := range []string{p.single, p.list} {
			if given, ok := lookup(values, name); ok && given != "" {
				text, value = given, name
			}
		}
		set(p.key, text, value)
		if native := p.family + "-native-routing-cidr"; fromPool && config[native] == "" {
			set(native, text, fromPoolValue)
		}
	}
	if extra, ok := values[extraConfig].(map[string]any); ok {
		for key, v := range extra {
			set(key, scalar(v), extraConfig+"."+key)
		}
	}
	return config, fields
}

// lookup is the value at a dotted path as text; a list is joined by spaces, as
// the chart does for ranges.
func lookup(values map[string]any, path string) (string, bool) {
	var at any = values
	for name := range strings.SplitSeq(path, ".") {
		m, ok := at.(map[string]any)
		if !ok {
			return "", false
		}
		if at, ok = m[name]; !ok || at == nil {
			return "", false
		}
	}
	if list, ok := at.([]any); ok {
		texts := make([]string, len(list))
		for i, v := range list {
			texts[i] = scalar(v)
		}
		return strings.Join(texts, " "), true
	}
	return scalar(at), true
}

func scalar(v any) string {
	switch v := v.(type) {
	case bool:
		return strconv.FormatBool(v)
	case string:
		return v
	}
	return fmt.Sprint(v)
}
