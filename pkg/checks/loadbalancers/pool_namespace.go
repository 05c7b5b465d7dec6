package loadbalancers

import (
	"fmt"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var poolNamespace = &checks.Check{
	ID:       "DS512",
	Name:     "pool-namespace",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim:  "every IPAddressPool and AddressPool is in MetalLB's own namespace",
		Why:    `MetalLB reads the custom resources of the namespace that its controller runs in. A pool elsewhere is ignored: no Service gets an address of it, in either family, and nothing says so.`,
		Fix:    "Create the pool in MetalLB's namespace and delete the other.",
		Limits: "Known only when the controller's Deployment is.",
		Holds:  "MetalLB 0.13 to 0.16",
		Since:  "0.1",
		Refs:   []string{"metallb v0.16.2 internal/k8s/k8s.go"},
	},
	Needs: []snapshot.Kind{snapshot.MetalLBPools, snapshot.MetalLBSetup},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		namespace := in.MetalLB().Namespace
		for _, p := range in.MetalLBPools() {
			if namespace == "" || p.ConfigMapEra || p.Namespace == namespace {
				continue
			}
			fs = append(fs, checks.Finding{
				Object: p.Ref, Field: ".metadata.namespace",
				Message: fmt.Sprintf("is in namespace %q; MetalLB reads only its own, %q", p.Namespace, namespace),
				Fix:     checks.DeletePool(p) + "\n" + checks.Apply(manifests(p, namespace)...),
			})
		}
		return fs
	},
}
