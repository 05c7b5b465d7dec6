package cni

import (
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var optionsAgree = &checks.Check{
	ID:       "DS423",
	Name:     "cilium-options-agree",
	Severity: severity.Error,
	Doc: checks.Doc{
		Claim: "the agent starts with its options of routing and of features that take both families",
		Why: `Direct routes between nodes beside a tunnel, an outer family of the tunnel that is
off, a NAT64 gateway with one family, an egress gateway without BPF masquerade: the
agent exits. Agents that run keep running; those that restart do not come back.`,
		Fix:   "Change the option that the agent names.",
		Holds: "Cilium 1.15 to 1.20",
		Since: "0.1",
		Refs:  cilium.RefusalSources(cilium.AboutRouting, cilium.AboutFeatures),
	},
	Needs: []snapshot.Kind{snapshot.CiliumConfig},
	Run: func(in *checks.Input) []checks.Finding {
		return refused(in, cilium.AboutRouting, cilium.AboutFeatures)
	},
}
