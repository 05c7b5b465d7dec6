package snapshot

import (
	"cmp"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// installation is a Helm chart with its values, as an API object asks for it:
// of Flux, of Argo CD, or of the controller in k3s and RKE2.
type installation struct {
	doc       *document
	ref       Ref
	origin    *origin
	namespace string // that the chart is installed in, if the object says
	chart     string // a name, a path or a URL
	version   string
	from      string // the name of the object that has the version, if this one has not
	layers    []layer
	// outside is the field that names values in another object or file.
	outside    string
	valuesFrom []valuesFrom

	problems, placeholders []Problem
}

// layer is some of the values, at path in the document. Later layers win.
type layer struct {
	path  string
	root  *document         // the values
	pairs map[string]string // in place of root: a dotted name to its value
	at    map[string]string // the fields of pairs
}

// installers is the kinds of objects that install charts, by group and kind.
var installers = map[string]func(*installation){
	"helm.toolkit.fluxcd.io/HelmRelease":     (*installation).fromHelmRelease,
	"argoproj.io/Application":                (*installation).fromApplication,
	"argoproj.io/ApplicationSet":             (*installation).fromApplicationSet,
	"addons.cluster.x-k8s.io/HelmChartProxy": (*installation).fromHelmChartProxy,
	"helm.cattle.io/HelmChart":               (*installation).fromHelmChart,
	"helm.cattle.io/HelmChartConfig":         (*installation).fromHelmChart,
}

// chartSources is the kinds of objects that have the version of a chart that a
// HelmRelease installs, and the field that it is in.
var chartSources = map[string][]string{
	"source.toolkit.fluxcd.io/OCIRepository": {"spec", "ref", "tag"},
	"source.toolkit.fluxcd.io/HelmChart":     {"spec", "version"},
}

// chartSource is an object that has the version of a chart.
type chartSource struct{ name, version string }

// decodeInstallation is the values in d, when it installs one of the charts that
// are read; ok is false when d is no such object.
func (d *document) decodeInstallation() (objects []object, ok bool) {
	kind := group(d.apiVersion) + "/" + d.kind
	if path, ok := chartSources[kind]; ok {
		return []object{{value: &chartSource{d.ref().Name, text(descend(d.root, path[:len(path)-1]...), path[len(path)-1])}}}, true
	}
	read, ok := installers[kind]
	if !ok {
		return nil, false
	}
	i := &installation{doc: d, ref: d.ref(), origin: d.origin()}
	read(i)
	if isPlaceholder(i.chart) { // of a generator: the values tell what they are for
		i.chart = ""
	}
	if objects = i.objects(); len(objects) == 0 {
		return []object{{kind: d.kind}}, true
	}
	return objects, true
}

// objects is what i says of each of the charts that are read.
func (i *installation) objects() (objects []object) {
	for _, chart := range charts {
		if layers, ok := i.valuesOf(chart); ok {
			objects = append(objects, i.object(chart, layers))
		}
	}
	return objects
}

// descend is the value at a path below n, or nil.
func descend(n *yaml.Node, path ...string) *yaml.Node {
	for _, key := range path {
		n = child(n, key)
	}
	return n
}

// fromHelmRelease reads helm.toolkit.fluxcd.io HelmRelease.
func (i *installation) fromHelmRelease() {
	spec := child(i.doc.root, "spec")
	chart := descend(spec, "chart", "spec")
	i.chart, i.version = text(chart, "chart"), text(chart, "version")
	if ref := child(spec, "chartRef"); ref != nil {
		i.from = text(ref, "name")
		i.chart = i.from
	}
	i.namespace = text(spec, "targetNamespace")
	i.tree(".spec.values", child(spec, "values"))
	i.readValuesFrom(child(spec, "valuesFrom"))
}

// fromApplication reads argoproj.io Application, with one source or several. Of
// the values in one source, valuesObject takes the place of values, and
// parameters go over both.
func (i *installation) fromApplication() {
	i.application(child(i.doc.root, "spec"), ".spec")
}

// application reads the spec of an Application, which stands at a path.
func (i *installation) application(spec *yaml.Node, at string) {
	i.namespace = text(child(spec, "destination"), "namespace")
	sources, paths := []*yaml.Node{child(spec, "source")}, []string{at + ".source"}
	if list := child(spec, "sources"); list != nil && list.Kind == yaml.SequenceNode {
		for n, source := range list.Content {
			sources, paths = append(sources, follow(source)), append(paths, fmt.Sprintf("%s.sources[%d]", at, n))
		}
	}
	for n, source := range sources {
		helm := child(source, "helm")
		if chart := text(source, "chart"); chart != "" || helm != nil && i.chart == "" {
			i.chart, i.version = chart, text(source, "targetRevision")
			if chart == "" { // of a chart in Git the revision is that of the repository
				i.chart, i.version = text(source, "path"), ""
			}
		}
		path := paths[n] + ".helm"
		if object := child(helm, "valuesObject"); object != nil {
			i.tree(path+".valuesObject", object)
		} else {
			i.text(path+".values", child(helm, "values"))
		}
		i.parameters(path+".parameters", child(helm, "parameters"))
		if files := child(helm, "valueFiles"); files != nil && len(files.Content) > 0 {
			i.outside = path + ".valueFiles"
		}
	}
}

// fromHelmChart reads helm.cattle.io HelmChart and HelmChartConfig. The second
// adds values to a chart of the same name.
func (i *installation) fromHelmChart() {
	spec := child(i.doc.root, "spec")
	i.chart, i.version = text(spec, "chart"), text(spec, "version")
	if i.ref.Kind == "HelmChartConfig" {
		i.chart = i.ref.Name
	}
	i.namespace = text(spec, "targetNamespace")
	i.text(".spec.valuesContent", child(spec, "valuesContent"))
	i.set(".spec.set", child(spec, "set"))
}

// tree adds values that are part of the document.
func (i *installation) tree(path string, n *yaml.Node) {
	if n == nil || isNull(n) {
		return
	}
	i.layers = append(i.layers, layer{path: path, root: &document{file: i.doc.file, line: i.doc.line, root: n}})
}

// text adds values that are a document inside a text.
func (i *installation) text(path string, n *yaml.Node) {
	if n == nil || isNull(n) || n.Kind != yaml.ScalarNode {
		i.tree(path, n)
		return
	}
	found, problems := i.doc.inner(n)
	for _, problem := range problems {
		problem.Ref, problem.Field = i.ref, path
		i.problems = append(i.problems, problem)
	}
	for _, d := range found {
		if d.choice > 0 || isPlaceholder(d.root.Value) {
			at := Position{d.file, cmp.Or(d.choice, d.at(d.root))}
			i.placeholders = append(i.placeholders, Problem{Position: at, Ref: i.ref, Field: path, Message: "has a placeholder"})
			continue
		}
		i.origin.embed(path, d)
		i.layers = append(i.layers, layer{path: path, root: d})
	}
}

// set adds values that are written as helm --set has them.
func (i *installation) set(path string, n *yaml.Node) {
	if n == nil || n.Kind != yaml.MappingNode {
		return
	}
	l := layer{path: path, pairs: map[string]string{}, at: map[string]string{}}
	for k := 0; k+1 < len(n.Content); k += 2 {
		name := n.Content[k].Value
		l.pairs[name], l.at[name] = follow(n.Content[k+1]).Value, path+"."+name
	}
	i.layers = append(i.layers, l)
}

// parameters adds values that are a list of names and values.
func (i *installation) parameters(path string, n *yaml.Node) {
	if n == nil || n.Kind != yaml.SequenceNode {
		return
	}
	l := layer{path: path, pairs: map[string]string{}, at: map[string]string{}}
	for k, item := range n.Content {
		name := text(item, "name")
		l.pairs[name], l.at[name] = text(item, "value"), fmt.Sprintf("%s[%d].value", path, k)
	}
	i.layers = append(i.layers, l)
}

// valuesOf is the layers that are values of chart: all of them when it is the
// chart that is installed, or what an umbrella chart has below its name.
func (i *installation) valuesOf(chart chart) (layers []layer, ok bool) {
	installed := i.installs(chart.name)
	for _, l := range i.layers {
		if l.root == nil {
			if installed {
				layers = append(layers, l)
			}
			continue
		}
		inner := child(l.root.root, chart.name)
		switch {
		case chart.knows(inner), installed && inner != nil && inner.Kind == yaml.MappingNode && !chart.knows(l.root.root):
			l.path += "." + chart.name
			l.root = &document{file: l.root.file, line: l.root.line, root: inner}
			layers = append(layers, l)
		case installed, i.chart == "" && chart.knows(l.root.root):
			layers = append(layers, l)
		}
	}
	return layers, installed || len(layers) > 0
}

// installs reports whether the chart has the name, or is the one of it that RKE2
// bundles.
func (i *installation) installs(name string) bool {
	return strings.TrimPrefix(baseName(i.chart), bundledPrefix) == name
}

// bundledPrefix begins the names of the charts that RKE2 brings along.
const bundledPrefix = "rke2-"

func baseName(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// object is what i says of chart.
func (i *installation) object(chart chart, layers []layer) object {
	o := object{adds: chart.adds, origin: i.origin, problems: i.problems, placeholders: i.placeholders}
	version := chartVersion{chart: chart.name, weak: isFile(i.ref)}
	if i.installs(chart.name) { // of an umbrella chart it is the umbrella's
		version.text, version.from = i.version, i.from
	}
	var problems, placeholders []Problem
	if chart.name == "metallb" {
		v := &metallbValues{ref: i.ref, version: version}
		problems, placeholders = i.fillMetalLB(v, layers)
		o.value = v
	} else {
		v := &helmValues{ref: i.ref, version: version, namespace: i.namespace, outside: i.outside, from: i.valuesFrom,
			patch:   i.ref.Kind == "HelmRelease" && i.chart == "",
			bundled: strings.HasPrefix(baseName(i.chart), bundledPrefix)}
		problems, placeholders = i.fillValues(v, layers)
		if v.values == nil && i.outside == "" && len(o.problems)+len(o.placeholders) == 0 {
			v.values = map[string]any{} // the chart as it is
		}
		o.value = v
	}
	o.problems, o.placeholders = append(o.problems, problems...), append(o.placeholders, placeholders...)
	if len(o.problems)+len(o.placeholders) > 0 {
		o.value = nil
	}
	return o
}

// fillMetalLB sets v to the pools of the last layer that has any, and to the class
// of the last that has one.
// Source: metallb v0.16.2, charts/metallb/templates/controller.yaml.
func (i *installation) fillMetalLB(v *metallbValues, layers []layer) (problems, placeholders []Problem) {
	for _, l := range layers {
		if class := l.pairs["loadBalancerClass"]; class != "" {
			v.class = class
		}
		if l.root != nil && text(l.root.root, "loadBalancerClass") != "" {
			v.class = text(l.root.root, "loadBalancerClass")
		}
		if l.root == nil || child(child(l.root.root, "configInline"), "address-pools") == nil {
			continue
		}
		inner := &document{file: l.root.file, line: l.root.line, root: child(l.root.root, "configInline")}
		v.field = l.path + ".configInline"
		f := inner.fill(i.ref, &v.config, strings.Split(v.field[1:], ".")...)
		v.origins = inner.poolOrigins(inner.root)
		problems, placeholders = append(problems, f.problems...), append(placeholders, f.placeholders...)
	}
	return problems, placeholders
}

// fillValues sets v to the layers, one over the other.
func (i *installation) fillValues(v *helmValues, layers []layer) (problems, placeholders []Problem) {
	v.places = map[string]string{}
	for _, l := range layers {
		if v.path == "" {
			v.path = l.path
		}
		if v.values == nil {
			v.values = map[string]any{}
		}
		if l.root == nil {
			for name, value := range l.pairs {
				overlay(v.values, nested(name, value))
				v.places["."+name] = l.at[name]
			}
			continue
		}
		var values map[string]any
		f := l.root.fill(i.ref, &values, strings.Split(l.path[1:], ".")...)
		f.findUnquoted(l.root.root)
		problems, placeholders = append(problems, f.problems...), append(placeholders, f.placeholders...)
		overlay(v.values, values)
		if l.path != v.path {
			places(v.places, values, "", l.path)
		}
	}
	return problems, placeholders
}

// overlay puts the values of top over those of base, as Helm does: mappings are
// merged, everything else is replaced.
func overlay(base, top map[string]any) {
	for key, value := range top {
		inner, ok := value.(map[string]any)
		below, both := base[key].(map[string]any)
		if ok && both {
			overlay(below, inner)
		} else {
			base[key] = value
		}
	}
}

// nested is the value of a dotted name, as helm --set makes it; a list stands in braces.
func nested(name, text string) map[string]any {
	var value any = text
	if inner, ok := strings.CutPrefix(text, "{"); ok && strings.HasSuffix(inner, "}") {
		var list []any
		for item := range strings.SplitSeq(strings.TrimSuffix(inner, "}"), ",") {
			list = append(list, strings.TrimSpace(item))
		}
		value = list
	}
	keys := strings.Split(name, ".")
	for n := len(keys) - 1; n > 0; n-- {
		value = map[string]any{keys[n]: value}
	}
	return map[string]any{keys[0]: value}
}

// places notes for every value below field that it stands below path.
func places(to map[string]string, values map[string]any, field, path string) {
	for key, value := range values {
		at := field + "." + key
		if inner, ok := value.(map[string]any); ok {
			places(to, inner, at, path)
		} else {
			to[at] = path + at
		}
	}
}
