package cni

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var valuesApplied = &checks.Check{
	ID:       "DS428",
	Name:     "cilium-config-as-values",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "cilium-config says what the Helm values say",
		Why: `Where the two differ, one of them is not what its author thinks: either the values
were changed and never applied, or the ConfigMap was edited and the next helm
upgrade takes the edit back.`,
		Fix:    "Decide which of the two is meant, write it into the values, and upgrade.",
		Limits: "Only where Helm values are among the files, and only for options of addresses, routing and Services that the values name: what a chart has for a default depends on its version.",
		Holds:  "Cilium 1.15 to 1.20",
		Since:  "0.1",
		Refs:   []string{"cilium v1.20.2, install/kubernetes/cilium/templates/cilium-configmap.yaml"},
	},
	Needs: []snapshot.Kind{snapshot.CiliumConfig},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		c, ok := configuration(in)
		if !ok || c.ConfigRef == c.Values.Ref {
			return nil
		}
		for _, key := range slices.Sorted(maps.Keys(c.Values.Given)) {
			want := c.Values.Given[key]
			if !c.Config.Has(key) || sameValue(c.Config[key], want) {
				continue
			}
			fs = append(fs, checks.Finding{
				Object: c.ConfigRef, Field: c.field(key),
				Message: fmt.Sprintf("is %s; the Helm values have %q (%s)", c.text(key), want, c.Values.Fields[key]),
				Fix:     c.set(cilium.Setting{Key: key, Value: want}),
			})
		}
		return fs
	},
}

// sameValue reports whether two texts mean the same: prefixes are compared as
// prefixes, lists word by word.
func sameValue(a, b string) bool {
	return slices.EqualFunc(words(a), words(b), func(a, b string) bool {
		p, errP := netip.ParsePrefix(a)
		q, errQ := netip.ParsePrefix(b)
		return a == b || errP == nil && errQ == nil && p == q
	})
}

func words(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == ',' })
}
