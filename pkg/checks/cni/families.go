package cni

import (
	"fmt"
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var families = &checks.Check{
	ID:       "DS401",
	Name:     "cilium-families",
	Severity: severity.Error,
	Doc: checks.Doc{
		Claim: "Cilium runs each family that the cluster has ranges of, or Services that require it",
		Why: `With a family switched off Cilium gives no pod an address of it. Services still
get their ClusterIPs of both families from the API server, and those of the
missing family have no endpoint. The chart has IPv6 off unless ipv6.enabled says
otherwise; the agents, without the key in their ConfigMap, have it on.`,
		Fix:    "Set ipv6.enabled (or ipv4.enabled) in the Helm values together with a pool of the family, restart operator and agents, and recreate the pods: a running pod keeps the addresses that it has.",
		Limits: "A CiliumNodeConfig can switch a family on or off for some nodes; it is not looked into.",
		Holds:  "Cilium 1.15 to 1.20",
		Since:  "0.1",
		Refs:   []string{"cilium v1.20.2, pkg/defaults/defaults.go", "cilium v1.20.2, daemon/cmd/daemon_main.go", "https://github.com/cilium/cilium/issues/7807"},
		Covers: []string{"CNI-01"},
	},
	Needs: []snapshot.Kind{snapshot.CiliumConfig},
	Uses:  slices.Concat(snapshot.ClaimKinds[plan.Pods], snapshot.ClaimKinds[plan.Services], []snapshot.Kind{snapshot.Services}),
	Run: func(in *checks.Input) (fs []checks.Finding) {
		c, ok := configuration(in)
		if !ok {
			return nil
		}
		for _, f := range ipfam.All {
			evidence := familyWanted(in, f)
			if c.Config.Enabled(f) || evidence == "" {
				continue
			}
			key := cilium.Key("enable-%s", f)
			settings := []cilium.Setting{{Key: key, Value: "true"}}
			if r, ok := wantedRange(in, c, f); ok && c.Config.IPAM() == "cluster-pool" {
				settings = append(settings, cilium.Setting{Key: cilium.Key(cilium.PoolKey, f), Value: r.String()})
			}
			fs = append(fs, checks.Finding{
				Object: c.ConfigRef, Field: c.field(key), Family: f,
				Message: fmt.Sprintf("has %s off (%s), while %s", f, c.text(key), evidence),
				Fix:     c.set(settings...),
			})
		}
		if len(fs) == 0 && c.Config.Families().Empty() {
			key := cilium.Key("enable-%s", ipfam.V4)
			fs = append(fs, checks.Finding{
				Object: c.ConfigRef, Field: c.field(key),
				Message: `has both families off; the agent does not start: Either IPv4 or IPv6 addressing must be enabled`,
				Fix:     c.set(cilium.Setting{Key: key, Value: "true"}),
			})
		}
		return fs
	},
}

// familyWanted is who says that the cluster has family f, or nothing. Cilium's own
// ranges are no evidence.
func familyWanted(in *checks.Input, f ipfam.Family) string {
	pods, services, objects := in.Claims(plan.Pods), in.Claims(plan.Services), in.Services()
	if p := in.Plan(); p != nil {
		if !p.Want().Has(f) {
			return ""
		}
		return fmt.Sprintf("the plan has %s", f)
	}
	for _, claim := range slices.Concat(pods, services) {
		if claim.Source == "cilium" || claim.Source == "ciliumnodes" || !claim.Families().Has(f) {
			continue
		}
		use := "pods"
		if claim.Use == plan.Services {
			use = "Services"
		}
		return fmt.Sprintf("%s have %s (%s)", use, claim.Of(f)[0], claim.Source)
	}
	for _, s := range objects {
		// The API server makes a headless Service without selector RequireDualStack
		// in every cluster: kubernetes v1.37.2, pkg/registry/core/service/storage/alloc.go.
		if s.Policy == "RequireDualStack" && !(s.Headless && len(s.Selector) == 0) {
			return fmt.Sprintf("%s requires both families", s.Ref)
		}
	}
	return ""
}
