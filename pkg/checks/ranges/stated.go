package ranges

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// stated is a range and where the cluster, or the plan, says it.
type stated struct {
	plan.Range
	written netip.Prefix // with host bits; invalid for a pool's
	ref     snapshot.Ref
	field   string
	planAt  string              // of the plan's ranges
	remedy  func(string) string // what to write in the place of the range
	mask    int                 // the length of a node's block, of pods
	release release.Version     // of the program or the plan; may be unknown
}

// seen is the name of s in a sentence about another range.
func (s stated) seen() string {
	if s.planAt != "" {
		return "the plan's " + s.planAt
	}
	return fmt.Sprintf("%s %s", s.ref, s.field)
}

// finding is a finding about s.
func (s stated) finding(message, fix string) checks.Finding {
	return checks.Finding{Object: s.ref, Field: s.field, Family: s.Family(), Message: message, Fix: fix, PlanAt: s.planAt}
}

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

func prefixRange(use plan.Use, p netip.Prefix) stated {
	return stated{Range: plan.RangeOf(use, p), written: p}
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
		pools, _ := c.Config.Pools(f)
		if !c.Config.Enabled(f) {
			continue
		}
		for _, p := range pools {
			s := prefixRange(plan.Pods, p)
			s.ref, s.field, s.mask = c.ConfigRef, ".data."+key, c.Config.MaskSize(f)
			if c.ConfigRef == c.Values.Ref {
				s.field = cmp.Or(c.Values.Fields[key], "."+cilium.Value(key))
			}
			s.remedy = func(value string) string {
				return fmt.Sprintf("in the Helm values of Cilium: %s: [%q]", cilium.Value(key), value)
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
			s.remedy = func(value string) string {
				return fmt.Sprintf("make a ServiceCIDR of %s, move the Services, then: kubectl delete servicecidr %s", value, c.Name)
			}
			list = append(list, s)
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
		s.ref, s.field, s.release = p.Ref, p.Field(flag), p.Version
		s.remedy = func(value string) string {
			texts := make([]string, len(prefixes))
			for j, other := range prefixes {
				texts[j] = other.String()
			}
			texts[i] = value
			return setFlag(p, flag, strings.Join(texts, ","))
		}
		list = append(list, s)
	}
	return list
}

// setFlag is where to write the value of a flag.
func setFlag(p snapshot.Program, flag, value string) string {
	field := strings.TrimPrefix(p.Field(flag), ".")
	switch {
	case !p.Planned:
		return fmt.Sprintf("in the manifest of %s (kubeadm: /etc/kubernetes/manifests/%s.yaml): --%s=%s", p.Name, p.Name, flag, value)
	case strings.HasPrefix(p.Field(flag), p.ExtraArgs()) && p.List:
		return fmt.Sprintf("in the kubeadm configuration: %s: [{name: %s, value: %q}]", strings.TrimPrefix(p.ExtraArgs(), "."), flag, value)
	case strings.HasPrefix(p.Field(flag), p.ExtraArgs()):
		return fmt.Sprintf("in the kubeadm configuration: %s: {%s: %q}", strings.TrimPrefix(p.ExtraArgs(), "."), flag, value)
	}
	return fmt.Sprintf("in the kubeadm configuration: %s: %s", field, value)
}

// pools is the ranges that LoadBalancer Services get their addresses from.
func pools(in *checks.Input) []stated {
	var list []stated
	add := func(ref snapshot.Ref, field string, r netipx.IPRange) {
		if r.IsValid() {
			list = append(list, stated{Range: plan.Range{Use: plan.LoadBalancers, Name: ref.Name, Addrs: r}, ref: ref, field: field,
				remedy: func(value string) string {
					return fmt.Sprintf("in %s: %s: %s", ref, strings.TrimPrefix(field, "."), value)
				}})
		}
	}
	for _, p := range in.PoolsInForce() {
		field := ".spec.addresses"
		if p.ConfigMapEra {
			field = ".addresses"
		}
		for i, a := range p.Addresses {
			add(p.Ref, fmt.Sprintf("%s[%d]", field, i), a.Range)
		}
	}
	for _, p := range in.LBIPAMPools() {
		for i, a := range p.Ranges {
			if !p.Disabled {
				add(p.Ref, fmt.Sprintf(".spec.blocks[%d]", i), a.Range)
			}
		}
	}
	return list
}

// distinct is list without ranges that an earlier entry has too: three API
// servers with one flag say one thing.
func distinct(list []stated) []stated {
	var kept []stated
	for _, s := range list {
		if !slices.ContainsFunc(kept, func(k stated) bool { return s.same(k) && s.mask == k.mask }) {
			kept = append(kept, s)
		}
	}
	return kept
}

// same reports whether s and t are one range for one use.
func (s stated) same(t stated) bool { return s.Use == t.Use && s.Addrs == t.Addrs }

// planned is the ranges of the plan; there are none without one.
func planned(in *checks.Input) []stated {
	p := in.Plan()
	if p == nil {
		return nil
	}
	var list []stated
	for _, r := range p.Ranges() {
		s := stated{Range: r, ref: planRef(p), field: "." + r.Field, planAt: r.Field}
		s.remedy = func(value string) string { return fmt.Sprintf("in the plan: %s: %s", r.Field, value) }
		s.written = p.Written(r)
		if r.Use == plan.Pods {
			s.mask = p.NodeMask(r.Family())
		}
		if r.Use == plan.Services {
			s.release = p.Versions.Kubernetes
		}
		list = append(list, s)
	}
	return list
}

func planRef(p *plan.Plan) snapshot.Ref { return snapshot.Ref{Kind: plan.Kind, Name: p.Name} }

// unsaid is the ranges of more that list has not.
func unsaid(list, more []stated) []stated {
	return slices.DeleteFunc(slices.Clone(more), func(s stated) bool { return slices.ContainsFunc(list, s.same) })
}

// ofUse is the ranges of list for use.
func ofUse(list []stated, use plan.Use) []stated {
	return slices.DeleteFunc(slices.Clone(list), func(s stated) bool { return s.Use != use })
}

// of is the ranges of list of family f.
func of(list []stated, f ipfam.Family) []stated {
	return slices.DeleteFunc(slices.Clone(list), func(s stated) bool { return s.Family() != f })
}

// some is the first of names and how many more there are.
func some(names []string) string {
	const most = 3
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
