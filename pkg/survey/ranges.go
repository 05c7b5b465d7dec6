package survey

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"

	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// families puts the family first that stands first in the Service range: that is the
// one of a Service that asks for none.
func (s *surveyor) families() {
	var statements []Statement
	present := ipfam.Set(0)
	for _, use := range []plan.Use{plan.Services, plan.Pods} {
		for _, c := range s.snap.Claims(use) {
			if !c.Blocks {
				for _, f := range c.Families().List() {
					present = present.With(f)
				}
			}
			if use == plan.Services && c.Families().Dual() && !besides(c) && c.Source != "cilium" && c.Source != snapshot.ControllerManager {
				first := ipfam.OfPrefix(c.Prefixes[0])
				statements = append(statements, Statement{fmt.Sprintf("[%s, %s]", first, first.Other()), s.source(c.Source, c.Field, c.Ref)})
			}
		}
	}
	if f, single := present.Single(); single {
		s.present = []ipfam.Family{f}
		s.plan.Families = s.present
		s.note("spec.families", fmt.Sprintf("no component has a range of %s", f.Other()))
		return
	}
	s.present = slices.Clone(ipfam.All[:])
	value, ok := s.settle("spec.families", statements, nil)
	switch {
	case !ok && len(statements) > 0:
	case value == fmt.Sprintf("[%s, %s]", ipfam.V6, ipfam.V4):
		s.plan.Families = []ipfam.Family{ipfam.V6, ipfam.V4}
	default: // what a plan without the field has
		s.plan.Families = s.present
		delete(s.notes, "spec.families")
	}
}

// besides reports whether c is a ServiceCIDR that somebody has added: its ranges are in
// use beside those of the API server's flag, which the one named kubernetes has.
// Source: kubernetes v1.37.2, pkg/controlplane/controller/defaultservicecidr/default_servicecidr_controller.go.
func besides(c snapshot.Claim) bool { return c.Source == "ServiceCIDR" && c.Ref.Name != "kubernetes" }

func (s *surveyor) pods() {
	for _, f := range s.present {
		field := "spec.pods." + key(f)
		claims, idle := s.podClaims()
		statements := s.rangesOf(claims, f)
		outside := s.outside(claims, f, statements)
		value, ok := s.settle(field, statements, outside)
		if ok {
			*s.plan.Pods.Prefixes.At(f) = netip.MustParsePrefix(value)
		}
		for _, c := range idle {
			if of := c.Of(f); len(of) > 0 {
				s.note(field, fmt.Sprintf("not of %s, which is not read without --allocate-node-cidrs: %s", s.source(c.Source, c.Field, c.Ref), of[0]))
			}
		}
		s.lacking(field, f, claims, len(statements))
		s.unsaid(field, f, len(statements), claims, plan.Pods)
		s.nodeMask(f, claims)
	}
}

// lacking notes the sources that have a range of the other family alone: that is no
// other value, and not the same either.
func (s *surveyor) lacking(field string, f ipfam.Family, claims []snapshot.Claim, said int) {
	if said == 0 {
		return
	}
	var lines []string
	for _, c := range claims {
		if !besides(c) && !optional(c) && c.Source != ciliumValues && len(c.Of(f)) == 0 {
			lines = append(lines, fmt.Sprintf("lacks %s: %s", f, s.source(c.Source, c.Field, c.Ref)))
		}
	}
	s.note(field, some(lines)...)
}

// rangesOf is what claims say that the range of f is. Blocks of nodes do not say it.
func (s *surveyor) rangesOf(claims []snapshot.Claim, f ipfam.Family) []Statement {
	var statements []Statement
	for _, c := range claims {
		if c.Blocks || besides(c) {
			continue
		}
		for _, p := range c.Of(f) {
			statements = append(statements, Statement{p.Masked().String(), s.claimSource(c, f)})
		}
	}
	return statements
}

// claimSource is where c says the range of f. A claim names Cilium's key of IPv4 for
// both families, and its ConfigMap's where there are Helm values alone.
func (s *surveyor) claimSource(c snapshot.Claim, f ipfam.Family) Source {
	if c.Source == "cilium" && c.Use == plan.Pods {
		return s.ciliumSource(cilium.Key(cilium.PoolKey, f))
	}
	return s.source(c.Source, c.Field, c.Ref)
}

// podClaims is the claims about the ranges of pods that count: without those of a
// kube-controller-manager that allots none, and with those of Helm values beside the
// ConfigMap that was made of them.
func (s *surveyor) podClaims() (claims []snapshot.Claim, idle []snapshot.Claim) {
	for _, c := range s.snap.Claims(plan.Pods) {
		if s.allots(c) {
			claims = append(claims, c)
		} else {
			idle = append(idle, c)
		}
	}
	v := s.snap.Cilium.Values
	if v.Ref == (snapshot.Ref{}) || v.Ref == s.snap.Cilium.ConfigRef || s.snap.Cilium.Config.IPAM() != "cluster-pool" {
		return claims, idle
	}
	for _, f := range ipfam.All {
		if pools, _ := v.Given.Pools(f); len(pools) > 0 {
			c := snapshot.Claim{Source: ciliumValues, Ref: v.Ref, Field: v.Field(cilium.Key(cilium.PoolKey, f)), Use: plan.Pods, Prefixes: pools}
			if v.Given.Has(cilium.Key(cilium.MaskKey, f)) {
				*c.NodeMask.At(f) = v.Given.MaskSize(f)
			}
			claims = append(claims, c)
		}
	}
	return claims, idle
}

// outside is the blocks of nodes that lie in none of the ranges.
func (s *surveyor) outside(claims []snapshot.Claim, f ipfam.Family, ranges []Statement) []string {
	var lines []string
	if len(ranges) == 0 {
		return nil
	}
	for _, c := range claims {
		if !c.Blocks {
			continue
		}
		for _, block := range c.Of(f) {
			if !slices.ContainsFunc(ranges, func(r Statement) bool { return within(block, netip.MustParsePrefix(r.Value)) }) {
				lines = append(lines, fmt.Sprintf("%s lies outside: %s", block, s.source(c.Source, c.Field, c.Ref)))
			}
		}
	}
	return some(lines)
}

func within(inner, outer netip.Prefix) bool {
	return plan.Within(netipx.RangeOfPrefix(inner.Masked()), netipx.RangeOfPrefix(outer.Masked()))
}

// mostLines is how many objects of a kind a note tells of.
const mostLines = 4

// some is the first of lines, and how many more there are.
func some(lines []string) []string {
	if len(lines) <= mostLines {
		return lines
	}
	return append(lines[:mostLines:mostLines], fmt.Sprintf("and %d more", len(lines)-mostLines))
}

// unsaid notes what is to be written where no source has a range of f, and adds what
// could not be looked at.
func (s *surveyor) unsaid(field string, f ipfam.Family, statements int, claims []snapshot.Claim, use plan.Use) {
	if statements == 0 {
		s.note(field, fmt.Sprintf("no source says the %s range of %s; write it:", f, use), key(f)+": PREFIX/LENGTH")
		var blocks []netip.Prefix
		for _, c := range claims {
			if c.Blocks {
				blocks = append(blocks, c.Of(f)...)
			}
		}
		if len(blocks) > 0 {
			slices.SortFunc(blocks, netip.Prefix.Compare)
			s.note(field, fmt.Sprintf("it holds the blocks of the nodes, from %s to %s", blocks[0], blocks[len(blocks)-1]))
		}
	}
	s.note(field, s.unread(snapshot.ClaimKinds[use]...)...)
}

// nodeMask is the size of a node's block of f.
func (s *surveyor) nodeMask(f ipfam.Family, claims []snapshot.Claim) {
	var statements []Statement
	whole := s.plan.Pods.Prefixes.Of(f)
	for _, c := range claims {
		of := c.Of(f)
		switch {
		case len(of) == 0:
		case c.Blocks:
			for _, block := range of {
				statements = append(statements, Statement{strconv.Itoa(block.Bits()), s.source(c.Source, c.Field, c.Ref)})
			}
		case whole.IsValid() && of[0].Masked() != whole:
		case c.NodeMask.Of(f) != 0:
			statements = append(statements, Statement{strconv.Itoa(c.NodeMask.Of(f)), s.maskSource(c, f)})
		}
	}
	field := "spec.pods.nodeMask." + key(f)
	if value, ok := s.settle(field, statements, nil); ok {
		*s.plan.Pods.NodeMask.At(f), _ = strconv.Atoi(value) // each is of Itoa, above
	}
	if len(statements) == 0 {
		s.note(field, fmt.Sprintf("no source says the size of a node's block of %s; kube-controller-manager's is /%d unless it is told another", f, plan.DefaultNodeMask.Of(f)))
	}
}

// allots reports whether the source of c reads the range at all.
func (s *surveyor) allots(c snapshot.Claim) bool {
	return c.Source != snapshot.ControllerManager || slices.ContainsFunc(s.snap.Programs(c.Source), func(p snapshot.Program) bool {
		return p.Ref == c.Ref && p.AllocatesNodeRanges()
	})
}

// maskSource is where the source of c says how large a block is.
func (s *surveyor) maskSource(c snapshot.Claim, f ipfam.Family) Source {
	flag := cilium.Key("node-cidr-mask-size-%s", f)
	switch c.Source {
	case "cilium":
		return s.ciliumSource(cilium.Key(cilium.MaskKey, f))
	case ciliumValues:
		return s.source(c.Source, s.snap.Cilium.Values.Field(cilium.Key(cilium.MaskKey, f)), c.Ref)
	case snapshot.ControllerManager:
		return s.source(c.Source, "--"+flag, c.Ref)
	}
	source := s.source(c.Source, "kube-controller-manager's "+flag, c.Ref)
	source.At = s.snap.Position(c.Ref, c.Field)
	return source
}

func (s *surveyor) services() {
	for _, f := range s.present {
		field := "spec.services." + key(f)
		claims := s.snap.Claims(plan.Services)
		statements := s.rangesOf(claims, f)
		if value, ok := s.settle(field, statements, nil); ok {
			*s.plan.Services.At(f) = netip.MustParsePrefix(value)
		}
		s.lacking(field, f, claims, len(statements))
		for _, c := range claims {
			if besides(c) {
				for _, p := range c.Of(f) {
					s.note(field, fmt.Sprintf("%s has %s beside it; a plan holds one range of a family", s.source(c.Source, c.Field, c.Ref), p))
				}
			}
		}
		s.unsaid(field, f, len(statements), claims, plan.Services)
	}
}
