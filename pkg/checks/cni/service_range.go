package cni

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// serviceRangeKey is the option of a route for ClusterIPs.
const serviceRangeKey = "%s-service-range"

var serviceRange = &checks.Check{
	ID:       "DS411",
	Name:     "cilium-service-range",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "ipv4-service-range and ipv6-service-range, where they are set, are the Service ranges of the API server",
		Why: `The keys add a route for the range to every node, through Cilium, and do nothing else:
ClusterIPs come from the API server, and nobody outside learns of them. A range that
is not the Service range takes the packets to whatever has those addresses. One that
does not parse keeps the datapath from being set up.`,
		Fix:    "Leave the keys out, or write the Service range of the family.",
		Holds:  "Cilium 1.20",
		Since:  "0.1",
		Refs:   []string{"cilium v1.20.2, pkg/datapath/orchestrator/localnodeconfig.go", "cilium v1.20.2, pkg/datapath/linux/node.go"},
		Covers: []string{"PLAN-05"},
	},
	Needs: []snapshot.Kind{snapshot.CiliumConfig},
	Uses:  snapshot.ClaimKinds[plan.Services],
	Run: func(in *checks.Input) (fs []checks.Finding) {
		c, ok := configuration(in)
		if !ok {
			return nil
		}
		for _, f := range ipfam.All {
			key := cilium.Key(serviceRangeKey, f)
			text := strings.TrimSpace(c.Config[key])
			if text == "" || text == "auto" {
				continue
			}
			services, source := serviceRangeOf(in, f)
			message, worst := serviceRangeFault(text, services, source, f)
			if message == "" {
				continue
			}
			value := "auto"
			if services.IsValid() {
				value = services.String()
			}
			fs = append(fs, checks.Finding{
				Severity: worst,
				Object:   c.ConfigRef, Field: c.field(key), Family: f,
				Message: message, Fix: c.set(cilium.Setting{Key: key, Value: value}),
			})
		}
		return fs
	},
}

func serviceRangeFault(text string, services netip.Prefix, source string, f ipfam.Family) (string, severity.Severity) {
	p, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		return fmt.Sprintf("is %q, which is no prefix; the agent sets up no datapath", text), severity.Error
	case !services.IsValid() || p.Masked() == services.Masked():
		return "", 0
	case holds(services, p):
		return fmt.Sprintf("is %s, a part of the %s Service range %s (%s)", p, f, services, source), severity.Info
	}
	return fmt.Sprintf("is %s, and the %s Service range is %s (%s): every node sends packets for %s to Cilium", p, f, services, source, p), severity.Warning
}

// serviceRangeOf is the Service range of f and who says so: what the API server
// has where that is known, then the plan, then what kubeadm was told.
func serviceRangeOf(in *checks.Input, f ipfam.Family) (netip.Prefix, string) {
	var intent netip.Prefix
	var intended string
	for _, claim := range in.Claims(plan.Services) {
		ps := claim.Of(f)
		switch {
		case claim.Source == "cilium" || len(ps) == 0:
		case !claim.Intent:
			return ps[0], claim.Source
		case !intent.IsValid():
			intent, intended = ps[0], claim.Source
		}
	}
	if p := in.Plan(); p != nil && p.Services.Of(f).IsValid() {
		return p.Services.Of(f), "plan"
	}
	return intent, intended
}
