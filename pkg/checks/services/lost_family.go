package services

import (
	"fmt"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var lostFamily = &checks.Check{
	ID:       "DS602",
	Name:     "service-family-served",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "no Service has a ClusterIP of a family that the API server no longer serves",
		Why: `When a Service range is taken away from the API server, the Services that have
ClusterIPs of its family keep them. New Services get none, a Service that is made
anew loses its address, and when one is deleted its address is not released. The way
back to one family is not supported upstream.`,
		Fix:    "Give the API server the second range again, or set the Services to SingleStack, which releases the second ClusterIP.",
		Limits: "Judged by the arguments of kube-apiserver: the ServiceCIDR object does not shrink.",
		Holds:  "Kubernetes 1.23 to 1.37",
		Since:  "0.1",
		Refs:   []string{"https://github.com/kubernetes/kubernetes/issues/131261"},
		Covers: []string{"SVC-07", "CTRL-05"},
	},
	Needs: []snapshot.Kind{snapshot.Services, snapshot.ControlPlane},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		servers := in.ControlPlane(snapshot.APIServer)
		var serves ipfam.Set
		for _, c := range servers {
			prefixes, _ := c.Flags.Prefixes("service-cluster-ip-range")
			serves |= ipfam.SetOfPrefixes(prefixes)
		}
		if serves.Empty() {
			return nil
		}
		for _, f := range ipfam.All {
			names := holders(in.Services(), f)
			if serves.Has(f) || len(names) == 0 {
				continue
			}
			fs = append(fs, checks.Finding{
				Object: servers[0].Ref, Field: "--service-cluster-ip-range", Family: f,
				Message: fmt.Sprintf("serves %s only, and there are ClusterIPs of %s left: %s", serves, f, checks.Some(names)),
				Fix: fmt.Sprintf("kube-apiserver --service-cluster-ip-range=%s,<%s range>; or of each Service: kubectl patch service NAME -n NAMESPACE --type merge -p '{\"spec\":{\"ipFamilyPolicy\":\"SingleStack\"}}'",
					servers[0].Flags["service-cluster-ip-range"], f),
			})
		}
		return fs
	},
}

// holders is the Services that have a ClusterIP of family f.
func holders(services []snapshot.Service, f ipfam.Family) []string {
	var names []string
	for _, s := range services {
		if ipfam.SetOfAddrs(s.ClusterIPs).Has(f) {
			names = append(names, s.Ref.String())
		}
	}
	return names
}
