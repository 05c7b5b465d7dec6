package snapshot

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
)

// nodeConfigs reads the CiliumNodeConfigs, which override the ConfigMap on the nodes that
// they select.
func (r *sceneReader) nodeConfigs(namespace string) step {
	return func(ctx context.Context) {
		r.listCustom(ctx, r.ciliumIO, "ciliumnodeconfigs", namespace, func(u *unstructured.Unstructured) {
			var c ciliumNodeConfig
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, &c); err != nil {
				r.scene.Gaps = append(r.scene.Gaps, Gap{Kind: CiliumConfig, Reason: Malformed, Detail: "ciliumnodeconfig/" + u.GetName() + ": " + err.Error()})
				return
			}
			c.ObjectMeta.Namespace, c.Name = u.GetNamespace(), u.GetName()
			r.configs = append(r.configs, c)
		})
	}
}

// override lays the CiliumNodeConfigs of the Pod's node over the configuration, in the
// order of their names, the last one winning. One without a selector is for no node.
// Source: cilium v1.20.2, pkg/option/resolver/resolver.go readNodeConfigs.
func (r *sceneReader) override(s *Scene) {
	selected := r.selected(s.Source.Node)
	if len(selected) == 0 {
		return
	}
	config := maps.Clone(s.Cilium.Config)
	if config == nil {
		config = cilium.Config{} // it could not be read
	}
	for _, c := range selected {
		maps.Copy(config, c.Spec.Defaults)
		s.Overrides = append(s.Overrides, Ref{Kind: "CiliumNodeConfig", Namespace: c.Namespace, Name: c.Name})
		s.Overridden = latest(s.Overridden, written(c.ObjectMeta))
	}
	s.Cilium.Config = config
}

// selected is the CiliumNodeConfigs of a node.
func (r *sceneReader) selected(node string) (all []ciliumNodeConfig) {
	for _, c := range r.configs {
		if c.Spec.NodeSelector == nil {
			continue
		}
		selector, err := metav1.LabelSelectorAsSelector(c.Spec.NodeSelector)
		if err == nil && selector.Matches(labels.Set(r.labels[node])) {
			all = append(all, c)
		}
	}
	return all
}

// written is when an object was last written, as far as its fields' managers tell.
func written(m metav1.ObjectMeta) time.Time {
	last := m.CreationTimestamp.UTC()
	for _, entry := range m.ManagedFields {
		if entry.Time != nil {
			last = latest(last, entry.Time.UTC())
		}
	}
	return last
}

// plugins looks for network plugins that show themselves in the API, where there is no
// Cilium.
func (r *sceneReader) plugins() []step {
	calico := r.group("crd.projectcalico.org")
	return []step{r.flannel, func(ctx context.Context) {
		r.listCustom(ctx, calico, "ippools", "", func(u *unstructured.Unstructured) { r.scene.Plugin.pool(u) })
	}}
}

// flannel reads its DaemonSet, which says whether it masquerades, and its ConfigMap.
func (r *sceneReader) flannel(ctx context.Context) {
	q := daemonSetList.labelled("app=flannel")
	p, err := r.client.page(ctx, q, pageSize, "")
	if err != nil {
		r.lacks("daemonsets", q.String(), err)
		return
	}
	for _, o := range p.objects {
		d, ok := o.(*appsv1.DaemonSet)
		if !ok {
			continue
		}
		config, err := r.client.configMap(ctx, d.Namespace, "kube-flannel-cfg")
		if err != nil {
			r.lacks("kube-flannel-cfg", "get configmaps/kube-flannel-cfg"+inNamespace(d.Namespace), err)
			continue
		}
		r.mu.Lock()
		r.scene.Plugin.flannel(d, config.Data["net-conf.json"])
		r.mu.Unlock()
	}
}

// flannel is what its objects say. With --ip-masq it masquerades what leaves the networks
// of the file, over IPv6 where the file has such a network.
// Source: flannel, main.go and pkg/trafficmngr/iptables/iptables.go SetupAndEnsureMasqRules.
func (p *Plugin) flannel(d *appsv1.DaemonSet, conf string) {
	var network struct {
		Network     string
		IPv6Network string
		EnableIPv6  bool
		Backend     struct{ Type string }
	}
	if json.Unmarshal([]byte(conf), &network) != nil {
		return
	}
	p.Name, p.Ref, p.Backend = "flannel", Ref{Kind: "DaemonSet", Namespace: d.Namespace, Name: d.Name}, network.Backend.Type
	masquerades := false
	for _, c := range d.Spec.Template.Spec.Containers {
		masquerades = masquerades || parseFlags(append(append([]string{}, c.Command...), c.Args...))["ip-masq"] == "true"
	}
	for f, text := range map[ipfam.Family]string{ipfam.V4: network.Network, ipfam.V6: network.IPv6Network} {
		pool, err := netip.ParsePrefix(text)
		if err != nil || f == ipfam.V6 && !network.EnableIPv6 {
			continue
		}
		*p.Pools.At(f) = append(p.Pools.Of(f), PodPool{Prefix: pool, Masquerades: masquerades, Key: fmt.Sprintf("--ip-masq=%t of %s", masquerades, p.Ref)})
	}
}

// pool takes in an IPPool of Calico, which masquerades what leaves for an address of none
// of its pools.
// Source: calico, felix/rules/nat.go makeNATOutgoingRuleIPTables.
func (p *Plugin) pool(u *unstructured.Unstructured) {
	var pool struct {
		Spec struct {
			CIDR        string `json:"cidr"`
			NATOutgoing bool   `json:"natOutgoing"`
		} `json:"spec"`
	}
	if runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, &pool) != nil {
		return
	}
	prefix, err := netip.ParsePrefix(pool.Spec.CIDR)
	if err != nil {
		return
	}
	p.Name = "calico"
	f := ipfam.OfPrefix(prefix)
	*p.Pools.At(f) = append(p.Pools.Of(f), PodPool{Prefix: prefix, Masquerades: pool.Spec.NATOutgoing,
		Key: fmt.Sprintf("natOutgoing: %t of ippool/%s", pool.Spec.NATOutgoing, u.GetName())})
}
