package services

import (
	"fmt"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var handMadeSlices = &checks.Check{
	ID:       "DS606",
	Name:     "hand-made-slices",
	Severity: severity.Error,
	Doc: checks.Doc{
		Claim: "EndpointSlices that are made by hand are of the families of their Service, and of each of them",
		Why: `For a Service without a selector nobody makes EndpointSlices but its owner. With
slices of one family behind two ClusterIPs, connections to the other one are refused
at once. Endpoints of a family that the Service does not have are never used: each
ClusterIP leads to endpoints of its own family.`,
		Fix:    "Make a slice of each family of the Service: addressType is immutable, so it takes one object for each.",
		Limits: "Headless Services without a selector have both families in every cluster, and may well have endpoints of one.",
		Holds:  "Kubernetes 1.23 to 1.37",
		Since:  "0.1",
		Refs:   []string{"kubernetes v1.37.2 pkg/proxy/endpointschangetracker.go", "https://github.com/kubernetes/kubernetes/issues/94505"},
		Covers: []string{"SVC-08"},
	},
	Needs: []snapshot.Kind{snapshot.Services, snapshot.EndpointSlices},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		ready := readyEndpoints(in.EndpointSlices())
		services := map[serviceKey]snapshot.Service{}
		for _, s := range in.Services() {
			key := serviceKey{s.Namespace, s.Name}
			services[key] = s
			if s.Dual() && !s.Headless && len(s.Selector) == 0 && s.Type != "ExternalName" {
				fs = append(fs, missingSlice(s, ready[key])...)
			}
		}
		for _, e := range in.EndpointSlices() {
			s, known := services[serviceKey{e.Namespace, e.Service}]
			has := s.Has()
			if !known || controllerMade(e) || s.Ref == apiServerService || has.Empty() || has.Has(e.Family) || s.Headless || e.Ready == 0 || !s.Live && s.WantsDual() {
				continue
			}
			fs = append(fs, checks.Finding{
				Severity: severity.Warning, Object: e.Ref, Field: ".addressType", Family: e.Family,
				Message: fmt.Sprintf("has ready endpoints of %s (%d) for %s, which has %s only: they are not used", e.Family, e.Ready, s.Ref, has),
				Fix:     checks.Patch(s.Ref, `{"spec":{"ipFamilyPolicy":"PreferDualStack"}}`),
			})
		}
		return fs
	},
}

func missingSlice(s snapshot.Service, ready ipfam.Pair[int]) (fs []checks.Finding) {
	for _, f := range ipfam.All {
		if ready.Of(f) > 0 || ready.Of(f.Other()) == 0 {
			continue
		}
		fs = append(fs, checks.Finding{
			Object: s.Ref, Field: ".spec.ipFamilies", Family: f,
			Message: fmt.Sprintf("has no selector, and EndpointSlices with ready endpoints of %s (%d) and none of %s: connections over %s are refused", f.Other(), ready.Of(f.Other()), f, f),
			Fix:     checks.Apply(sliceManifest(s, f)),
		})
	}
	return fs
}

// sliceManifest is a slice of family f for s, with a gap for the addresses.
func sliceManifest(s snapshot.Service, f ipfam.Family) string {
	return fmt.Sprintf(`apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: %q
  namespace: %q
  labels:
    kubernetes.io/service-name: %q
addressType: %s
endpoints:
- addresses: ["<%s address>"]
ports:
- port: 80 # as in the other slice
`, s.Name+"-"+strings.ToLower(f.String()), s.Namespace, s.Name, f, f)
}

// apiServerService is the Service of the API server, which makes the slice itself.
var apiServerService = snapshot.Ref{Kind: "Service", Namespace: "default", Name: "kubernetes"}

// controllers is who makes EndpointSlices besides people.
var controllers = map[string]bool{
	"endpointslice-controller.k8s.io":          true,
	"endpointslicemirroring-controller.k8s.io": true,
}

func controllerMade(e snapshot.EndpointSlice) bool { return controllers[e.Managed] }
