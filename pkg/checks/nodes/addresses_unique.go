package nodes

import (
	"fmt"
	"net/netip"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var addressesUnique = &checks.Check{
	ID:       "DS310",
	Name:     "node-addresses-unique",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "no two Nodes have the same InternalIP",
		Why: `Packets for the address reach one of the two, and which one changes. Over IPv6 the kernel
of the second one finds the address taken and does not use it: of that family the node is deaf, and
over IPv4 it goes on. Machines that were cloned have one machine ID, and with it one address by
autoconfiguration.`,
		Fix:    "Give one of the two another address, and another machine ID if it is a clone; delete the Node of a machine that came back under another name.",
		Limits: "A Node that was left behind by a machine of another name is found too.",
		Holds:  "Kubernetes 1.23 to 1.37",
		Since:  "0.1",
		Refs:   []string{"RFC 4862 5.4", "https://github.com/kubernetes/kubernetes/issues/32291"},
		Covers: []string{"NODE-13"},
	},
	Needs: []snapshot.Kind{snapshot.Nodes},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		owner := map[netip.Addr]snapshot.Ref{}
		for _, n := range in.Nodes() {
			for _, a := range n.InternalIPs {
				first, taken := owner[a]
				if !taken {
					owner[a] = n.Ref
				} else if first != n.Ref {
					fs = append(fs, checks.Finding{
						Object: n.Ref, Field: ".status.addresses", Family: ipfam.Of(a),
						Message: fmt.Sprintf("has the InternalIP %s, and %s has it too", a, first),
						Fix:     fmt.Sprintf("on %s: another address, or %s if the machine is gone", n.Name, checks.Command("kubectl", "delete", "node", n.Name)),
					})
				}
			}
		}
		return fs
	},
}
