package cilium

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// option is one Helm value of the chart and the configuration key that it
// becomes. Default is what the chart renders when the value is not given or empty;
// an empty default renders nothing.
type option struct {
	value, key, def string
	// onlyTrue is whether the chart renders the key when the value is true, and
	// otherwise not at all.
	onlyTrue bool
}

// options is the values that have to do with addresses and routing, from the
// chart of cilium v1.20.2 (install/kubernetes/cilium/templates/cilium-configmap.yaml
// and values.yaml); tunnel is read of charts before 1.15.
var options = []option{
	{"ipv4.enabled", "enable-ipv4", "true", false},
	{"ipv6.enabled", "enable-ipv6", "false", false},
	{"enableIPv4Masquerade", "enable-ipv4-masquerade", "true", false},
	{"enableIPv6Masquerade", "enable-ipv6-masquerade", "true", false},
	{"bpf.masquerade", "enable-bpf-masquerade", "", false},
	{"ipMasqAgent.enabled", "enable-ip-masq-agent", "", true},
	{"egressMasqueradeInterfaces", "egress-masquerade-interfaces", "", false},
	{"enableMasqueradeRouteSource", "enable-masquerade-to-route-source", "false", false},
	{"ipv4NativeRoutingCIDR", "ipv4-native-routing-cidr", "", false},
	{"ipv6NativeRoutingCIDR", "ipv6-native-routing-cidr", "", false},
	{"ipam.mode", "ipam", "cluster-pool", false},
	{"k8s.requireIPv4PodCIDR", "k8s-require-ipv4-pod-cidr", "false", false},
	{"k8s.requireIPv6PodCIDR", "k8s-require-ipv6-pod-cidr", "false", false},
	{"tunnel", "tunnel", "", false},
	{"routingMode", "routing-mode", "tunnel", false},
	{"tunnelProtocol", "tunnel-protocol", "vxlan", false},
	{"underlayProtocol", "underlay-protocol", "", false},
	{"autoDirectNodeRoutes", "auto-direct-node-routes", "false", false},
	{"devices", "devices", "", false},
	{"bgpControlPlane.enabled", "enable-bgp-control-plane", "", true},
	{"kubeProxyReplacement", "kube-proxy-replacement", "false", false},
	{"nodePort.enabled", "enable-node-port", "", false},
	{"hostPort.enabled", "enable-host-port", "", false},
	{"externalIPs.enabled", "enable-external-ips", "", false},
	{"socketLB.enabled", "bpf-lb-sock", "false", false},
	{"loadBalancer.mode", "bpf-lb-mode", "", false},
	{"installIptablesRules", "install-iptables-rules", "", false},
	{"l2announcements.enabled", "enable-l2-announcements", "", true},
	{"enableLBIPAM", "enable-lb-ipam", "true", false},
	{"defaultLBServiceIPAM", "default-lb-service-ipam", "lbipam", false},
	{"egressGateway.enabled", "enable-egress-gateway", "", true},
	{"hostFirewall.enabled", "enable-host-firewall", "false", false},
	{"nat46x64Gateway.enabled", "enable-nat46x64-gateway", "", true},
	{"bpf.lbExternalClusterIP", "bpf-lb-external-clusterip", "false", false},
}

// poolValue is the values of one family's ranges in the mode cluster-pool, with
// the chart's defaults, which are not the operator's. The chart renders them when
// the family is on.
type poolValue struct {
	family, list, single, key, def string
	mask                           option
}

var poolValues = []poolValue{
	{"ipv4", "ipam.operator.clusterPoolIPv4PodCIDRList", "ipam.operator.clusterPoolIPv4PodCIDR", "cluster-pool-ipv4-cidr", "10.0.0.0/8",
		option{"ipam.operator.clusterPoolIPv4MaskSize", "cluster-pool-ipv4-mask-size", "24", false}},
	{"ipv6", "ipam.operator.clusterPoolIPv6PodCIDRList", "ipam.operator.clusterPoolIPv6PodCIDR", "cluster-pool-ipv6-cidr", "fd00::/104",
		option{"ipam.operator.clusterPoolIPv6MaskSize", "cluster-pool-ipv6-mask-size", "120", false}},
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

// Concerns reports whether key is one of the options that this package knows: of
// addresses, of routing, or of Services.
func Concerns(key string) bool {
	return !HasValue(key) || Value(key) != extraConfig+"."+key
}

// Value is the Helm value that key is rendered from: "ipv6.enabled" of
// "enable-ipv6", and below extraConfig what has no value of its own.
func Value(key string) string {
	for _, o := range options {
		if o.key == key {
			return o.value
		}
	}
	for _, p := range poolValues {
		switch key {
		case p.key:
			return p.list
		case p.mask.key:
			return p.mask.value
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
	r := rendering{values, Config{}, map[string]string{}, cloudDefaults(values)}
	for _, o := range options {
		r.option(o)
	}
	if r.isTrue("eni.enabled") {
		r.set("ipam", "eni", "eni.enabled")
	}
	if r.config["ipam"] == "cluster-pool" {
		for _, p := range poolValues {
			r.pool(p)
		}
	}
	if extra, ok := values[extraConfig].(map[string]any); ok {
		for key, v := range extra {
			r.set(key, scalar(v), extraConfig+"."+key)
		}
	}
	return r.config, r.fields
}

// cloudDefaults is the defaults that other values change. A chart that is given
// tunnel, up to 1.14, does not have routingMode.
func cloudDefaults(values map[string]any) map[string]string {
	defaults := map[string]string{}
	for _, cloud := range []string{"eni.enabled", "gke.enabled"} {
		if on, _ := lookup(values, cloud); on == "true" {
			defaults["routing-mode"] = "native"
		}
	}
	if on, _ := lookup(values, "eni.enabled"); on == "true" {
		defaults["enable-ipv4-masquerade"] = "false"
	}
	if _, ok := lookup(values, "tunnel"); ok {
		defaults["routing-mode"], defaults["tunnel-protocol"] = "", ""
	}
	return defaults
}

// rendering is a configuration in the making.
type rendering struct {
	values   map[string]any
	config   Config
	fields   map[string]string
	defaults map[string]string // by key, in place of an option's own
}

func (r rendering) set(key, text, value string) {
	r.config[key] = text
	r.fields[key] = "." + value
}

func (r rendering) isTrue(value string) bool {
	text, _ := lookup(r.values, value)
	on, err := strconv.ParseBool(text)
	return err == nil && on
}

func (r rendering) option(o option) {
	text, _ := lookup(r.values, o.value)
	if def, ok := r.defaults[o.key]; text == "" && ok {
		text = def
	} else if text == "" {
		text = o.def
	}
	if text != "" && (!o.onlyTrue || r.isTrue(o.value)) {
		r.set(o.key, text, o.value)
	}
}

func (r rendering) pool(p poolValue) {
	if r.config["enable-"+p.family] != "true" {
		return
	}
	text, value := p.def, p.list
	for _, name := range []string{p.single, p.list} {
		if given, _ := lookup(r.values, name); given != "" {
			text, value = given, name
		}
	}
	r.set(p.key, text, value)
	r.option(p.mask)
	if native := p.family + "-native-routing-cidr"; r.isTrue(fromPoolValue) && r.config[native] == "" {
		r.set(native, text, fromPoolValue)
	}
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
	switch at := at.(type) {
	case map[string]any: // no option is a mapping
		return "", false
	case []any:
		texts := make([]string, len(at))
		for i, v := range at {
			texts[i] = scalar(v)
		}
		return strings.Join(texts, " "), true
	}
	return scalar(at), true
}

func scalar(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case bool:
		return strconv.FormatBool(v)
	case string:
		return v
	}
	return fmt.Sprint(v)
}
