package render

import (
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
)

const configFile = "cilium-config.yaml"

// ciliumConfig is the keys of the ConfigMap that the chart makes of the values of
// ciliumValues, for who does not install by Helm. Keys that the chart has at its
// default are left out.
func ciliumConfig(j *job) {
	c := ciliumRendering{job: j, version: j.cilium(), file: configFile}
	tree := mapping(c.values()...)
	values := map[string]any{}
	if err := tree.Decode(&values); err != nil {
		j.fault("", "%s: %w", configFile, err)
		return
	}
	reasons := comments(tree, "")
	_, fields := cilium.Render(values)
	given := cilium.Given(values)
	var data []entry
	for _, name := range slices.Sorted(maps.Keys(given)) {
		data = append(data, key(name, quoted(given[name], reasons[strings.TrimPrefix(fields[name], ".")])))
	}
	j.yaml(configFile, "The keys of Cilium's ConfigMap that follow from the plan, to be merged into it:\n"+
		"kubectl patch configmap cilium-config -n kube-system --patch-file "+configFile+"\n"+
		"Agents and operator read it when they start. A helm upgrade writes it anew: the values of\n"+valuesFile+" outlast one.",
		document{root: mapping(
			key("apiVersion", scalar("v1", "")),
			key("kind", scalar("ConfigMap", "")),
			key("metadata", mapping(key("name", scalar("cilium-config", "")), key("namespace", scalar("kube-system", "")))),
			key("data", mapping(data...)))})
	j.note(configFile, "the address of the API server is no key of it: it is in the DaemonSet, as KUBERNETES_SERVICE_HOST")
}

// comments is the comments behind the values of a tree, by their paths. That of a list
// is the one of its first item.
func comments(n *yaml.Node, path string) map[string]string {
	found := map[string]string{}
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			at := n.Content[i].Value
			if path != "" {
				at = path + "." + at
			}
			maps.Copy(found, comments(n.Content[i+1], at))
		}
	case yaml.SequenceNode:
		if len(n.Content) > 0 {
			maps.Copy(found, comments(n.Content[0], path))
		}
	case yaml.ScalarNode:
		found[path] = strings.TrimPrefix(n.LineComment, "# ")
	}
	return found
}
