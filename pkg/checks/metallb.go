package checks

import (
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// PoolsInForce is the pools that MetalLB gives addresses out of. Custom resources
// count only in its own namespace, and where there are any a ConfigMap of the
// era before does not count. AddressPools count in 0.13; in a release that is not
// known, where there is nothing else.
// Source: metallb v0.13.12 and v0.16.2, internal/k8s/k8s.go, internal/config/config.go.
func (in *Input) PoolsInForce() []snapshot.Pool {
	m := in.MetalLB()
	var old, legacy, custom []snapshot.Pool
	for _, p := range in.MetalLBPools() {
		switch {
		case p.ConfigMapEra:
			old = append(old, p)
		case m.Namespace != "" && p.Namespace != m.Namespace:
		case p.Kind == snapshot.AddressPool:
			legacy = append(legacy, p)
		default:
			custom = append(custom, p)
		}
	}
	if m.Version.Before(metallb.DropsAddressPools) || !m.Version.Known() && len(custom) == 0 {
		custom = append(custom, legacy...)
	}
	if len(custom) == 0 || m.Version.Before(metallb.CustomResources) {
		return old
	}
	return custom
}

// AdsInForce is the advertisements as MetalLB's release reads them: before 0.16
// each is about all Services.
func (in *Input) AdsInForce() []snapshot.Advertisement {
	ads := slices.Clone(in.MetalLBAds())
	if in.MetalLB().Version.Before(metallb.ServiceSelectors) {
		for i := range ads {
			ads[i].ServiceSelectors = nil
		}
	}
	return ads
}

// DeletePool is the command that deletes a pool that is a custom resource.
func DeletePool(p snapshot.Pool) string {
	return Command("kubectl", "delete", strings.ToLower(p.Kind)+"s.metallb.io", p.Ref.Name, "-n", p.Namespace)
}

// MetalLBTakes reports whether MetalLB is there and gives the Service its
// addresses, as far as classes, and the addresses that it has, tell.
// Source: metallb v0.16.2, internal/k8s/controllers/service_controller.go.
func (in *Input) MetalLBTakes(s snapshot.Service) bool {
	if !s.LoadBalancer() {
		return false
	}
	m, pools := in.MetalLB(), in.PoolsInForce()
	if !metallb.Serves(s.Class, m.Class, m.Version) || len(s.Hostnames) > 0 || !m.Present() && len(pools) == 0 {
		return false
	}
	return len(s.Ingress) == 0 || len(pools) == 0 || fromMetalLB(s, pools)
}

// fromMetalLB reports whether MetalLB gave the addresses that the Service has: it
// says so, or at least one of them is of its pools.
func fromMetalLB(s snapshot.Service, pools []snapshot.Pool) bool {
	if _, pool := metallb.Annotation(s.Annotations, metallb.OriginAnnotation, metallb.Latest); pool != "" {
		return true
	}
	return slices.ContainsFunc(pools, func(p snapshot.Pool) bool { return slices.ContainsFunc(s.Ingress, p.Owns) })
}

// AllParse reports whether there are pools and MetalLB takes the entries of all.
func AllParse(pools []snapshot.Pool) bool {
	return len(pools) > 0 && !slices.ContainsFunc(pools, func(p snapshot.Pool) bool { return !p.Parses() })
}

// PlainPools is pools without where they stand.
func PlainPools(pools []snapshot.Pool) []metallb.Pool {
	plain := make([]metallb.Pool, len(pools))
	for i, p := range pools {
		plain[i] = p.Pool
	}
	return plain
}

// AsMetalLB is s as MetalLB looks at it once it has both of its ClusterIPs, if it
// asks for both, without the addresses that it has and those that it asks for. One
// that prefers both and has one ClusterIP is of a cluster that has no other.
func (in *Input) AsMetalLB(s snapshot.Service) metallb.Service {
	v, _ := in.MetalLBVersion()
	families := slices.Clone(s.Families)
	if len(s.ClusterIPs) > 0 {
		families = nil
		for _, a := range s.ClusterIPs {
			families = append(families, ipfam.Of(a))
		}
	}
	if len(families) < 2 && s.WantsDual() && (len(s.ClusterIPs) == 0 || s.Policy == "RequireDualStack") {
		first := ipfam.V4
		if len(families) == 1 {
			first = families[0]
		}
		families = []ipfam.Family{first, first.Other()}
	}
	_, pool := metallb.Annotation(s.Annotations, metallb.PoolAnnotation, v)
	return metallb.Service{Namespace: s.Namespace, Name: s.Name, Families: families, Policy: s.Policy, Pool: pool, Sharing: in.sharing(s)}
}

func (in *Input) sharing(s snapshot.Service) metallb.Sharing {
	v, _ := in.MetalLBVersion()
	_, key := metallb.Annotation(s.Annotations, metallb.SharingAnnotation, v)
	return metallb.Sharing{Key: key, Backend: s.Backend(), Ports: s.Ports}
}

// Taken is the addresses that Services have from MetalLB, in the order of the
// Services. Those of a class that it does not serve are not in its way.
func (in *Input) Taken() metallb.Taken {
	v, _ := in.MetalLBVersion()
	taken := metallb.Taken{}
	for _, s := range in.Services() {
		if !s.LoadBalancer() || !metallb.Serves(s.Class, in.MetalLB().Class, v) {
			continue
		}
		use := metallb.Use{Service: s.Namespace + "/" + s.Name, Sharing: in.sharing(s)}
		for _, a := range s.Ingress {
			taken[a] = append(taken[a], use)
		}
	}
	return taken
}
