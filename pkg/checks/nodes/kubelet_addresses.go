package nodes

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var kubeletAddresses = &checks.Check{
	ID:       "DS309",
	Name:     "kubelet-node-ip-families",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "kubelets of a dual-stack cluster are told an address of each family",
		Why: `A kubelet that is told one address reports one InternalIP, whatever else the machine
has. Its Node then has no NodePort of the other family, its host-network Pods one address, and a
provider from outside of the tree takes the addresses away that it was not told. Nothing of it is an
error, and on another node all may be well.`,
		Fix:    "Give --node-ip both addresses, the primary family first; for Talos, a subnet of each family.",
		Limits: "Files only: the flag is in no API. Where files say nothing of the address, kubelet picks one family by itself, which DS301 finds on the Node.",
		Holds:  "Kubernetes 1.23 to 1.37",
		Since:  "0.1",
		Refs: []string{
			"kubernetes v1.37.2, pkg/kubelet/nodestatus/setters.go NodeAddress",
			"kubernetes v1.37.2, staging/src/k8s.io/component-helpers/node/util/ips.go",
			"https://github.com/kubernetes/kubernetes/issues/111695",
		},
		Covers: []string{"NODE-01", "NODE-02"},
	},
	Needs: []snapshot.Kind{snapshot.MachineSetup},
	Uses:  snapshot.ClaimKinds[plan.Services],
	Run: func(in *checks.Input) (fs []checks.Finding) {
		machines, wanted := in.Machines(), in.Families(plan.Services)
		if !wanted.Dual() {
			return nil
		}
		for _, m := range machines {
			one, single := m.Families().Single()
			if !single {
				continue
			}
			told, value := addresses(m.NodeIPs), fmt.Sprintf("%s,<%s of this node>", addresses(m.NodeIPs), one.Other())
			if len(m.NodeIPs) == 0 {
				told, value = prefixes(m.NodeSubnets), fmt.Sprintf("[%s, <%s subnet of the nodes>]", prefixes(m.NodeSubnets), one.Other())
			}
			fs = append(fs, checks.Finding{
				Object: m.Ref, Field: m.NodeField, Family: one.Other(),
				Message: fmt.Sprintf("tells kubelet %s, and nothing of %s: the Node gets one InternalIP", told, one.Other()),
				Fix:     fmt.Sprintf("%s: %s", strings.TrimPrefix(m.NodeField, "."), nodeIPValue(m, value)),
			})
		}
		return fs
	},
}

// nodeIPValue is value as the field takes it: as an extra argument it has a name.
func nodeIPValue(m snapshot.Machine, value string) string {
	if strings.HasSuffix(m.NodeField, "kubeletExtraArgs") {
		return "node-ip " + value
	}
	return value
}

func addresses(as []netip.Addr) string {
	texts := make([]string, len(as))
	for i, a := range as {
		texts[i] = a.String()
	}
	return strings.Join(texts, ",")
}

func prefixes(ps []netip.Prefix) string {
	texts := make([]string, len(ps))
	for i, p := range ps {
		texts[i] = p.String()
	}
	return strings.Join(texts, ", ")
}
