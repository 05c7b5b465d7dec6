package loadbalancers

import (
	"fmt"
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var leftoverConfig = &checks.Check{
	ID:       "DS506",
	Name:     "leftover-config",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "MetalLB 0.13 and later has its pools in custom resources alone",
		Why: `MetalLB 0.13 and later does not read it: after an upgrade there is no pool at all, and
no Service gets an address, until the pools are written anew as IPAddressPools with an
advertisement each. Beside IPAddressPools it is dead, and misleads whoever edits it. Up
to 0.12 the pools stood there, or in configInline of the chart's values.`,
		Fix: `Write the pools as IPAddressPool and L2Advertisement or BGPAdvertisement, then
delete the ConfigMap. The converter quay.io/metallb/configmaptocrs makes one pool of
each pool: two pools of one family stay two.`,
		Holds: "MetalLB 0.13 to 0.16",
		Since: "0.1",
		Refs:  []string{"metallb v0.13.3 charts/metallb/templates/deprecated_configInline.yaml", "metallb v0.16.2 website/content/configuration/migration_to_crds.md"},
	},
	Needs: []snapshot.Kind{snapshot.MetalLBSetup},
	Uses:  slices.Concat([]snapshot.Kind{snapshot.MetalLBPools}, snapshot.ClaimKinds[plan.Services]),
	Run: func(in *checks.Input) []checks.Finding {
		m := in.MetalLB()
		old := slices.DeleteFunc(slices.Clone(in.MetalLBPools()), func(p snapshot.Pool) bool { return !p.ConfigMapEra })
		custom := len(in.MetalLBPools()) > len(old)
		dual := dualServices(in)
		if m.ConfigRef == (snapshot.Ref{}) || m.Version.Before(metallb.CustomResources) {
			return nil
		}
		f := checks.Finding{Object: m.ConfigRef, Field: m.ConfigField}
		if custom {
			f.Message = fmt.Sprintf("is dead: MetalLB %s and later reads IPAddressPools only, and there are some", metallb.CustomResources)
			f.Fix = removeConfig(m.ConfigRef)
			return []checks.Finding{f}
		}
		f.Message = fmt.Sprintf("has the pools, which MetalLB %s and later reads from IPAddressPools only, and there is none", metallb.CustomResources)
		if m.ConfigRef.Kind != "ConfigMap" {
			f.Message = fmt.Sprintf("has the pools in configInline, which the chart of MetalLB %s and later refuses, and there is no IPAddressPool", metallb.CustomResources)
		}
		f.Fix = converted(in, old, dual) + "\n# then: " + removeConfig(m.ConfigRef)
		if m.Version.Known() || m.CRDs {
			f.Severity = severity.Error
		}
		return []checks.Finding{f}
	},
}

func removeConfig(ref snapshot.Ref) string {
	switch ref.Kind {
	case "ConfigMap":
	case "HelmValues":
		return "remove configInline from the values of MetalLB's chart"
	default:
		return "remove configInline from the values in " + ref.String()
	}
	return checks.Command("kubectl", "delete", "configmap", ref.Name, "-n", ref.Namespace)
}
