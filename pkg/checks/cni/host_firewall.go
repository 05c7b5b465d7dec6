package cni

import (
	"fmt"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var hostFirewall = &checks.Check{
	ID:       "DS419",
	Name:     "host-firewall-families",
	Severity: severity.Error,
	Doc: checks.Doc{
		Claim: "Cilium's host firewall guards nodes only of families that Cilium runs",
		Why: `With the host firewall Cilium's program looks at every packet of the node itself. Those
of a family that is off are of an unknown kind to it and are dropped, neighbour
discovery included: the nodes lose the family, not just the pods.`,
		Fix:    "Switch the family on in Cilium, or the host firewall off.",
		Holds:  "Cilium 1.20",
		Since:  "0.1",
		Refs:   []string{"cilium v1.20.2, bpf/bpf_host.c", "https://github.com/cilium/cilium/issues/27484", "https://github.com/cilium/cilium/issues/37105", "https://github.com/cilium/cilium/issues/47307"},
		Covers: []string{"CNI-09"},
	},
	Needs: []snapshot.Kind{snapshot.CiliumConfig},
	Uses:  []snapshot.Kind{snapshot.Nodes},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		c, ok := configuration(in)
		nodes := in.Nodes()
		if !ok || !c.Config.Bool("enable-host-firewall", false) {
			return nil
		}
		for _, f := range ipfam.All {
			owner := addressOwner(in, nodes, f)
			if c.Config.Enabled(f) || owner == "" {
				continue
			}
			key := cilium.Key("enable-%s", f)
			fs = append(fs, checks.Finding{
				Object: c.ConfigRef, Field: c.field("enable-host-firewall"), Family: f,
				Message: fmt.Sprintf("is on, and drops all %s of the nodes, because %s is %s; %s", f, key, c.text(key), owner),
				Fix:     c.set(cilium.Setting{Key: "enable-host-firewall", Value: "false"}),
			})
		}
		return fs
	},
}

// addressOwner is who has an address of f beside the pods, or nothing.
func addressOwner(in *checks.Input, nodes []snapshot.Node, f ipfam.Family) string {
	for _, n := range nodes {
		for _, a := range n.InternalIPs {
			if ipfam.Of(a) == f {
				return fmt.Sprintf("node %s has %s", n.Name, a)
			}
		}
	}
	if p := in.Plan(); p != nil && p.LAN.Prefixes.Of(f).IsValid() {
		return fmt.Sprintf("the plan's LAN is %s", p.LAN.Prefixes.Of(f))
	}
	return ""
}
