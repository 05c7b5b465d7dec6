package cni

import (
	"fmt"
	"net/netip"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var tunnelUnderlay = &checks.Check{
	ID:       "DS421",
	Name:     "tunnel-underlay",
	Severity: severity.Error,
	Doc: checks.Doc{
		Claim: "every node has an address of the family that the tunnel runs over",
		Why: `The tunnel carries both families of pods inside packets of one. Before 1.18 that is
always IPv4; later it is what underlay-protocol says, and without a word IPv4 where
IPv4 is on. A node without an address of that family is not reached by the pods of
other nodes, over either family.`,
		Fix:    "Give the node an address of the family, or from 1.18 on run the tunnel over the other one.",
		Holds:  "Cilium 1.10 to 1.20",
		Since:  "0.1",
		Refs:   []string{"cilium v1.20.2, pkg/datapath/tunnel/tunnel.go", "https://github.com/cilium/cilium/issues/17240", "https://github.com/cilium/cilium/issues/38523", "https://github.com/cilium/cilium/issues/40470"},
		Covers: []string{"CNI-11"},
	},
	Needs: []snapshot.Kind{snapshot.CiliumConfig, snapshot.Nodes},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		c, ok := configuration(in)
		nodes := in.Nodes()
		if !ok || c.native() {
			return nil
		}
		f := c.Config.Underlay(c.release)
		all := everyNodeHas(nodes, f.Other())
		for _, n := range nodes {
			ips := n.HostIPs()
			if len(ips) == 0 || ipfam.SetOfAddrs(ips).Has(f) {
				continue
			}
			fs = append(fs, checks.Finding{
				Object: n.Ref, Field: ".status.addresses", Family: f,
				Message: fmt.Sprintf("has no %s address, and the tunnel between nodes runs over %s; its addresses are %v", f, f, ips),
				Fix:     underlayFix(c, n, f, ips, all),
			})
		}
		return fs
	},
}

func everyNodeHas(nodes []snapshot.Node, f ipfam.Family) bool {
	for _, n := range nodes {
		if !ipfam.SetOfAddrs(n.HostIPs()).Has(f) {
			return false
		}
	}
	return true
}

// underlayFix runs the tunnel over the other family where all nodes have it and
// the release can, and otherwise wants an address.
func underlayFix(c configured, n snapshot.Node, f ipfam.Family, ips []netip.Addr, all bool) string {
	if all && c.release.From(cilium.UnderlayFrom) {
		return c.set(cilium.Setting{Key: "underlay-protocol", Value: cilium.Key("%s", f.Other())})
	}
	return fmt.Sprintf("on %s: give the uplink an %s address and start kubelet with both: --node-ip=%s,<%s>", n.Name, f, ips[0], f)
}
