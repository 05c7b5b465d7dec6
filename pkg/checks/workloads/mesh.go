package workloads

import (
	"fmt"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var meshFamilies = &checks.Check{
	ID:       "DS905",
	Name:     "istio-of-both-families",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "Istio knows both families where Services in its mesh have both",
		Why: `Without its dual-stack mode Istio gives the proxies listeners and endpoints of one family.
Connections over the other one pass the proxy by, without its encryption and rules, or are
reset. The mode is a variable in two places: of istiod, and of the proxies.`,
		Fix:    "Set ISTIO_DUAL_STACK to true in pilot.env and in meshConfig.defaultConfig.proxyMetadata, and restart the workloads of the mesh.",
		Limits: "Sidecars; ambient mode has none.",
		Holds:  "Istio 1.17 to 1.28",
		Since:  "0.1",
		Refs:   []string{"https://istio.io/latest/docs/setup/additional-setup/dual-stack/", "istio pilot/pkg/features/pilot.go EnableDualStack", "https://github.com/istio/istio/issues/55577"},
		Covers: []string{"WKL-03"},
	},
	Needs: []snapshot.Kind{snapshot.Workloads, snapshot.Services},
	Run: func(in *checks.Input) []checks.Finding {
		var control *snapshot.Template
		var members, without []string
		services, templates := in.Services(), in.Templates()
		for i, t := range templates {
			service, ok := dualService(services, t)
			switch {
			case t.Runs(snapshot.Istiod):
				control = &templates[i]
			case t.Runs(snapshot.IstioProxy) && ok:
				members = append(members, service.String())
				if !dualMesh(t) {
					without = append(without, t.Ref.String())
				}
			}
		}
		switch {
		case control == nil || len(members) == 0:
			return nil
		case !dualMesh(*control):
			return []checks.Finding{{Object: control.Ref, Field: templateEnv,
				Message: fmt.Sprintf("has no ISTIO_DUAL_STACK=true, and Services in the mesh have both families: %s", checks.Some(members)), Fix: dualMeshFix}}
		case len(without) > 0:
			return []checks.Finding{{Object: control.Ref, Field: templateEnv,
				Message: fmt.Sprintf("has ISTIO_DUAL_STACK=true, and the proxies of %s have not", checks.Some(without)), Fix: dualMeshFix}}
		}
		return nil
	},
}

// templateEnv is where the variables of a workload's first container stand.
const templateEnv = ".spec.template.spec.containers[0].env"

const dualMeshFix = `istioctl install --set values.pilot.env.ISTIO_DUAL_STACK=true --set meshConfig.defaultConfig.proxyMetadata.ISTIO_DUAL_STACK="true", and restart the workloads of the mesh`

func dualMesh(t snapshot.Template) bool {
	for _, s := range t.Of(snapshot.IstioDual) {
		if s.Text == "true" {
			return true
		}
	}
	return false
}
