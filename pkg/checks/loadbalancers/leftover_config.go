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
		Claim: "MetalLB has its pools where its release reads them",
		Why: `MetalLB 0.13 and later does not read the ConfigMap: after an upgrade there is no pool at
all, and no Service gets an address, until the pools are written anew as IPAddressPools
with an advertisement each. Beside IPAddressPools it is dead, and misleads whoever edits
it. Up to 0.12 the pools stood there, or in configInline of the chart's values. The
AddressPools of 0.13 are the next of the kind: 0.14.2 and later passes over them in silence.`,
		Fix: `Write the pools as IPAddressPool and L2Advertisement or BGPAdvertisement, then
delete the ConfigMap or the AddressPool. The converter quay.io/metallb/configmaptocrs
makes one pool of each pool: two pools of one family stay two.`,
		Holds: "MetalLB 0.13 to 0.16",
		Since: "0.1",
		Refs: []string{
			"metallb v0.13.3 charts/metallb/templates/deprecated_configInline.yaml",
			"metallb v0.16.2 website/content/configuration/migration_to_crds.md",
			"metallb v0.13.12 internal/k8s/controllers/pool_controller.go",
			"https://github.com/metallb/metallb/pull/2252",
		},
	},
	Needs: []snapshot.Kind{snapshot.MetalLBSetup},
	Uses:  slices.Concat([]snapshot.Kind{snapshot.MetalLBPools}, snapshot.ClaimKinds[plan.Services]),
	Run: func(in *checks.Input) []checks.Finding {
		pools, dual := in.MetalLBPools(), dualServices(in)
		return append(leftoverPools(in, pools, dual), leftoverConfigMap(in, pools, dual)...)
	},
}

// leftoverConfigMap is the configuration of the era before 0.13.
func leftoverConfigMap(in *checks.Input, pools []snapshot.Pool, dual bool) []checks.Finding {
	m := in.MetalLB()
	if m.ConfigRef == (snapshot.Ref{}) || m.Version.Before(metallb.CustomResources) {
		return nil
	}
	f := checks.Finding{Object: m.ConfigRef, Field: m.ConfigField}
	if slices.ContainsFunc(pools, func(p snapshot.Pool) bool { return !p.ConfigMapEra && !unread(p, m) }) {
		f.Message = fmt.Sprintf("is dead: MetalLB %s and later reads custom resources only, and there are some", metallb.CustomResources)
		f.Fix = removeConfig(m.ConfigRef)
		return []checks.Finding{f}
	}
	f.Message = fmt.Sprintf("has the pools, which MetalLB %s and later reads from IPAddressPools only, and there is none", metallb.CustomResources)
	if m.ConfigRef.Kind != "ConfigMap" {
		f.Message = fmt.Sprintf("has the pools in configInline, which the chart of MetalLB %s and later refuses, and there is no IPAddressPool", metallb.CustomResources)
	}
	old := slices.DeleteFunc(slices.Clone(pools), func(p snapshot.Pool) bool { return !p.ConfigMapEra })
	f.Fix = converted(in, old, dual) + "\n# then: " + removeConfig(m.ConfigRef)
	if m.Version.Known() || m.CRDs {
		f.Severity = severity.Error
	}
	return []checks.Finding{f}
}

// unread reports whether p is an AddressPool and MetalLB's release passes over those.
func unread(p snapshot.Pool, m snapshot.MetalLB) bool {
	return p.Kind == snapshot.AddressPool && m.Version.From(metallb.DropsAddressPools)
}

// leftoverPools is the AddressPools, unless the release is known to read them.
func leftoverPools(in *checks.Input, pools []snapshot.Pool, dual bool) (fs []checks.Finding) {
	m := in.MetalLB()
	var left, missing []snapshot.Pool
	names := map[string]bool{} // of the IPAddressPools
	for _, p := range pools {
		if !p.AnnouncesItself() {
			names[p.Ref.Name] = true
		}
	}
	for _, p := range pools {
		if p.Kind != snapshot.AddressPool || m.Version.Before(metallb.DropsAddressPools) {
			continue
		}
		left = append(left, p)
		if !names[p.Ref.Name] {
			missing = append(missing, p)
		}
	}
	for _, p := range left {
		f := checks.Finding{Object: p.Ref, Field: addressesField(p, -1), Fix: checks.DeletePool(p)}
		f.Message = fmt.Sprintf("is for MetalLB 0.13 alone: %s and later reads IPAddressPools only", metallb.DropsAddressPools)
		if len(names) == 0 {
			f.Message += ", and there is none"
			if unread(p, m) {
				f.Severity = severity.Error
			}
		}
		if len(missing) > 0 {
			f.Fix = converted(in, missing, dual) + "\n# then: " + f.Fix
		}
		fs = append(fs, f)
	}
	return fs
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
