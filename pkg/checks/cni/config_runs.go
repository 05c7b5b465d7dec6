package cni

import (
	"fmt"
	"strings"
	"time"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var configRuns = &checks.Check{
	ID:       "DS414",
	Name:     "cilium-config-is-what-runs",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "no agent is older than the last change of cilium-config",
		Why: `An agent reads its configuration when it starts, and never again. After an edit the
cluster runs on as before, family by family and node by node; the edit takes effect
on the nodes that reboot, one by one, and then it looks like a fault of those nodes.`,
		Fix: "Restart the agents.",
		Limits: `Whether what changed matters to the families is not known, and neither is a change of a CiliumNodeConfig.
Taking a key away is not seen: for that the API server does not renew the time in managedFields.`,
		Holds: "Cilium 1.10 to 1.20",
		Since: "0.1",
		Refs:  []string{"cilium v1.20.2, cilium-dbg/cmd/build-config.go", "cilium v1.20.2, Documentation/operations/upgrade-current.inc"},
	},
	Needs: []snapshot.Kind{snapshot.CiliumConfig, snapshot.CiliumAgents},
	Run: func(in *checks.Input) []checks.Finding {
		c, ok := configuration(in)
		agents := in.CiliumAgents()
		if !ok || c.Changed.IsZero() {
			return nil
		}
		var older []string
		for _, a := range agents {
			if !a.Started.IsZero() && a.Started.Before(c.Changed) {
				older = append(older, a.Node)
			}
		}
		if len(older) == 0 {
			return nil
		}
		return []checks.Finding{{
			Object: c.ConfigRef,
			Message: fmt.Sprintf("was changed at %s, after %d of %d agents had started (%s): they run with what it said before",
				c.Changed.UTC().Format(time.RFC3339), len(older), len(agents), some(older)),
			Fix: checks.Command("kubectl", "rollout", "restart", "-n", c.namespace(), "ds/cilium"),
		}}
	},
}

// someNames is how many names a message lists.
const someNames = 3

// some is the first few of names, and how many more there are.
func some(names []string) string {
	if len(names) <= someNames {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:someNames], ", "), len(names)-someNames)
}
