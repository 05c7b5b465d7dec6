package expose

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// Controller is an implementation of LoadBalancer Services.
type Controller string

// The controllers that can be told from one another by what the API shows.
const (
	MetalLB   Controller = "MetalLB"
	LBIPAM    Controller = "Cilium LB IPAM"
	ServiceLB Controller = "servicelb" // of k3s and RKE2: the Nodes' own addresses
	KubeVIP   Controller = "kube-vip"
	Cloud     Controller = "cloud" // a cloud-controller-manager; which, the Nodes' providerID tells
	Nobody    Controller = ""
)

// classes is the load-balancer classes that have one controller, whatever its
// configuration. kube-vip's is by its documentation.
// Source: cilium v1.20.2, pkg/k8s/apis/cilium.io/v2/bgp_advert_types.go and
// v2alpha1/l2announcement_types.go.
var classes = map[string]Controller{
	"io.cilium/bgp-control-plane": LBIPAM,
	"io.cilium/l2-announcer":      LBIPAM,
	"kube-vip.io/kube-vip-class":  KubeVIP,
}

// ControllerOf is who serves a LoadBalancer Service of this class, and a word about how
// that is known. Where two would, it is MetalLB, and doctor's DS507 has to say about it.
func ControllerOf(in *checks.Input, class string) (c Controller, because string) {
	m := in.MetalLB()
	if (m.Present() || len(in.PoolsInForce()) > 0) && m.Class == class {
		return MetalLB, fmt.Sprintf("MetalLB %s", version(m.Version, metallb.Latest))
	}
	if class != "" {
		c := classes[class]
		return c, "class " + class
	}
	if claims, _ := in.LBIPAMClaims(); claims && len(in.LBIPAMAwake()) > 0 {
		return LBIPAM, fmt.Sprintf("Cilium %s, pool %s", version(in.Cilium().Version, cilium.Latest), in.LBIPAMAwake()[0].Name)
	}
	for _, s := range in.Services() {
		for key := range s.Annotations {
			if strings.HasPrefix(key, kubeVIPPrefix) {
				return KubeVIP, "annotations of " + s.Ref.String()
			}
		}
	}
	return byProvider(in)
}

// byProvider goes by the scheme of the Nodes' providerID.
func byProvider(in *checks.Input) (Controller, string) {
	for _, n := range in.Nodes() {
		scheme, _, ok := strings.Cut(n.ProviderID, "://")
		switch {
		case !ok:
		case scheme == "k3s" || scheme == "rke2":
			return ServiceLB, "nodes of " + scheme
		default:
			return Cloud, "nodes of " + scheme
		}
	}
	return Nobody, ""
}

func version(v, latest release.Version) string {
	if v.Known() {
		return v.String()
	}
	return fmt.Sprintf("of unknown version, judged as %s", latest)
}

const kubeVIPPrefix = "kube-vip.io/"

// Annotations is how the request's pool, addresses and sharing key are told to the
// controller, which reads its own annotations and no others. kube-vip's is by its
// documentation.
// Source: metallb v0.16.2, controller/service.go; cilium v1.15.0, v1.16.0 and v1.20.2,
// pkg/annotation/k8s.go.
func (r Request) Annotations(c Controller, v release.Version) (map[string]string, error) {
	if r.Pool == "" && len(r.Addresses) == 0 && r.SharingKey == "" {
		return nil, nil
	}
	keys, err := annotationKeys(c, v)
	if err != nil {
		return nil, err
	}
	a := map[string]string{}
	for _, one := range []struct{ flag, key, value string }{
		{"--pool", keys.pool, r.Pool},
		{"--addresses", keys.addresses, commas(r.Addresses)},
		{"--share", keys.sharing, r.SharingKey},
	} {
		switch {
		case one.value == "":
		case one.key == "":
			return nil, fmt.Errorf("%s: %s reads no annotation for it%s", one.flag, c, hints[c][one.flag])
		default:
			a[one.key] = one.value
		}
	}
	return a, nil
}

// hints is what takes the place of an annotation that there is none of.
var hints = map[Controller]map[string]string{
	LBIPAM: {"--pool": ": its pools choose their Services by .spec.serviceSelector; name --addresses of the pool instead"},
}

// keys is a controller's annotations; empty where it has none.
type keys struct{ pool, addresses, sharing string }

// renamesAnnotations is the first release of Cilium that reads the annotations of
// lbipam.cilium.io; before it reads io.cilium alone.
var renamesAnnotations = release.V(1, 16)

func annotationKeys(c Controller, v release.Version) (keys, error) {
	switch c {
	case MetalLB:
		if v = v.Or(metallb.Latest); v.Before(metallb.CustomResources) {
			return keys{pool: metallb.Key(metallb.PoolAnnotation, v), sharing: metallb.Key(metallb.SharingAnnotation, v)}, nil
		}
		return keys{metallb.Key(metallb.PoolAnnotation, v), metallb.Key(metallb.AddressesAnnotation, v), metallb.Key(metallb.SharingAnnotation, v)}, nil
	case LBIPAM:
		if v.Or(cilium.Latest).Before(renamesAnnotations) {
			return keys{addresses: "io.cilium/lb-ipam-ips", sharing: "io.cilium/lb-ipam-sharing-key"}, nil
		}
		return keys{addresses: "lbipam.cilium.io/ips", sharing: "lbipam.cilium.io/sharing-key"}, nil
	case KubeVIP:
		return keys{addresses: kubeVIPPrefix + "loadbalancerIPs"}, nil
	case Nobody:
		return keys{}, fmt.Errorf("--pool, --addresses and --share go into an annotation of whoever gives Services their addresses, and nobody does here that can be told")
	}
	return keys{}, nil
}

func commas(as []netip.Addr) string {
	texts := make([]string, len(as))
	for i, a := range slices.SortedFunc(slices.Values(as), netip.Addr.Compare) {
		texts[i] = a.String()
	}
	return strings.Join(texts, ",")
}
