package checks

import (
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// IgnoresNoneForServices is the release of Cilium that does not read
// default-lb-service-ipam: none (cilium issue 40888).
var IgnoresNoneForServices = release.V(1, 18, 0)

// LBIPAMClaims reports whether Cilium's LB IPAM takes Services without a class, once
// there is a pool; sure is false when Cilium's configuration is not known and its
// default is taken.
// Source: cilium v1.20.2, pkg/lbipamconfig/cell.go.
func (in *Input) LBIPAMClaims() (claims, sure bool) {
	c := in.Cilium()
	if !c.Present() {
		return true, false
	}
	owner := c.Config["default-lb-service-ipam"]
	byDefault := owner == "" || owner == "lbipam" || owner == "none" && c.Version == IgnoresNoneForServices
	return c.Config.Bool("enable-lb-ipam", true) && byDefault, true
}

// LBIPAMAwake is the pools that wake LB IPAM for any Service: those with ranges that
// are not disabled and have no serviceSelector, which is not evaluated.
func (in *Input) LBIPAMAwake() []snapshot.LBIPAMPool {
	return slices.DeleteFunc(slices.Clone(in.LBIPAMPools()), func(p snapshot.LBIPAMPool) bool {
		return p.Disabled || p.Selector || len(p.Ranges) == 0
	})
}
