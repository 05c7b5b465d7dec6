package snapshot

import (
	"net/netip"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
)

// Flannel is flannel's net-conf.json, if it is there.
type Flannel struct {
	ConfigMap Ref // zero when there is none
	Enabled   ipfam.Set
	Networks  ipfam.Pair[netip.Prefix]
	Backend   string
	MTU       int // of the backend; 0 is that of the interface
}

// flannelName is the ConfigMap of flannel's manifest and of its chart.
const flannelName = "kube-flannel-cfg"

// flannelField is the key with flannel's configuration.
const flannelField = ".data.net-conf.json"

// flannelNetConf is flannel's configuration (flannel v0.27.4, pkg/subnet/config.go).
// The keys of a network of IPv4 have no family in their names.
type flannelNetConf struct {
	EnableIPv4  *bool  `json:"EnableIPv4"`
	EnableIPv6  bool   `json:"EnableIPv6"`
	Network     string `json:"Network"`
	IPv6Network string `json:"IPv6Network"`
	Backend     struct {
		Type string `json:"Type"`
		MTU  int    `json:"MTU"`
	} `json:"Backend"`
}

func (b *builder) flannelConfigMap(c *corev1.ConfigMap, ref Ref) {
	b.saw(FlannelConfig)
	var conf flannelNetConf
	b.embeddedIn(FlannelConfig, ref, flannelField, c.Data["net-conf.json"], &conf)
	if !b.once(FlannelConfig, ref, conf) {
		return
	}
	f := Flannel{ConfigMap: ref, Backend: conf.Backend.Type, MTU: conf.Backend.MTU}
	if conf.EnableIPv4 == nil || *conf.EnableIPv4 { // on unless it is switched off
		f.Enabled = f.Enabled.With(ipfam.V4)
	}
	if conf.EnableIPv6 {
		f.Enabled = f.Enabled.With(ipfam.V6)
	}
	for _, text := range []string{conf.Network, conf.IPv6Network} {
		if text == "" {
			continue
		}
		if p, ok := b.prefix(FlannelConfig, ref, flannelField, text); ok {
			*f.Networks.At(ipfam.OfPrefix(p)) = p
		}
	}
	b.snap.Flannel = f
}
