package loadbalancers

import (
	"fmt"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var requestedAddresses = &checks.Check{
	ID:       "DS511",
	Name:     "requested-addresses",
	Severity: severity.Error,
	Doc: checks.Doc{
		Claim: "the addresses that a Service asks for are of its families and of one pool",
		Why: `MetalLB gives a Service all of the addresses that its annotation asks for, or none:
none if they are not one of each of its families, if no single pool holds them all,
if .spec.loadBalancerIP asks too, or if one is no address. A Service that came to prefer both
families keeps the one address that it asks for as long as its pool has no other family; where the
pool has, MetalLB adds an address, finds that it was not asked for, and takes both. Cilium's LB IPAM gives an
address of a family that the Service does not have, and nothing answers there.`,
		Fix:    "Name one address for each family of the Service, all in one pool.",
		Limits: "Whether another Service has the address already is not looked at.",
		Holds:  "MetalLB 0.12 to 0.16; Cilium 1.15 to 1.20",
		Since:  "0.1",
		Refs:   []string{"metallb v0.16.2 controller/service.go", "metallb v0.16.2 internal/allocator/allocator.go Assign", "https://github.com/cilium/cilium/issues/30450"},
		Covers: []string{"LB-03", "KPX-07"},
	},
	Needs: []snapshot.Kind{snapshot.Services},
	Uses:  []snapshot.Kind{snapshot.MetalLBSetup, snapshot.MetalLBPools},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		v, _ := in.MetalLBVersion()
		for _, s := range in.Services() {
			if !s.LoadBalancer() {
				continue
			}
			if f, found := foreignLBIPAM(s); found {
				fs = append(fs, f)
			}
			if !in.MetalLBTakes(s) || v.Before(metallb.DualStack) {
				continue
			}
			if unread := metallb.Unread(s.Annotations, v); len(unread) > 0 {
				fs = append(fs, unreadAnnotations(s, unread))
				continue
			}
			if why, field := refusedRequest(in, s); why != "" {
				fs = append(fs, checks.Finding{
					Object: s.Ref, Field: field,
					Message: "gets no address from MetalLB: " + why,
					Fix:     refusedFix(s, v),
				})
			}
		}
		return fs
	},
}

// refusedRequest is MetalLB's reason against what the Service asks for by
// annotation, and the annotation.
func refusedRequest(in *checks.Input, s snapshot.Service) (why, field string) {
	v, _ := in.MetalLBVersion()
	as, by, err := metallb.Requested(s.Annotations, s.RequestedIP, v)
	field = ".metadata.annotations." + by
	wanted := in.AsMetalLB(s)
	wanted.Requested, wanted.Current = as, s.Ingress // one that it has it may be left with
	switch {
	case err != nil:
		return err.Error(), field
	case len(as) == 0 || by == ".spec.loadBalancerIP" || !familiesKnown(s):
		return "", ""
	case len(in.PoolsInForce()) == 0: // the families can be told without pools
		if ipfam.SetOfAddrs(as) == s.Has() {
			return "", ""
		}
	}
	return metallb.Predict(wanted, checks.PlainPools(in.PoolsInForce()), nil, v).Why, field
}

// refusedFix leaves the annotation alone when only the field is too much.
func refusedFix(s snapshot.Service, v release.Version) string {
	if as, _, err := metallb.Requested(s.Annotations, "", v); s.RequestedIP != "" && err == nil && len(as) > 0 {
		return checks.Patch(s.Ref, `{"spec":{"loadBalancerIP":null}}`)
	}
	return requestFix(s, wantedAddresses(s), v)
}

// wantedAddresses is one gap to be filled in for each family of the Service.
func wantedAddresses(s snapshot.Service) string {
	families := s.Has()
	if s.Dual() {
		families = ipfam.SetOf(ipfam.V4, ipfam.V6)
	}
	var gaps []string
	for _, f := range families.List() {
		gaps = append(gaps, "<"+f.String()+">")
	}
	return strings.Join(gaps, ",")
}

func unreadAnnotations(s snapshot.Service, keys []string) checks.Finding {
	old := strings.Replace(keys[0], "metallb.io/", "metallb.universe.tf/", 1)
	return checks.Finding{
		Object: s.Ref, Field: ".metadata.annotations." + keys[0],
		Message: fmt.Sprintf("has %s, which MetalLB reads from %s on: before, annotations begin with metallb.universe.tf/", strings.Join(keys, " and "), metallb.PreferOne),
		Fix:     checks.Command("kubectl", "annotate", "service", s.Name, "-n", s.Namespace, old+"="+s.Annotations[keys[0]]),
	}
}

// familiesKnown reports whether it can be told which ClusterIPs the Service has or
// will get.
func familiesKnown(s snapshot.Service) bool {
	return len(s.ClusterIPs) > 0 || s.Dual() || !s.WantsDual() && len(s.Families) == 1
}
