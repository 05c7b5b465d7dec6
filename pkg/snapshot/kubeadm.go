package snapshot

import (
	"net/netip"
	"reflect"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// extraArgs is the extra arguments of a program: a map in kubeadm v1beta3, a
// list in which a name may repeat in v1beta4, where the last one counts.
// Source: kubernetes v1.37.2, cmd/kubeadm/app/apis/kubeadm/v1beta4/types.go.
type extraArgs Flags

// setFrom reads both shapes.
func (a *extraArgs) setFrom(f *filler, n *yaml.Node) {
	if n.Kind != yaml.SequenceNode {
		setTexts(f, n, reflect.ValueOf(a).Elem())
		return
	}
	var list []struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	v := reflect.ValueOf(&list).Elem()
	setterFor(v.Type())(f, n, v)
	*a = extraArgs{}
	for _, arg := range list {
		(*a)[arg.Name] = arg.Value
	}
}

// kubeadmRef is the name of every ClusterConfiguration: that of the ConfigMap in
// which kubeadm keeps it, whether it was read from there or from a file.
var kubeadmRef = Ref{Kind: "ClusterConfiguration", Namespace: "kube-system", Name: "kubeadm-config"}

func (b *builder) clusterConfiguration(c *clusterConfiguration) {
	k := Kubeadm{
		Ref:            kubeadmRef,
		APIVersion:     c.APIVersion,
		APIServerArgs:  Flags(c.APIServer.ExtraArgs),
		ControllerArgs: Flags(c.ControllerManager.ExtraArgs),
		ControlPlane:   c.ControlPlaneEndpoint,
		CertSANs:       c.APIServer.CertSANs,
		EtcdEndpoints:  c.Etcd.External.Endpoints,
		EtcdArgs:       Flags(c.Etcd.Local.ExtraArgs),
		NoKubeProxy:    c.Proxy.Disabled,
	}
	if c.KubernetesVersion != "" {
		v, err := release.Parse(c.KubernetesVersion)
		if err == nil { // "stable-1" and the like name no version
			k.Kubernetes = v
		}
	}
	k.PodSubnet = b.prefixList(kubeadmRef, ".networking.podSubnet", c.Networking.PodSubnet)
	k.ServiceSubnet = b.prefixList(kubeadmRef, ".networking.serviceSubnet", c.Networking.ServiceSubnet)
	for _, args := range []struct {
		field string
		flags Flags
	}{{".apiServer.extraArgs", k.APIServerArgs}, {".controllerManager.extraArgs", k.ControllerArgs}} {
		for _, value := range args.flags {
			b.awaits(KubeadmConfig, kubeadmRef, args.field, value)
		}
	}
	b.saw(KubeadmConfig)
	if k.NoKubeProxy {
		b.saw(KubeProxySetup) // that there is none is known, too
	}
	if i, ok := b.kept[kubeadmRef]; ok { // the same in the version of another kubeadm is no contradiction
		same := k
		same.APIVersion = b.snap.Kubeadm[i].APIVersion
		b.compare(KubeadmConfig, kubeadmRef, b.snap.Kubeadm[i], same)
		return
	}
	keep(b, KubeadmConfig, &b.snap.Kubeadm, kubeadmRef, k)
}

func (b *builder) initConfiguration(c *initConfiguration) {
	b.registration("InitConfiguration", c.NodeRegistration)
	ref := Ref{Kind: "InitConfiguration"}
	if text := c.LocalAPIEndpoint.AdvertiseAddress; text != "" && b.once(KubeadmConfig, ref, text) {
		b.advertise = b.addr(KubeadmConfig, ref, ".localAPIEndpoint.advertiseAddress", text)
	}
}

// prefixList reads the comma-separated list of a kubeadm field. As there, spaces
// are not trimmed.
func (b *builder) prefixList(ref Ref, field, list string) []netip.Prefix {
	if list == "" {
		return nil
	}
	var ps []netip.Prefix
	for text := range items(list) {
		if p, ok := b.prefix(KubeadmConfig, ref, field, text); ok {
			ps = append(ps, p)
		}
	}
	return ps
}
