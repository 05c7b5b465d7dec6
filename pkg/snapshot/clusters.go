package snapshot

import (
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// The names of the configurations that a tool makes a whole cluster of.
const (
	FromKind       = "kind config"
	FromK0s        = "k0s config"
	FromKops       = "kops cluster"
	FromClusterAPI = "cluster-api"
	FromTalhelper  = "talhelper config"
)

// The Kinds of the Refs of these configurations.
const (
	kindKind         = "KindCluster"
	k0sKind          = "K0sCluster"
	kopsKind         = "KopsCluster"
	clusterAPIKind   = "ClusterAPICluster"
	controlPlaneKind = "KubeadmControlPlane"
	talhelperKind    = "TalhelperConfig"
)

// clusterConfig is what a configuration says of a cluster, whichever tool it is for.
type clusterConfig struct {
	ref            Ref
	origin         *origin
	kubernetes     string
	pods, services []stated
	apiServer      Flags
	controller     Flags
	noKubeProxy    bool
	controlPlane   string // the name of the KubeadmControlPlane that a Cluster has
}

// stated is the text of a range, or of several with commas, and the field that it is in.
type stated struct{ field, text string }

// clusterKinds is the objects that a cluster is made of, by group and kind.
var clusterKinds = map[string]func(*document, *clusterConfig) *filler{
	"kind.x-k8s.io/Cluster":                             (*document).kindCluster,
	"k0s.k0sproject.io/ClusterConfig":                   (*document).k0sCluster,
	"k0s.k0sproject.io/Cluster":                         (*document).k0sCluster, // up to k0s 0.10
	"k0sctl.k0sproject.io/Cluster":                      (*document).k0sctlCluster,
	"kops.k8s.io/Cluster":                               (*document).kopsCluster,
	"cluster.x-k8s.io/Cluster":                          (*document).clusterAPICluster,
	"controlplane.cluster.x-k8s.io/KubeadmControlPlane": (*document).kubeadmControlPlane,
}

// decodeCluster is the configuration of a cluster; ok is false when d is none.
func (d *document) decodeCluster() (o object, ok bool) {
	read, ok := clusterKinds[group(d.apiVersion)+"/"+d.kind]
	if !ok {
		return o, false
	}
	c := &clusterConfig{ref: d.ref(), origin: d.origin(), apiServer: Flags{}, controller: Flags{}}
	o = object{value: c, adds: []Kind{KubeadmConfig}, origin: c.origin}
	o.filled(read(d, c))
	return o, true
}

// kindCluster reads kind.x-k8s.io Cluster. What its patches say to kubeadm goes
// over it. Ranges that it takes when none are written are nobody's statement.
// Source: kind, pkg/apis/config/v1alpha4/types.go.
func (d *document) kindCluster(c *clusterConfig) *filler {
	var v struct {
		Name       string `json:"name"`
		Networking struct {
			PodSubnet     string `json:"podSubnet"`
			ServiceSubnet string `json:"serviceSubnet"`
			KubeProxyMode string `json:"kubeProxyMode"`
		} `json:"networking"`
		Nodes []struct {
			Image string `json:"image"`
		} `json:"nodes"`
	}
	c.ref = Ref{Kind: kindKind, Name: text(d.root, "name")}
	f := d.fill(c.ref, &v)
	c.state(&c.pods, ".networking.podSubnet", v.Networking.PodSubnet)
	c.state(&c.services, ".networking.serviceSubnet", v.Networking.ServiceSubnet)
	c.noKubeProxy = v.Networking.KubeProxyMode == "none"
	if len(v.Nodes) > 0 {
		c.kubernetes = release.OfImage(v.Nodes[0].Image).String()
	}
	const patches = "kubeadmConfigPatches"
	d.kubeadmPatches(f, c, child(d.root, patches))
	if nodes := child(d.root, "nodes"); nodes != nil && nodes.Kind == yaml.SequenceNode {
		for _, node := range nodes.Content {
			d.kubeadmPatches(f, c, child(node, patches))
		}
	}
	return f
}

// kubeadmPatches puts the ClusterConfigurations among the patches over c.
func (d *document) kubeadmPatches(f *filler, c *clusterConfig, patches *yaml.Node) {
	if patches == nil || patches.Kind != yaml.SequenceNode {
		return
	}
	for _, n := range patches.Content {
		found, problems := d.inner(follow(n))
		f.problems = append(f.problems, problems...)
		for _, patch := range found {
			if patch.kind != kubeadmRef.Kind {
				continue
			}
			if patch.choice > 0 {
				f.placeholders = append(f.placeholders, patch.open())
				continue
			}
			var v clusterConfiguration
			inner := patch.fill(c.ref, &v, "kubeadmConfigPatches")
			f.problems, f.placeholders = append(f.problems, inner.problems...), append(f.placeholders, inner.placeholders...)
			c.patch(&v)
		}
	}
}

// patch puts what v says over c.
func (c *clusterConfig) patch(v *clusterConfiguration) {
	if v.Networking.PodSubnet != "" {
		c.pods = []stated{{".kubeadmConfigPatches", v.Networking.PodSubnet}}
	}
	if v.Networking.ServiceSubnet != "" {
		c.services = []stated{{".kubeadmConfigPatches", v.Networking.ServiceSubnet}}
	}
	c.arguments(v)
}

func (c *clusterConfig) arguments(v *clusterConfiguration) {
	maps.Copy(c.apiServer, Flags(v.APIServer.ExtraArgs))
	maps.Copy(c.controller, Flags(v.ControllerManager.ExtraArgs))
	c.noKubeProxy = c.noKubeProxy || v.Proxy.Disabled
}

// state adds the ranges of a field, if it has any.
func (c *clusterConfig) state(to *[]stated, field string, texts ...string) {
	for _, text := range texts {
		if text != "" {
			*to = append(*to, stated{field, text})
		}
	}
}

// k0sSpec is what of the spec of k0s has to do with addresses.
// Source: k0s, pkg/apis/k0s/v1beta1/{network,dualstack}.go.
type k0sSpec struct {
	API struct {
		ExtraArgs extraArgs `json:"extraArgs"`
	} `json:"api"`
	ControllerManager struct {
		ExtraArgs extraArgs `json:"extraArgs"`
	} `json:"controllerManager"`
	Network struct {
		PodCIDR     string `json:"podCIDR"`
		ServiceCIDR string `json:"serviceCIDR"`
		DualStack   struct {
			Enabled         bool   `json:"enabled"`
			IPv6PodCIDR     string `json:"IPv6podCIDR"`
			IPv6ServiceCIDR string `json:"IPv6serviceCIDR"`
		} `json:"dualStack"`
		KubeProxy struct {
			Disabled bool `json:"disabled"`
		} `json:"kubeProxy"`
	} `json:"network"`
}

func (d *document) k0sCluster(c *clusterConfig) *filler {
	return d.k0s(c, child(d.root, "spec"), "spec")
}

// k0sctlCluster reads the configuration that k0sctl hands on to k0s.
func (d *document) k0sctlCluster(c *clusterConfig) *filler {
	f := d.k0s(c, descend(d.root, "spec", "k0s", "config", "spec"), "spec", "k0s", "config", "spec")
	c.kubernetes, _, _ = strings.Cut(text(descend(d.root, "spec", "k0s"), "version"), "+")
	return f
}

func (d *document) k0s(c *clusterConfig, spec *yaml.Node, path ...string) *filler {
	c.ref.Kind = k0sKind
	var v k0sSpec
	if spec == nil {
		return &filler{}
	}
	f := (&document{file: d.file, line: d.line, root: spec}).fill(c.ref, &v, path...)
	n, at := v.Network, "."+strings.Join(path, ".")+".network"
	c.state(&c.pods, at+".podCIDR", n.PodCIDR)
	c.state(&c.services, at+".serviceCIDR", n.ServiceCIDR)
	if n.DualStack.Enabled { // its ranges are not looked at otherwise
		c.state(&c.pods, at+".dualStack.IPv6podCIDR", n.DualStack.IPv6PodCIDR)
		c.state(&c.services, at+".dualStack.IPv6serviceCIDR", n.DualStack.IPv6ServiceCIDR)
	}
	if len(c.pods) > 0 {
		maps.Copy(c.controller, k0sMasks(n.DualStack.Enabled, n.PodCIDR))
	}
	arguments := clusterConfiguration{ControllerManager: v.ControllerManager}
	arguments.APIServer.ExtraArgs = v.API.ExtraArgs
	c.arguments(&arguments)
	c.noKubeProxy = n.KubeProxy.Disabled
	return f
}

// k0sMasks is the node masks that k0s gives kube-controller-manager, which are not
// the defaults of that program.
// Source: k0s, pkg/component/controller/controllermanager.go Reconcile.
func k0sMasks(dual bool, pods string) Flags {
	p, err := netip.ParsePrefix(pods)
	switch {
	case dual:
		return Flags{"node-cidr-mask-size-ipv4": "24", "node-cidr-mask-size-ipv6": "117"}
	case err == nil && ipfam.OfPrefix(p) == ipfam.V6:
		return Flags{"node-cidr-mask-size": "117"}
	}
	return Flags{"node-cidr-mask-size": "24"}
}

// kopsCluster reads kops.k8s.io Cluster, v1alpha2 and v1alpha3, which has the
// ranges below networking.
// Source: kops, pkg/apis/kops/v1alpha2/cluster.go and v1alpha3/networking.go.
func (d *document) kopsCluster(c *clusterConfig) *filler {
	var v struct {
		Spec struct {
			PodCIDR               string `json:"podCIDR"`
			ServiceClusterIPRange string `json:"serviceClusterIPRange"`
			KubernetesVersion     string `json:"kubernetesVersion"`
			Networking            struct {
				PodCIDR               string `json:"podCIDR"`
				ServiceClusterIPRange string `json:"serviceClusterIPRange"`
			} `json:"networking"`
			KubeProxy struct {
				Enabled *bool `json:"enabled"`
			} `json:"kubeProxy"`
			KubeControllerManager struct {
				NodeCIDRMaskSize *int `json:"nodeCIDRMaskSize"`
			} `json:"kubeControllerManager"`
		} `json:"spec"`
	}
	c.ref.Kind = kopsKind
	f := d.fill(c.ref, &v)
	c.kubernetes = v.Spec.KubernetesVersion
	c.state(&c.pods, ".spec.podCIDR", v.Spec.PodCIDR)
	c.state(&c.pods, ".spec.networking.podCIDR", v.Spec.Networking.PodCIDR)
	c.state(&c.services, ".spec.serviceClusterIPRange", v.Spec.ServiceClusterIPRange)
	c.state(&c.services, ".spec.networking.serviceClusterIPRange", v.Spec.Networking.ServiceClusterIPRange)
	c.noKubeProxy = v.Spec.KubeProxy.Enabled != nil && !*v.Spec.KubeProxy.Enabled
	if mask := v.Spec.KubeControllerManager.NodeCIDRMaskSize; mask != nil {
		c.controller["node-cidr-mask-size"] = strconv.Itoa(*mask)
	}
	return f
}

// clusterAPICluster reads cluster.x-k8s.io Cluster, whose ranges kubeadm is given
// when its own configuration has none.
// Source: cluster-api, api/core/v1beta2/cluster_types.go ClusterNetwork.
func (d *document) clusterAPICluster(c *clusterConfig) *filler {
	type blocks struct {
		CIDRBlocks []string `json:"cidrBlocks"`
	}
	var v struct {
		Spec struct {
			ClusterNetwork struct {
				Pods     blocks `json:"pods"`
				Services blocks `json:"services"`
			} `json:"clusterNetwork"`
			ControlPlaneRef struct {
				Kind string `json:"kind"`
				Name string `json:"name"`
			} `json:"controlPlaneRef"`
			Topology struct {
				Version string `json:"version"`
			} `json:"topology"`
		} `json:"spec"`
	}
	c.ref.Kind = clusterAPIKind
	f := d.fill(c.ref, &v)
	c.kubernetes, c.controlPlane = v.Spec.Topology.Version, v.Spec.ControlPlaneRef.Name
	c.state(&c.pods, ".spec.clusterNetwork.pods.cidrBlocks", v.Spec.ClusterNetwork.Pods.CIDRBlocks...)
	c.state(&c.services, ".spec.clusterNetwork.services.cidrBlocks", v.Spec.ClusterNetwork.Services.CIDRBlocks...)
	return f
}

// kubeadmControlPlane reads controlplane.cluster.x-k8s.io KubeadmControlPlane.
// Source: cluster-api, controlplane/kubeadm/api and bootstrap/kubeadm/api, v1beta1
// and v1beta2, in which extraArgs is a list and networking is gone.
func (d *document) kubeadmControlPlane(c *clusterConfig) *filler {
	var v struct {
		Spec struct {
			Version           string `json:"version"`
			KubeadmConfigSpec struct {
				ClusterConfiguration clusterConfiguration `json:"clusterConfiguration"`
				InitConfiguration    struct {
					SkipPhases []string `json:"skipPhases"`
				} `json:"initConfiguration"`
			} `json:"kubeadmConfigSpec"`
		} `json:"spec"`
	}
	f := d.fill(c.ref, &v)
	const at = ".spec.kubeadmConfigSpec.clusterConfiguration.networking"
	config := &v.Spec.KubeadmConfigSpec.ClusterConfiguration
	c.kubernetes = v.Spec.Version
	c.state(&c.pods, at+".podSubnet", config.Networking.PodSubnet)
	c.state(&c.services, at+".serviceSubnet", config.Networking.ServiceSubnet)
	c.arguments(config)
	// Source: kubernetes v1.37.2, cmd/kubeadm/app/cmd/phases/init/addons.go.
	c.noKubeProxy = c.noKubeProxy || slices.Contains(v.Spec.KubeadmConfigSpec.InitConfiguration.SkipPhases, "addon/kube-proxy")
	return f
}

// settleClusters makes facts of the configurations of clusters, when all of them
// are there: that of a control plane is part of a Cluster's.
func (b *builder) settleClusters() {
	var whole []*clusterConfig
	for _, c := range b.clusters {
		if c.ref.Kind != controlPlaneKind || !b.joinCluster(c) {
			whole = append(whole, c)
		}
	}
	var kept *clusterConfig
	for _, c := range whole {
		b.current = c.origin
		if kept != nil && kept.ref.Kind == c.ref.Kind && kept.ref != c.ref {
			b.problem(KubeadmConfig, c.ref, "", "is another cluster than %s at %s, which is kept; audit one at a time",
				kept.ref, b.snap.Position(kept.ref, ""))
			continue
		}
		kept = c
		b.clusterConfig(c)
	}
	b.current = nil
}

// joinCluster puts a control plane over the Cluster that names it.
func (b *builder) joinCluster(plane *clusterConfig) bool {
	for _, c := range b.clusters {
		if c.ref.Kind != clusterAPIKind || c.controlPlane != plane.ref.Name || c.ref.Namespace != plane.ref.Namespace {
			continue
		}
		c.apiServer, c.controller = plane.apiServer, plane.controller
		c.noKubeProxy = plane.noKubeProxy
		if plane.kubernetes != "" {
			c.kubernetes = plane.kubernetes
		}
		if len(plane.pods) > 0 {
			c.pods = plane.pods
		}
		if len(plane.services) > 0 {
			c.services = plane.services
		}
		return true
	}
	return false
}

func (b *builder) clusterConfig(c *clusterConfig) {
	k := Kubeadm{Ref: c.ref, APIServerArgs: c.apiServer, ControllerArgs: c.controller, NoKubeProxy: c.noKubeProxy}
	if v, err := release.Parse(c.kubernetes); err == nil { // "stable" and placeholders name no version
		k.Kubernetes = v
	}
	k.PodSubnet = b.statedPrefixes(c.ref, c.pods)
	k.ServiceSubnet = b.statedPrefixes(c.ref, c.services)
	b.distribution(k)
}

func (b *builder) statedPrefixes(ref Ref, ranges []stated) (ps []netip.Prefix) {
	for _, r := range ranges {
		for item := range items(r.text) {
			if p, ok := b.prefix(KubeadmConfig, ref, r.field, item); ok {
				ps = append(ps, p)
			}
		}
	}
	return ps
}
