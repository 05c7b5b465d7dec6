package cilium

import (
	"fmt"
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
	{"kubeProxyReplacement", "kube-proxy-replacement", "false"},
	{"l2announcements.enabled", "enable-l2-announcements", ""},
	{"enableLBIPAM", "enable-lb-ipam", "true"},
	{"defaultLBServiceIPAM", "default-lb-service-ipam", ""},
	{"egressGateway.enabled", "enable-egress-gateway", ""},
	{"hostFirewall.enabled", "enable-host-firewall", ""},
	{"bpf.lbExternalClusterIP", "bpf-lb-external-clusterip", "false"},
}

// poolValues is the chart's list of cluster-pool ranges by family and its
// default, which is not the operator's.
var poolValues = []struct{ family, list, single, key, def string }{
	{"ipv4", "ipam.operator.clusterPoolIPv4PodCIDRList", "ipam.operator.clusterPoolIPv4PodCIDR", "cluster-pool-ipv4-cidr", "10.0.0.0/8"},
	{"ipv6", "ipam.operator.clusterPoolIPv6PodCIDRList", "ipam.operator.clusterPoolIPv6PodCIDR", "cluster-pool-ipv6-cidr", "fd00::/104"},
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
	for _, p := range poolValues {
		if config["enable-"+p.family] != "true" || config["ipam"] != "cluster-pool" {
			continue
		}
		text, ok := lookup(values, p.list)
		if !ok {
			text, ok = lookup(values, p.single)
		}
		if !ok || text == "" {
			text = p.def
		}
		set(p.key, text, p.list)
	}
	if extra, ok := values["extraConfig"].(map[string]any); ok {
		for key, v := range extra {
			set(key, scalar(v), "extraConfig."+key)
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
