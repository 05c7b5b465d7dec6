package snapshot

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// decodeValues is a document without kind or apiVersion: what kubectl version -o
// yaml prints, Helm values of a chart that we know by keys that no other chart
// has, or nothing of ours. Values may also be those of an umbrella chart, below
// the name of the chart that they are for.
func (d *document) decodeValues() []object {
	if version := child(d.root, "serverVersion"); child(version, "gitVersion") != nil {
		return []object{{value: &serverVersion{GitVersion: text(version, "gitVersion")}, adds: []Kind{Versions}}}
	}
	if d.kind == "" {
		if o, ok := d.decodeDistribution(); ok {
			return []object{o}
		}
	}
	if objects, ok := d.decodeHelmfile(); ok {
		return objects
	}
	if objects, ok := d.decodeChartFile(); ok {
		return objects
	}
	var objects []object
	cilium := false
	for _, chart := range charts {
		before := len(objects)
		switch inner := child(d.root, chart.name); {
		case chart.knows(d.root):
			objects = append(objects, d.helmValues(chart, d.root))
		case chart.knows(inner):
			objects = append(objects, d.helmValues(chart, inner, chart.name))
		}
		cilium = cilium || chart.name == "cilium" && len(objects) > before
	}
	if alias, values := aliased(d.root); !cilium && values != nil {
		objects = append(objects, d.helmValues(charts[0], values, alias))
	}
	if len(objects) > 0 {
		return objects
	}
	if t, ok := types[group(d.apiVersion)+"/"+d.kind]; ok && d.apiVersion == "" {
		at := Position{File: d.file, Line: d.at(d.root)}
		return []object{{adds: t.adds, problems: []Problem{{Position: at, Ref: d.ref(), Field: ".apiVersion", Message: "is missing"}}}}
	}
	if d.kind != "" {
		return []object{{kind: d.kind}}
	}
	return []object{{kind: noKind}}
}

// chart is a Helm chart whose values are read.
type chart struct {
	name  string
	knows func(values *yaml.Node) bool
	adds  []Kind
}

var charts = []chart{
	{"cilium", isCiliumValues, []Kind{CiliumConfig}},
	{"metallb", isMetalLBValues, []Kind{MetalLBPools}},
}

// isMetalLBValues is true of values with the pools of before 0.13, and of those of
// later charts that say whose Services are served, and how.
func isMetalLBValues(n *yaml.Node) bool {
	if child(child(n, "configInline"), "address-pools") != nil {
		return true
	}
	speaker := child(n, "speaker")
	return speaker != nil && (child(n, "frrk8s") != nil || child(n, "loadBalancerClass") != nil || child(speaker, "frr") != nil ||
		child(speaker, "ignoreExcludeLB") != nil)
}

// ciliumValues is values that no other chart has.
var ciliumValues = []string{
	"autoDirectNodeRoutes", "enableIPv4Masquerade", "enableIPv6Masquerade", "ipv4NativeRoutingCIDR", "ipv6NativeRoutingCIDR",
	"kubeProxyReplacement", "l2announcements", "routingMode", "tunnelProtocol",
}

func isCiliumValues(n *yaml.Node) bool {
	for _, name := range ciliumValues {
		if child(n, name) != nil {
			return true
		}
	}
	return child(child(n, "ipam"), "operator") != nil || child(n, "bpf") != nil && child(n, "ipv6") != nil
}

// helmValues is the values of chart at n, which is the value of the fields in.
func (d *document) helmValues(chart chart, n *yaml.Node, in ...string) object {
	ref := Ref{Kind: "HelmValues", Name: chart.name}
	inner := &document{file: d.file, line: d.line, root: n}
	o := object{adds: chart.adds, origin: d.origin()}
	if chart.name == "metallb" {
		v := &metallbValues{ref: ref, class: text(n, "loadBalancerClass")}
		o.value = v
		if child(n, "configInline") == nil {
			return o
		}
		v.field = "." + strings.Join(append(in, "configInline"), ".")
		inner.root = child(n, "configInline")
		o.filled(inner.fill(ref, &v.config, append(in, "configInline")...))
		v.origins = inner.poolOrigins(inner.root)
		return o
	}
	v := &helmValues{ref: ref, file: d.file}
	o.value = v
	if len(in) > 0 {
		v.path = "." + strings.Join(in, ".")
	}
	f := inner.fill(ref, &v.values, in...)
	f.findUnquoted(n)
	o.filled(f)
	return o
}

// findUnquoted notes the addresses in lists that lack their quotes: in values
// anything may be a mapping.
func (f *filler) findUnquoted(n *yaml.Node) {
	for i := 0; i+1 < len(n.Content) && n.Kind == yaml.MappingNode && len(f.path) < maxDepth; i += 2 {
		f.path = append(f.path, segment{name: n.Content[i].Value})
		f.findUnquoted(n.Content[i+1])
		f.path = f.path[:len(f.path)-1]
	}
	for i := 0; i < len(n.Content) && n.Kind == yaml.SequenceNode && len(f.path) < maxDepth; i++ {
		f.path = append(f.path, segment{index: i})
		if unquoted(n.Content[i]) != "" {
			f.wrong(n.Content[i], "text")
		}
		f.findUnquoted(n.Content[i])
		f.path = f.path[:len(f.path)-1]
	}
}
