package services

import (
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// witnesses is who knows in which families the API server gives ClusterIPs, the
// best first: its own arguments, the ServiceCIDRs that follow them, what kubeadm
// wrote down, or what other tools that make clusters are told.
var witnesses = []string{
	snapshot.APIServer, "ServiceCIDR", snapshot.FromKubeadm, snapshot.FromK3s, snapshot.FromTalos,
	snapshot.FromKind, snapshot.FromK0s, snapshot.FromKops, snapshot.FromClusterAPI, snapshot.FromTalhelper,
}

// served is the families in which the API server gives ClusterIPs, as the best
// witness says or, without one, the plan. It is empty when nobody knows.
func served(in *checks.Input) ipfam.Set {
	claims, p := in.Claims(plan.Services), in.Plan()
	for _, source := range witnesses {
		var s ipfam.Set
		for _, c := range claims {
			if c.Source == source {
				s |= c.Families()
			}
		}
		if !s.Empty() {
			return s
		}
	}
	if p != nil {
		return p.Want()
	}
	return 0
}

// familyList is families as the elements of a JSON list.
func familyList(families ...ipfam.Family) string {
	texts := make([]string, len(families))
	for i, f := range families {
		texts[i] = `"` + f.String() + `"`
	}
	return strings.Join(texts, ",")
}
