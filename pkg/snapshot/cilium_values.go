package snapshot

import (
	"maps"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
)

// helmValuesKind is the Kind of values that no API object holds.
const helmValuesKind = "HelmValues"

// helmValues keeps values of Cilium's chart. Those of an object that installs the
// chart go before those of a file, which may be for the first start only or be
// named by the object.
func (b *builder) helmValues(v *helmValues) {
	b.charts = append(b.charts, v.version)
	if v.values == nil {
		return
	}
	b.saw(CiliumConfig)
	if v = b.patchedValues(v); v == nil {
		return
	}
	if b.values != nil && b.values.ref != v.ref {
		switch {
		case supplements(v.ref, b.values.ref):
			v = supplemented(b.values, v)
		case supplements(b.values.ref, v.ref):
			v = supplemented(v, b.values)
		case isFile(v.ref):
			b.snap.Ignored[v.ref.Kind]++
			return
		case isFile(b.values.ref) && b.values.used:
		case isFile(b.values.ref):
			b.snap.Ignored[b.values.ref.Kind]++
		default:
			b.otherValues(v)
			return
		}
	}
	b.keepValues(v)
}

func (b *builder) keepValues(v *helmValues) {
	rendered, fields := v.render()
	b.awaitsAny(CiliumConfig, v.ref, rendered, func(key string) string { return fields[key] })
	if v.outside != "" {
		b.unfilled(CiliumConfig, b.at(v.ref, v.outside, "other values stand where it says").String())
	}
	if _, ok := b.singles[v.ref]; ok && v.merged {
		b.singles[v.ref] = rendered
	} else if !b.once(CiliumConfig, v.ref, rendered) {
		return
	}
	b.values = v
	b.snap.Cilium.Values = CiliumValues{Ref: v.ref, In: v.path, Rendered: rendered, Given: cilium.Given(v.values), Fields: fields}
}

// otherValues notes that the chart is installed a second time, in another way: the
// files are those of several clusters.
func (b *builder) otherValues(v *helmValues) {
	if rendered, _ := v.render(); !maps.Equal(rendered, b.snap.Cilium.Values.Rendered) {
		b.problem(CiliumConfig, v.ref, "", "configures Cilium in another way than %s at %s, which is kept",
			b.values.ref, b.snap.Position(b.values.ref, ""))
	}
}

// render is the configuration that the chart makes of v, and the field of each key.
func (v *helmValues) render() (cilium.Config, map[string]string) {
	values := map[string]any{}
	if v.bundled {
		// Source: rke2-charts, packages/rke2-cilium, values.yaml.patch.
		values["ipam"] = map[string]any{"mode": "kubernetes"}
	}
	overlay(values, v.values)
	rendered, fields := cilium.Render(values)
	for key, field := range fields {
		if place, ok := v.places[field]; ok {
			fields[key] = place
		} else {
			fields[key] = v.path + field
		}
	}
	return rendered, fields
}

// supplements reports whether config is the HelmChartConfig that adds values to
// the HelmChart chart.
func supplements(config, chart Ref) bool {
	return config.Kind == "HelmChartConfig" && chart.Kind == "HelmChart" && config.Name == chart.Name
}

// supplemented is the values of chart with those of config over them. All of them
// can be written in the second.
func supplemented(chart, config *helmValues) *helmValues {
	both := *config
	both.merged = true
	both.values = map[string]any{}
	overlay(both.values, chart.values)
	overlay(both.values, config.values)
	return &both
}

// settleFamilies switches the families on and off as RKE2's chart does, by the
// ranges that RKE2 is given.
// Source: rke2-charts, packages/rke2-cilium, cilium-configmap.yaml.patch.
func (b *builder) settleFamilies() {
	if b.values == nil || !b.values.bundled {
		return
	}
	for _, k := range b.snap.Kubeadm {
		if k.Source() != FromK3s || len(k.PodSubnet) == 0 {
			continue
		}
		ranges := ipfam.SetOfPrefixes(k.PodSubnet)
		if ranges.Has(ipfam.V6) {
			overlay(b.values.values, nested("ipv6.enabled", "true"))
		}
		if !ranges.Has(ipfam.V4) {
			overlay(b.values.values, nested("ipv4.enabled", "false"))
		}
		b.snap.Cilium.Values.Rendered, b.snap.Cilium.Values.Fields = b.values.render()
	}
}

// settleConfiguration picks the configuration that the agents would read: the
// ConfigMap, or without one what the Helm values render to.
func (b *builder) settleConfiguration() {
	b.settleVersions()
	b.settleFamilies()
	c := &b.snap.Cilium
	if c.ConfigRef == (Ref{}) && c.Values.Ref != (Ref{}) {
		c.Config, c.ConfigRef = c.Values.Rendered, c.Values.Ref
	}
	b.settleUpgrade()
	if c.Namespace == "" {
		c.Namespace = c.DaemonSet.Namespace
	}
	if c.Namespace == "" && b.values != nil {
		c.Namespace = b.values.namespace
	}
}
