package loadbalancers

import (
	"fmt"
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var lbIPAMFamilies = &checks.Check{
	ID:       "DS517",
	Name:     "lb-ipam-families",
	Severity: severity.Info,
	Doc: checks.Doc{
		Claim: "where Services have both families, Cilium's LB IPAM has pools of both",
		Why: `LB IPAM gives a dual-stack Service an address of each family, each from any pool: a
pool for each family will do, unlike in MetalLB. Without a range of a family in any
pool there is no address of it for anybody.`,
		Fix:    "Add a block of the family to a CiliumLoadBalancerIPPool: to .spec.blocks, or to .spec.cidrs of Cilium 1.13 and 1.14.",
		Limits: "Said only where LB IPAM alone gives addresses to Services without a class. A warning if such a Service asks for both.",
		Holds:  "Cilium 1.13 to 1.20",
		Since:  "0.1",
		Refs:   []string{"cilium v1.20.2 operator/pkg/lbipam/lbipam.go serviceIPFamilyRequest, allocateIPAddress"},
		Covers: []string{"LB-01"},
	},
	Needs: []snapshot.Kind{snapshot.LBIPAMPools},
	Uses:  slices.Concat([]snapshot.Kind{snapshot.MetalLBSetup, snapshot.MetalLBPools, snapshot.Services}, snapshot.ClaimKinds[plan.Services]),
	Run: func(in *checks.Input) (fs []checks.Finding) {
		awake := slices.DeleteFunc(slices.Clone(in.LBIPAMPools()), func(p snapshot.LBIPAMPool) bool { return p.Disabled })
		dual := in.Families(plan.Services).Dual()
		claims, _ := in.LBIPAMClaims()
		asking := slices.DeleteFunc(classless(in), func(s snapshot.Service) bool { return !s.Dual() })
		if len(awake) == 0 || !dual || !claims || len(in.PoolsInForce()) > 0 {
			return nil
		}
		var has ipfam.Set
		for _, p := range awake {
			for _, a := range p.Ranges {
				has = has.With(ipfam.Of(a.Range.From()))
			}
		}
		for _, f := range ipfam.All {
			if has.Has(f) || has.Empty() {
				continue
			}
			finding := checks.Finding{
				Object: awake[0].Ref, Field: awake[0].ListField(), Family: f,
				Message: fmt.Sprintf("has no %s, and no other pool of LB IPAM has%s", f, concerned(asking)),
				Fix:     fmt.Sprintf("add to %s of a pool: {cidr: %s}", blocksField(in, awake[0]), planned(in.Plan(), f)[0]),
			}
			if len(asking) > 0 {
				finding.Severity = severity.Warning
			}
			fs = append(fs, finding)
		}
		return fs
	},
}

// The releases that know the list of a pool's ranges by its new name, and no longer
// by its old one.
// Source: cilium v1.15.0 and v1.16.0, pkg/k8s/apis/cilium.io/client/crds/v2alpha1/ciliumloadbalancerippools.yaml.
var (
	knowsBlocks = release.V(1, 15)
	dropsCIDRs  = release.V(1, 16)
)

// blocksField is where a range of p is to be written: as the release has it, or as
// the pool has its others.
func blocksField(in *checks.Input, p snapshot.LBIPAMPool) string {
	switch v := in.Cilium().Version; {
	case v.Before(knowsBlocks):
		return ".spec.cidrs"
	case v.From(dropsCIDRs):
		return ".spec.blocks"
	}
	return p.ListField()
}
