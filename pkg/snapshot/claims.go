package snapshot

import (
	"net/netip"
	"strconv"
	"strings"

	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
)

// Claim is what one component says about the ranges of one use: a row of the
// agreement matrix.
type Claim struct {
	Source   string // FromKubeadm, FromK3s or FromTalos, "kube-apiserver", "ServiceCIDR", …
	Ref      Ref
	Field    string
	Use      plan.Use         // plan.Pods, plan.Services or plan.LoadBalancers
	Prefixes []netip.Prefix   // in the component's own order; empty for load balancers
	Ranges   []netipx.IPRange // of load balancers
	NodeMask ipfam.Pair[int]  // of pods; 0 where the source does not say
	// Blocks is whether the prefixes are nodes' blocks out of a range, so that
	// they are to lie in it and not to equal it.
	Blocks bool
	// Intent is whether the source only records what was once meant: kubeadm's
	// ConfigMap does, the programs' arguments do not.
	Intent bool
}

// Families is the families that the claim names.
func (c Claim) Families() ipfam.Set {
	s := ipfam.SetOfPrefixes(c.Prefixes)
	for _, r := range c.Ranges {
		s = s.With(ipfam.Of(r.From()))
	}
	return s
}

// Of is the claim's prefixes of family f.
func (c Claim) Of(f ipfam.Family) []netip.Prefix { return ipfam.Split(c.Prefixes).Of(f) }

// ClaimKinds is the kinds that Claims looks at for each use.
var ClaimKinds = map[plan.Use][]Kind{
	plan.Pods:          {KubeadmConfig, ControlPlane, KubeProxySetup, CiliumConfig, Nodes, CiliumNodes},
	plan.Services:      {KubeadmConfig, ControlPlane, ServiceCIDRs, CiliumConfig},
	plan.LoadBalancers: {MetalLBPools, LBIPAMPools},
}

// Claims is what the components say about the ranges of use, in the order of the
// matrix: intent first, then the programs, then what they gave out.
func (s *Snapshot) Claims(use plan.Use) []Claim {
	var claims []Claim
	add := func(c Claim) {
		if len(c.Prefixes) > 0 || len(c.Ranges) > 0 {
			c.Use = use
			claims = append(claims, c)
		}
	}
	switch use {
	case plan.Pods:
		s.podClaims(add)
	case plan.Services:
		s.serviceClaims(add)
	case plan.LoadBalancers:
		s.loadBalancerClaims(add)
	}
	return claims
}

func (s *Snapshot) podClaims(add func(Claim)) {
	for _, k := range s.Kubeadm {
		add(Claim{Source: k.Source(), Ref: k.Ref, Field: k.PodField(), Prefixes: k.PodSubnet,
			NodeMask: k.ControllerArgs.NodeMask(k.PodSubnet), Intent: true})
	}
	for _, c := range s.ControlPlane {
		if c.Program == ControllerManager {
			prefixes, _ := c.Flags.Prefixes("cluster-cidr")
			add(Claim{Source: ControllerManager, Ref: c.Ref, Field: "--cluster-cidr", Prefixes: prefixes, NodeMask: c.Flags.NodeMask(prefixes)})
		}
	}
	add(Claim{Source: "kube-proxy", Ref: s.KubeProxy.ConfigMap, Field: ".data.config.conf", Prefixes: s.KubeProxy.ClusterCIDR})
	if s.Cilium.Present() && s.Cilium.Config.IPAM() == "cluster-pool" {
		c := Claim{Source: "cilium", Ref: s.Cilium.ConfigRef, Field: ".data." + cilium.Key(cilium.PoolKey, ipfam.V4)}
		for _, f := range ipfam.All {
			pools, _ := s.Cilium.Config.Pools(f)
			if len(pools) > 0 {
				c.Prefixes = append(c.Prefixes, pools...)
				*c.NodeMask.At(f) = s.Cilium.Config.MaskSize(f)
			}
		}
		add(c)
	}
	for _, n := range s.Nodes {
		add(Claim{Source: "nodes", Ref: n.Ref, Field: ".spec.podCIDRs", Prefixes: n.PodCIDRs, Blocks: true})
	}
	for _, n := range s.CiliumNodes {
		add(Claim{Source: "ciliumnodes", Ref: n.Ref, Field: ".spec.ipam.podCIDRs", Prefixes: n.PodCIDRs, Blocks: true})
	}
}

func (s *Snapshot) serviceClaims(add func(Claim)) {
	for _, k := range s.Kubeadm {
		add(Claim{Source: k.Source(), Ref: k.Ref, Field: k.ServiceField(), Prefixes: k.ServiceSubnet, Intent: true})
	}
	for _, c := range s.ControlPlane {
		prefixes, _ := c.Flags.Prefixes("service-cluster-ip-range")
		add(Claim{Source: c.Program, Ref: c.Ref, Field: "--service-cluster-ip-range", Prefixes: prefixes})
	}
	for _, c := range s.ServiceCIDRs {
		add(Claim{Source: "ServiceCIDR", Ref: c.Ref, Field: ".spec.cidrs", Prefixes: c.CIDRs})
	}
	for _, f := range ipfam.All {
		key := cilium.Key("%s-service-range", f)
		if p, err := netip.ParsePrefix(s.Cilium.Config[key]); err == nil {
			add(Claim{Source: "cilium", Ref: s.Cilium.ConfigRef, Field: ".data." + key, Prefixes: []netip.Prefix{p}})
		}
	}
}

func (s *Snapshot) loadBalancerClaims(add func(Claim)) {
	for _, p := range s.MetalLB.Pools {
		add(Claim{Source: "metallb", Ref: p.Ref, Field: p.Field(), Ranges: validRanges(p.Addresses)})
	}
	for _, p := range s.LBIPAMPools {
		add(Claim{Source: "lb-ipam", Ref: p.Ref, Field: p.ListField(), Ranges: validRanges(p.Ranges)})
	}
}

func validRanges(as []Addresses) []netipx.IPRange {
	var rs []netipx.IPRange
	for _, a := range as {
		if a.Range.IsValid() {
			rs = append(rs, a.Range)
		}
	}
	return rs
}

// Prefixes reads a flag whose value is a comma-separated list of prefixes. Like
// the programs it does not trim: an entry after ", " is bad.
func (f Flags) Prefixes(name string) (ps []netip.Prefix, bad []string) {
	if f[name] == "" {
		return nil, nil
	}
	for text := range strings.SplitSeq(f[name], ",") {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			bad = append(bad, text)
			continue
		}
		ps = append(ps, p)
	}
	return ps, bad
}

// NodeMask is the size of a node's block of each family of ranges, as
// kube-controller-manager has it with these flags: of the family's own flag, or
// of --node-cidr-mask-size in a single-stack cluster, or the default.
// Source: kubernetes v1.37.2, cmd/kube-controller-manager/app/core.go setNodeCIDRMaskSizes.
func (f Flags) NodeMask(ranges []netip.Prefix) ipfam.Pair[int] {
	var masks ipfam.Pair[int]
	families := ipfam.SetOfPrefixes(ranges)
	for _, family := range families.List() {
		at := masks.At(family)
		*at = plan.DefaultNodeMask.Of(family)
		names := []string{cilium.Key("node-cidr-mask-size-%s", family)}
		if !families.Dual() {
			names = append(names, "node-cidr-mask-size")
		}
		for _, name := range names {
			if n, err := strconv.Atoi(f[name]); err == nil {
				*at = n
			}
		}
	}
	return masks
}
