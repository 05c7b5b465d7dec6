package snapshot

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// talosDocumentKind is the Kind of the documents beside the first one of a machine
// configuration, which all are about the one cluster.
const talosDocumentKind = "TalosDocument"

var talosDocumentRef = Ref{Kind: talosDocumentKind}

// talosPatched is what configuration of Talos says that is none of a whole
// machine: its documents of before none, and what talhelper makes of its own.
type talosPatched struct {
	ref        Ref
	kubernetes string
	pods       []string
	services   []string
	config     talosConfig // what patches say, and arguments
}

// talosDocuments is the documents that take over parts of a machine configuration
// from Talos 1.14 on. Source: docs.siderolabs.com, Talos v1.14, reference,
// configuration/kubernetes/{kubenetworkconfig,kubeapiserverconfig}.
var talosDocuments = []string{"KubeNetworkConfig", "KubeAPIServerConfig", "KubeControllerManagerConfig"}

// decodeTalosDocument is one of the documents of a machine configuration; ok is
// false when d is none.
func (d *document) decodeTalosDocument() (o object, ok bool) {
	if d.apiVersion != "v1alpha1" || !slices.Contains(talosDocuments, d.kind) {
		return o, false
	}
	var v struct {
		PodSubnets           []string  `json:"podSubnets"`
		ServiceSubnets       []string  `json:"serviceSubnets"`
		NodeCIDRMaskSizeIPv4 int       `json:"nodeCIDRMaskSizeIPv4"`
		NodeCIDRMaskSizeIPv6 int       `json:"nodeCIDRMaskSizeIPv6"`
		Image                string    `json:"image"`
		ExtraArgs            talosArgs `json:"extraArgs"`
	}
	p := &talosPatched{ref: talosDocumentRef}
	o = object{value: p, adds: []Kind{KubeadmConfig}, origin: d.origin()}
	o.filled(d.fill(p.ref, &v))
	p.pods, p.services = v.PodSubnets, v.ServiceSubnets
	switch d.kind {
	case "KubeAPIServerConfig":
		p.config.Cluster.APIServer.Image, p.config.Cluster.APIServer.ExtraArgs = v.Image, v.ExtraArgs
	case "KubeControllerManagerConfig":
		p.config.Cluster.ControllerManager.ExtraArgs = v.ExtraArgs
	default:
		p.config.Cluster.ControllerManager.ExtraArgs = masks(v.NodeCIDRMaskSizeIPv4, v.NodeCIDRMaskSizeIPv6)
	}
	return o, true
}

// masks is the node masks that are written, as arguments.
func masks(v4, v6 int) talosArgs {
	args := talosArgs{}
	for name, size := range map[string]int{"node-cidr-mask-size-ipv4": v4, "node-cidr-mask-size-ipv6": v6} {
		if size > 0 {
			args[name] = strconv.Itoa(size)
		}
	}
	return args
}

func (p *talosPatched) kubeadm(b *builder) Kubeadm {
	c := &p.config.Cluster
	k := Kubeadm{Ref: p.ref, APIServerArgs: Flags(c.APIServer.ExtraArgs), ControllerArgs: Flags(c.ControllerManager.ExtraArgs), NoKubeProxy: c.Proxy.Disabled}
	k.Kubernetes = release.OfImage(c.APIServer.Image)
	if v, err := release.Parse(p.kubernetes); err == nil && !k.Kubernetes.Known() {
		k.Kubernetes = v
	}
	d := k.dialect()
	k.PodSubnet, k.ServiceSubnet = b.rangesOf(p.ref, d.pods, p.pods), b.rangesOf(p.ref, d.services, p.services)
	// Of what a patch says the place is that of the patches.
	if patched := c.Network.PodSubnets; len(patched) > 0 {
		k.PodSubnet = b.rangesOf(p.ref, d.controllerArgs, patched)
	}
	if patched := c.Network.ServiceSubnets; len(patched) > 0 {
		k.ServiceSubnet = b.rangesOf(p.ref, d.controllerArgs, patched)
	}
	return k
}

// isTalhelperConfig reports whether n is talconfig.yaml of talhelper.
func isTalhelperConfig(n *yaml.Node) bool {
	if child(n, "clusterPodNets") != nil || child(n, "clusterSvcNets") != nil {
		return true
	}
	nodes := child(n, "nodes")
	return child(n, "clusterName") != nil && child(n, "endpoint") != nil && nodes != nil && nodes.Kind == yaml.SequenceNode
}

// decodeTalhelper reads talconfig.yaml, with the patches for the machines of the
// control plane that it has in it. Those that it names, "@patch.yaml", are read
// where they are. Source: talhelper, pkg/config/config.go.
func (d *document) decodeTalhelper() object {
	var v struct {
		ClusterName       string    `json:"clusterName"`
		KubernetesVersion string    `json:"kubernetesVersion"`
		ClusterPodNets    commaList `json:"clusterPodNets"`
		ClusterSvcNets    commaList `json:"clusterSvcNets"`
	}
	p := &talosPatched{ref: Ref{Kind: talhelperKind, Name: text(d.root, "clusterName")}}
	o := object{value: p, adds: []Kind{KubeadmConfig}, origin: d.origin()}
	f := d.fill(p.ref, &v)
	p.kubernetes, p.pods, p.services = v.KubernetesVersion, v.ClusterPodNets, v.ClusterSvcNets
	for _, path := range [][]string{{"patches"}, {"controlPlane", "patches"}, {"controlPlane", "configPatches"}} {
		if list := descend(d.root, path...); list != nil && list.Kind == yaml.SequenceNode {
			for _, n := range list.Content {
				d.talosPatch(f, p, follow(n), path)
			}
		}
	}
	if inline := descend(d.root, "controlPlane", "inlinePatch"); inline != nil {
		d.talosPatch(f, p, inline, []string{"controlPlane", "inlinePatch"})
	}
	o.filled(f)
	return o
}

// talosPatch puts a patch over p: part of a machine configuration, or a list of
// changes, as a text or as it is.
func (d *document) talosPatch(f *filler, p *talosPatched, n *yaml.Node, path []string) {
	switch {
	case n.Kind == yaml.ScalarNode && strings.HasPrefix(n.Value, "@"):
	case n.Kind == yaml.ScalarNode:
		found, problems := d.inner(n)
		for _, problem := range problems {
			problem.Ref, problem.Field = p.ref, "."+strings.Join(path, ".")
			f.problems = append(f.problems, problem)
		}
		for _, patch := range found {
			if patch.choice > 0 {
				f.placeholders = append(f.placeholders, patch.open())
				continue
			}
			patch.talosPatch(f, p, patch.root, path)
		}
	case n.Kind == yaml.SequenceNode:
		for _, change := range n.Content {
			d.talosPatch(f, p, follow(change), path)
		}
	default:
		if at := text(n, "path"); at != "" && text(n, "op") != "" {
			n = changed(at, child(n, "value"))
		}
		part := &document{file: d.file, line: d.line, root: n}
		inner := part.fill(p.ref, &p.config, path...)
		f.problems, f.placeholders = append(f.problems, inner.problems...), append(f.placeholders, inner.placeholders...)
	}
}

// changed is the change of one place, as JSON Patch has it, as part of a document:
// path is "/cluster/proxy/disabled".
func changed(path string, value *yaml.Node) *yaml.Node {
	keys := strings.Split(strings.TrimPrefix(path, "/"), "/")
	if value == nil {
		value = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	}
	for _, key := range slices.Backward(keys[:min(len(keys), maxDepth)]) {
		key = strings.NewReplacer("~1", "/", "~0", "~").Replace(key)
		value = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: value.Line, Content: []*yaml.Node{
			{Kind: yaml.ScalarNode, Tag: "!!str", Value: key, Line: value.Line}, value,
		}}
	}
	return value
}

// settleTalos puts what has no cluster's name, patches and the documents of a
// machine configuration, over the one configuration that has: of the ranges the
// patch's go before. Source: docs.siderolabs.com, Talos v1.13, configuration
// patches: podSubnets and serviceSubnets are overwritten on merge.
func (b *builder) settleTalos() {
	base := -1
	for i, k := range b.snap.Kubeadm {
		if k.Name == "" || k.Kind != talosKind && k.Kind != talhelperKind {
			continue
		}
		if base >= 0 {
			return // whose patches they are is not known
		}
		base = i
	}
	if base < 0 {
		return
	}
	whole := b.snap.Kubeadm[base]
	rest := slices.DeleteFunc(slices.Clone(b.snap.Kubeadm), func(k Kubeadm) bool {
		switch {
		case k.Ref == whole.Ref:
			return true
		case k.Name != "" || k.Kind != talosKind && k.Kind != talosDocumentKind:
			return false
		}
		ref := whole.Ref
		if len(k.PodSubnet)+len(k.ServiceSubnet) > 0 {
			ref = k.Ref
		}
		k.APIServerArgs, k.ControllerArgs = over(whole.APIServerArgs, k.APIServerArgs), over(whole.ControllerArgs, k.ControllerArgs)
		whole = k.supplemented(whole)
		whole.Ref = ref
		return true
	})
	b.snap.Kubeadm = append(rest, whole)
}

// over is base with the flags of top over them.
func over(base, top Flags) Flags {
	if len(base) == 0 {
		return top
	}
	both := maps.Clone(base)
	maps.Copy(both, top)
	return both
}
