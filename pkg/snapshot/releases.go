package snapshot

import (
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// fromApplicationSet reads argoproj.io ApplicationSet: the Application that is
// made many times, whose values may have placeholders of the generators.
func (i *installation) fromApplicationSet() {
	spec := child(i.doc.root, "spec")
	i.application(descend(spec, "template", "spec"), ".spec.template.spec")
	if patch := child(spec, "templatePatch"); patch != nil && !isNull(patch) {
		i.outside = ".spec.templatePatch"
	}
}

// fromHelmChartProxy reads addons.cluster.x-k8s.io HelmChartProxy, whose values
// are a template of what Cluster API knows of the cluster.
func (i *installation) fromHelmChartProxy() {
	spec := child(i.doc.root, "spec")
	i.chart, i.version, i.namespace = text(spec, "chartName"), text(spec, "version"), text(spec, "namespace")
	i.text(".spec.valuesTemplate", child(spec, "valuesTemplate"))
}

// The Kinds of the Refs of charts that no API object of their own installs.
const (
	helmfileKind  = "HelmfileRelease"
	inflatedKind  = "KustomizeHelmChart"
	chartFileKind = "Chart"
)

// isFile reports whether ref is that of values for a program which is run by
// hand: what an object in the cluster says goes before it.
func isFile(ref Ref) bool {
	return ref.Kind == helmValuesKind || ref.Kind == helmfileKind || ref.Kind == inflatedKind
}

// decodeHelmfile is the charts that helmfile.yaml installs; ok is false when d is
// none. Values in other files, or made by a template, are not fetched.
func (d *document) decodeHelmfile() (objects []object, ok bool) {
	releases := child(d.root, "releases")
	if releases == nil || releases.Kind != yaml.SequenceNode || d.kind != "" || d.apiVersion != "" {
		return nil, false
	}
	for n, release := range releases.Content {
		i := &installation{doc: d, origin: d.origin(), chart: text(release, "chart"), version: text(release, "version"), namespace: text(release, "namespace")}
		i.ref = Ref{helmfileKind, i.namespace, text(release, "name")}
		at := fmt.Sprintf(".releases[%d]", n)
		if values := child(release, "values"); values != nil && values.Kind == yaml.SequenceNode {
			for k, item := range values.Content {
				field := fmt.Sprintf("%s.values[%d]", at, k)
				if item = follow(item); item.Kind == yaml.MappingNode {
					i.tree(field, item)
				} else {
					i.outside = field
				}
			}
		}
		i.parameters(at+".set", child(release, "set"))
		objects = append(objects, i.objects()...)
	}
	if len(objects) == 0 {
		objects = []object{{kind: "helmfile"}}
	}
	return objects, true
}

// decodeKustomization is the charts that kustomize inflates; ok is false when d is
// none, or inflates none.
func (d *document) decodeKustomization() (objects []object, ok bool) {
	if group(d.apiVersion) != "kustomize.config.k8s.io" || d.kind != "Kustomization" {
		return nil, false
	}
	if charts := child(d.root, "helmCharts"); charts != nil && charts.Kind == yaml.SequenceNode {
		for n, chart := range charts.Content {
			i := &installation{doc: d, origin: d.origin(), chart: text(chart, "name"), version: text(chart, "version"), namespace: text(chart, "namespace")}
			i.ref = Ref{inflatedKind, i.namespace, i.chart}
			at := fmt.Sprintf(".helmCharts[%d]", n)
			i.tree(at+".valuesInline", child(chart, "valuesInline"))
			if file := text(chart, "valuesFile"); file != "" {
				i.outside = at + ".valuesFile"
			}
			objects = append(objects, i.objects()...)
		}
	}
	if g := d.generated(); len(g.files) > 0 {
		objects = append(objects, object{value: g})
	}
	return objects, len(objects) > 0
}

// generatedMaps is the ConfigMaps that kustomize makes of files: the path of the
// file of each key, by the name of the ConfigMap.
type generatedMaps struct{ files map[string]map[string]string }

// generated is the ConfigMaps that the Kustomization d makes of files.
// Source: kustomize, api/types/configmapargs.go and kvpairsources.go.
func (d *document) generated() *generatedMaps {
	g := &generatedMaps{files: map[string]map[string]string{}}
	list := child(d.root, "configMapGenerator")
	if list == nil || list.Kind != yaml.SequenceNode {
		return g
	}
	for _, n := range list.Content {
		files := child(n, "files")
		if files == nil || files.Kind != yaml.SequenceNode {
			continue
		}
		keys := map[string]string{}
		for _, file := range files.Content {
			key, name, named := strings.Cut(follow(file).Value, "=")
			if !named {
				key, name = path.Base(key), key
			}
			keys[key] = beside(d.file, name)
		}
		g.files[text(n, "name")] = keys
	}
	return g
}

// beside is the path of the file of this name as seen from the folder of another,
// which may be in an archive.
func beside(file, name string) string {
	archive, inner := "", filepath.ToSlash(file)
	if i := strings.LastIndex(inner, inside); i >= 0 {
		archive, inner = inner[:i+len(inside)], inner[i+len(inside):]
	}
	return archive + path.Join(path.Dir(inner), name)
}

// decodeChartFile is Chart.yaml of one of the charts that are read, or of an
// umbrella that names one as its dependency: it has the version, and no values.
func (d *document) decodeChartFile() (objects []object, ok bool) {
	if d.kind != "" || d.apiVersion != "v1" && d.apiVersion != "v2" || text(d.root, "name") == "" {
		return nil, false
	}
	versions := map[string]string{text(d.root, "name"): text(d.root, "version")}
	if list := child(d.root, "dependencies"); list != nil && list.Kind == yaml.SequenceNode {
		for _, dependency := range list.Content {
			versions[text(dependency, "name")] = text(dependency, "version")
		}
	}
	for _, chart := range charts {
		version, ok := versions[chart.name]
		if !ok {
			continue
		}
		o := object{origin: d.origin()}
		if v := (chartVersion{chart: chart.name, text: version, weak: true}); chart.name == "metallb" {
			o.value = &metallbValues{ref: Ref{Kind: chartFileKind, Name: chart.name}, version: v}
		} else {
			o.value = &helmValues{ref: Ref{Kind: chartFileKind, Name: chart.name}, version: v}
		}
		objects = append(objects, o)
	}
	return objects, len(objects) > 0
}

// aliased is the values of a chart that an umbrella chart has below a name of its
// own choice, with that name: of a single one, since several are those of several
// clusters. Only what no other chart has makes them known.
func aliased(n *yaml.Node) (alias string, values *yaml.Node) {
	if n == nil || n.Kind != yaml.MappingNode {
		return "", nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		inner := follow(n.Content[i+1])
		if !slices.ContainsFunc(ciliumValues, func(name string) bool { return child(inner, name) != nil }) {
			continue
		}
		if values != nil {
			return "", nil
		}
		alias, values = n.Content[i].Value, inner
	}
	return alias, values
}

// valuesFrom is a place that a HelmRelease takes values from.
type valuesFrom struct {
	kind, namespace, name, key string
	targeted                   bool // at one value, which is a text
}

// valuesMap is a ConfigMap with documents that look like values of a chart.
type valuesMap struct {
	ref  Ref
	keys map[string]map[string]any
	open map[string]bool // keys whose values are not all there yet
	used bool
}

// readValuesFrom notes where a HelmRelease takes values from.
// Source: helm-controller, api/v2/reference_types.go ValuesReference.
func (i *installation) readValuesFrom(list *yaml.Node) {
	if list == nil || list.Kind != yaml.SequenceNode {
		return
	}
	for _, n := range list.Content {
		from := valuesFrom{kind: text(n, "kind"), namespace: i.ref.Namespace, name: text(n, "name"), key: text(n, "valuesKey"),
			targeted: text(n, "targetPath") != ""}
		if from.key == "" {
			from.key = "values.yaml"
		}
		i.valuesFrom = append(i.valuesFrom, from)
		i.outside = ".spec.valuesFrom"
	}
}

// marks is texts one of which values of Cilium's chart have in them.
var marks = append([]string{"ipam:", "bpf:"}, ciliumValues...)

// decodeValuesMap is the values in a ConfigMap; ok is false when there are none.
func (d *document) decodeValuesMap() (o object, ok bool) {
	data := child(d.root, "data")
	if data == nil || data.Kind != yaml.MappingNode {
		return o, false
	}
	v := &valuesMap{ref: d.ref(), keys: map[string]map[string]any{}, open: map[string]bool{}}
	for i := 0; i+1 < len(data.Content); i += 2 {
		key, n := data.Content[i].Value, follow(data.Content[i+1])
		if n.Kind != yaml.ScalarNode || !slices.ContainsFunc(marks, func(mark string) bool { return strings.Contains(n.Value, mark) }) {
			continue
		}
		found, _ := d.inner(n)
		if len(found) != 1 || !isCiliumValues(found[0].root) {
			continue
		}
		var values map[string]any
		f := found[0].fill(v.ref, &values, "data", key)
		v.keys[key], v.open[key] = values, found[0].choice > 0 || len(f.placeholders)+len(f.problems) > 0
	}
	return object{value: v, origin: d.origin()}, len(v.keys) > 0
}

// settleValuesFrom puts together the values of objects that take some from
// ConfigMaps, where all of these are among the files.
// Source: fluxcd/pkg, chartutil/values.go ChartValuesFromReferences: in the order of
// the list, those of the object over all.
func (b *builder) settleValuesFrom() {
	for _, w := range b.waiting {
		b.current = w.origin
		b.gather(w.values)
		b.helmValues(w.values)
	}
	b.waiting, b.current = nil, nil
	for _, m := range b.valuesMaps {
		if !m.used {
			b.snap.Ignored[m.ref.Kind]++
		}
	}
}

// waitingValues is values that others belong to, which may still be read.
type waitingValues struct {
	values *helmValues
	origin *origin
}

// gather puts the values of ConfigMaps below those that v has itself, if all of
// them are known.
func (b *builder) gather(v *helmValues) {
	values, at := map[string]any{}, map[string]string{}
	for n, from := range v.from {
		found := b.valuesOf(from)
		if found == nil {
			return
		}
		overlay(values, copied(found))
		written := map[string]string{}
		places(written, found, "", "")
		for field := range written {
			at[field] = fmt.Sprintf(".spec.valuesFrom[%d]", n)
		}
	}
	own := map[string]string{}
	places(own, v.values, "", "")
	for field := range own {
		delete(at, field)
	}
	overlay(values, v.values)
	maps.Copy(at, v.places)
	v.values, v.places, v.outside = values, at, ""
}

// valuesOf is the values at a place that a HelmRelease names, or nil when not all
// of them are known.
func (b *builder) valuesOf(from valuesFrom) map[string]any {
	if from.kind != "ConfigMap" || from.targeted {
		return nil
	}
	if file := b.fileValues[b.generated[from.name][from.key]]; file != nil {
		file.used = true
		return file.values
	}
	m := b.valuesMaps[Ref{"ConfigMap", from.namespace, from.name}]
	if m == nil { // kustomize often adds the namespace
		m = b.valuesMaps[Ref{"ConfigMap", "", from.name}]
	}
	if m == nil || m.open[from.key] {
		return nil
	}
	m.used = true
	return m.keys[from.key]
}

// copied is values that may be changed without a change of those of a ConfigMap.
func copied(values map[string]any) map[string]any {
	c := maps.Clone(values)
	for key, value := range c {
		if inner, ok := value.(map[string]any); ok {
			c[key] = copied(inner)
		}
	}
	return c
}

// patchedValues is v together with the patch of it that is kept, or the other way
// round; nil when another patch is there already that says something else.
// A patch is part of a HelmRelease that names no chart, which kustomize puts over
// the one of its name.
func (b *builder) patchedValues(v *helmValues) *helmValues {
	base, patch := b.values, v
	switch {
	case b.values == nil || b.values.ref != v.ref || b.values.patch == v.patch:
		return v
	case b.values.patch:
		base, patch = v, b.values
		b.snap.origins[v.ref] = b.current
	case b.values.patchedBy != nil && !reflect.DeepEqual(b.values.patchedBy, v.values):
		b.problem(CiliumConfig, v.ref, "", "is patched in another way before, which is kept; audit one cluster at a time")
		return nil
	}
	both := *base
	both.merged, both.patchedBy = true, patch.values
	both.values, both.places = copied(base.values), maps.Clone(base.places)
	overlay(both.values, copied(patch.values))
	return &both
}
