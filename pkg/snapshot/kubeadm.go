package snapshot

import (
	"encoding/json"
	"net/netip"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// extraArgs is the extra arguments of a program: a map in kubeadm v1beta3, a
// list in which a name may repeat in v1beta4, where the last one counts.
// Source: kubernetes v1.37.2, cmd/kubeadm/app/apis/kubeadm/v1beta4/types.go.
type extraArgs Flags

// UnmarshalJSON reads both shapes.
func (a *extraArgs) UnmarshalJSON(data []byte) error {
	flags := Flags{}
	if strings.HasPrefix(strings.TrimSpace(string(data)), "[") {
		var list []struct{ Name, Value string }
		if err := json.Unmarshal(data, &list); err != nil {
			return err
		}
		for _, arg := range list {
			flags[arg.Name] = arg.Value
		}
	} else if err := json.Unmarshal(data, (*map[string]string)(&flags)); err != nil {
		return err
	}
	*a = extraArgs(flags)
	return nil
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
	b.snap.Kubeadm = append(b.snap.Kubeadm, k)
	b.saw(KubeadmConfig)
}

func (b *builder) initConfiguration(c *initConfiguration) {
	if text := c.LocalAPIEndpoint.AdvertiseAddress; text != "" {
		ref := Ref{Kind: "InitConfiguration"}
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
	for text := range strings.SplitSeq(list, ",") {
		if p, ok := b.prefix(KubeadmConfig, ref, field, text); ok {
			ps = append(ps, p)
		}
	}
	return ps
}
