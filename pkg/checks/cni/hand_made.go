package cni

import (
	"fmt"
	"maps"
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var handMade = &checks.Check{
	ID:       "DS410",
	Name:     "cilium-config-from-helm",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "every key of cilium-config comes from the Helm values",
		Why: `The chart has no value for enable-ipv6-ndp, ipv6-mcast-device, ipv6-service-range and
some others, so people write them into the ConfigMap, where no value of the release
knows of them. An upgrade merges and leaves such keys alone; whatever makes the
ConfigMap anew does not: helm upgrade --force, a reinstall, a GitOps tool that
replaces, the same values on the next cluster. A key that has a value goes back to it
with the very next upgrade. IPv6 then fails on a day that had nothing to do with it.`,
		Fix:    "Put the keys below extraConfig in the Helm values, with the values that they have now.",
		Limits: "Only options of addresses, routing and Services are looked at. In a cluster the keys are told by the managers of the ConfigMap's fields, in files by Helm values beside the ConfigMap. Without either nothing is found.",
		Holds:  "Cilium 1.15 to 1.20",
		Since:  "0.1",
		Refs: []string{
			"cilium v1.20.2, install/kubernetes/cilium/templates/cilium-configmap.yaml",
			"kubernetes v1.37.2, staging/src/k8s.io/apimachinery/pkg/util/strategicpatch/patch.go CreateThreeWayMergePatch, which Helm upgrades with",
		},
	},
	Needs: []snapshot.Kind{snapshot.CiliumConfig},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		c, ok := configuration(in)
		if !ok || c.ConfigRef == c.Values.Ref {
			return nil
		}
		keys := handMadeKeys(c)
		fix := keep(c, keys)
		for _, key := range keys {
			fs = append(fs, checks.Finding{
				Object: c.ConfigRef, Field: c.field(key),
				Message: fmt.Sprintf("%s was written by hand: %s", c.text(key), fate(key)),
				Fix:     fix,
			})
		}
		return fs
	},
}

// handMadeKeys is the keys that did not come from the chart: those that another
// manager wrote, and those that the Helm values beside the ConfigMap do not render
// and the chart has no value for.
func handMadeKeys(c configured) []string {
	keys := map[string]bool{}
	for _, key := range c.ByHand {
		if c.Config.Has(key) && cilium.Concerns(key) {
			keys[key] = true
		}
	}
	if c.Values.Ref != (snapshot.Ref{}) {
		for key := range c.Config {
			if !cilium.HasValue(key) && !c.Values.Rendered.Has(key) {
				keys[key] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(keys))
}

func fate(key string) string {
	if cilium.HasValue(key) {
		return "the next helm upgrade puts back what the values say"
	}
	return "it is in no Helm value, and gone when the ConfigMap is made anew"
}

// keep is one command for all keys: an upgrade for each would restart the agents
// as many times.
func keep(c configured, keys []string) string {
	settings := make([]cilium.Setting, len(keys))
	for i, key := range keys {
		settings[i] = cilium.Setting{Key: key, Value: c.Config[key]}
	}
	return c.set(settings...)
}
