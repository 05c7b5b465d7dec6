package ranges

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var nodesOnLAN = &checks.Check{
	ID:       "DS115",
	Name:     "nodes-on-lan",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "every Node has its addresses in the LAN of the plan",
		Why: `Such a node answers for load-balancer addresses, and for pods on the link, where nobody
asks. Its address of one family is of another network: of a VPN, of an old prefix, of a second
interface that kubelet took.`,
		Fix:    "Name the right addresses in kubelet's --node-ip on that node, or write the network into the plan.",
		Limits: "A plan has one LAN of each family; nodes in several networks are found here though all may be well.",
		Holds:  "Kubernetes 1.23 to 1.37",
		Since:  "0.1",
		Refs:   []string{"kubernetes v1.37.2, pkg/kubelet/nodestatus/setters.go NodeAddress"},
		Covers: []string{"NODE-03", "PLAN-09", "RTR-05"},
	},
	Needs: []snapshot.Kind{snapshot.Nodes},
	Plan:  true,
	Run: func(in *checks.Input) (fs []checks.Finding) {
		for _, f := range ipfam.All {
			lan := in.Plan().LAN.Prefixes.Of(f).Masked()
			var off []snapshot.Node
			for _, n := range in.Nodes() {
				if as := ipfam.SplitAddrs(n.InternalIPs).Of(f); lan.IsValid() && len(as) > 0 && !slices.ContainsFunc(as, lan.Contains) {
					off = append(off, n)
				}
			}
			if len(off) > 0 {
				fs = append(fs, offLANFinding(off, f, lan))
			}
		}
		return fs
	},
}

// offLANFinding is one finding about all nodes that are not on the LAN: where
// there are many of them the plan is the odd one.
func offLANFinding(off []snapshot.Node, f ipfam.Family, lan netip.Prefix) checks.Finding {
	first := ipfam.SplitAddrs(off[0].InternalIPs).Of(f)
	message := fmt.Sprintf("has %s address %s, which is not in the LAN %s", f, first[0], lan)
	if len(off) > 1 {
		var names []string
		for _, n := range off[1:] {
			names = append(names, n.Name)
		}
		message += fmt.Sprintf("; nor have %s", some(names))
	}
	return checks.Finding{Object: off[0].Ref, Field: ".status.addresses", Family: f, Message: message,
		Fix: fmt.Sprintf("on %s: kubelet --node-ip with an address of %s, or in the plan: spec.lan.%s", off[0].Name, lan, field(f))}
}
