package cni

import (
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var ndpOptions = &checks.Check{
	ID:       "DS409",
	Name:     "ndp-options-agree",
	Severity: severity.Error,
	Doc: checks.Doc{
		Claim: "enable-ipv6-ndp comes with IPv6 and with a device",
		Why: `The agent exits when enable-ipv6-ndp is on and IPv6 is off, or when no
ipv6-mcast-device is named: up to 1.15 it found the device by itself, 1.20 does not.
The chart has no value for either key, so that one of the two is easily lost.`,
		Fix:    "Name the device in extraConfig.ipv6-mcast-device, per node with a CiliumNodeConfig where the names differ, or take enable-ipv6-ndp away: in 1.20 the device alone makes a node answer for its pods.",
		Limits: "When the search for the device went away, between 1.16 and 1.20, is not known; those releases are not judged.",
		Holds:  "Cilium 1.15 and 1.20",
		Since:  "0.1",
		Refs:   cilium.RefusalSources(cilium.AboutNDP),
	},
	Needs: []snapshot.Kind{snapshot.CiliumConfig},
	Run:   func(in *checks.Input) []checks.Finding { return refused(in, cilium.AboutNDP) },
}
