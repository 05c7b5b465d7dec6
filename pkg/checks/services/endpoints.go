package services

import (
	"fmt"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var endpointsOfEachFamily = &checks.Check{
	ID:       "DS605",
	Name:     "endpoints-of-each-family",
	Severity: severity.Error,
	Doc: checks.Doc{
		Claim: "a dual-stack Service with ready endpoints has ready endpoints of both families",
		Why: `A Pod without an address of a family is left out of the EndpointSlices of that family.
When no Pod has one, the slice is there and empty: the Service has its ClusterIP and
DNS its record, and every connection over that family is refused.`,
		Fix:    "Give the Pods an address of each family: those that are older than the second pod range are restarted, those on the host network follow their Node's addresses.",
		Limits: "Only Services of which at least one EndpointSlice is known. A Service without any ready endpoint is not a matter of families.",
		Holds:  "Kubernetes 1.23 to 1.37",
		Since:  "0.1",
		Refs:   []string{"kubernetes v1.37.2 staging/src/k8s.io/endpointslice/reconciler.go", "https://github.com/kubernetes/kubernetes/issues/94673"},
		Covers: []string{"SVC-08"},
	},
	Needs: []snapshot.Kind{snapshot.Services, snapshot.EndpointSlices},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		ready, nodes := readyEndpoints(in.EndpointSlices()), endpointNodes(in.EndpointSlices())
		for _, s := range in.Services() {
			n, known := ready[serviceKey{s.Namespace, s.Name}]
			if !known || !s.Dual() || len(s.Selector) == 0 || s.Type == "ExternalName" {
				continue
			}
			for _, f := range ipfam.All {
				if n.Of(f) > 0 || n.Of(f.Other()) == 0 {
					continue
				}
				finding := checks.Finding{
					Object: s.Ref, Field: ".spec.ipFamilies", Family: f, Related: nodes[serviceKey{s.Namespace, s.Name}],
					Message: fmt.Sprintf("has ready endpoints of %s (%d) and none of %s: connections over %s are refused", f.Other(), n.Of(f.Other()), f, f),
					Fix:     checks.Command("kubectl", "get", "pods", "-n", s.Namespace, "-l", selector(s.Selector), "-o", "custom-columns=NAME:.metadata.name,IPS:.status.podIPs[*].ip"),
				}
				if s.Headless { // clients see no record of the family, and take the other
					finding.Severity = severity.Warning
					finding.Message = fmt.Sprintf("has ready endpoints of %s (%d) and none of %s: its name has no address of %s", f.Other(), n.Of(f.Other()), f, f)
				}
				fs = append(fs, finding)
			}
		}
		return fs
	},
}

// serviceKey names a Service.
type serviceKey struct{ namespace, name string }

// readyEndpoints counts endpoints, not slices: an empty slice stands for none.
func readyEndpoints(slices []snapshot.EndpointSlice) map[serviceKey]ipfam.Pair[int] {
	ready := map[serviceKey]ipfam.Pair[int]{}
	for _, e := range slices {
		if e.Service == "" {
			continue
		}
		key := serviceKey{e.Namespace, e.Service}
		n := ready[key]
		*n.At(e.Family) += e.Ready
		ready[key] = n
	}
	return ready
}

// endpointNodes is Nodes that have ready endpoints of each Service.
func endpointNodes(slices []snapshot.EndpointSlice) map[serviceKey][]snapshot.Ref {
	nodes := map[serviceKey][]snapshot.Ref{}
	for _, e := range slices {
		for _, name := range e.Nodes {
			key := serviceKey{e.Namespace, e.Service}
			nodes[key] = append(nodes[key], snapshot.Ref{Kind: "Node", Name: name})
		}
	}
	return nodes
}
