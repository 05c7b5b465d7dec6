package loadbalancers

import (
	"fmt"
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var twoClaimants = &checks.Check{
	ID:       "DS507",
	Name:     "two-claimants",
	Severity: severity.Error,
	Doc: checks.Doc{
		Claim: "only one of MetalLB and Cilium's LB IPAM takes Services without a class",
		Why: `LB IPAM is on by default and sleeps until there is a CiliumLoadBalancerIPPool.
From then on it takes every LoadBalancer Service without a class and strips the
addresses that are not its own, and MetalLB writes them back: the addresses of both
families change for as long as both run, also of Services that had them before.`,
		Fix:    `Set enableLBIPAM to false or defaultLBServiceIPAM to none in Cilium's values, or give MetalLB --lb-class and its Services that class, or give each pool a serviceSelector that the other's Services do not match.`,
		Limits: "Selectors are not evaluated: nothing is said when every pool of LB IPAM has one.",
		Holds:  "Cilium 1.13 to 1.20, MetalLB 0.13 to 0.16",
		Since:  "0.1",
		Refs:   []string{"cilium v1.20.2 operator/pkg/lbipam/lbipam.go stripOrImportIngresses", "cilium v1.20.2 pkg/lbipamconfig/cell.go", "metallb v0.16.2 internal/k8s/controllers/service_controller.go"},
		Covers: []string{"LB-05"},
	},
	Needs: []snapshot.Kind{snapshot.LBIPAMPools, snapshot.MetalLBPools},
	Uses:  []snapshot.Kind{snapshot.MetalLBSetup, snapshot.CiliumConfig, snapshot.Services},
	Run: func(in *checks.Input) []checks.Finding {
		awake, pools, services := in.LBIPAMAwake(), in.PoolsInForce(), classless(in)
		claims, sure := in.LBIPAMClaims()
		if len(awake) == 0 || len(pools) == 0 || in.MetalLB().Class != "" || !claims {
			return nil
		}
		f := checks.Finding{
			Object: awake[0].Ref, Field: ".spec", Related: related(nil, services),
			Message: fmt.Sprintf("wakes Cilium's LB IPAM, which takes Services without a class, and so does MetalLB with %s%s",
				pools[0].Ref, concerned(services)),
			Fix: checks.Command("helm", "upgrade", "cilium", "cilium/cilium", "-n", ciliumNamespace(in.Cilium()), "--reuse-values", "--set", sleepValue(in.Cilium())),
		}
		if !sure || len(services) == 0 {
			f.Severity = severity.Warning
		}
		return []checks.Finding{f}
	},
}

// classless is the LoadBalancer Services without a class.
func classless(in *checks.Input) []snapshot.Service {
	return slices.DeleteFunc(slices.Clone(in.Services()), func(s snapshot.Service) bool {
		return !s.LoadBalancer() || s.Class != ""
	})
}

// sleepValue is the value of Cilium's chart that keeps LB IPAM from Services
// without a class.
func sleepValue(c snapshot.Cilium) string {
	if c.Version == checks.IgnoresNoneForServices {
		return "enableLBIPAM=false"
	}
	return "defaultLBServiceIPAM=none"
}

func ciliumNamespace(c snapshot.Cilium) string {
	if c.Namespace == "" {
		return "kube-system"
	}
	return c.Namespace
}
