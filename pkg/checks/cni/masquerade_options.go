package cni

import (
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var masqueradeOptions = &checks.Check{
	ID:       "DS405",
	Name:     "masquerade-options-agree",
	Severity: severity.Error,
	Doc: checks.Doc{
		Claim: "the agent starts with the options of masquerade as they are",
		Why: `Some combinations make the agent exit, and which ones has changed: 1.11 to 1.13
refuse IPv6 with BPF masquerade; 1.15 and later refuse BPF masquerade when both
families' masquerade is off, which 1.14 passed over. Agents that run keep running;
those that restart, on an upgrade or a reboot, do not come back.`,
		Fix:    "Change the option that the agent names.",
		Holds:  "Cilium 1.11 to 1.20",
		Since:  "0.1",
		Refs:   cilium.RefusalSources(cilium.AboutMasquerade),
		Covers: []string{"CNI-08"},
	},
	Needs: []snapshot.Kind{snapshot.CiliumConfig},
	Run:   func(in *checks.Input) []checks.Finding { return refused(in, cilium.AboutMasquerade) },
}
