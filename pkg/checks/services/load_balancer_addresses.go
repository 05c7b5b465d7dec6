package services

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var loadBalancerAddresses = &checks.Check{
	ID:       "DS603",
	Name:     "load-balancer-addresses",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "a dual-stack LoadBalancer Service has an address of each family",
		Why: `Clients of the family without an address cannot reach the Service from outside, and
external DNS gets no record for them. RequireDualStack does not prevent it: it is
about ClusterIPs, and the load balancer's addresses are up to its implementation.`,
		Fix:    "Mend what keeps the implementation from giving the address: the finding names it where it can be told, otherwise the Events of the Service do.",
		Limits: "Names in place of addresses, as clouds give them, are not judged. A Service that was made a moment ago may not have its addresses yet. One of another implementation's class that has none at all is not judged.",
		Holds:  "Kubernetes 1.23 to 1.37",
		Since:  "0.1",
		Refs:   []string{"kubernetes v1.37.2 pkg/apis/core/validation/validation.go", "metallb v0.16.2 controller/service.go"},
		Covers: []string{"LB-01"},
	},
	Needs: []snapshot.Kind{snapshot.Services},
	Uses:  []snapshot.Kind{snapshot.MetalLBSetup, snapshot.MetalLBPools, snapshot.LBIPAMPools},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		lbIPAM := len(in.LBIPAMPools()) > 0
		for _, s := range in.Services() {
			has := ipfam.SetOfAddrs(s.Ingress)
			if !s.LoadBalancer() || !s.Live || !s.Dual() || has.Dual() || len(s.Hostnames) > 0 {
				continue
			}
			owned := in.MetalLBTakes(s) || lbIPAM && s.Class == ""
			if has.Empty() && s.Class != "" && !owned && !(lbIPAM && strings.HasPrefix(s.Class, "io.cilium/")) {
				continue // it waits for an implementation that we know nothing of, in both families alike
			}
			f := checks.Finding{Object: s.Ref, Field: ".status.loadBalancer.ingress"}
			if given, one := has.Single(); one {
				f.Family = given.Other()
				f.Message = fmt.Sprintf("has an address of %s only: %v", given, s.Ingress)
			} else {
				f.Message = "has no address"
			}
			if owned && (has.Empty() || s.Policy == "RequireDualStack") {
				f.Severity = severity.Error
			}
			reason, check := because(in, s)
			f.Message += reason
			f.Fix = checks.Command("kubectl", "describe", "service", s.Name, "-n", s.Namespace)
			if check != "" {
				f.Fix = checks.Command("kubectl", "dualstack", "doctor", "--only", check)
			}
			fs = append(fs, f)
		}
		return fs
	},
}

// because is the reason in a few words, where it can be told, and the check that
// has the way to mend it.
func because(in *checks.Input, s snapshot.Service) (reason, check string) {
	if !in.MetalLBTakes(s) {
		if s.Class != "" {
			return fmt.Sprintf("; its class is %s", s.Class), ""
		}
		return "", ""
	}
	v, _ := in.MetalLBVersion()
	pools := checks.PlainPools(in.PoolsInForce())
	wanted := in.AsMetalLB(s)
	as, by, err := metallb.Requested(s.Annotations, s.RequestedIP, v)
	wanted.Requested = as
	o := metallb.Predict(wanted, pools, nil, v)
	switch {
	case v.Before(metallb.DualStack):
		return fmt.Sprintf("; MetalLB %s gives one", v), "DS501"
	case err != nil:
		return "; MetalLB: " + err.Error(), "DS511"
	case len(pools) == 0 && len(in.MetalLBPools()) > 0:
		return "; MetalLB reads none of the pools", unreadBy(in)
	case len(pools) == 0:
		return "; MetalLB has no pool", ""
	case o.Unsure || o.Families().Dual():
		return "", "" // the pools would do: used up, or not yet looked at
	case by == ".spec.loadBalancerIP":
		return "; MetalLB: " + o.Why, "DS510"
	case len(as) > 0:
		return "; MetalLB: " + o.Why, "DS511"
	case !slices.ContainsFunc(pools, func(p metallb.Pool) bool { return p.Families().Dual() }):
		return "; no pool of MetalLB holds both families", "DS501"
	case wanted.Pool != "":
		return fmt.Sprintf("; it asks for MetalLB's pool %s", wanted.Pool), "DS514"
	}
	return "; no pool of MetalLB that holds both families is open to it", "DS501"
}

// unreadBy is the check that says why no pool is read: it is in another namespace,
// or in a form that is not read any more.
func unreadBy(in *checks.Input) string {
	m := in.MetalLB()
	if slices.ContainsFunc(in.MetalLBPools(), func(p snapshot.Pool) bool { return p.Namespace == m.Namespace }) {
		return "DS506"
	}
	return "DS512"
}
