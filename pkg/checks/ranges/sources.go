package ranges

import (
	"fmt"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// The kinds that the functions below look at.
var (
	podKinds     = []snapshot.Kind{snapshot.CiliumConfig, snapshot.ControlPlane, snapshot.KubeadmConfig}
	serviceKinds = []snapshot.Kind{snapshot.ControlPlane, snapshot.KubeadmConfig, snapshot.ServiceCIDRs}
	poolKinds    = []snapshot.Kind{snapshot.MetalLBSetup, snapshot.MetalLBPools, snapshot.LBIPAMPools}
)

func kinds(lists ...[]snapshot.Kind) []snapshot.Kind {
	all := slices.Concat(lists...)
	slices.Sort(all)
	return slices.Compact(all)
}

// pods is the ranges that pods get their addresses from: Cilium's pools in the
// mode cluster-pool, and otherwise what kube-controller-manager gives to Nodes.
// What other parts of the cluster say about them gives nobody an address.
func pods(in *checks.Input) []stated {
	managed := controllerManager(in)
	if pools, ok := clusterPools(in); ok {
		return pools
	}
	return managed
}

func clusterPools(in *checks.Input) ([]stated, bool) {
	c := in.Cilium()
	if !c.Present() || c.Config.IPAM() != "cluster-pool" {
		return nil, false
	}
	var list []stated
	for _, f := range ipfam.All {
		key := cilium.Key(cilium.PoolKey, f)
		where, value := "the Helm values of Cilium", cilium.Value(key)
		if c.Values.Installed() {
			where, value = c.Values.Ref.String(), strings.TrimPrefix(c.Values.Field(key), ".")
		}
		pools, _ := c.Config.Pools(f)
		if !c.Config.Enabled(f) {
			continue
		}
		for i, p := range pools {
			s := prefixRange(plan.Pods, p)
			s.ref, s.field, s.mask = c.ConfigRef, ".data."+key, c.Config.MaskSize(f)
			if c.ConfigRef == c.Values.Ref {
				s.field = c.Values.Field(key)
			}
			s.list, s.at = texts(pools), i
			s.write = func(list []string) string {
				return fmt.Sprintf("in %s: %s: [\"%s\"]", where, value, strings.Join(list, `", "`))
			}
			list = append(list, s)
		}
	}
	return list, len(list) > 0
}

func controllerManager(in *checks.Input) []stated {
	var list []stated
	for _, p := range in.Programs(snapshot.ControllerManager) {
		if !p.AllocatesNodeRanges() {
			continue
		}
		prefixes, _ := p.Flags.Prefixes("cluster-cidr")
		masks := p.Flags.NodeMask(prefixes)
		for _, s := range flagRanges(p, plan.Pods, "cluster-cidr") {
			s.mask = masks.Of(s.Family())
			list = append(list, s)
		}
	}
	return distinct(list)
}

// services is the ranges that ClusterIPs are drawn from.
func services(in *checks.Input) []stated {
	var list []stated
	for _, p := range in.Programs(snapshot.APIServer) {
		list = append(list, flagRanges(p, plan.Services, "service-cluster-ip-range")...)
	}
	for _, c := range in.ServiceCIDRs() {
		for i, p := range c.CIDRs {
			s := prefixRange(plan.Services, p)
			s.ref, s.field = c.Ref, fmt.Sprintf(".spec.cidrs[%d]", i)
			list = append(list, s.alone(func(value string) string {
				return fmt.Sprintf("make a ServiceCIDR of %s, move the Services, then: kubectl delete servicecidr %s", value, c.Name)
			}))
		}
	}
	return distinct(list)
}

// flagRanges is the ranges in a flag of a program, in its order.
func flagRanges(p snapshot.Program, use plan.Use, flag string) []stated {
	prefixes, _ := p.Flags.Prefixes(flag)
	list := make([]stated, 0, len(prefixes))
	for i, prefix := range prefixes {
		s := prefixRange(use, prefix)
		s.ref, s.field, s.release, s.program = p.Ref, p.Field(flag), p.Version, p
		s.list, s.at = texts(prefixes), i
		s.write = func(list []string) string { return setFlag(p, flag, strings.Join(list, ",")) }
		list = append(list, s)
	}
	return list
}

// setFlag is where to write the value of a flag.
func setFlag(p snapshot.Program, flag, value string) string {
	if p.Planned {
		return p.Line(flag, value)
	}
	return fmt.Sprintf("in the manifest of %s (kubeadm: /etc/kubernetes/manifests/%s.yaml): --%s=%s", p.Name, p.Name, flag, value)
}

// pools is the ranges that LoadBalancer Services get their addresses from.
func pools(in *checks.Input) []stated {
	var list []stated
	add := func(ref snapshot.Ref, field string, r netipx.IPRange) {
		if r.IsValid() {
			s := stated{Range: plan.Range{Use: plan.LoadBalancers, Name: ref.Name, Addrs: r}, ref: ref, field: field}
			list = append(list, s.alone(func(value string) string {
				return fmt.Sprintf("in %s: %s: %s", ref, strings.TrimPrefix(field, "."), value)
			}))
		}
	}
	for _, p := range in.PoolsInForce() {
		for i, a := range p.Addresses {
			add(p.Ref, fmt.Sprintf("%s[%d]", p.Field(), i), a.Range)
		}
	}
	for _, p := range in.LBIPAMPools() {
		for i, a := range p.Ranges {
			if !p.Disabled {
				add(p.Ref, p.Field(i), a.Range)
			}
		}
	}
	return list
}

// planned is the ranges of the plan; there are none without one.
func planned(in *checks.Input) []stated {
	p := in.Plan()
	if p == nil {
		return nil
	}
	var list []stated
	for _, r := range p.Ranges() {
		s := stated{Range: r, ref: planRef(p), field: "." + r.Field, planAt: r.Field}
		s.written = p.Written(r)
		if r.Use == plan.Pods {
			s.mask = p.NodeMask(r.Family())
		}
		if r.Use == plan.Services {
			s.release = p.Versions.Kubernetes
		}
		list = append(list, s.alone(func(value string) string { return fmt.Sprintf("in the plan: %s: %s", r.Field, value) }))
	}
	return list
}

func planRef(p *plan.Plan) snapshot.Ref { return snapshot.Ref{Kind: plan.Kind, Name: p.Name} }
